"""Contract of rankers: what a pipeline relies on, tried on a bank of seven users."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

import suitably
from suitably.data import Dataset
from suitably.pipeline import Pipeline
from suitably.ranking import Factors, FitContext, Ranker, Scores
from suitably.ranking.protocol import DrawingRanker
from suitably.testing.bank import AS_OF, LEVELS, SmallBank, bought, rows_of, seven_users
from suitably.testing.params import ParamsContract

__all__ = ["RankerContract", "context_of"]

EVERYBODY = np.array([f"u{i}" for i in range(7)], object)


class RankerContract(ParamsContract):
    """Inherit it and say how your ranker is made.

    The bank has users `u0` to `u6`, of whom the last two bought nothing, and products `p0` to `p5`,
    of which nobody bought the last; a test that your ranker cannot pass on it is overridden.

    Attributes:
        trusted: Classes besides the ranker's own that a saved pipeline is made of.
        scores_unsold: Whether it has a score for a product that nobody bought.
        scores_unknown_users: Whether it has scores for users that it has never seen.

    Example:
        >>> from suitably.ranking import Popularity
        >>> class TestMyRanker(RankerContract):
        ...     scores_unknown_users = True
        ...
        ...     def make(self):
        ...         return Popularity(half_life_days=90.0)
        >>> TestMyRanker().test_shapes()
    """

    trusted: tuple[type, ...] = ()
    scores_unsold = False
    scores_unknown_users = False

    def bank(self) -> SmallBank:
        """Return the bank that everything is tried on."""
        return seven_users()

    def context(self, data: Dataset, seed: int = 0) -> FitContext:
        """Return what a pipeline without profiles and rules gives a ranker to learn from."""
        return context_of(data, seed)

    def fitted(self, seed: int = 0) -> Any:
        """Return the ranker, fitted on the bank."""
        return self.make().fit(self.context(self.bank().dataset(), seed))

    def make_pipeline(self, bank: SmallBank, ranker: Any = None) -> Pipeline:
        """Return an unfitted pipeline of the ranker alone: nothing stands in for it."""
        return bank.pipeline(self.make() if ranker is None else ranker, fallback=None)

    def fitted_pipeline(self, bank: SmallBank | None = None) -> Pipeline:
        """Return a fitted pipeline of the ranker alone."""
        bank = self.bank() if bank is None else bank
        return self.make_pipeline(bank).fit(bank.dataset(), bank.as_of)

    def test_it_is_one(self) -> None:
        """It has the methods of a ranker."""
        assert isinstance(self.make(), Ranker)

    def test_fit_returns_itself(self) -> None:
        """As in scikit-learn."""
        ranker = self.make()
        assert ranker.fit(self.context(self.bank().dataset())) is ranker

    def test_parameters_out_of_range(self) -> None:
        """They are refused when it is fitted, by the name of its class."""
        for ranker in self.bad():
            with pytest.raises(ValueError, match=type(ranker).__name__):
                ranker.fit(self.context(self.bank().dataset()))

    def test_shapes(self) -> None:
        """Scores are of the users asked and all products, and finite."""
        ids = np.array(["u3", "u0", "u6"], object)
        fitted = self.fitted()
        scorer = fitted.scorer(ids)
        if isinstance(scorer, Factors):
            assert scorer.users.shape == (3, scorer.products.shape[1])
            assert scorer.products.shape[0] == 6
        else:
            assert isinstance(scorer, Scores)
        block = scores_of(scorer)
        assert block.shape == (3, 6)
        known = np.ones(6, bool) if scorer.known is None else scorer.known
        assert known.shape == (6,)
        assert known.dtype == np.bool_
        able = fitted.can_score(ids)
        assert able.shape == (3,)
        assert able.dtype == np.bool_
        assert np.isfinite(block[able][:, known]).all()

    def test_nobody(self) -> None:
        """An empty block has empty answers."""
        nobody = np.array([], object)
        fitted = self.fitted()
        assert fitted.can_score(nobody).shape == (0,)
        assert scores_of(fitted.scorer(nobody)).shape == (0, 6)

    def test_scores_do_not_depend_on_the_block(self) -> None:
        """A user's scores are the same alone, in company, and in another order."""
        fitted = self.fitted()
        together, able = scores_of(fitted.scorer(EVERYBODY)), fitted.can_score(EVERYBODY)
        turned = EVERYBODY[::-1].copy()
        assert np.array_equal(fitted.can_score(turned), able[::-1])
        for user, row in zip(turned[able[::-1]], together[::-1][able[::-1]], strict=True):
            assert np.array_equal(scores_of(fitted.scorer(np.array([user], object)))[0], row)

    def test_deterministic(self) -> None:
        """The same data and seed give the same lists, scores and all."""
        first, second = (self._lists(self.fitted_pipeline()) for _ in range(2))
        assert first == second

    def test_unseen_products_have_no_score(self) -> None:
        """A product that nobody bought is listed only where the ranker says it can be."""
        listed = {row["product_id"] for row in self._lists(self.fitted_pipeline())}
        assert listed
        assert ("p5" in listed) == self.scores_unsold

    def test_unseen_users(self) -> None:
        """They get no list and a reason."""
        recs = self.fitted_pipeline().recommend(["nobody"], k=3)
        assert rows_of(recs.to_frame()) == []
        assert rows_of(recs.abstentions()) == [
            {"user_id": "nobody", "returned": 0, "reason": "unknown-user", "count": 6}
        ]
        ids = np.array(["nobody", "u0"], object)
        assert self.fitted().can_score(ids)[0] == self.scores_unknown_users

    def test_an_empty_history_is_an_abstention_or_a_list(self) -> None:
        """Who bought nothing has a list where the ranker can score them, and else a reason."""
        recs = self.fitted_pipeline().recommend(["u5", "u6"], k=6)
        able = self.fitted().can_score(np.array(["u5", "u6"], object))
        reasons = rows_of(recs.abstentions())
        for user, can in zip(("u5", "u6"), able, strict=True):
            assert bool(rows_of(recs.for_user(user))) == can
            mine = [r for r in reasons if r["user_id"] == user and r["reason"] == "no-score"]
            unscored = 1 - self.scores_unsold if can else 6
            assert [r["count"] for r in mine] == [unscored] * bool(unscored)

    def test_saved_and_loaded(self, tmp_path: Path) -> None:
        """A loaded pipeline answers as the saved one did, and so does one that is saved again."""
        pipeline = self.fitted_pipeline()
        trusted = (type(pipeline.ranker), *self.trusted)
        pipeline.save(tmp_path / "model")
        loaded = suitably.load(tmp_path / "model", trusted=trusted)
        assert self._lists(loaded) == self._lists(pipeline)
        first, second = (rows_of(p.recommend(k=6).abstentions()) for p in (loaded, pipeline))
        assert first == second
        loaded.save(tmp_path / "again")
        assert self._lists(suitably.load(tmp_path / "again", trusted=trusted)) == self._lists(
            pipeline
        )

    def test_nothing_at_or_after_the_moment(self) -> None:
        """An event at the very moment of the fit changes nothing."""
        late = {"user_id": "u0", "product_id": "p5", "timestamp": AS_OF}
        future = self.bank().but(events=[*self.bank().events, late])
        assert self._lists(self.fitted_pipeline(future)) == self._lists(self.fitted_pipeline())

    def test_a_catalogue_of_one(self) -> None:
        """One product is listed, unless it is owned."""
        one = self.bank().but(
            products=self.bank().products[:1],
            events=[row for row in self.bank().events if row["product_id"] == "p0"],
        )
        recs = self.fitted_pipeline(one).recommend(k=5, exclude_owned=False)
        listed = {row["user_id"]: row["product_id"] for row in rows_of(recs.to_frame())}
        assert listed["u0"] == "p0"
        rest = rows_of(self.fitted_pipeline(one).recommend(k=5).abstentions())
        assert {"user_id": "u0", "returned": 0, "reason": "owned", "count": 1} in rest

    def test_not_fitted(self) -> None:
        """A pipeline that is not fitted says so."""
        with pytest.raises(suitably.NotFittedError):
            self.make_pipeline(self.bank()).recommend()

    def test_the_policy_does_not_alter_what_it_learns(self) -> None:
        """Under a policy, lists are those without one, less what is not eligible."""
        users = [{**row, "risk_level": f"C{i % 3 + 1}"} for i, row in enumerate(self.bank().users)]
        products = [
            {**row, "risk_level": f"R{i % 3 + 1}"} for i, row in enumerate(self.bank().products)
        ]
        free = self.bank().but(users=users, products=products)
        bound = self.fitted_pipeline(free.but(policies=(LEVELS,)))
        mask = bound.eligibility()
        eligible = {
            (user, product): bool(cell)
            for user, row in zip(mask.user_ids, mask.mask(), strict=True)
            for product, cell in zip(mask.product_ids, row, strict=True)
        }
        assert not all(eligible.values())
        names = ("user_id", "product_id", "score")
        found = [tuple(row[name] for name in names) for row in self._lists(bound)]
        unbound = [
            tuple(row[name] for name in names)
            for row in self._lists(self.fitted_pipeline(free))
            if eligible[row["user_id"], row["product_id"]]
        ]
        if isinstance(bound.ranker_, DrawingRanker):  # the order is the draw's
            found, unbound = sorted(found), sorted(unbound)
        assert found == unbound

    def test_fitting_elsewhere_does_not_change_answers(self) -> None:
        """The same ranker, fitted in another pipeline, leaves the first as it was."""
        ranker, bank = self.make(), self.bank()
        pipeline = self.make_pipeline(bank, ranker).fit(bank.dataset(), bank.as_of)
        before = self._lists(pipeline)
        other = bank.but(events=[{**row, "product_id": "p2"} for row in bank.events])
        self.make_pipeline(other, ranker).fit(other.dataset(), other.as_of)
        assert self._lists(pipeline) == before

    def test_folding_in_returns_another_ranker(self) -> None:
        """Where it folds news in, the ranker folded into stays as it was."""
        fitted = self.fitted()
        if not hasattr(fitted, "fold_in"):
            pytest.skip("it takes no news in")
        news = self.bank().but(events=bought((5, 0), (5, 3), (0, 4), days=0.5))
        before = scores_of(fitted.scorer(EVERYBODY)).copy()
        folded = fitted.fold_in(self.context(news.dataset()))
        assert folded is not fitted
        assert np.array_equal(scores_of(fitted.scorer(EVERYBODY)), before)
        assert folded.can_score(EVERYBODY).shape == (7,)
        assert scores_of(folded.scorer(EVERYBODY)).shape == (7, 6)

    def test_an_update_of_a_pipeline(self) -> None:
        """A pipeline takes news in, whether its ranker folds them in or goes on as it is."""
        pipeline = self.fitted_pipeline()
        pipeline.update(self.bank().but(events=bought((0, 4), days=0.5)).frames()[2])
        listed = {row["product_id"] for row in self._lists(pipeline) if row["user_id"] == "u0"}
        assert not listed & {"p0", "p1", "p4"}

    def test_events_that_speak_against_a_product(self, tmp_path: Path) -> None:
        """Who takes weights of events takes some below 0, or refuses them and names who does."""
        ranker = self.make()
        if not hasattr(ranker, "event_weights"):
            pytest.skip("it takes no weights of events")
        ranker.event_weights = {"buy": 1.0, "dislike": -2.0}
        turned_down = [(0, 2), (1, 4), (2, 5), (3, 5), (4, 0), (5, 1)]
        bank = self.bank().but(
            events=[
                *({**row, "event": "buy"} for row in self.bank().events),
                *bought(*turned_down, days=0.5, event="dislike"),
            ],
            rejected_events=("dislike",),
        )
        pipeline = self.make_pipeline(bank, ranker)
        try:
            pipeline.fit(bank.dataset(), bank.as_of)
        except ValueError as refused:
            if "event_weights" not in str(refused):
                raise
            return
        pairs = {(row["user_id"], row["product_id"]) for row in self._lists(pipeline)}
        assert pairs
        assert not pairs & {(f"u{user}", f"p{product}") for user, product in turned_down}
        assert self.scores_unsold or "p5" not in {product for _, product in pairs}
        pipeline.save(tmp_path / "model")
        loaded = suitably.load(tmp_path / "model", trusted=(type(ranker), *self.trusted))
        assert self._lists(loaded) == self._lists(pipeline)

    @staticmethod
    def _lists(pipeline: Pipeline) -> list[dict[str, Any]]:
        return rows_of(pipeline.recommend(k=6).to_frame())


class _Listener:
    """A ranker that learns nothing, and keeps what it was given to learn from."""

    def fit(self, context: FitContext) -> Self:
        self.context = context
        return self

    def scorer(self, user_ids: NDArray[Any]) -> Scores:
        return Scores(np.zeros((len(user_ids), len(self.context.data.product_ids)), np.float32))

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        return np.zeros(len(user_ids), bool)


def context_of(data: Dataset, seed: int = 0, **parts: Any) -> FitContext:
    """Return what a pipeline gives its ranker to learn from.

    Args:
        data: Users, products and interactions.
        seed: For everything random.
        parts: Of the pipeline, such as `profiles` or `policy`; without any, nothing is barred.
    """
    listener = _Listener()
    policy = suitably.Policy.unrestricted()
    parts = {"policy": policy, "fallback": None, "seed": seed, **parts}
    Pipeline(ranker=listener, **parts).fit(data, None if data.events.times is None else AS_OF)
    return listener.context


def scores_of(scorer: Factors | Scores) -> NDArray[Any]:
    """Return scores as a block, however they are given; a user's sums are the same in any block."""
    if isinstance(scorer, Factors):
        return np.asarray((scorer.users[:, None, :] * scorer.products).sum(axis=2))
    return np.asarray(scorer.block)
