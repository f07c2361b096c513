"""`evaluate` on frames: hand-computed values, a slow twin, and bad input."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.errors import DataError
from suitably.evaluation import evaluate
from suitably.metrics import Convention

RECS = pd.DataFrame(
    {
        "user_id": ["ann", "ann", "ann", "bob", "eve"],
        "product_id": ["x", "y", "z", "x", "x"],
        "rank": [1, 2, 3, 1, 1],
        "score": [0.9, 0.5, 0.5, 0.7, 0.1],
    }
)
RELEVANT = pd.DataFrame(
    {"user_id": ["bob", "ann", "ann", "cat"], "product_id": ["y", "z", "q", "x"]}
)


def measured(recs, relevant, *metrics, **more):
    return evaluate(recs, relevant, metrics=list(metrics), **more).set_index("user_id")


def test_a_row_per_user_of_the_relevant_frame_in_its_order():
    found = evaluate(RECS, RELEVANT, metrics=["ndcg@3", "recall@3", "coverage"])
    assert list(found.columns) == ["user_id", "ndcg@3", "recall@3", "coverage"]
    assert found["user_id"].tolist() == ["bob", "ann", "cat"]
    assert found["ndcg@3"].tolist() == pytest.approx([0, 0.5 / (1 + 1 / math.log2(3)), 0])
    assert found["recall@3"].tolist() == [0, 0.5, 0]
    assert found["coverage"].tolist() == [1, 1, 0]


def test_equal_scores_are_in_the_order_of_rank_whatever_the_order_of_rows():
    shuffled = RECS.assign(score=0.5).iloc[[2, 4, 0, 3, 1]]
    assert measured(shuffled, RELEVANT, "mrr@3").loc["ann", "mrr@3"] == pytest.approx(1 / 3)


def test_a_reranked_list_is_read_as_it_was_shown():
    reranked = RECS.assign(rank=[3, 2, 1, 1, 1])
    assert measured(reranked, RELEVANT, "mrr@3").loc["ann", "mrr@3"] == 1
    by_score = Convention(order="score")
    # y and z share a score, and z has the better rank.
    found = measured(reranked, RELEVANT, "mrr@3", convention=by_score)
    assert found.loc["ann", "mrr@3"] == 1 / 2


def test_gaps_between_ranks_do_not_count():
    gaps = RECS.assign(rank=[2, 5, 9, 1, 1])
    pd.testing.assert_frame_equal(
        measured(gaps, RELEVANT, "ndcg@3", "map@3"), measured(RECS, RELEVANT, "ndcg@3", "map@3")
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "lazy", "pyarrow"])
def test_gives_back_the_kind_of_the_recommendations(kind):
    make = {
        "pandas": lambda frame: frame,
        "polars": pl.from_pandas,
        "lazy": lambda frame: pl.from_pandas(frame).lazy(),
        "pyarrow": pa.Table.from_pandas,
    }[kind]
    found = evaluate(make(RECS), RELEVANT, metrics=["dcg@3"])
    kinds = {"pandas": pd.DataFrame, "pyarrow": pa.Table}
    assert isinstance(found, kinds.get(kind, pl.DataFrame))
    assert list(found["dcg@3"].to_numpy()) == [0.0, 0.5, 0.0]


def test_no_recommendation_at_all_is_zero_for_everybody():
    found = evaluate(RECS.iloc[:0], RELEVANT, metrics=["ndcg@10", "coverage", "precision@10"])
    assert found["user_id"].tolist() == ["bob", "ann", "cat"]
    assert (found[["ndcg@10", "coverage", "precision@10"]] == 0).all(axis=None)
    assert (found.dtypes[1:] == np.float64).all()


def test_integer_ids_stay_integers_and_frames_stay_as_they_were():
    recs = pd.DataFrame({"user_id": [2, 1], "product_id": [5, 6], "rank": [1, 1]})
    relevant = pd.DataFrame({"user_id": [1, 3], "product_id": [6, 5], "note": ["a", None]})
    before = recs.copy(), relevant.copy()
    found = evaluate(recs, relevant, metrics=["hit_rate@1"])
    assert found["user_id"].dtype == np.int64
    assert found["hit_rate@1"].tolist() == [1, 0]
    pd.testing.assert_frame_equal(recs, before[0])
    pd.testing.assert_frame_equal(relevant, before[1])


def test_a_missing_list_may_count_as_missing():
    found = measured(RECS, RELEVANT, "dcg@3", convention=Convention(without_list="missing"))
    assert np.isnan(found.loc["cat", "dcg@3"])
    assert found.loc["bob", "dcg@3"] == 0


class Length:
    label, k, higher_is_better = "length", None, True

    def per_user(self, hits, convention):
        return hits.lengths.astype(float)


def test_a_metric_of_ones_own_stands_beside_the_others():
    found = evaluate(RECS, RELEVANT, metrics=["dcg@3", Length()]).set_index("user_id")
    assert found["length"].to_dict() == {"bob": 1, "ann": 3, "cat": 0}


class Broken(Length):
    def per_user(self, hits, convention):
        return np.zeros(len(hits) + 1)


class Endless(Length):
    def per_user(self, hits, convention):
        return np.full(len(hits), np.inf)


@pytest.mark.parametrize(("metric", "message"), [(Broken(), "gave"), (Endless(), "infinite")])
def test_a_metric_of_ones_own_is_held_to_its_word(metric, message):
    with pytest.raises(ValueError, match=message):
        evaluate(RECS, RELEVANT, metrics=[metric])


class TestBadInput:
    @pytest.mark.parametrize("column", ["user_id", "product_id", "rank"])
    def test_missing_columns_of_recommendations(self, column):
        with pytest.raises(DataError, match=f"recs_frame: no column {column}"):
            evaluate(RECS.drop(columns=column), RELEVANT, metrics=["dcg@3"])

    @pytest.mark.parametrize("column", ["user_id", "product_id"])
    def test_missing_columns_of_relevant(self, column):
        with pytest.raises(DataError, match=f"relevant_frame: no column {column}"):
            evaluate(RECS, RELEVANT.drop(columns=column), metrics=["dcg@3"])

    def test_a_score_is_only_needed_to_sort_by_it(self):
        plain = RECS.drop(columns="score")
        assert evaluate(plain, RELEVANT, metrics=["dcg@3"])["dcg@3"].tolist() == [0, 0.5, 0]
        with pytest.raises(DataError, match="no column score"):
            evaluate(plain, RELEVANT, metrics=["dcg@3"], convention=Convention(order="score"))

    def test_duplicate_pairs(self):
        twice = RECS.assign(product_id=["x", "y", "x", "x", "x"])
        with pytest.raises(DataError, match=r"same user_id and product_id twice: 1 of 5 rows"):
            evaluate(twice, RELEVANT, metrics=["dcg@3"])
        again = pd.concat([RELEVANT, RELEVANT])
        with pytest.raises(DataError, match=r"relevant_frame: the same user_id and product_id"):
            evaluate(RECS, again, metrics=["dcg@3"])

    def test_duplicate_ranks(self):
        with pytest.raises(DataError, match=r"same rank twice for a user: 1 of 5 rows \(rows 1\)"):
            evaluate(RECS.assign(rank=[1, 1, 2, 1, 1]), RELEVANT, metrics=["dcg@3"])

    @pytest.mark.parametrize("column", ["user_id", "product_id", "rank", "score"])
    def test_nulls_in_recommendations(self, column):
        values = RECS[column].astype(object)
        values[1] = None
        with pytest.raises(DataError, match=rf"recs_frame.{column}: no .* 1 of 5 rows \(rows 1\)"):
            evaluate(RECS.assign(**{column: values}), RELEVANT, metrics=["dcg@3"])

    @pytest.mark.parametrize("column", ["user_id", "product_id"])
    def test_nulls_in_relevant(self, column):
        values = RELEVANT[column].astype(object)
        values[2] = None
        with pytest.raises(DataError, match=rf"relevant_frame.{column}: no id: 1 of 4"):
            evaluate(RECS, RELEVANT.assign(**{column: values}), metrics=["dcg@3"])

    @pytest.mark.parametrize(
        ("ranks", "message"),
        [
            ([0, 1, 2, 1, 1], "must be 1 or more"),
            ([1.5, 2, 3, 1, 1], "whole numbers"),
            (["1", "2", "3", "1", "1"], "rank: must hold whole numbers, not text"),
            ([True] * 5, "rank: must hold whole numbers, not bool"),
            ([1, 2, 3, 1, "one"], "rank: values of no common type"),
        ],
    )
    def test_ranks_that_are_none(self, ranks, message):
        with pytest.raises(DataError, match=message):
            evaluate(RECS.assign(rank=ranks), RELEVANT, metrics=["dcg@3"])

    def test_scores_that_are_no_numbers(self):
        with pytest.raises(DataError, match=r"score: must hold numbers"):
            evaluate(RECS.assign(score=list("abcde")), RELEVANT, metrics=["dcg@3"])

    def test_an_empty_relevant_frame(self):
        with pytest.raises(DataError, match="relevant_frame: the frame is empty"):
            evaluate(RECS, RELEVANT.iloc[:0], metrics=["dcg@3"])

    def test_ids_of_different_types(self):
        with pytest.raises(DataError, match="use one type of id"):
            evaluate(RECS.assign(user_id=range(5)), RELEVANT, metrics=["dcg@3"])

    def test_no_frame(self):
        with pytest.raises(DataError, match="expected a pandas"):
            evaluate([1, 2], RELEVANT, metrics=["dcg@3"])

    @pytest.mark.parametrize("metric", ["dcg@0", "dgc@3", "violation_rate", "catalogue_coverage"])
    def test_metrics_that_cannot_be_computed(self, metric):
        with pytest.raises(ValueError, match="metric"):
            evaluate(RECS, RELEVANT, metrics=[metric])

    def test_a_convention_that_is_none(self):
        with pytest.raises(ValueError, match="no such preset"):
            evaluate(RECS, RELEVANT, metrics=["dcg@3"], convention="ours")


@st.composite
def logs(draw):
    pairs = st.tuples(st.integers(0, 5), st.integers(0, 6))
    relevant = draw(st.lists(pairs, min_size=1, max_size=20, unique=True))
    shown = draw(st.lists(pairs, max_size=30, unique=True))
    ranks = draw(st.permutations(range(1, len(shown) + 1)))
    return relevant, [(u, p, rank) for (u, p), rank in zip(shown, ranks, strict=True)]


@given(logs(), st.integers(1, 8))
def test_agrees_with_dictionaries(log, k):
    relevant, shown = log
    recs = pd.DataFrame(shown, columns=["user_id", "product_id", "rank"], dtype="int64")
    found = measured(
        recs,
        pd.DataFrame(relevant, columns=["user_id", "product_id"]),
        *(f"{name}@{k}" for name in ("dcg", "recall", "map", "mrr")),
    )
    assert found.index.tolist() == list(dict.fromkeys(user for user, _ in relevant))
    for user, row in found.iterrows():
        wanted = {p for u, p in relevant if u == user}
        order = sorted((rank, p) for u, p, rank in shown if u == user)
        hit = [n for n, (_, p) in enumerate(order[:k], start=1) if p in wanted]
        expected = [
            sum(1 / math.log2(n + 1) for n in hit),
            len(hit) / len(wanted),
            sum(i / n for i, n in enumerate(hit, start=1)) / len(wanted),
            1 / hit[0] if hit else 0,
        ]
        np.testing.assert_allclose(row.to_numpy(), expected, rtol=1e-12)
