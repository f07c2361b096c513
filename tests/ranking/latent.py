"""What every ranker with a vector per customer must do when new interactions are folded in."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from suitably.ranking import FitContext
from suitably.testing import RankerContract
from support.banks import AS_OF
from support.banks import seven as world
from support.states import revived

__all__ = ["LatentContract"]


def event(user: str, product: str, days: int = 1) -> dict[str, Any]:
    moment = AS_OF - timedelta(days=days)
    return {"user_id": user, "product_id": product, "timestamp": moment}


class LatentContract(RankerContract):
    """`make_weighted` gives one that goes by kinds of event, of those given."""

    new = (event("u5", "p0"), event("u5", "p3"), event("u0", "p4"), event("u6", "p1"))

    def make_weighted(self, weights: dict[str, float]) -> Any:
        raise NotImplementedError

    def new_only(self, events: Any, base: Any = None) -> FitContext:
        return self.context((base or world()).but(events=list(events)).dataset())

    def vectors(self, ranker: Any, *users: str) -> Any:
        return ranker.scorer(np.array(users, object)).users

    def test_folding_in_equals_doing_it_from_scratch(self) -> None:
        """All at once, one by one, or in another order: the same vectors, bit for bit."""
        fitted = self.fitted()
        everybody = [f"u{i}" for i in range(7)]
        at_once = self.vectors(fitted.fold_in(self.new_only(self.new)), *everybody)
        for order in (self.new, self.new[::-1]):
            ranker = fitted
            for row in order:
                ranker = ranker.fold_in(self.new_only([row]))
            assert np.array_equal(self.vectors(ranker, *everybody), at_once)
        again = fitted.fold_in(self.new_only([*world().events, *self.new]))
        changed = ["u0", "u5", "u6"]
        assert np.array_equal(self.vectors(again, *changed), at_once[[int(u[1:]) for u in changed]])

    def test_folding_in_leaves_all_else_as_it_was(self) -> None:
        fitted = self.fitted()
        before = self.vectors(fitted, "u0", "u1", "u5").copy()
        folded = fitted.fold_in(self.new_only(self.new))
        assert np.array_equal(self.vectors(fitted, "u0", "u1", "u5"), before)
        assert np.array_equal(self.vectors(folded, "u1"), before[1:2])
        assert not np.array_equal(self.vectors(folded, "u0"), before[:1])
        assert folded.product_factors_ is fitted.product_factors_
        ids = np.array(["u5", "u6", "u9"], object)
        assert fitted.can_score(ids).tolist() == [False, False, False]
        assert folded.can_score(ids).tolist() == [True, True, False]

    def test_folded_customers_are_as_those_alike(self) -> None:
        """A new customer who bought the same at the same time gets the same vector."""
        folded = self.fitted().fold_in(
            self.new_only(
                [event("u5", "p0"), event("u5", "p1", 2), event("u6", "p0"), event("u6", "p1", 2)]
            )
        )
        vectors = self.vectors(folded, "u5", "u6")
        assert np.array_equal(vectors[0], vectors[1])
        assert np.isfinite(vectors).all()

    def test_new_customers_and_products_at_the_ends(self) -> None:
        base = world()
        grown = base.but(
            users=[*base.users, {**base.users[0], "user_id": "u7"}],
            products=[*base.products, {**base.products[0], "product_id": "p6"}],
        )
        context = self.new_only([event("u7", "p0"), event("u7", "p6"), event("u6", "p6")], grown)
        folded = self.fitted().fold_in(context)
        alone = self.fitted().fold_in(self.new_only([event("u7", "p0")], grown))
        assert np.array_equal(self.vectors(folded, "u7"), self.vectors(alone, "u7"))
        # Nothing is known of a product that nobody had, nor of who has nothing else.
        assert folded.can_score(np.array(["u7", "u6"], object)).tolist() == [True, False]

    def test_saved_after_folding_in(self) -> None:
        folded = self.fitted().fold_in(self.new_only(self.new))
        again = revived(folded)
        ids = [f"u{i}" for i in range(7)]
        assert np.array_equal(self.vectors(again, *ids), self.vectors(folded, *ids))
        one = self.new_only([event("u1", "p1")])
        assert np.array_equal(
            self.vectors(again.fold_in(one), "u1"), self.vectors(folded.fold_in(one), "u1")
        )

    def test_a_state_that_does_not_fit_itself_is_refused(self) -> None:
        for name in ("active_user_factors", "product_factors_", "known_"):
            ranker = self.fitted()
            with pytest.raises(ValueError, match=r"fit|vectors for"):
                revived(ranker, **{name: ranker.state()[name][:-1]})

    def test_more_factors_than_there_are_data(self) -> None:
        ranker = self.make()
        ranker.factors = 40
        fitted = ranker.fit(self.context(world().dataset()))
        assert np.isfinite(self.vectors(fitted, "u0")).all()
        folded = fitted.fold_in(self.new_only(self.new))
        assert np.isfinite(self.vectors(folded, "u5", "u6")).all()
        assert len(self._lists(self.make_pipeline(world(), ranker).fit(world().dataset(), AS_OF)))

    def test_weights_of_events(self) -> None:
        """Zero counts for nothing, huge is still finite, nothing above zero is refused."""
        kinds = world().but(
            events=[
                {**row, "event": "look" if i % 2 else "buy"} for i, row in enumerate(world().events)
            ],
            owned_events=("buy", "look"),
        )
        buys = kinds.but(events=[row for row in kinds.events if row["event"] == "buy"],
                         owned_events=None)  # fmt: skip
        with_looks = self.make_weighted({"buy": 1.0, "look": 0.0})
        only_buys = self.make_weighted({"buy": 1.0})
        users = [f"u{i}" for i in range(7)]
        first = with_looks.fit(self.context(kinds.dataset()))
        second = only_buys.fit(self.context(buys.dataset()))
        assert np.array_equal(self.vectors(first, *users), self.vectors(second, *users))
        huge = self.make_weighted({"buy": 1e6, "look": 1.0}).fit(self.context(kinds.dataset()))
        assert np.isfinite(self.vectors(huge, *users)).all()
        for wrong in (-1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match="event_weights"):
                self.make_weighted({"buy": wrong}).fit(self.context(kinds.dataset()))

    def test_a_seed_decides(self) -> None:
        first, second = (self.vectors(self.fitted(seed), "u0", "u1") for seed in (3, 3))
        assert np.array_equal(first, second)

    def test_history_of_customers_and_products_to_come_changes_nothing(self) -> None:
        """What is drawn at random must not depend on who is merely on the books."""
        base = world()
        more = base.but(
            users=[*base.users, {**base.users[0], "user_id": "u7"}],
            products=[*base.products, {**base.products[0], "product_id": "p6"}],
        )
        wide = self.make().fit(self.context(more.dataset()))
        ids = ["u0", "u1", "u4"]
        assert np.array_equal(self.vectors(wide, *ids), self.vectors(self.fitted(), *ids))
