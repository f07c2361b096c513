"""What every ranker must do: one inherited class, a subclass per ranker."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import suitably
from suitably.ranking import Factors, FitContext, Ranker, Scores
from support.banks import AS_OF, FREE, World, popular
from support.frames import rows_of


def world() -> World:
    """Seven customers of whom `u5` and `u6` bought nothing, six products of which `p5` unsold."""
    base = popular()
    users = [{**base.users[0], "user_id": f"u{i}"} for i in range(7)]
    products = [{**row, "min_amount": 100.0 * (i % 3)} for i, row in enumerate(base.products)]
    pairs = [(0, 0), (0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (3, 1), (3, 0), (4, 4), (4, 1)]
    log = [{"user_id": f"u{u}", "product_id": f"p{p}", "timestamp": AS_OF - timedelta(days=p + 1)}
           for u, p in pairs]  # fmt: skip
    return World(users, products, log, (FREE,))


class RankerContract:
    """Inherit it and give `make` (and `trusted` for a class that is not the library's)."""

    trusted: tuple[type, ...] = ()
    scores_unsold = False
    scores_strangers = False

    def make(self) -> Any:
        raise NotImplementedError

    def context(self, data: suitably.Dataset, seed: int = 0) -> FitContext:
        pipeline = world().fitted()
        moment = data.view(AS_OF)
        profiles = moment.user_fields.select([])
        return FitContext(moment, profiles, pipeline.eligibility(), moment.as_of, seed)

    def fitted(self, seed: int = 0) -> Any:
        return self.make().fit(self.context(world().dataset(), seed))

    def test_it_is_one(self) -> None:
        assert isinstance(self.make(), Ranker)

    def test_fit_gives_itself(self) -> None:
        ranker = self.make()
        assert ranker.fit(self.context(world().dataset())) is ranker

    def test_shapes(self) -> None:
        ids = np.array(["u3", "u0", "u6"], object)
        scorer = self.fitted().scorer(ids)
        if isinstance(scorer, Factors):
            assert scorer.users.shape == (3, scorer.products.shape[1])
            assert scorer.products.shape[0] == 6
            assert np.isfinite(scorer.products).all()
        else:
            assert isinstance(scorer, Scores)
            assert scorer.block.shape == (3, 6)
        assert scorer.known is None or scorer.known.shape == (6,)
        able = self.fitted().can_score(ids)
        assert able.shape == (3,)
        assert able.dtype == np.bool_

    def test_deterministic(self) -> None:
        first, second = (self._lists(self.fitted_pipeline()) for _ in range(2))
        assert first == second

    def test_unseen_products_have_no_score(self) -> None:
        listed = {row["product_id"] for row in self._lists(self.fitted_pipeline())}
        assert listed
        assert ("p5" in listed) == self.scores_unsold

    def test_unseen_users(self) -> None:
        recs = self.fitted_pipeline().recommend(["nobody"], k=3)
        assert rows_of(recs.to_frame()) == []
        assert rows_of(recs.abstentions()) == [
            {"user_id": "nobody", "returned": 0, "reason": "unknown-user", "count": 6}
        ]
        ids = np.array(["nobody", "u0"], object)
        assert self.fitted().can_score(ids)[0] == self.scores_strangers

    def test_an_empty_history_is_an_abstention_or_a_list(self) -> None:
        pipeline = self.fitted_pipeline()
        recs = pipeline.recommend(["u5", "u6"], k=6)
        able = pipeline.held[1][0].can_score(np.array(["u5", "u6"], object))
        reasons = rows_of(recs.abstentions())
        for user, can in zip(("u5", "u6"), able, strict=True):
            assert bool(rows_of(recs.for_user(user))) == can
            mine = [r for r in reasons if r["user_id"] == user and r["reason"] == "no-score"]
            unscored = 1 - self.scores_unsold if can else 6
            assert [r["count"] for r in mine] == [unscored] * bool(unscored)

    def test_saved_and_loaded(self, tmp_path: Path) -> None:
        pipeline = self.fitted_pipeline()
        pipeline.save(tmp_path / "model")
        loaded = suitably.load(tmp_path / "model", trusted=self.trusted)
        assert self._lists(loaded) == self._lists(pipeline)
        first, second = (rows_of(p.recommend(k=6).abstentions()) for p in (loaded, pipeline))
        assert first == second
        loaded.save(tmp_path / "again")
        assert self._lists(suitably.load(tmp_path / "again", trusted=self.trusted)) == (
            self._lists(pipeline)
        )

    def test_as_of(self) -> None:
        late = {"user_id": "u0", "product_id": "p5", "timestamp": AS_OF}
        future = world().but(events=[*world().events, late])
        assert self._lists(self.fitted_pipeline(future)) == self._lists(self.fitted_pipeline())

    def test_a_catalogue_of_one(self) -> None:
        one = world().but(
            products=world().products[:1],
            events=[row for row in world().events if row["product_id"] == "p0"],
        )
        recs = self.fitted_pipeline(one).recommend(k=5, exclude_owned=False)
        listed = {row["user_id"]: row["product_id"] for row in rows_of(recs.to_frame())}
        assert listed["u0"] == "p0"
        rest = rows_of(self.fitted_pipeline(one).recommend(k=5).abstentions())
        assert {"user_id": "u0", "returned": 0, "reason": "owned", "count": 1} in rest

    def test_not_fitted(self) -> None:
        with pytest.raises(suitably.NotFittedError):
            self.make_pipeline(world()).recommend()

    def test_the_policy_does_not_alter_what_it_learns(self) -> None:
        base = popular()
        users = [{**row, "risk_level": f"C{i % 3 + 1}"} for i, row in enumerate(world().users)]
        products = [{**r, "risk_level": f"R{i % 3 + 1}"} for i, r in enumerate(world().products)]
        free = world().but(users=users, products=products)
        barred = free.but(policies=base.policies)
        mask = self.fitted_pipeline(barred).eligibility()
        eligible = {
            (user, product): bool(cell)
            for user, row in zip(mask.user_ids, mask.mask(), strict=True)
            for product, cell in zip(mask.product_ids, row, strict=True)
        }
        assert not all(eligible.values())
        left = [row for row in self._lists(self.fitted_pipeline(free))
                if eligible[row["user_id"], row["product_id"]]]  # fmt: skip
        found = self._lists(self.fitted_pipeline(barred))
        strip = [(r["user_id"], r["product_id"], r["score"]) for r in left]
        assert [(r["user_id"], r["product_id"], r["score"]) for r in found] == strip

    def test_fitting_elsewhere_does_not_change_answers(self) -> None:
        ranker = self.make()
        pipeline = self.make_pipeline(world(), ranker).fit(world().dataset(), AS_OF)
        before = self._lists(pipeline)
        other = world().but(events=[{**row, "product_id": "p2"} for row in world().events])
        other.pipeline(ranker).fit(other.dataset(), AS_OF)
        assert self._lists(pipeline) == before

    def fitted_pipeline(self, given: World | None = None) -> suitably.Pipeline:
        given = given or world()
        return self.make_pipeline(given).fit(given.dataset(), AS_OF)

    def make_pipeline(self, given: World, ranker: Any = None) -> suitably.Pipeline:
        """Only the ranker itself: nothing stands in for it."""
        pipeline = given.pipeline(ranker or self.make())
        pipeline.fallback = None
        return pipeline

    @staticmethod
    def _lists(pipeline: suitably.Pipeline) -> list[dict[str, Any]]:
        return rows_of(pipeline.recommend(k=6).to_frame())
