"""What a score is made of adds up to it, and is what the papers say."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.data.simulation.bank import simulate_bank
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    Explore,
    ItemKNN,
    LightFM,
    LogisticMF,
    Popularity,
    Spectral,
)
from suitably.ranking.contributions import AskedPair, Contributions, contributions
from suitably.ranking.protocol import AskedUsers
from suitably.testing.ranker import scores_of

RANKERS: dict[str, Any] = {
    "ItemKNN": ItemKNN(neighbours=7),
    "EASE": EASE(),
    "Spectral": Spectral(),
    "ALS": ALS(factors=6, iterations=3),
    "ALS of weak purchases": ALS(factors=6, iterations=3, alpha=0.5),
    "IALS": IALS(factors=6, iterations=4),
    "BPR": BPR(factors=4, iterations=20),
    "LogisticMF": LogisticMF(factors=4, iterations=20),
    "Popularity": Popularity(),
    "Popularity by": Popularity(by="main_channel"),
    "half-life": EASE(half_life_days=90.0),
    "Blend": Blend([EASE(), ItemKNN(), Popularity(half_life_days=30)], weights=[2, 1, 1]),
    "Explore": Explore(ItemKNN()),
}


def fitted(ranker: Any, **parts: Any) -> suitably.Pipeline:
    bank = simulate_bank(users=150, products=40, seed=1)
    channels = pd.DataFrame(bank.users)
    channels["main_channel"] = np.where(np.arange(len(channels)) % 3 == 2, "app", "branch")
    log = pd.DataFrame({"user_id": bank.interactions["user_id"],
                        "product_id": bank.interactions["product_id"],
                        "timestamp": bank.interactions["timestamp"]})  # fmt: skip
    data = suitably.Dataset(channels, bank.products, log)
    policy = suitably.Policy.unrestricted()
    return suitably.Pipeline(policy=policy, ranker=ranker, fallback=None, **parts).fit(data)


def asked(pipeline: suitably.Pipeline, row: int, product: int) -> Contributions | None:
    model = pipeline._fitted()
    user = AskedUsers(model.state.users.ids, np.array([row]))
    snapshot = model.snapshot(model.state.as_of)
    pair = AskedPair(user, product, lambda: snapshot.fields_of(row))
    return contributions(pipeline.ranker_, pair)


def sums_up(pipeline: suitably.Pipeline) -> int:
    ids = pipeline._fitted().state.users.ids
    block = scores_of(pipeline.ranker_.scorer(ids.values)).astype(float)
    able = pipeline.ranker_.can_score(ids.values)
    told = 0
    for row in np.flatnonzero(able)[:25]:
        for product in range(0, block.shape[1], 5):
            made = asked(pipeline, int(row), product)
            if made is None:
                continue
            told += 1
            size = np.abs(made.by_product).sum() + abs(made.rest) + 1e-9
            assert abs(made.score - block[row, product]) < 2e-6 * size
            assert len(set(made.products.tolist())) == len(made.products)
    return told


@pytest.mark.parametrize("name", RANKERS)
def test_they_add_up_to_the_score(name: str, tmp_path: Path) -> None:
    pipeline = fitted(RANKERS[name])
    assert sums_up(pipeline) > 100
    news = pd.DataFrame({
        "user_id": ["new", "new", pipeline.user_ids[0]], "product_id": pipeline.product_ids[:3],
        "timestamp": [pipeline.as_of_ + pd.Timedelta(days=1)] * 3,
    })  # fmt: skip
    newcomer = simulate_bank(users=150, products=40, seed=1).users.iloc[:1]
    newcomer = newcomer.assign(user_id="new", main_channel="app")
    pipeline.update(interactions=news, users=newcomer)
    assert sums_up(pipeline) > 100
    place = int(np.flatnonzero(pipeline.user_ids == "new")[0])
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    assert sums_up(loaded) > 100
    for one in (pipeline, loaded):
        made = asked(one, place, 5)
        if made is not None and len(made.products):
            assert set(made.products) <= {0, 1}


@pytest.mark.parametrize("ranker", [ALS(factors=6, iterations=3), IALS(factors=6, iterations=4)])
def test_least_squares_split_as_in_the_paper(ranker: Any) -> None:
    """Hu, Koren and Volinsky 2008, section 5: Σᵢ s(p, i) cᵢ with s(p, i) = yₚᵀ W yᵢ."""
    pipeline = fitted(ranker)
    made = pipeline.ranker_
    vectors = made.product_factors_.astype(float)
    row = 3
    weights = made.interactions_.sized(np.array([row])).toarray()[0].astype(float)
    if isinstance(ranker, ALS):
        targets, unobserved, ridge = ranker.alpha * weights, 1.0, made.regularization_
        extra = np.where(weights > 0, targets - 1, 0)
    else:
        targets = extra = weights
        unobserved = made.unobserved_weight_
        ridge = made.regularization_ * (weights.sum() + unobserved * made.known_.sum())
    inverse = np.linalg.inv(
        unobserved * vectors.T @ vectors
        + vectors.T @ np.diag(extra) @ vectors
        + ridge * np.eye(vectors.shape[1])
    )
    for product in range(len(vectors)):
        expected = (vectors[product] @ inverse @ vectors.T) * targets
        found = asked(pipeline, row, product)
        assert found is not None
        assert found.products.tolist() == np.flatnonzero(weights).tolist()
        assert found.by_product == pytest.approx(expected[found.products], rel=1e-9, abs=1e-12)
        assert found.rest == 0


@pytest.mark.parametrize("ranker", [ItemKNN(neighbours=5), EASE(), Spectral()])
def test_similarities_times_weights(ranker: Any) -> None:
    made = fitted(ranker)
    fit = made.ranker_
    matrix = np.zeros((len(fit.known_),) * 2)
    matrix[np.ix_(fit.known_, fit.known_)] = (
        fit.similarity_.toarray() if isinstance(ranker, ItemKNN) else fit.similarity_
    )
    for row in (0, 7):
        weights = fit.interactions_.weights[[row]].toarray()[0]
        for product in range(matrix.shape[1]):
            found = asked(made, row, product)
            if not fit.known_[product]:
                assert found is None
                continue
            assert found is not None
            split = np.zeros(len(weights))
            split[found.products] = found.by_product
            assert split == pytest.approx(weights * matrix[:, product], rel=1e-6)


def test_popularity_is_a_place_among_those_alike() -> None:
    users = pd.DataFrame({"user_id": range(6), "band": ["a", "a", "a", "b", "b", None]})
    pairs = [(0, "x"), (1, "x"), (2, "y"), (3, "y"), (4, "y"), (5, "z")]
    log = pd.DataFrame(pairs, columns=["user_id", "product_id"])
    policy = suitably.Policy.unrestricted()
    ranker = Popularity(by="band", smoothing=0.0)
    pipeline = suitably.Pipeline(policy=policy, ranker=ranker)
    pipeline.fit(suitably.Dataset(users, None, log))
    ids = pipeline._fitted().state.products.ids.values.tolist()
    places = {(row, name): asked(pipeline, row, ids.index(name)).standing  # type: ignore[union-attr]
              for row in (0, 3, 5) for name in "xyz"}  # fmt: skip
    assert places[0, "x"] == (1, 3, "band", "a")
    assert places[0, "y"] == (2, 3, "band", "a")
    assert places[3, "y"] == (1, 3, "band", "b")
    assert places[3, "x"] == places[3, "z"] == (2, 3, "band", "b")
    assert places[5, "y"] == (1, 3, None, None)  # of no band: all are counted
    assert places[5, "z"] == (3, 3, None, None)


def test_a_blend_weighs_what_its_rankers_say() -> None:
    """By hand: a ranker's parts times the slope from 0 to its score on the scale, by its weight."""
    blend = fitted(Blend([EASE(), ItemKNN()], weights=[3, 1]))
    alone = [fitted(EASE()), fitted(ItemKNN())]
    row, product = 5, 2
    expected: dict[int, float] = {}
    for weight, one in zip((0.75, 0.25), alone, strict=True):
        ids = one._fitted().state.users.ids.values
        scores = scores_of(one.ranker_.scorer(ids[[row]])).astype(float)[0]
        size = np.abs(scores[one.ranker_.known_]).mean()
        slope = np.arcsinh(10 * scores[product] / size) / scores[product]
        made = asked(one, row, product)
        assert made is not None
        for place, value in zip(made.products.tolist(), made.by_product.tolist(), strict=True):
            expected[place] = expected.get(place, 0.0) + weight * slope * value
    found = asked(blend, row, product)
    assert found is not None
    assert dict(zip(found.products.tolist(), found.by_product.tolist(), strict=True)) == (
        pytest.approx(expected, rel=1e-5)
    )
    assert abs(found.rest) < 1e-5


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors drawn at random instead of training, which needs an extra."""

    def train(core: Any, who: Any, what: Any, factors: int, seed: int, **how: Any) -> Any:
        rng = np.random.default_rng(seed)
        sizes = (sum(one.shape) for one in (who, what))
        return [rng.standard_normal((size, factors + 1)).astype(np.float32) for size in sizes]

    monkeypatch.setattr("suitably.ranking.lightfm.train", train)


@pytest.mark.usefixtures("untrained")
def test_a_hybrid_splits_by_fields() -> None:
    names = ("main_channel", "risk_level")
    pipeline = fitted(LightFM(factors=4, epochs=4, user_features=names))
    ranker = pipeline.ranker_
    fields = pipeline._fitted().snapshot(pipeline._fitted().state.as_of).fields
    encoded = ranker.users_.encoding.encode(fields, None).toarray().astype(float)
    widths = [encoder.width for encoder in ranker.users_.encoding.encoders]
    for row in (0, 1, 9):
        for product in range(0, 40, 7):
            found = asked(pipeline, row, product)
            if found is None:
                continue
            other = ranker.product_vectors_[product].astype(float)
            whole = float(ranker.user_vectors_[row].astype(float) @ other)
            assert found.score == pytest.approx(whole, rel=1e-9)
            values = encoded[row] * (ranker.users_.shared.astype(float) @ other[1:])
            parts = np.split(values, np.cumsum(widths)[:-1])
            expected = [(name, part.sum()) for name, part in zip(names, parts, strict=True)]
            assert [name for name, _ in found.by_field] == list(names)
            assert [v for _, v in found.by_field] == pytest.approx([v for _, v in expected])


@pytest.mark.usefixtures("untrained")
def test_fields_that_have_changed_say_nothing() -> None:
    pipeline = fitted(LightFM(factors=4, epochs=4, user_features=("main_channel",)))
    model = pipeline._fitted()
    fields = model.snapshot(model.state.as_of).fields
    user = AskedUsers(model.state.users.ids, np.array([0]))
    channels = fields["main_channel"].to_pylist()
    differs = next(row for row, one in enumerate(channels) if one != channels[0])
    others = [fields.slice(differs, 1), fields.slice(0, 1).drop_columns(["main_channel"])]
    for other in others:
        found = contributions(pipeline.ranker_, AskedPair(user, 0, lambda one=other: one))
        assert found is None or found.by_field == ()


def test_whoever_scores_in_their_own_way_says_nothing() -> None:
    class Turned(EASE):
        def score_rows(self, rows: Any) -> Any:
            found = super().score_rows(rows)
            return type(found)(-found.block, found.known)

    class Named(Turned):
        def contributions(self, pair: AskedPair) -> Contributions:
            return Contributions(rest=1.0)

    class Asked:
        def fit(self, context: Any) -> Any:
            return self

        def scorer(self, user_ids: Any) -> Any:
            raise NotImplementedError

        def can_score(self, user_ids: Any) -> Any:
            raise NotImplementedError

    assert asked(fitted(EASE()), 0, 0) is not None
    assert asked(fitted(Turned()), 0, 0) is None
    made = asked(fitted(Named()), 0, 0)
    assert made is not None
    assert made.rest == 1
    pair = AskedPair(AskedUsers(fitted(EASE())._fitted().state.users.ids, np.array([0])), 0, dict)
    assert contributions(Asked(), pair) is None


def test_sums_of_contributions() -> None:
    one = Contributions(np.array([4, 2]), np.array([1.0, -2.0]), (("a", 0.5),), 0.25)
    other = Contributions(np.array([2]), np.array([1.0]), (("a", -1.0), ("b", 2.0)), -1.0)
    both = Contributions.sum_of([one, other])
    assert both.products.tolist() == [2, 4]
    assert both.by_product.tolist() == [-1.0, 1.0]
    assert dict(both.by_field) == {"a": -0.5, "b": 2.0}
    assert both.score == pytest.approx(one.score + other.score)
    assert (one.gains, both.gains) == (1.75, 3.0)
    assert one.times(2).score == pytest.approx(2 * one.score)
    assert Contributions.sum_of([]).score == 0
