"""Blend: the contract, the scale by hand, and weights that are learned from the past alone."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably
from suitably.ranking import ALS, EASE, Blend, FitContext, ItemKNN, Popularity
from suitably.ranking.blending.pool import rescaled
from suitably.ranking.blending.raw import RawScores
from suitably.ranking.blending.scale import on_scale
from suitably.ranking.blending.weights import Judged, best_of, judge, learn_weights
from suitably.ranking.contributions import AskedPair, contributions
from suitably.ranking.inner_split import inner_splits
from suitably.ranking.protocol import AskedUsers, Scorer
from suitably.testing import RankerContract
from support.banks import AS_OF, FREE, World, popular
from support.banks import seven as world
from support.frames import rows_of
from support.rankers import Cheapest


class TestBlend(RankerContract):
    scores_unknown_users = True

    def make(self) -> Blend:
        return Blend([Popularity(), ALS(factors=2, iterations=3, regularization=0.1)])


class TestBlendOfALS(RankerContract):
    """Without a ranker for everybody, and with a blend inside."""

    def make(self) -> Blend:
        inner = Blend([EASE(), ALS(factors=2, iterations=2, regularization=0.1)], weights=[2, 1])
        return Blend([inner, EASE(regularization=1.0)], weights=(0.5, 0.5))


class TestWithOneOfTheCallersOwn(RankerContract):
    trusted = (Cheapest,)
    scores_unsold = True

    def make(self) -> Blend:
        return Blend([Cheapest(), EASE()], weights=[1, 1])


def context(data: suitably.Dataset, as_of: Any = None) -> FitContext:
    view = data.view(as_of)
    eligibility: Any = None
    return FitContext(view, view.user_fields.select([]), eligibility, view.as_of, 0)


def taste(users: int = 60, days: int = 60) -> suitably.Dataset:
    """Everybody buys along one of two shelves, in turn, a product a day; shelf 1 is popular."""
    start = datetime(2024, 1, 1)
    log = []
    for user in range(users):
        shelf = 0 if user % 3 == 0 else 1
        for step in range(4):
            product = f"{'ab'[shelf]}{(user // 3 + step) % 15}"
            at = start + timedelta(days=step * days / 4 + user % 7)
            log.append({"user_id": f"u{user:02}", "product_id": product, "timestamp": at})
    return suitably.Dataset(None, None, pd.DataFrame(log))


def scaled(scorer: Scorer) -> Any:
    lines = RawScores().lines(scorer)
    found, _ = on_scale(lines.of(slice(None)), lines.known)
    return found if lines.which is None else found[lines.which]


def _alone(*found: list[int]) -> Judged:
    """Users who each acquired one of 30 products, which rankers put at some places."""
    users = len(found[0])
    scores = np.zeros((len(found), users, 30), np.float32)
    for ranker, places in enumerate(found):
        scores[ranker] = -np.arange(30)
        scores[ranker, np.arange(users), 29] = -np.array(places) + 0.5
    known, able = np.ones((len(found), 1, 30), bool), np.ones((users, len(found)), bool)
    allowed, rows = np.ones((users, 30), bool), np.arange(users)
    return Judged(scores, known, able, allowed, rows, np.full(users, 29))


def test_best_alone_unless_that_may_be_chance() -> None:
    """The third is better for all; the fourth for one of many and worse for another."""
    first, worse, better = [3] * 20, [8] * 20, [1] * 20
    lucky = [0, 5, *[3] * 18]
    assert best_of([_alone(first, worse, better, lucky)], [0, 1, 2, 3]) == 2
    assert best_of([_alone(first, worse, better, lucky)], [0, 1, 3]) == 0
    assert best_of([_alone(first, worse), _alone(worse, first)], [0, 1]) == 0
    assert best_of([], [0, 1]) == 0


def test_default_taste_is_chosen_within_the_past() -> None:
    bank = suitably.data.simulate_bank(users=300, products=40, seed=0)
    tastes = [EASE(), EASE(dropout=0.5), EASE(half_life_days=365.0),
              EASE(dropout=0.5, half_life_days=365.0)]  # fmt: skip
    fitted = (
        suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=Blend()).fit(bank).ranker_
    )
    assert fitted.rankers_[0].get_params() in [one.get_params() for one in tastes]
    assert [type(one) for one in fitted.rankers_] == [EASE, ItemKNN, Popularity, Popularity]
    given = suitably.Pipeline(
        policy=suitably.Policy.unrestricted(), ranker=Blend(weights=[1, 1, 1, 1])
    )
    assert given.fit(bank).ranker_.rankers_[0].get_params() == EASE().get_params()


def test_scores_are_the_weighted_sum() -> None:
    data = taste()
    blend = Blend([EASE(), Popularity()], weights=[3, 1]).fit(context(data))
    ids = data.user_ids[:9]
    parts = [scaled(ranker.scorer(ids)) for ranker in blend.rankers_]
    assert blend.weights_.tolist() == [0.75, 0.25]
    found = blend.scorer(ids)
    assert found.block == pytest.approx(0.75 * parts[0] + 0.25 * parts[1], rel=1e-5)
    assert found.block.dtype == np.float32
    alone = np.concatenate([blend.scorer(ids[i : i + 1]).block for i in range(len(ids))])
    assert (alone == found.block).all()


def test_who_cannot_be_scored_by_one_is_left_to_the_others() -> None:
    blend = Blend([ALS(factors=2), Popularity()], weights=[3, 1])
    pipeline = world().fitted(blend, fallback=None)
    alone = world().fitted(Popularity(), fallback=None)
    mine, theirs = (
        [row["product_id"] for row in rows_of(p.recommend(["u5"], k=6).to_frame())]
        for p in (pipeline, alone)
    )
    assert mine == theirs == ["p0", "p1", "p2", "p3", "p4"]


def test_a_weight_of_nothing_counts_only_where_nothing_else_does() -> None:
    blend = Blend([EASE(), Popularity()], weights=[1, 0])
    ids = np.array(["u0", "u5", "nobody"], object)
    blend = world().fitted(blend, fallback=None).ranker_
    assert blend.can_score(ids).tolist() == [True, True, True]
    ease = scaled(blend.rankers_[0].scorer(ids[:1]))
    popularity = scaled(blend.rankers_[1].scorer(ids[1:]))
    block = blend.scorer(ids).block
    assert block[0] == pytest.approx(ease[0])
    assert block[1:] == pytest.approx(popularity)


def test_shares_by_hand() -> None:
    able = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
    found = rescaled(np.array([0.5, 0.0, 0.5]), able)
    assert found.tolist() == [[0.5, 0, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_weights_go_to_what_meets_the_future() -> None:
    """The first ranker puts what they bought at the top, the second and third at the bottom."""
    rng = np.random.default_rng(1)
    n, products = 200, 40
    bought = rng.integers(0, products, n)
    good = rng.random((n, products), np.float32)
    good[np.arange(n), bought] = 2
    poor = rng.random((2, n, products), np.float32)
    poor[:, np.arange(n), bought] = -2
    judged = Judged(
        scores=np.concatenate([poor[:1], good[None], poor[1:]]),
        known=np.ones((3, 1, products), bool),
        able=np.ones((n, 3), bool),
        allowed=np.ones((n, products), bool),
        users=np.arange(n),
        columns=bought,
    )
    weights = learn_weights([judged], 3)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.6
    assert judged.ndcg(np.array([0.0, 1.0, 0.0])).tolist() == [1.0] * n
    assert judged.ndcg(np.array([0.0, 0.0, 1.0])).tolist() == [0.0] * n


def test_ndcg_against_the_one_of_evaluation() -> None:
    """Ties are broken by the catalogue, what is not allowed is not ranked."""
    rng = np.random.default_rng(2)
    n, products = 30, 25
    scores = rng.integers(0, 4, (1, n, products)).astype(np.float32)
    allowed = rng.random((n, products)) < 0.7
    allowed[:, 0] = True
    users, codes = np.nonzero(allowed & (rng.random((n, products)) < 0.2))
    known = np.ones((1, 1, products), bool)
    judged = Judged(scores, known, np.ones((n, 1), bool), allowed, users, codes)
    rows = []
    for user in range(n):
        ranked = sorted(np.flatnonzero(allowed[user]), key=lambda p, u=user: (-scores[0, u, p], p))
        rows += [(user, int(p), rank + 1) for rank, p in enumerate(ranked[:10])]
    recs = pd.DataFrame(rows, columns=["user_id", "product_id", "rank"])
    relevant = pd.DataFrame({"user_id": users, "product_id": codes})
    wanted = suitably.evaluation.evaluate(recs, relevant, ["ndcg@10"])
    found = judged.ndcg(np.ones(1))[wanted["user_id"]]
    assert found == pytest.approx(wanted["ndcg@10"].to_numpy())


def test_inner_windows_by_hand() -> None:
    """Ten purchases, a day each, seen at noon of the tenth day: windows of three, a day apart."""
    start = datetime(2024, 1, 1)
    log = pd.DataFrame({
        "user_id": ["a", "b"] * 5,
        "product_id": [f"p{i // 2}" for i in range(10)],
        "timestamp": [start + timedelta(days=i) for i in range(10)],
    })  # fmt: skip
    data = suitably.Dataset(None, None, log)
    given = context(data, datetime(2024, 1, 10, 12))
    splits = list(inner_splits(given, 3, 3))
    cuts = [split.past.as_of for split in splits]
    just_after = np.timedelta64(1, "us")  # the tenth purchase, and not the moment of the fit
    assert cuts == [np.datetime64(day) + just_after for day in ("2024-01-07", "2024-01-06",
                                                                "2024-01-05")]  # fmt: skip
    assert [split.past.data.as_of for split in splits] == cuts
    assert [len(split.past.data.events) for split in splits] == [7, 6, 5]
    assert splits[0].users.tolist() == [0, 1, 1]
    assert splits[0].products.tolist() == [4, 3, 4]
    assert len(list(inner_splits(given, 99, 2))) == 8, "no past is shorter than the window"
    assert len(list(inner_splits(given, 99, 1000))) == 4, "windows of a third of the time"
    at_once = context(data, datetime(2024, 1, 1) + timedelta(microseconds=1))
    assert list(inner_splits(at_once, 3, 3)) == []


def test_what_was_owned_is_not_acquired_again_unless_repeatable() -> None:
    times = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])
    log = pd.DataFrame({"user_id": ["a"] * 5, "product_id": ["x", "y", "x", "y", "z"],
                        "timestamp": times})  # fmt: skip
    products = pd.DataFrame({"product_id": ["x", "y", "z"], "repeatable": [False, True, False]})
    given = context(suitably.Dataset(None, products, log), datetime(2024, 1, 5, 1))
    (split,) = inner_splits(given, 1, 2)
    assert split.past.as_of == np.datetime64("2024-01-03T16:00:00.000001")
    assert split.products.tolist() == [1, 2]
    assert split.allowed(np.array([0])).tolist() == [[False, True, True]]


def test_nothing_at_or_after_the_moment_is_looked_at() -> None:
    data = taste()
    cut = pd.Timestamp("2024-02-10")
    blend = Blend([EASE(), Popularity()]).fit(context(data, cut))
    frame = data.interactions
    past = suitably.Dataset(None, None, frame[frame["timestamp"] < cut])
    again = Blend([EASE(), Popularity()]).fit(context(past, cut))
    assert blend.judged_ == again.judged_ > 0
    assert blend.weights_.tolist() == again.weights_.tolist()
    assert (blend.scorer(past.user_ids).block == again.scorer(past.user_ids).block).all()


@pytest.mark.parametrize("days", [1, 10, 200, 5_000])
def test_waiting_changes_neither_weights_nor_lists(days: int) -> None:
    data = taste()
    free = suitably.Policy.unrestricted()
    latest = data.interactions["timestamp"].max()
    found = [
        suitably.Pipeline(policy=free, ranker=Blend()).fit(data, latest + timedelta(days=later))
        for later in (0.001, days)
    ]
    first, second = (pipeline.ranker_ for pipeline in found)
    assert first.judged_ == second.judged_ > 30
    assert first.weights_.tolist() == second.weights_.tolist()
    frames = [pipeline.recommend(k=8).to_frame() for pipeline in found]
    pd.testing.assert_frame_equal(*(one[["user_id", "product_id"]] for one in frames))


def test_learned_weights_prefer_taste_to_fashion() -> None:
    blend = Blend([Popularity(), EASE(regularization=5.0)]).fit(context(taste()))
    assert blend.judged_ > 30
    assert blend.weights_[1] > 0.6


def undated(data: suitably.Dataset) -> suitably.Dataset:
    return suitably.Dataset(None, None, data.interactions.drop(columns="timestamp"))


def at_once(data: suitably.Dataset) -> suitably.Dataset:
    frame = data.interactions.assign(timestamp=pd.Timestamp("2024-01-01"))
    return suitably.Dataset(None, None, frame)


@pytest.mark.parametrize("without_time", [undated, at_once])
def test_without_dates_weights_are_learned_from_what_is_hidden(without_time: Any) -> None:
    """Everybody keeps to a shelf, so taste finds what is hidden and popularity does not."""
    given = context(without_time(taste()))
    made = [Blend([Popularity(), EASE(regularization=5.0)]).fit(given) for _ in range(2)]
    assert made[0].judged_ == made[1].judged_ > 60
    assert made[0].weights_[1] > 0.6
    assert made[0].weights_.tolist() == made[1].weights_.tolist()


def test_a_log_of_one_user_leaves_weights_equal() -> None:
    frame = taste().interactions
    one = suitably.Dataset(None, None, frame[frame["user_id"] == "u01"].drop(columns="timestamp"))
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline(policy=free, ranker=Blend()).fit(one)
    assert len(set(pipeline.ranker_.weights_.tolist())) == 1
    assert list(pipeline.recommend(k=2, exclude_owned=False).to_frame()["rank"]) == [1, 2]


def test_a_catalogue_of_one() -> None:
    log = pd.DataFrame({"user_id": ["a", "b"], "product_id": ["x", "x"]})
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline(policy=free, ranker=Blend()).fit(suitably.Dataset(None, None, log))
    assert list(pipeline.recommend(k=3, exclude_owned=False).to_frame()["product_id"]) == ["x"] * 2


def test_users_of_whom_no_member_knows_anything() -> None:
    pipeline = world().fitted(Blend([EASE(), ALS(factors=2)], weights=[1, 2]), fallback=None)
    assert not pipeline.ranker_.can_score(np.array(["u5", "nobody"], object)).any()
    reasons = rows_of(pipeline.recommend(["u5"], k=2).abstentions())
    assert [(row["returned"], row["reason"]) for row in reasons] == [(0, "no-score")]


def test_near_the_top_stands_for_a_large_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is judged in parts, by what members put first, is what is judged of the whole."""
    given = context(taste())
    (split, *_) = inner_splits(given, 1, 30)
    rankers = [ranker.fit(split.past) for ranker in (Popularity(), EASE(regularization=5.0))]
    whole = judge(rankers, split)
    monkeypatch.setattr("suitably.ranking.blending.weights._NEAR", 11)
    monkeypatch.setattr("suitably.ranking.blending.weights._SCORED", 400)
    near = judge(rankers, split)
    assert whole is not None
    assert near is not None
    assert near.allowed.shape[1] < whole.allowed.shape[1]
    for weights in ([0.5, 0.5], [0.9, 0.1], [0.0, 1.0]):
        assert near.ndcg(np.array(weights)).tolist() == whole.ndcg(np.array(weights)).tolist()


def test_given_rankers_stay_unfitted() -> None:
    given = [EASE(), Popularity()]
    first = Blend(given).fit(context(taste()))
    assert not any(hasattr(ranker, "interactions_") for ranker in given)
    assert first.get_params()["rankers"] is given


def test_folding_in_is_delegated() -> None:
    log = taste().interactions
    old, new = log[log["timestamp"] < "2024-02-01"], log[log["timestamp"] >= "2024-02-01"]
    data = suitably.Dataset(None, None, old)
    free = suitably.Policy.unrestricted()
    parts = [EASE(regularization=3.0), Popularity()]
    blend, *alone = (
        suitably.Pipeline(policy=free, ranker=ranker).fit(data).update(interactions=new)
        for ranker in (Blend(parts, weights=[1, 1]), *parts)
    )
    ids = data.user_ids
    first, second = (scaled(pipeline.ranker_.scorer(ids)) for pipeline in alone)
    assert blend.ranker_.scorer(ids).block == pytest.approx((first + second) / 2)


def updated(blend: Blend) -> suitably.Pipeline:
    """Half of everybody buys something that came after the fit."""
    data = taste()
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline(policy=free, ranker=blend).fit(data)
    buyers = data.user_ids[::2]
    at = data.interactions["timestamp"].max() + timedelta(days=1)
    news = pd.DataFrame({"user_id": buyers, "product_id": "new", "timestamp": at})
    return pipeline.update(interactions=news)


def test_a_product_that_came_after_the_fit_is_not_sunk() -> None:
    """Popularity alone knows it, as one of the most bought; EASE learns of it at the next fit."""
    pipeline = updated(Blend([EASE(regularization=5.0), Popularity()], weights=[1, 1]))
    listed = pipeline.recommend(k=5).to_frame()
    ranks = listed.loc[listed["product_id"] == "new", "rank"]
    assert len(ranks) == 30
    assert (ranks <= 3).all()


def test_explanations_add_up_where_a_member_knows_nothing() -> None:
    members = [EASE(regularization=5.0), ItemKNN(), Popularity(half_life_days=20)]
    pipeline = updated(Blend(members, weights=[2, 1, 1]))
    state = pipeline._fitted().state
    user, nobody = AskedUsers(state.users.ids, np.array([1])), pa.table({})
    block = pipeline.ranker_.scorer(state.users.ids.values[[1]]).block[0]
    new = state.products.ids.codes(np.array(["new"], object)).item()
    for product in (new, 0, 7):
        found = contributions(pipeline.ranker_, AskedPair(user, product, lambda: nobody))
        assert found is not None
        assert found.score == pytest.approx(block[product], rel=1e-5)
    assert contributions(pipeline.ranker_, AskedPair(user, 99, lambda: nobody)) is None


class Counting(Popularity):
    """Popularity that writes down how many users are scored at once."""

    asked: ClassVar[list[int]] = []

    def score_rows(self, rows: Any) -> Any:
        self.asked.append(len(rows))
        return super().score_rows(rows)


def test_no_more_users_are_scored_at_once_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for lists nor for what they lack, however many are asked about."""
    monkeypatch.setattr("suitably.pipeline.generate._CELLS", 30 * 7)
    monkeypatch.setattr("suitably.pipeline.generate._FEW", 2)
    monkeypatch.setattr("suitably.ranking.blending.pool._CELLS", 40)
    data, free = taste(), suitably.Policy.unrestricted()
    blend = Blend([Counting(), EASE()], weights=[1, 1])
    pipeline = suitably.Pipeline(policy=free, ranker=blend).fit(data)
    Counting.asked.clear()
    recs = pipeline.recommend(k=40)
    assert len(recs.abstentions()) > 0
    assert max(Counting.asked) == 7
    assert sum(Counting.asked) == len(data.user_ids)
    one_by_one = [pipeline.recommend([user], k=40).to_frame() for user in data.user_ids[:9]]
    pd.testing.assert_frame_equal(
        pd.concat(one_by_one, ignore_index=True), recs.to_frame().iloc[: 9 * 26]
    )


class Learning(Popularity):
    """Popularity that writes down how much it learns from."""

    seen: ClassVar[list[int]] = []

    def fit(self, context: FitContext) -> Any:
        self.seen.append(len(context.data.acquisitions))
        return super().fit(context)


@pytest.mark.parametrize("without_time", [taste, lambda: undated(taste())])
def test_of_much_data_weights_cost_no_more_than_the_fit(
    without_time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suitably.ranking.blending.windows._LEARNED", 1)
    given = context(without_time())
    Learning.seen.clear()
    blend = Blend([Learning(), EASE(regularization=5.0)]).fit(given)
    *parts, whole = Learning.seen
    assert whole == 240
    assert len(parts) > 1
    assert sum(parts) <= whole
    assert 0 < blend.judged_ < 60


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rankers": []}, "list of rankers"),
        ({"rankers": EASE()}, "list of rankers"),
        ({"rankers": [EASE]}, "no ranker"),
        ({"rankers": ["EASE"]}, "no ranker"),
        ({"weights": [1.0]}, "2 finite numbers"),
        ({"weights": [0.0, 0.0]}, "not all 0"),
        ({"weights": [1.0, -1.0]}, "0 or"),
        ({"weights": [1.0, np.nan]}, "finite"),
        ({"weights": ["much", "little"]}, "must be numbers"),
        ({"windows": 0}, "positive integer"),
        ({"horizon_days": 0}, "above 0"),
        ({"horizon_days": True}, "horizon_days=True"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], message: str) -> None:
    given = {"rankers": [EASE(), Popularity()], **parameters}
    with pytest.raises(ValueError, match=message):
        Blend(**given).fit(context(taste()))


def test_a_state_that_does_not_fit() -> None:
    blend = Blend([EASE(), Popularity()]).fit(context(taste()))
    with pytest.raises(ValueError, match="2 finite numbers"):
        Blend.from_state({**blend.state(), "weights_": np.ones(3)})


def test_worlds_of_the_contract_learn_something() -> None:
    """So that the contract above is kept by learned weights and not by equal ones alone."""
    busy = [{**row, "timestamp": AS_OF - timedelta(days=i + 1)}
            for i, row in enumerate(popular(24).events)]  # fmt: skip
    given = World(popular().users, popular().products, busy, (FREE,))
    ranker = given.fitted(Blend([Popularity(), EASE()])).ranker_
    assert ranker.weights_.sum() == pytest.approx(1)


def test_its_documented_members() -> None:
    dated = world().fitted(Blend()).ranker_
    names = [type(one).__name__ for one in dated.rankers_]
    assert names == ["EASE", "ItemKNN", "Popularity", "Popularity"]
    assert [one.half_life_days for one in dated.rankers_[2:]] == [7, 30]
    _, _, log = world().frames()
    without = suitably.Dataset(None, None, log.drop_columns(["timestamp"]))
    free = suitably.Policy.unrestricted()
    blend = suitably.Pipeline(policy=free, ranker=Blend()).fit(without).ranker_
    assert [one.half_life_days for one in blend.rankers_[2:]] == [None]  # type: ignore[attr-defined]


def test_of_many_products_ease_is_judged_by_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Any] = []

    def remembered(rankers: Any, split: Any, cells: int) -> Judged | None:
        judged.extend(rankers)
        return judge(rankers, split, cells)

    monkeypatch.setattr("suitably.ranking.blending.windows._FEW_PRODUCTS", 20)
    monkeypatch.setattr("suitably.ranking.blending.windows.judge", remembered)
    blend = Blend([EASE(dropout=0.2), EASE(neighbours=7), Popularity()]).fit(context(taste()))
    assert judged
    assert [ranker.neighbours for ranker in judged if isinstance(ranker, EASE)] == [50, 7] * (
        len(judged) // 3
    )
    assert {ranker.dropout for ranker in judged[::3]} == {0.2}
    assert [ranker.neighbours for ranker in blend.rankers_[:2]] == [None, 7]
