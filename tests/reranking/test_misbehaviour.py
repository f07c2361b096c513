"""A reranker reorders or drops; what it adds or repeats is dropped, and said."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import suitably
from suitably.ranking import Lists
from support.banks import FREE, World, bought, popular
from support.frames import rows_of

# p0 to p3 were bought by u0; u1 owns nothing but p3. Popularity: p3 2, p0 p1 p2 1, p4 and p5 none.
BOUGHT = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3)]


def world() -> World:
    return popular().but(events=bought(*BOUGHT), policies=(FREE,))


class Reranked:
    """Any function as a reranker."""

    def __init__(self, change: Any) -> None:
        self.change = change

    def rerank(self, lists: Lists, context: Any, k: int) -> Lists:
        return self.change(lists, k)


def asked(change: Any, k: int = 3) -> tuple[list[str], dict[str, int]]:
    recs = world().fitted(rerankers=[Reranked(change)]).recommend(["u1"], k=k)
    frame, reasons = rows_of(recs.to_frame()), rows_of(recs.abstentions())
    return [row["product_id"] for row in frame], {r["reason"]: r["count"] for r in reasons}


def replaced(place: int, code: int) -> Any:
    def change(lists: Lists, k: int) -> Lists:
        products = lists.products.copy()
        products[:, place] = code
        return replace(lists, products=products)

    return change


def test_the_plain_list() -> None:
    assert asked(lambda lists, k: lists) == (["p0", "p1", "p2"], {})


def test_reordering_is_free_and_scores_need_not_fall() -> None:
    def turn(lists: Lists, k: int) -> Lists:
        order = np.argsort(lists.products, axis=1)[:, ::-1]
        return Lists(np.take_along_axis(lists.products, order, 1),
                     np.take_along_axis(lists.scores, order, 1), lists.lengths)  # fmt: skip

    found = world().fitted(rerankers=[Reranked(turn)]).recommend(["u2"], k=4)
    rows = rows_of(found.to_frame())
    assert [(row["product_id"], row["score"]) for row in rows] == [
        ("p3", 2.0), ("p2", 1.0), ("p1", 1.0), ("p0", 1.0),
    ]  # fmt: skip


def test_dropping_is_a_reason() -> None:
    def drop(lists: Lists, k: int) -> Lists:
        return lists.keep(lists.products != 1, k)

    found, reasons = asked(drop)
    assert found == ["p0", "p2"]
    assert reasons == {"owned": 1, "no-score": 2, "reranked": 1}


@pytest.mark.parametrize(
    ("code", "what"),
    [(3, "owned"), (4, "without a score"), (6, "beyond the catalogue"), (2**31 - 1, "far beyond")],
)
def test_what_was_added_is_dropped(code: int, what: str) -> None:
    with pytest.warns(suitably.SuitabilityWarning, match="1 products"):
        found, reasons = asked(replaced(1, code))
    assert found == ["p0", "p2"], what
    assert reasons["final-check"] == 1


def test_an_eligible_product_that_was_not_in_the_list_is_added_all_the_same() -> None:
    """With `product_ids` narrowing, or a first reranker that dropped it."""
    pipeline = world().fitted(
        rerankers=[Reranked(lambda lists, k: lists.keep(lists.products != 1, k)),
                   Reranked(replaced(0, 1))]
    )  # fmt: skip
    with pytest.warns(suitably.SuitabilityWarning, match="1 products"):
        recs = pipeline.recommend(["u1"], k=3)
    assert [row["product_id"] for row in rows_of(recs.to_frame())] == ["p2"]


def test_nor_by_writing_into_what_it_was_given() -> None:
    def scribble(lists: Lists, k: int) -> Lists:
        if lists.products.flags.writeable:
            lists.products[:, 0] = 1
        return lists

    first = Reranked(lambda lists, k: lists.keep(lists.products != 1, k))
    pipeline = world().fitted(rerankers=[first, Reranked(scribble)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", suitably.SuitabilityWarning)
        recs = pipeline.recommend(["u1"], k=3)
    assert "p1" not in [row["product_id"] for row in rows_of(recs.to_frame())]


def test_a_product_twice_stays_once() -> None:
    with pytest.warns(suitably.SuitabilityWarning):
        found, _ = asked(replaced(1, 0))
    assert found == ["p0", "p2"]


def test_lists_wider_than_they_were() -> None:
    """Room for more products than the catalogue has, with nothing in it, is no fault."""

    def widen(lists: Lists, k: int) -> Lists:
        wide = Lists.empty(len(lists.products), 20)
        wide.products[:, : lists.depth] = lists.products
        wide.scores[:, : lists.depth] = lists.scores
        return replace(wide, lengths=lists.lengths)

    assert asked(widen, k=15)[0] == ["p0", "p1", "p2"]


def test_another_number_of_lists() -> None:
    with pytest.raises(suitably.SuitablyError, match="given 1 lists and gave back 2"):
        asked(lambda lists, k: Lists.stack([lists, lists]))


def test_somebody_elses_list() -> None:
    pipeline = world().fitted(
        rerankers=[Reranked(lambda lists, k: lists.take(np.arange(len(lists.products))[::-1]))]
    )
    with pytest.warns(suitably.SuitabilityWarning):
        recs = pipeline.recommend(["u0", "u1"], k=3)
    assert rows_of(recs.to_frame()) == []
