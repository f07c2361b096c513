"""Events that speak against a product: which of a pair counts, and what rankers make of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

import suitably
from suitably.pipeline import Pipeline
from suitably.ranking import ALS, BPR, EASE, IALS, Blend, ItemKNN, LogisticMF, Popularity, Spectral
from suitably.ranking.contributions import AskedPair
from suitably.ranking.inner_split import inner_splits, kinds_against, random_split
from suitably.ranking.inner_split import without_rejections as heard
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import AskedUsers
from suitably.testing.ranker import context_of, scores_of
from support.frames import rows_of

# Sizes that are powers of 2, so that a half-life makes exact ties.
WEIGHTS = {"view": 0.5, "buy": 1, "dislike": -1, "praise": 2, "complaint": -2, "nothing": 0}
Event = tuple[int, int, str, int]
OPINION = {"buy": 1.0, "dislike": -1.0}
SIMILARITY = [partial(ItemKNN, shrinkage=0.0), EASE, Spectral]
LATENT = [
    partial(ALS, factors=3),
    partial(IALS, factors=3),
    partial(BPR, factors=3, iterations=100, learning_rate=0.1),
    partial(LogisticMF, factors=3, iterations=10),
]
ALL: list[Callable[..., Any]] = [Popularity, *SIMILARITY, *LATENT]


def dataset(events: Sequence[Event], dated: bool = True, **meaning: Any) -> suitably.Dataset:
    """Users and products 0 to 4, whoever is in the log."""
    frame = pd.DataFrame(events, columns=["user_id", "product_id", "event", "day"])
    days = frame.pop("day")
    if dated:
        frame["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    five = range(5)
    meaning = {"owned_events": ("buy",), "rejected_events": ("dislike", "complaint"), **meaning}
    return suitably.Dataset(
        pd.DataFrame({"user_id": five}), pd.DataFrame({"product_id": five}), frame, **meaning
    )


def whole_log(kinds: dict[str, float]) -> list[Event]:
    """An event of each kind, by a user and of a product that no test looks at."""
    return [(4, 4, kind, 0) for kind in kinds]


def strongest_by_brute_force(
    events: Sequence[Event], half_life: int | None, dated: bool
) -> dict[tuple[int, int], Event]:
    found: dict[tuple[int, int], tuple[Any, Event]] = {}
    for event in events:
        user, product, kind, day = event
        weight = WEIGHTS[kind]
        if not weight:
            continue
        # In half-lives, exactly: weights are powers of 2, days and half-lives whole.
        size = int(np.log2(abs(weight))) * (half_life or 1) + (day if half_life else 0)
        key = (size, day if dated else 0, weight < 0)
        if (user, product) not in found or key > found[user, product][0]:
            found[user, product] = (key, event)
    return {pair: event for pair, (_, event) in found.items()}


def as_dict(one: WeightedInteractions) -> dict[tuple[int, int], float]:
    cells = sparse.coo_array(one.weights)
    assert (cells.data != 0).all()
    return {
        (int(u), int(p)): float(w) for u, p, w in zip(cells.row, cells.col, cells.data, strict=True)
    }


logs = some.lists(
    some.tuples(
        some.integers(0, 2), some.integers(0, 2), some.sampled_from([*WEIGHTS]),
        some.integers(0, 9),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(logs, some.sampled_from([None, 1, 3]), some.booleans())
def test_the_strongest_event_of_a_pair_is_that_of_brute_force(
    events: list[Event], half_life: int | None, dated: bool
) -> None:
    half_life = half_life if dated else None
    events = [*events, *whole_log(WEIGHTS)]
    view = dataset(events, dated).view()
    found = as_dict(WeightedInteractions.of(view, Weighting(half_life, WEIGHTS)))
    wanted = {
        pair: WEIGHTS[kind] * 2.0 ** (day / half_life if half_life else 0)
        for pair, (_, _, kind, day) in strongest_by_brute_force(events, half_life, dated).items()
    }
    assert found.keys() == wanted.keys()
    unit = max(map(abs, wanted.values())) / max(map(abs, found.values()))
    assert {pair: w * unit for pair, w in found.items()} == pytest.approx(wanted)


@settings(max_examples=60, deadline=None)
@given(logs, some.sampled_from([None, 1, 3]), some.booleans(), some.data())
def test_news_in_parts_and_in_any_order_are_as_one_log(
    events: list[Event], half_life: int | None, dated: bool, data: Any
) -> None:
    """What is held is the event and its time, so a late delivery finds its place."""
    half_life = half_life if dated else None
    view = dataset([*events, *whole_log(WEIGHTS)], dated).view()
    part = np.array(data.draw(some.lists(some.integers(0, 2), min_size=len(view.events),
                                         max_size=len(view.events))))  # fmt: skip
    weighting = Weighting(half_life, WEIGHTS)
    parts = [replace(view, events=view.events.take(part == at)) for at in range(3)]
    joint = WeightedInteractions.of(parts[0], weighting)
    for news in parts[1:]:
        joint, rows = joint.plus(news)
        assert set(rows) >= set(np.unique(news.events.users)) - {
            user for user, _, kind, _ in events if kind == "nothing"
        } - {4}
    once = WeightedInteractions.of(view, weighting)
    assert joint.decisive is not None
    assert once.decisive is not None
    assert np.array_equal(joint.decisive.weights, once.decisive.weights)
    if dated:
        assert joint.decisive.times is not None
        assert np.array_equal(joint.decisive.times, once.decisive.times)
    one, other = as_dict(joint), as_dict(once)
    unit = max(map(abs, other.values())) / max(map(abs, one.values()))
    assert {pair: w * unit for pair, w in one.items()} == pytest.approx(other)


def test_of_equal_sizes_the_later_counts_then_the_negative() -> None:
    def weight(*events: Event, dated: bool = True) -> float:
        view = dataset([*events, *whole_log(OPINION)], dated).view()
        return as_dict(WeightedInteractions.of(view, Weighting(None, OPINION)))[0, 0]

    assert weight((0, 0, "buy", 1), (0, 0, "dislike", 2)) == -1
    assert weight((0, 0, "dislike", 1), (0, 0, "buy", 2)) == 1
    assert weight((0, 0, "dislike", 2), (0, 0, "buy", 2)) == -1
    assert weight((0, 0, "dislike", 1), (0, 0, "buy", 2), dated=False) == -1


@pytest.mark.parametrize("half_life", [1e-9, 1.0])
def test_age_takes_no_rejection_to_zero(half_life: float) -> None:
    """Nor does a change of units: what is faint is faint with its sign."""
    log = [(0, 0, "dislike", 0), (0, 1, "buy", 700), (1, 0, "buy", 0), *whole_log(OPINION)]
    view = dataset(log).view()
    early = replace(view, events=view.events.take(view.events.products != 1))
    weighting = Weighting(half_life, OPINION)
    joint, _ = WeightedInteractions.of(early, weighting).plus(view)
    for one in (WeightedInteractions.of(view, weighting), joint):
        found = as_dict(one)
        assert found[0, 0] < 0 < found[1, 0]
        assert found[0, 0] == -found[1, 0]
        assert (np.sign(one.as_of(view.as_of)) == np.sign(one.weights.data)).all()
        assert (one.sized(np.arange(5)).data * one.weights.data >= 0).all()


# ---- what rankers make of it ---------------------------------------------------------------------

# Everybody wants something, and every product is wanted by somebody.
X = np.array(
    [[1, 1, 0, -1, 0], [1, -1, 1, 0, 0], [0, 1, 1, -1, 1], [-1, 0, 0, 1, 1], [1, 1, -1, 0, 1]],
    float,
)


def opinions(matrix: NDArray[Any] = X) -> list[Event]:
    pairs = np.argwhere(matrix).tolist()
    return [(u, p, "buy" if matrix[u, p] > 0 else "dislike", u + p) for u, p in pairs]


def fitted(ranker: Any, events: Sequence[Event] | None = None, **meaning: Any) -> Any:
    data = dataset(opinions() if events is None else events, **meaning)
    return ranker.fit(context_of(data))


def scores(ranker: Any, users: Any = range(5)) -> NDArray[Any]:
    return scores_of(ranker.scorer(np.array(users)))


def pipeline(ranker: Any, events: Sequence[Event] | None = None, **meaning: Any) -> Pipeline:
    data = dataset(opinions() if events is None else events, **meaning)
    policy = suitably.Policy.unrestricted()
    return Pipeline(policy=policy, ranker=ranker, fallback=None).fit(data)


def listed(one: Pipeline, user: int) -> list[int]:
    recs = one.recommend([user], k=5, exclude_owned=False)
    return [row["product_id"] for row in rows_of(recs.to_frame())]


def test_popularity_counts_down() -> None:
    found = fitted(Popularity(event_weights=OPINION))
    assert found.counts_.tolist() == X.sum(axis=0).tolist() == [2.0, 2.0, 1.0, -1.0, 3.0]
    assert listed(pipeline(Popularity(event_weights=OPINION)), 1)[-1] == 3


def test_popularity_of_a_segment_counts_down() -> None:
    """C·(n_s + m·n/C)/(C_s + m) with C = 5, m = 1; of the first two users n_s = 0 for product 1."""
    users = pd.DataFrame({"user_id": range(5), "city": list("aabbb")})
    log = pd.DataFrame(opinions(), columns=["user_id", "product_id", "event", "day"])
    meaning = {"owned_events": ("buy",), "rejected_events": ("dislike",)}
    data = suitably.Dataset(users, None, log.drop(columns="day"), **meaning)
    ranker = Popularity(event_weights=OPINION, by="city", smoothing=1.0)
    found = Pipeline(policy=suitably.Policy.unrestricted(), ranker=ranker).fit(data).ranker_
    assert found.segment_counts_[1, 1] == pytest.approx(5 * (0 + 2 / 5) / 3)


def test_neighbours_subtract() -> None:
    unit = X / np.sqrt((X**2).sum(axis=0))
    alike = unit.T @ unit
    np.fill_diagonal(alike, 0)
    assert (alike < 0).any()
    found = scores(fitted(ItemKNN(shrinkage=0.0, event_weights=OPINION)))
    assert found == pytest.approx(X @ alike, abs=1e-6)


@pytest.mark.parametrize("neighbours_of", ["target", "owned"])
def test_the_nearest_are_so_by_size(neighbours_of: str) -> None:
    unit = X / np.sqrt((X**2).sum(axis=0))
    alike = unit.T @ unit
    np.fill_diagonal(alike, 0)
    best = np.abs(alike).argmax(axis=1)
    near = np.zeros_like(alike)
    near[np.arange(5), best] = alike[np.arange(5), best]
    ranker = ItemKNN(shrinkage=0.0, neighbours=1, event_weights=OPINION,
                     neighbours_of=neighbours_of)  # fmt: skip
    wanted = X @ (near.T if neighbours_of == "target" else near)
    assert scores(fitted(ranker)) == pytest.approx(wanted, abs=1e-6)


def test_saturated_weights_keep_their_sign() -> None:
    """BM25 of a weight w: w(K1 + 1)/(K1·length + |w|), length and reach by size."""
    sizes = np.abs(X)
    reach = sizes.sum(axis=0)
    rarity = np.log(6 / (1 + sizes.sum(axis=1))) + 1
    length = 0.25 + 0.75 * reach / reach.mean()
    weighed = X * 2.2 / (1.2 * length + sizes) * rarity[:, None]
    alike = weighed.T @ weighed
    np.fill_diagonal(alike, 0)
    found = scores(fitted(ItemKNN("bm25", shrinkage=0.0, event_weights=OPINION)))
    assert found == pytest.approx(X @ alike, abs=1e-5)


@pytest.mark.parametrize("neighbours", [None, 3])
def test_regression_subtracts(neighbours: int | None) -> None:
    made = EASE(regularization=2.0, event_weights=OPINION, neighbours=neighbours)
    found = scores(fitted(made))
    gram = X.T @ X + 2.0 * np.eye(5)
    if neighbours is None:
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
    else:
        weights = np.zeros((5, 5))
        for target in range(5):
            others = [p for p in range(5) if p != target]
            gain = np.array([gram[p, target] ** 2 / gram[p, p] for p in others])
            near = sorted(np.array(others)[np.argsort(-gain, kind="stable")[:3]])
            if np.sort(gain)[-3] == np.sort(gain)[-4]:
                return  # a tie: which of them is near is another test's matter
            solved = np.linalg.solve(gram[np.ix_(near, near)], gram[near, target])
            weights[near, target] = solved
    np.fill_diagonal(weights, 0)
    assert found == pytest.approx(X @ weights, abs=1e-5)


def test_the_filter_subtracts() -> None:
    users, products = np.abs(X).sum(axis=1), np.abs(X).sum(axis=0)
    filtered = X / np.sqrt(users)[:, None] / np.sqrt(products)
    found = scores(fitted(Spectral(low_pass=0.0, event_weights=OPINION)))
    assert found == pytest.approx(X @ (filtered.T @ filtered), abs=1e-5)


def test_als_is_that_of_implicit() -> None:
    """A negative confidence is one in a preference of 0, by its size."""
    ranker = fitted(ALS(factors=3, regularization=0.5, alpha=3.0, event_weights=OPINION))
    oracle = AlternatingLeastSquares(factors=3, regularization=0.5, use_cg=False, alpha=1.0)
    oracle.item_factors = ranker.product_factors_
    rows = sparse.csr_matrix((3 * X).astype(np.float32))
    wanted = oracle.recalculate_user(np.arange(5), rows)
    assert ranker.user_factors_ == pytest.approx(wanted, abs=1e-4)


def test_ials_weighs_a_target_of_zero() -> None:
    ranker = fitted(IALS(factors=3, regularization=0.1, unobserved_weight=0.2,
                         event_weights=OPINION))  # fmt: skip
    products = ranker.product_factors_.astype(float)
    for user, row in enumerate(X):
        strength = np.abs(row).sum() + 0.2 * 5
        matrix = 0.2 * products.T @ products + (products.T * np.abs(row)) @ products
        matrix += 0.1 * strength * np.eye(3)
        wanted = np.linalg.solve(matrix, products.T @ np.maximum(row, 0))
        assert ranker.user_factors_[user] == pytest.approx(wanted, abs=1e-5)
    assert (np.diff(ranker.objective_) < 0).all()


def test_logistic_mf_has_a_negative_for_certain() -> None:
    ranker = fitted(LogisticMF(factors=2, regularization=1.0, iterations=20, event_weights=OPINION))
    bias = ranker.product_factors_[:, -2].astype(float)
    products = np.delete(ranker.product_factors_, -2, axis=1).astype(float)
    shares = ranker.popularity_ / ranker.popularity_.sum()
    assert ranker.popularity_.tolist() == (X > 0).sum(axis=0).tolist()
    for user, row in enumerate(X):
        drawn = min(products.shape[1] + 1, int((row > 0).sum()))

        def loss(x: NDArray[Any], row: NDArray[Any] = row, drawn: int = drawn) -> float:
            margin = products @ x + bias
            wanted = np.logaddexp(0, -margin) @ (row > 0) + np.logaddexp(0, margin) @ (row < 0)
            return float(wanted + drawn * shares @ np.logaddexp(0, margin) + 0.5 * x @ x)

        found = np.delete(ranker.user_factors_[user], -2)
        best = minimize(loss, np.zeros(3), tol=1e-12)
        # A systematic sample of 256 stands in for the shares.
        assert loss(found) == pytest.approx(best.fun, rel=1e-3)


def test_bpr_puts_what_was_turned_down_after_its_rivals() -> None:
    ranker = fitted(BPR(factors=2, iterations=50, event_weights=OPINION))
    without = fitted(BPR(factors=2, iterations=50, event_weights={"buy": 1.0}))
    assert np.array_equal(ranker.product_factors_, without.product_factors_)
    bias, products = ranker.product_factors_[:, -1], ranker.product_factors_[:, :-1].astype(float)
    shares = ranker.popularity_ / ranker.popularity_.sum()
    stopping = 1 / (ranker.learning_rate_ * 50)
    for user, row in enumerate(X):

        def loss(x: NDArray[Any], row: NDArray[Any] = row) -> float:
            margin = products @ x + bias
            total = 0.0
            for mine in np.flatnonzero(row):
                ahead = row[mine] * (margin[mine] - margin)
                total += np.logaddexp(0, -ahead) @ (shares * (row != row[mine]))
            penalty = ranker.regularization_ * np.abs(row).sum() + stopping
            return float(total + penalty / 2 * x @ x)

        best = minimize(loss, np.zeros(2), tol=1e-12)
        assert loss(ranker.user_factors_[user, :-1]) == pytest.approx(best.fun, rel=1e-3)


@pytest.mark.parametrize("ranker", [BPR, LogisticMF])
def test_what_is_trained_by_sampling_learns_products_from_purchases_alone(ranker: Any) -> None:
    both = fitted(ranker(factors=3, iterations=10, event_weights=OPINION))
    bought = fitted(ranker(factors=3, iterations=10, event_weights={"buy": 1.0}))
    assert np.array_equal(both.product_factors_, bought.product_factors_)
    assert not np.array_equal(both.user_factors_, bought.user_factors_)


@pytest.mark.parametrize("ranker", ALL)
def test_turning_a_product_down_lowers_its_place(ranker: Any) -> None:
    """User 4, who knows product 2 not at all or turned it down, the rest being alike."""
    calm = X.copy()
    calm[4, 2] = 0
    weights = {"event_weights": OPINION}
    before = scores(fitted(ranker(**weights), opinions(calm)))[4]
    after = scores(fitted(ranker(**weights)))[4]
    gap_before, gap_after = before[2] - before[[0, 1, 4]].mean(), after[2] - after[[0, 1, 4]].mean()
    assert gap_after < gap_before


@pytest.mark.parametrize("ranker", ALL)
def test_a_product_that_is_only_turned_down_has_no_score(ranker: Any) -> None:
    """As one that nobody acquired: it cannot come before one of which nothing is known."""
    shunned = X.copy()
    shunned[:, 4] = -1
    one = pipeline(ranker(event_weights=OPINION), opinions(shunned))
    assert all(4 not in listed(one, user) for user in range(5))
    assert listed(one, 0)


@pytest.mark.parametrize("ranker", ALL)
def test_a_user_who_only_turns_down(ranker: Any, tmp_path: Path) -> None:
    """Is scored by rankers that subtract, and by those that have negatives for certain."""
    sour = X.copy()
    sour[0] = [-1, -1, 0, 0, 0]
    one = pipeline(ranker(event_weights=OPINION), opinions(sour))
    able = one.ranker_.can_score(np.array([0])).item()
    assert able == (type(one.ranker_).__name__ not in ("ALS", "IALS"))
    assert bool(listed(one, 0)) == able
    one.save(tmp_path / "model")
    assert listed(suitably.load(tmp_path / "model"), 0) == listed(one, 0)


@pytest.mark.parametrize("ranker", ALL)
def test_update_and_save(ranker: Any, tmp_path: Path) -> None:
    """News against and for a product, on a saved model too, are what the held ones make of them."""
    news = pd.DataFrame(
        [(0, 0, "dislike", 20), (0, 3, "buy", 21), (1, 1, "buy", 0), (2, 0, "dislike", 22)],
        columns=["user_id", "product_id", "event", "day"],
    )
    stamp = pd.Timestamp("2024-01-01") + pd.to_timedelta(news.pop("day"), unit="D")
    news["timestamp"] = stamp
    one = pipeline(ranker(event_weights=OPINION))
    one.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    assert np.array_equal(scores(loaded.ranker_), scores(one.ranker_))
    one.update(news)
    loaded.update(news)
    (held,) = one.ranker_.shared_interactions().values()
    now = X.copy()
    now[0, 0], now[0, 3], now[2, 0] = -1, 1, -1  # the late purchase is before the rejection
    assert held.weights.toarray().tolist() == now.tolist()
    assert np.array_equal(scores(loaded.ranker_), scores(one.ranker_))
    loaded.save(tmp_path / "again")
    again = suitably.load(tmp_path / "again")
    assert np.array_equal(scores(again.ranker_), scores(one.ranker_))
    if isinstance(one.ranker_, Popularity):
        assert one.ranker_.counts_.tolist() == now.sum(axis=0).tolist()


@pytest.mark.parametrize("ranker", ALL)
def test_folding_in_is_as_at_the_fit(ranker: Any) -> None:
    """Whoever has the same history gets the same scores, had at the fit or folded in later."""
    base = X.copy()
    base[4] = 0
    data = dataset([*opinions(base), (4, 4, "buy", 0)])
    one = Pipeline(policy=suitably.Policy.unrestricted(), ranker=ranker(event_weights=OPINION))
    one.fit(data)
    row = X[0]
    frame = pd.DataFrame(
        [(4, p, "buy" if row[p] > 0 else "dislike", pd.Timestamp("2024-01-05"))
         for p in np.flatnonzero(row).tolist()],
        columns=["user_id", "product_id", "event", "timestamp"],
    )  # fmt: skip
    twin = pd.concat([frame.assign(user_id=0)])
    one.update(pd.concat([frame, twin]))
    held = next(iter(one.ranker_.shared_interactions().values())).weights.toarray()
    assert held[0].tolist() == row.tolist()
    found = scores(one.ranker_, [0, 4])
    if not isinstance(one.ranker_, Popularity) and held[4].tolist() == held[0].tolist():
        assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("ranker", ALL)
def test_a_weight_of_zero_is_no_opinion(ranker: Any) -> None:
    log = opinions()
    with_none = fitted(ranker(event_weights={"buy": 1.0, "dislike": 0.0}), log)
    without = fitted(ranker(event_weights={"buy": 1.0}), log)
    assert np.array_equal(scores(with_none), scores(without))


@pytest.mark.parametrize("ranker", SIMILARITY)
def test_a_factor_on_all_weights_changes_no_order(ranker: Any) -> None:
    found = [
        scores(fitted(ranker(event_weights={"buy": f, "dislike": -2 * f})))
        for f in (1.0, 2.0**-600)
    ]
    assert np.array_equal(np.sign(found[0]), np.sign(found[1]))
    assert np.array_equal(found[0].argsort(axis=1), found[1].argsort(axis=1))


@pytest.mark.parametrize("ranker", [*SIMILARITY, *LATENT])
def test_what_was_turned_down_never_speaks_for_a_product(ranker: Any) -> None:
    made = fitted(ranker(event_weights=OPINION))
    ids = made._user_ids
    for user in range(5):
        for product in range(5):
            asked = AskedPair(AskedUsers(ids, np.array([user])), product, lambda: None)  # type: ignore[arg-type, return-value]
            said = made.contributions(asked)
            assert said is not None
            assert said.score == pytest.approx(float(scores(made)[user, product]), abs=1e-4)
            against = X[user][said.products] < 0
            assert (said.by_product[against] <= 0).all()


def test_an_explanation_names_it_as_speaking_against() -> None:
    one = pipeline(ItemKNN(shrinkage=0.0, event_weights=OPINION))
    why = one.recommend([3], k=5, exclude_owned=False).explain(3, 1)
    assert 0 not in [past.product_id for past in why.history]
    assert [past.turned_down for past in why.against if past.product_id == 0] == [True]
    assert "that 0 was turned down" in why.text["en"]
    assert "曾拒绝0" in why.text["zh"]


def test_a_product_turned_down_is_never_held_out_to_be_found() -> None:
    """Not even where the data says nothing of kinds, so that every kind makes it owned."""
    log = [(u, p, "dislike" if p == 0 else "buy", 7 * u + p) for u in range(5) for p in range(5)]
    with pytest.warns(suitably.SuitabilityWarning, match="every kind"):
        data = dataset(log, owned_events=None, rejected_events=())
    context = context_of(data)
    against = kinds_against([Blend([ItemKNN(event_weights=OPINION), Popularity()])])
    assert against == {"dislike"}
    splits = [*inner_splits(heard(context, against), 3, 30), random_split(heard(context, against))]
    assert all(split is not None and 0 not in split.products for split in splits)
    plain = [*inner_splits(context, 3, 30), random_split(context)]
    assert any(split is not None and 0 in split.products for split in plain)


def test_a_blend_hears_it_through_its_members() -> None:
    members = [ItemKNN(shrinkage=0.0, event_weights=OPINION), Popularity(event_weights=OPINION)]
    deaf = [ItemKNN(shrinkage=0.0, event_weights={"buy": 1.0}),
            Popularity(event_weights={"buy": 1.0})]  # fmt: skip
    heard_lists, deaf_lists = (
        scores(fitted(Blend(rankers, weights=[0.5, 0.5]))) for rankers in (members, deaf)
    )
    places = [
        (-found).argsort(axis=1).argsort(axis=1)[X < 0] for found in (heard_lists, deaf_lists)
    ]
    assert places[0].sum() > places[1].sum()


@pytest.mark.parametrize("ranker", ALL)
def test_without_anybody_who_wants_anything(ranker: Any) -> None:
    """Weights of which none is above 0 are refused; a log without purchases cannot be learned."""
    with pytest.raises(ValueError, match="none is above 0"):
        fitted(ranker(event_weights={"dislike": -1.0}))
    refused = [(u, p, "dislike", 0) for u, p, *_ in opinions()]
    log = [*refused, (4, 4, "buy", 0), (4, 4, "dislike", 1)]
    if ranker is Popularity:
        assert listed(pipeline(ranker(event_weights=OPINION), log), 0) == []
        return
    with pytest.raises(suitably.DataError, match="no visible interaction counts"):
        fitted(ranker(event_weights=OPINION), log)


def test_forgetting_a_user_leaves_what_others_turned_down() -> None:
    one = pipeline(EASE(event_weights=OPINION))
    one.forget(1)
    (held,) = one.ranker_.shared_interactions().values()
    left = np.delete(X, 1, axis=0)
    assert held.weights.toarray().tolist() == left.tolist()
    assert held.decisive is not None
    assert held.decisive.weights.tolist() == left[left != 0].tolist()
