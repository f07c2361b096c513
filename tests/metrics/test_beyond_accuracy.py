"""Novelty, diversity, serendipity, calibration and concentration, by hand and by counting."""

import math
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from suitably.metrics import (
    Hits,
    calibration,
    concentration,
    gini,
    intra_list_diversity,
    novelty,
    profile_calibration,
    serendipity,
)

FIELDS = pa.table({"category": ["fund", "fund", "bond", None], "issuer": ["X", "Y", "Y", "Y"]})


class TestByHand:
    def test_novelty(self):
        owners = np.array([8, 4, 1, 0])
        lists = np.array([[0, 1, -1], [2, -1, -1], [3, -1, -1], [-1, -1, -1]])
        found = novelty(lists, owners, audience=8)
        # −log2 of 8/8, 4/8, 1/8; what nobody has counts as owned by one.
        np.testing.assert_allclose(found, [0.5, 3, 3, np.nan])
        np.testing.assert_allclose(novelty(lists, owners, 8, k=1)[0], 0)

    def test_intra_list_diversity(self):
        lists = np.array([[0, 1, 2], [0, 2, -1], [0, 3, 2], [0, -1, -1]])
        found = intra_list_diversity(lists, FIELDS)
        # Pairs of fund, fund, bond: 2 of 3 differ; without a group a product makes no pair.
        np.testing.assert_allclose(found, [2 / 3, 1, 1, np.nan])
        np.testing.assert_allclose(intra_list_diversity(lists, FIELDS, 2)[0], 0)
        np.testing.assert_allclose(intra_list_diversity(lists, FIELDS, by="issuer")[0], 2 / 3)

    def test_serendipity(self):
        hits = Hits(np.array([[1, 1, 0, 1]], bool), np.array([4]), np.array([3]))
        owners = np.array([9, 5, 5, 1])
        lists = np.array([[0, 2, 1, 3]])
        # Expected at 2 are products 0 and, of those of equal number, the first: 1.
        assert serendipity(hits, lists, owners, k=2)[0] == 1 / 2
        assert serendipity(hits, lists, owners, k=4)[0] == 0
        assert serendipity(hits, lists, owners, k=1)[0] == 0

    def test_calibration(self):
        history = sparse.csr_array(np.array([[3.0, 0, 1, 5], [0, 0, 0, 0], [1, 0, 0, 0]]))
        lists = np.array([[0, 1], [0, 1], [2, 3]])
        found = calibration(lists, FIELDS, history)
        p, q = (0.75, 0.25), (1.0, 0.0)
        mixed = [0.99 * b + 0.01 * a for a, b in zip(p, q, strict=True)]
        first = sum(a * math.log(a / b) for a, b in zip(p, mixed, strict=True))
        np.testing.assert_allclose(found, [first, np.nan, math.log(100)])
        empty = calibration(np.array([[-1, -1]]), FIELDS, history[[0]])
        assert np.isnan(empty[0])

    def test_profile_calibration(self):
        users = pa.table(
            {
                "category_share": pa.array(
                    [[("fund", 3.0), ("bond", 1.0), ("loan", 9.0)], None],
                    pa.map_(pa.string(), pa.float64()),
                )
            }
        )
        lists = np.array([[0, 2], [0, 2]])
        found = profile_calibration(lists, FIELDS, users)
        history = sparse.csr_array(np.array([[3.0, 0, 1, 0], [0, 0, 0, 0]]))
        np.testing.assert_allclose(found, calibration(lists, FIELDS, history))

    def test_concentration(self):
        lists = np.array([[0, 1, 2], [1, 2, 3], [-1, -1, -1]])
        found = concentration(lists, FIELDS)
        np.testing.assert_allclose(found, [1 / 9 + 4 / 9, 1, np.nan])

    def test_gini(self):
        assert gini(np.array([[0, 1], [2, 3]]), size=4) == 0
        assert gini(np.array([[0, 0], [0, -1]]), size=4) == 0.75
        # Counts 0, 1, 3: (2·1 − 4)·0 + 0·1 + 2·3 over 3 · 4.
        assert gini(np.array([[0, 0], [0, 1]]), size=3) == pytest.approx(6 / 12)
        assert gini(np.array([[0, 2], [1, 2]]), size=2, k=1) == 0
        assert np.isnan(gini(np.array([[-1]]), size=4))


@st.composite
def listed(draw):
    products = draw(st.integers(1, 8))
    codes = draw(
        st.lists(st.sampled_from(["a", "b", "c", None]), min_size=products, max_size=products)
    )
    rows = draw(st.lists(st.permutations(range(products)), min_size=1, max_size=5))
    lengths = draw(st.lists(st.integers(0, products), min_size=len(rows), max_size=len(rows)))
    lists = np.full((len(rows), products), -1)
    for row, order, n in zip(lists, rows, lengths, strict=True):
        row[:n] = order[:n]
    return lists, codes


@given(listed())
def test_agree_with_counting(drawn):
    lists, codes = drawn
    fields = pa.table({"category": pa.array(codes, pa.string())})
    diverse = intra_list_diversity(lists, fields)
    dense = concentration(lists, fields, by="category")
    for row, one, other in zip(lists, diverse, dense, strict=True):
        groups = [codes[product] for product in row if product >= 0 and codes[product] is not None]
        pairs = list(combinations(groups, 2))
        expected = sum(a != b for a, b in pairs) / len(pairs) if pairs else np.nan
        np.testing.assert_allclose(one, expected)
        shares = [groups.count(group) / len(groups) for group in set(groups)]
        np.testing.assert_allclose(other, sum(s * s for s in shares) if groups else np.nan)


@given(listed(), st.integers(0, 2**32 - 1))
def test_calibration_agrees_with_its_formula(drawn, seed):
    lists, codes = drawn
    fields = pa.table({"category": pa.array(codes, pa.string())})
    history = np.random.default_rng(seed).integers(0, 3, (len(lists), len(codes)))
    found = calibration(lists, fields, sparse.csr_array(history.astype(float)))
    for row, counts, value in zip(lists, history, found, strict=True):
        own = [c for c, n in zip(codes, counts, strict=True) if c is not None for _ in range(n)]
        shown = [codes[product] for product in row if product >= 0 and codes[product] is not None]
        if not own or not shown:
            assert np.isnan(value)
            continue
        expected = 0.0
        for group in set(own):
            p, q = own.count(group) / len(own), shown.count(group) / len(shown)
            expected += p * math.log(p / (0.99 * q + 0.01 * p))
        assert value == pytest.approx(expected, abs=1e-12)
        assert 0 <= value <= math.log(100) + 1e-12


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any))
def test_gini_agrees_with_mean_differences(counts):
    n = len(counts)
    mean_difference = sum(abs(a - b) for a in counts for b in counts) / n**2
    expected = mean_difference / (2 * sum(counts) / n)
    assert gini(np.repeat(np.arange(n), counts), size=n) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            pa.table({"kategory": ["a"]}),
            "'category' of products, which have no such column; did you",
        ),
        (pa.table({"category": [{"a": 1}]}), "makes no groups"),
    ],
)
def test_a_column_that_is_not_there(fields, message):
    with pytest.raises(ValueError, match=message):
        intra_list_diversity(np.array([[0]]), fields)


def test_a_profile_that_is_no_map():
    fields = pa.table({"category": ["a"]})
    for column in (["x"], [3.0]):
        with pytest.raises(ValueError, match="as maps to numbers"):
            profile_calibration(np.array([[0]]), fields, pa.table({"category_share": column}))


@pytest.mark.parametrize(("k", "expected"), [(5, 2.926337634385), (20, 2.926201957422)])
def test_novelty_is_the_mean_inverse_user_frequency_of_rectools(k, expected):
    """Values of RecTools 0.19.0 on 400 random users, drawn as below."""
    rng = np.random.default_rng(7)
    owners, lists = np.zeros(60, np.int64), np.full((400, 25), -1)
    for row in lists:
        owners[rng.choice(60, rng.integers(1, 16), replace=False)] += 1
        n = rng.integers(0, 26)
        row[:n] = rng.permutation(60)[:n]
    assert np.nanmean(novelty(lists, owners, 400, k)) == pytest.approx(expected, abs=1e-11)
