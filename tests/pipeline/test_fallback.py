"""Customers the ranker knows nothing of: ranked by others' behaviour, still filtered."""

from typing import Any

import numpy as np
import pytest

import suitably
from suitably.ranking import ALS, Popularity
from support.banks import FREE, World, bought, popular
from support.frames import rows_of
from support.rankers import Cheapest


def world() -> World:
    """C1 customers buy p1, C3 customers p2 and p3; two newcomers have bought nothing yet."""
    base = popular()
    users = [{**base.users[0], "user_id": f"u{i}", "risk_level": "C1" if i % 2 else "C3"}
             for i in range(40)]  # fmt: skip
    pairs = [(i, product) for i in range(38) for product in ((1,) if i % 2 else (2, 3))]
    return World(users, base.products, bought(*pairs, days=3), (FREE,))


def test_newcomers_get_the_popularity_of_their_segment() -> None:
    recs = world().fitted(ALS(factors=2)).recommend(["u38", "u39", "u0"], k=3)
    firsts = {row["user_id"]: row["product_id"] for row in rows_of(recs.to_frame())
              if row["rank"] == 1}  # fmt: skip
    assert firsts == {"u38": "p2", "u39": "p1", "u0": "p1"}


def test_the_explanation_says_so() -> None:
    recs = world().fitted(ALS(factors=2)).recommend(["u38", "u0"], k=3)
    new, old = recs.explain("u38", "p2"), recs.explain("u0", "p1")
    assert new.stood_in
    assert new.ranker.startswith("Popularity(by='risk_level'")
    assert "ALS knows nothing of this customer yet" in new.text["en"]
    assert "ALS对该客户尚无了解" in new.text["zh"]
    assert not old.stood_in
    assert old.ranker.startswith("ALS(")
    assert "past behaviour" in old.text["en"]


def test_they_are_still_filtered() -> None:
    barred = [{**row, "risk_level": "R3" if row["product_id"] == "p1" else "R1"}
              for row in world().products]  # fmt: skip
    strict = world().but(products=barred, policies=popular().policies)
    listed = rows_of(strict.fitted(ALS(factors=2)).recommend(["u39"], k=3).to_frame())
    assert [row["product_id"] for row in listed] == ["p2", "p3"]


def test_without_one_they_get_no_list() -> None:
    recs = world().fitted(ALS(factors=2), fallback=None).recommend(["u38"], k=3)
    assert rows_of(recs.to_frame()) == []
    reasons = {row["reason"]: row["count"] for row in rows_of(recs.abstentions())}
    assert reasons == {"no-score": 6}


def test_any_ranker_can_stand_in() -> None:
    pipeline = world().fitted(ALS(factors=2), fallback=Popularity())
    assert rows_of(pipeline.recommend(["u39"], k=1).to_frame())[0]["product_id"] in ("p2", "p1")
    with pytest.raises(ValueError, match="fallback"):
        world().fitted(fallback="nearest")


def test_one_list_has_one_ranker_and_the_batch_does_not_matter() -> None:
    pipeline = world().fitted(Cheapest(), fallback=Popularity(by="risk_level"))
    whole = pipeline.recommend(k=4)
    alone = {u: rows_of(pipeline.recommend([u], k=4).to_frame()) for u in ("u38", "u0", "u39")}
    for user, rows in alone.items():
        assert rows_of(whole.for_user(user)) == rows


def test_saved_and_loaded(tmp_path: Any) -> None:
    pipeline = world().fitted(ALS(factors=2))
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    assert rows_of(loaded.recommend(k=6).to_frame()) == rows_of(pipeline.recommend(k=6).to_frame())
    assert loaded.recommend(["u38"]).explain("u38", "p2").stood_in


def test_why_not_and_trace_know_of_it() -> None:
    pipeline = world().fitted(ALS(factors=2))
    assert [v.rule for v in pipeline.why_not("u38", "p5")] == ["pipeline:no-score"]
    assert pipeline.why_not("u38", "p2") == []
    assert pipeline.trace("u38").stages["scored"] == 3


def test_a_ranker_of_the_wrong_shape_is_named() -> None:
    class Odd(Cheapest):
        def scorer(self, user_ids: Any) -> Any:
            return suitably.ranking.Scores(np.zeros((len(user_ids), 2)))

    with pytest.raises(suitably.SuitablyError, match=r"Odd: gave scores of 2 products"):
        world().fitted(Odd()).recommend()
