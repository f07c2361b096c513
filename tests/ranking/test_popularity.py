"""Popularity: the contract, and counts by hand."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably
from suitably.ranking import FitContext, Popularity
from suitably.testing import RankerContract
from support.banks import AS_OF
from support.banks import seven as world
from support.frames import rows_of
from support.states import revived


class TestPopularity(RankerContract):
    scores_unknown_users = True

    def make(self) -> Popularity:
        return Popularity()

    def test_scores_by_hand(self) -> None:
        recs = self.fitted_pipeline().recommend(["u5", "u4"], k=6)
        mine = [(row["product_id"], row["score"]) for row in rows_of(recs.for_user("u5"))]
        assert mine == [("p0", 4.0), ("p1", 3.0), ("p2", 1.0), ("p3", 1.0), ("p4", 1.0)]
        mine = [row["product_id"] for row in rows_of(recs.for_user("u4"))]
        assert mine == ["p0", "p2", "p3"]

    def test_a_repeated_purchase_counts_once(self) -> None:
        again = world().but(events=[*world().events, *world().events])
        assert self._lists(self.fitted_pipeline(again)) == self._lists(self.fitted_pipeline())


class TestPopularityBySegment(RankerContract):
    scores_unknown_users = True

    def make(self) -> Popularity:
        return Popularity(half_life_days=2.0, by="risk_level", smoothing=1.0)


NOW = datetime(2024, 1, 11)


def bank(log: list[tuple[str, str, int]], fields: dict[str, Any] | None = None) -> Any:
    """A bank from (user, product, days ago) and a column of users a to e."""
    events = pd.DataFrame(
        [(u, p, NOW - timedelta(days=days)) for u, p, days in log],
        columns=["user_id", "product_id", "timestamp"],
    )
    users = pd.DataFrame({"user_id": list("abcde"), **(fields or {})})
    products = pd.DataFrame({"product_id": ["x", "y", "z"]})
    return suitably.Dataset(users, products, events)


def context(data: suitably.Dataset, profiles: pa.Table | None = None) -> FitContext:
    view = data.view(NOW)
    eligibility: Any = None
    profiles = view.user_fields.select([]) if profiles is None else profiles
    return FitContext(view, profiles, eligibility, view.as_of, 0)


LOG = [
    ("a", "x", 10),
    ("a", "x", 20),
    ("b", "x", 10),
    ("b", "y", 20),
    ("c", "y", 10),
    ("d", "z", 30),
]
TIERS = {"tier": ["gold", "gold", "tin", "tin", None]}


def scores(ranker: Popularity, *users: str) -> Any:
    found = ranker.scorer(np.array(users, object))
    return found.users @ found.products.T


def test_an_interaction_of_one_half_life_counts_half() -> None:
    """Of two purchases by one customer the latest counts."""
    ranker = Popularity(half_life_days=10).fit(context(bank(LOG)))
    assert ranker.counts_ == pytest.approx([0.5 + 0.5, 0.25 + 0.5, 0.125])


def test_segments_by_hand() -> None:
    """C = 4 customers, two of each tier; overall counts 2, 2, 1; m = 2."""
    ranker = Popularity(by="tier", smoothing=2).fit(context(bank(LOG, TIERS)))
    assert ranker.segments_ == ("gold", "tin")
    gold = [4 * (n + 2 * all_ / 4) / (2 + 2) for n, all_ in ((2, 2), (1, 2), (0, 1))]
    tin = [4 * (n + 2 * all_ / 4) / (2 + 2) for n, all_ in ((0, 2), (1, 2), (1, 1))]
    found = scores(ranker, "a", "d", "e", "stranger")
    assert found.tolist() == [gold, tin, [2, 2, 1], [2, 2, 1]]
    assert ranker.counts_.tolist() == [2, 2, 1]


def test_much_smoothing_leaves_the_overall_popularity() -> None:
    ranker = Popularity(by="tier", smoothing=1e12).fit(context(bank(LOG, TIERS)))
    assert scores(ranker, "a")[0] == pytest.approx([2, 2, 1])


def test_a_segment_without_history_gets_the_overall_popularity() -> None:
    fields = {"tier": ["gold"] * 4 + ["new"]}
    ranker = Popularity(by="tier", smoothing=0).fit(context(bank(LOG, fields)))
    assert scores(ranker, "e", "a").tolist() == [[2, 2, 1], [2, 2, 1]]
    assert np.isfinite(ranker.segment_counts_).all()


def test_a_profile_field_comes_before_a_column() -> None:
    profiles = pa.table({"tier": ["one", "two", "two", "two", "one"]})
    ranker = Popularity(by="tier").fit(context(bank(LOG, TIERS), profiles))
    assert ranker.segments_ == ("one", "two")


@pytest.mark.parametrize("values", [[1, 1, 2, 2, None], [True, True, False, False, None]])
def test_segments_of_numbers_and_booleans(values: list[Any]) -> None:
    column = pd.array(values, "Int64" if values[0] == 1 and values[2] == 2 else "boolean")
    ranker = Popularity(by="tier", smoothing=0).fit(context(bank(LOG, {"tier": column})))
    assert scores(ranker, "a")[0].tolist() == [4.0, 2.0, 0.0]
    assert scores(ranker, "e")[0].tolist() == [2.0, 2.0, 1.0]


def test_nobody_has_a_segment() -> None:
    ranker = Popularity(by="tier").fit(context(bank(LOG, {"tier": [None] * 5})))
    assert ranker.segments_ == ()
    assert scores(ranker, "a")[0].tolist() == [2, 2, 1]


def test_kinds_of_event_weigh() -> None:
    events = pd.DataFrame({
        "user_id": ["a", "b", "b"], "product_id": ["x", "x", "y"], "event": ["buy", "view", "view"],
        "timestamp": [NOW - timedelta(days=1)] * 3,
    })  # fmt: skip
    data = suitably.Dataset(None, None, events, owned_events=["buy"])
    assert Popularity().fit(context(data)).counts_.tolist() == [1, 0]
    ranker = Popularity(event_weights={"buy": 1, "view": 0.25}).fit(context(data))
    assert ranker.counts_.tolist() == [1.25, 0.25]


def test_nothing_happened_yet() -> None:
    late = [("a", "x", -1)]
    ranker = Popularity(by="tier").fit(context(bank(late, TIERS)))
    assert ranker.scorer(np.array(["a"], object)).known.tolist() == [False] * 3
    assert np.isfinite(ranker.segment_counts_).all()


def test_folding_in_counts_a_customer_once() -> None:
    """b buys x again, e buys x for the first time and has become gold."""
    old = bank(LOG, TIERS)
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline(policy=free, ranker=Popularity(by="tier", smoothing=2))
    pipeline.fit(old, NOW)
    news = pd.DataFrame({"user_id": ["b", "e"], "product_id": ["x", "x"], "timestamp": [NOW, NOW]})
    people = pd.DataFrame({"user_id": ["e", "f"], "tier": ["gold", "tin"]})
    before = pipeline.ranker_
    pipeline.update(interactions=news, users=people)
    ranker = pipeline.ranker_
    assert ranker.counts_.tolist() == [3, 2, 1]
    gold = [5 * (n + 2 * all_ / 5) / (3 + 2) for n, all_ in ((3, 3), (1, 2), (0, 1))]
    tin = [5 * (n + 2 * all_ / 5) / (2 + 2) for n, all_ in ((0, 3), (1, 2), (1, 1))]
    assert scores(ranker, "e", "f") == pytest.approx(np.array([gold, tin]))
    assert before.counts_.tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"by": "teir"}, suitably.DataError, "did you mean tier"),
        ({"by": "income"}, suitably.DataError, "double, which makes no segments"),
        ({"smoothing": -1}, ValueError, "0 or more"),
        ({"smoothing": None}, ValueError, "smoothing"),
        ({"half_life_days": 0}, ValueError, "above 0"),
        ({"event_weights": {"buy": 1.0}}, suitably.DataError, "no event column"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], error: Any, message: str) -> None:
    data = bank(LOG, {**TIERS, "income": [1.5] * 5})
    with pytest.raises(error, match=message):
        Popularity(**parameters).fit(context(data))


def test_a_half_life_wants_dates() -> None:
    undated = suitably.Dataset(None, None, pd.DataFrame({"user_id": ["a"], "product_id": ["x"]}))
    view = undated.view()
    given: Any = FitContext(view, view.user_fields.select([]), None, None, 0)  # type: ignore[arg-type]
    assert Popularity().fit(given).counts_.tolist() == [1]
    with pytest.raises(suitably.DataError, match="no timestamps"):
        Popularity(half_life_days=5).fit(given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"segments_": []},
        {"segment_codes_": np.full(5, 9, np.int32)},
        {"segment_codes_": np.zeros(3, np.int32)},
        {"segment_counts_": np.zeros((3, 9))},
    ],
)
def test_a_state_that_does_not_fit(wrong: dict[str, Any]) -> None:
    ranker = Popularity(by="tier").fit(context(bank(LOG, TIERS)))
    with pytest.raises(ValueError, match="do not fit"):
        revived(ranker, **wrong)
    assert revived(ranker).segments_ == ("gold", "tin")


def test_the_moment_of_the_contract_is_dated() -> None:
    assert world().fitted(Popularity(half_life_days=1)).as_of_ == pd.Timestamp(AS_OF)
