"""Lists and pairs as codes: every fast way against sets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.errors import DataError
from suitably.evaluation import pairs as module
from suitably.evaluation.ranked_frames import read_amounts, read_kinds, read_lists, read_relevant
from suitably.metrics import TREC, Convention


@st.composite
def frames(draw):
    texts = draw(st.booleans())
    gap = draw(st.sampled_from([1, 10**9]))  # ids far apart are not tabulated
    pairs = st.tuples(st.integers(0, 5), st.integers(0, 6))
    relevant = draw(st.lists(pairs, min_size=1, max_size=25, unique=True))
    shown = draw(st.lists(pairs, min_size=1, max_size=30, unique=True))
    ranks = draw(st.permutations(range(1, len(shown) + 1)))
    ids = (lambda n: f"id {n}") if texts else (lambda n: n * gap)

    def frame(rows):
        return pd.DataFrame({"user_id": [ids(u) for u, _ in rows],
                             "product_id": [ids(p) for _, p in rows]})  # fmt: skip

    return frame(shown).assign(rank=ranks), frame(relevant)


@given(frames(), st.sampled_from([1, 3, 1 << 20]), st.integers(1, 8))
def test_hits_agree_with_sets(given_frames, cells, depth):
    recs, wanted = given_frames
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CELLS", cells)
        relevant = read_relevant(wanted)
        lists, _ = read_lists(recs, relevant, TREC)
        hits = lists.hits(relevant, relevant.user_ids, depth)
    for row, user in enumerate(relevant.user_ids.values):
        own = set(wanted.loc[wanted["user_id"] == user, "product_id"])
        shown = recs[recs["user_id"] == user].sort_values("rank")["product_id"].tolist()[:depth]
        expected = [product in own for product in shown]
        assert hits.relevance[row, : len(shown)].tolist() == expected
        assert not hits.relevance[row, len(shown) :].any()
        assert hits.lengths[row] == len(shown)
        assert hits.relevant[row] == len(own)
    assert relevant.user_ids.values.tolist() == list(dict.fromkeys(wanted["user_id"]))


@given(frames(), st.integers(0, 2**32 - 1))
def test_sums_agree_with_a_dictionary(given_frames, seed):
    recs, wanted = given_frames
    rng = np.random.default_rng(seed)
    twice = pd.concat([wanted, wanted.iloc[:3]])
    amounts = rng.integers(0, 9, len(twice)).astype(float)
    pairs = read_relevant(twice, repeats_ok=True)
    lists, _ = read_lists(recs, pairs, TREC)
    totals = twice.assign(amount=amounts).groupby(["user_id", "product_id"])["amount"].sum()
    found = lists.sums(pairs, amounts)
    ids = zip(lists.user_ids.values[lists.users], lists.product_ids.values[lists.products],
              strict=True)  # fmt: skip
    assert found.tolist() == [totals.get(pair, 0.0) for pair in ids]


@given(frames(), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(given_frames, seed):
    recs, wanted = given_frames
    relevant = read_relevant(wanted)
    shuffled = recs.sample(frac=1, random_state=seed % 2**32)
    pictures = []
    for frame in (recs, shuffled):
        lists, _ = read_lists(frame, relevant, TREC)
        names = lists.product_ids.values[lists.products]
        owners = lists.user_ids.values[lists.users]
        pictures.append(sorted(zip(owners, lists.places, names, strict=True)))
    assert pictures[0] == pictures[1]


def test_scores_may_order_a_list_that_is_not_sorted():
    recs = pd.DataFrame({"user_id": [1, 2, 1, 1], "product_id": [5, 5, 6, 7], "rank": [3, 1, 1, 2],
                         "score": [0.9, 1.0, 0.1, 0.9]})  # fmt: skip
    relevant = read_relevant(pd.DataFrame({"user_id": [1], "product_id": [7]}))
    lists, _ = read_lists(recs, relevant, Convention(order="score"))
    assert lists.product_ids.values[lists.products].tolist() == [7, 5, 6, 5]


@pytest.mark.parametrize("ids", [[3, 3, 4], ["a", "a", "b"], [3, 3, 10**15]])
def test_repeats_are_refused_with_the_rows_they_are_in(ids):
    one = read_relevant(pd.DataFrame({"user_id": ids[:1], "product_id": ids[:1]}))
    rows = pd.DataFrame({"user_id": ids, "product_id": [ids[0]] * 3, "rank": [1, 2, 1]})
    with pytest.raises(DataError, match=r"user_id and product_id twice: 1 of 3 rows \(rows 1\)"):
        read_lists(rows, one, TREC)
    rows = rows.assign(product_id=[ids[0], ids[2], ids[0]], rank=[10**12, 10**12, 1])
    with pytest.raises(DataError, match=r"same rank twice for a user: 1 of 3 rows \(rows 1\)"):
        read_lists(rows, one, TREC)


def test_a_rank_beyond_all_bounds_is_a_rank():
    rows = pd.DataFrame({"user_id": [1, 1, 2], "product_id": [5, 6, 5], "rank": [2**62, 7, 2**62]})
    lists, _ = read_lists(rows, read_relevant(rows), TREC)
    assert lists.places.tolist() == [0, 1, 0]


def test_kinds_of_event_may_repeat():
    frame = pd.DataFrame({"user_id": [1, 1, 2, 2], "product_id": [5, 5, 6, 7],
                          "event": ["view", "view", "click", None]})  # fmt: skip
    found = read_kinds(frame, "events")
    assert sorted(found) == ["click", "view"]
    assert len(found["view"].users) == 2
    assert found["click"].product_ids.values[found["click"].products].tolist() == [6]


def test_amounts_that_are_none():
    frame = pd.DataFrame({"value": [1.0, None]})
    np.testing.assert_array_equal(read_amounts(frame, "value", "x"), [1, np.nan])
    assert read_amounts(frame, "worth", "x") is None
    for values, message in ((["a"], "must hold numbers"), ([np.inf], "must be finite")):
        with pytest.raises(DataError, match=message):
            read_amounts(pd.DataFrame({"value": values}), "value", "x")
