"""Fewer than k is a legitimate answer: no fill-up, no filter relaxed, no score a sentinel."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from properties.twin import Twin
from suitably.ranking import Scores
from support.banks import World
from support.frames import rows_of
from support.worlds import worlds

AWKWARD = [0.0, -0.0, -1.0, 1.0, -3.4e38, 3.4e38, 1e-45, -1e-45, 0.5]


class Given:
    """Scores as given, by product id; None is what it knows nothing about."""

    def __init__(self, scores: dict[str, float | None]) -> None:
        self.scores = scores

    def fit(self, context: Any) -> "Given":
        self._scores = [self.scores.get(product) for product in context.data.product_ids]
        return self

    def scorer(self, user_ids: Any) -> Scores:
        known = np.array([score is not None for score in self._scores])
        row = np.array([0.0 if score is None else score for score in self._scores], np.float32)
        return Scores(np.tile(row, (len(user_ids), 1)), known)

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


@given(world=worlds(traded=True), k=st.integers(1, 9), exclude_owned=st.booleans())
def test_as_many_as_there_are_and_no_more(world: World, k: int, exclude_owned: bool) -> None:
    recs = world.fitted().recommend(k=k, exclude_owned=exclude_owned)
    twin = Twin(world)
    assert rows_of(recs.to_frame()) == twin.frame(k, exclude_owned=exclude_owned)
    expected = twin.abstentions(k, exclude_owned=exclude_owned)
    rows = rows_of(recs.abstentions())
    found = {(r["user_id"], r["reason"]): (r["returned"], r["count"]) for r in rows}
    assert len(found) == len(rows)
    assert found == expected


@given(world=worlds(), k=st.integers(1, 8))
def test_a_shorter_list_is_the_beginning_of_a_longer_one(world: World, k: int) -> None:
    pipeline = world.fitted()
    short, long = (rows_of(pipeline.recommend(k=depth).to_frame()) for depth in (k, k + 1))
    assert [row for row in long if row["rank"] <= k] == short


@given(world=worlds(traded=True), k=st.integers(1, 9), data=st.data())
def test_no_score_is_special(world: World, k: int, data: st.DataObject) -> None:
    twin = Twin(world)
    one = st.one_of(st.none(), st.sampled_from(AWKWARD))
    scores = {product: data.draw(one, label=product) for product in twin.products}
    rows = rows_of(world.fitted(Given(scores)).recommend(k=k).to_frame())
    for user in twin.users:
        best = [
            (product, np.float32(scores[product]))
            for product in twin.products
            if scores[product] is not None
            and twin.eligible(user, product)
            and not twin.owned(user, product)
            and not twin.log.turned_down(user, product)
        ]
        best.sort(key=lambda pair: -pair[1])
        mine = [row for row in rows if row["user_id"] == user]
        assert [(row["product_id"], np.float32(row["score"])) for row in mine] == best[:k]
        assert [row["rank"] for row in mine] == list(range(1, len(mine) + 1))
