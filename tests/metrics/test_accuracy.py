"""Accuracy kernels against hand-computed values, published tools and a slow, obvious twin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.metrics import LENSKIT, RECTOOLS, TREC, Convention, Hits, auc, parse_metric

KERNELS = ("dcg", "ndcg", "recall", "precision", "hit_rate", "map", "mrr")


def value(name, hits, convention=TREC):
    return parse_metric(name).per_user(hits, convention)


def one(relevance, relevant, length=None):
    row = np.array([relevance], dtype=bool)
    return Hits(row, np.array([length or len(relevance)]), np.array([relevant]))


class TestByHand:
    """A list of four whose first and third were two of three relevant products."""

    hits = one([1, 0, 1, 0], relevant=3)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("dcg@4", 1 + 1 / 2),
            ("dcg@2", 1),
            ("ndcg@4", 1.5 / (1 + 1 / math.log2(3) + 1 / 2)),
            ("ndcg@2", 1 / (1 + 1 / math.log2(3))),
            ("recall@4", 2 / 3),
            ("recall@1", 1 / 3),
            ("precision@4", 1 / 2),
            ("precision@8", 2 / 8),
            ("hit_rate@1", 1),
            ("map@4", (1 + 2 / 3) / 3),
            ("mrr@4", 1),
        ],
    )
    def test_trec(self, name, expected):
        assert value(name, self.hits)[0] == pytest.approx(expected, abs=1e-15)

    def test_rectools_does_not_truncate_the_ideal(self):
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, 5))
        assert value("ndcg@4", self.hits, RECTOOLS)[0] == pytest.approx(1.5 / ideal)
        assert value("recall@4", self.hits, RECTOOLS)[0] == pytest.approx(2 / 3)

    def test_lenskit_discounts_and_bases(self):
        np.testing.assert_allclose(LENSKIT.discounts(4), [1, 1, 0.63093, 0.5], atol=1e-5)
        assert value("ndcg@4", self.hits, LENSKIT)[0] == pytest.approx(1.63093 / 2.63093, abs=1e-5)
        assert value("recall@2", self.hits, LENSKIT)[0] == pytest.approx(1 / 2)
        assert value("map@2", self.hits, LENSKIT)[0] == pytest.approx(1 / 2)
        assert value("recall@4", self.hits, LENSKIT)[0] == pytest.approx(2 / 3)
        assert value("precision@8", self.hits, LENSKIT)[0] == pytest.approx(2 / 4)
        assert value("precision@2", self.hits, LENSKIT)[0] == pytest.approx(1 / 2)

    def test_the_first_hit_may_be_late(self):
        assert value("mrr@4", one([0, 0, 1, 1], relevant=2))[0] == pytest.approx(1 / 3)
        assert value("mrr@2", one([0, 0, 1, 1], relevant=2))[0] == 0


class TestAgainstTools:
    """400 random users, drawn as below; the tools were run on the same lists."""

    @pytest.fixture
    def hits(self):
        rng = np.random.default_rng(7)
        rows, lengths, relevant = [], [], []
        for _ in range(400):
            wanted = rng.choice(60, rng.integers(1, 16), replace=False)
            n = rng.integers(0, 26)
            shown = rng.permutation(60)[:n]
            rows.append(np.pad(np.isin(shown, wanted), (0, 25 - n)))
            lengths.append(n)
            relevant.append(len(wanted))
        return Hits(np.array(rows), np.array(lengths), np.array(relevant))

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ndcg@5", 0.120182652543),
            ("ndcg@10", 0.128773819258),
            ("ndcg@20", 0.153986575496),
            ("recall@5", 0.070374798812),
            ("recall@10", 0.131174034299),
            ("recall@20", 0.201779248529),
            ("map@5", 0.036577143921),
            ("map@10", 0.050827643537),
            ("map@20", 0.063911335816),
            ("precision@5", 0.115),
            ("precision@10", 0.1045),
            ("precision@20", 0.080875),
            ("mrr@25", 0.249034488244),
            ("hit_rate@5", 0.435),
            ("hit_rate@10", 0.5875),
        ],
    )
    def test_trec_eval(self, hits, name, expected):
        """Values of pytrec_eval-terrier."""
        assert value(name, hits).mean() == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ndcg@5", 0.115698107961),
            ("ndcg@10", 0.108333761264),
            ("ndcg@20", 0.090697951873),
            ("recall@10", 0.131174034299),
            ("map@10", 0.050827643537),
            ("mrr@5", 0.222666666667),
            ("mrr@20", 0.248687697354),
        ],
    )
    def test_rectools(self, hits, name, expected):
        """Values of RecTools 0.19.0."""
        assert value(name, hits, RECTOOLS).mean() == pytest.approx(expected, abs=1e-11)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ndcg@5", 0.123809795902),
            ("ndcg@10", 0.130536791053),
            ("ndcg@20", 0.152516009579),
            ("dcg@10", 0.584191134144),
            ("recall@5", 0.123791666667),
            ("recall@10", 0.145369047619),
            ("mrr@10", 0.24327281746),
        ],
    )
    def test_lenskit(self, hits, name, expected):
        """Values of LensKit 2025.8.1, which has no average precision."""
        assert value(name, hits, LENSKIT).mean() == pytest.approx(expected, abs=1e-6)


def slow(name, k, row, relevant, convention, length):
    """The definitions, one rank at a time."""

    def discount(rank):
        if convention.discount == "log2(rank+1)":
            return 1 / math.log2(rank + 1)
        return 1 / max(1, math.log2(rank))

    hit = [rank for rank, flag in enumerate(row[:k], start=1) if flag]
    gain = sum(discount(rank) for rank in hit)
    if name == "dcg":
        return gain
    if name == "ndcg":
        best = k if convention.ideal == "k" else min(k, relevant)
        return gain / sum(discount(r) for r in range(1, best + 1)) if best else 0
    if name == "precision":
        places = k if convention.precision_over == "k" else min(k, length)
        return len(hit) / places if places else 0
    if name == "hit_rate":
        return float(bool(hit))
    if name == "mrr":
        return 1 / hit[0] if hit else 0
    over = convention.recall_over if name == "recall" else convention.ap_over
    base = relevant if over == "relevant" else min(k, relevant)
    if not base:
        return 0
    if name == "recall":
        return len(hit) / base
    return sum(sum(h <= rank for h in hit) / rank for rank in hit) / base


@st.composite
def many_hits(draw):
    users, depth = draw(st.integers(1, 6)), draw(st.integers(0, 12))
    lengths = draw(st.lists(st.integers(0, depth), min_size=users, max_size=users))
    rows = np.zeros((users, depth), dtype=bool)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = draw(st.lists(st.booleans(), min_size=length, max_size=length))
    missed = draw(st.lists(st.integers(0, 5), min_size=users, max_size=users))
    return Hits(rows, np.array(lengths), rows.sum(axis=1) + np.array(missed))


@given(
    many_hits(),
    st.sampled_from(KERNELS),
    st.integers(1, 15),
    st.sampled_from([TREC, RECTOOLS, LENSKIT]),
)
def test_agrees_with_the_slow_twin(hits, name, k, convention):
    expected = [
        slow(name, k, row, relevant, convention, length)
        for row, relevant, length in zip(
            hits.relevance.tolist(), hits.relevant.tolist(), hits.lengths.tolist(), strict=True
        )
    ]
    found = value(f"{name}@{k}", hits, convention)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@given(many_hits(), st.sampled_from(KERNELS), st.integers(1, 15))
def test_a_user_alone_scores_as_in_the_block(hits, name, k):
    together = value(f"{name}@{k}", hits)
    for user in range(len(hits)):
        length = hits.lengths[user]
        alone = Hits(hits.relevance[[user], :length], hits.lengths[[user]], hits.relevant[[user]])
        assert value(f"{name}@{k}", alone)[0] == together[user]


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from([TREC, LENSKIT]))
def test_a_perfect_list_scores_exactly_one(relevant, k, convention):
    hits = one([True] * min(relevant, k), relevant)
    assert value(f"ndcg@{k}", hits, convention)[0] == 1.0


def test_a_user_without_a_list_is_zero_or_missing():
    hits = Hits(np.zeros((1, 3), bool), np.array([0]), np.array([2]))
    missing = Convention(without_list="missing")
    for name in KERNELS:
        assert value(f"{name}@3", hits)[0] == 0
        assert np.isnan(value(f"{name}@3", hits, missing)[0])


@pytest.mark.parametrize("convention", [RECTOOLS, LENSKIT], ids=lambda c: c.name)
def test_the_best_of_a_deep_list_is_the_sum_of_its_discounts(convention):
    for k in (1, 7, 1_000_000, 1_000_001, 2_500_000):
        assert convention.most(k) == pytest.approx(
            math.fsum(convention.discounts(k)), rel=1e-11 if k > 10 else 0
        )


class TestAuc:
    def test_by_hand(self):
        # Of two relevant and two other products, three of four pairs stand the right way round.
        assert auc(one([1, 0, 1], relevant=2), size=4)[0] == 0.75
        # Below the first of the list all is tied: 2 pairs won, one of four tied for certain.
        assert auc(one([1, 0, 1], relevant=2), size=4, k=1)[0] == (2 + 0.5 * 2) / 4

    def test_ends(self):
        assert auc(one([1, 1, 0, 0], relevant=2), size=4)[0] == 1
        assert auc(one([0, 0, 1, 1], relevant=2), size=4)[0] == 0
        assert np.isnan(auc(one([1, 1], relevant=2), size=2)[0])
        assert auc(Hits(np.zeros((1, 0), bool), np.array([0]), np.array([2])), size=9)[0] == 0.5


@given(many_hits(), st.integers(0, 5), st.integers(1, 15))
def test_auc_agrees_with_counting_pairs(hits, spare, k):
    size = int((hits.lengths + hits.relevant).max()) + spare
    found = auc(hits, size, k)
    for user in range(len(hits)):
        row = hits.relevance[user, : hits.lengths[user]].tolist()
        missed = hits.relevant[user] - sum(row)
        flags = row + [True] * missed + [False] * (size - len(row) - missed)
        # Beyond the first k all share one place.
        placed = [(min(place, k) if place < len(row) else k, flag)
                  for place, flag in enumerate(flags)]  # fmt: skip
        placed = [(k if place >= min(k, len(row)) else place, flag) for place, flag in placed]
        pairs = [(a, b) for a, wanted in placed if wanted for b, other in placed if not other]
        if not pairs:
            assert np.isnan(found[user])
            continue
        won = sum((a < b) + 0.5 * (a == b) for a, b in pairs)
        assert found[user] == pytest.approx(won / len(pairs))
