"""Lists of the rankers in closed form against slow twins: every pair for itself, in double."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import suitably
from ranking.test_item_knn import slow as neighbours
from ranking.test_spectral import slow as filtered
from suitably.ranking import EASE, Blend, ItemKNN, Popularity, Spectral
from support.frames import rows_of

NOW = datetime(2024, 3, 1)
RULE = """
[policy]
id = "p"
[[rules]]
id = "risk"
require = "product.risk <= user.risk"
[[rules]]
id = "open"
applies = "product.closed"
require = "user.staff"
"""
Grid = Any


class Bank:
    """A small random bank: what everybody has, may be offered, and for how long it has been had."""

    def __init__(self, seed: int, users: int, products: int) -> None:
        rng = np.random.default_rng(seed)
        self.has = rng.random((users, products)) < 0.35
        self.has[0, :2] = True
        self.ages = rng.choice([1.0, 2.0, 31.0, 64.0], self.has.shape)
        self.users = pd.DataFrame({"user_id": rng.permutation(users) + 10,
                                   "risk": rng.choice([1, 2, 3, None], users).astype(float),
                                   "staff": rng.random(users) < 0.3})  # fmt: skip
        self.products = pd.DataFrame({"product_id": [f"p{i}" for i in rng.permutation(products)],
                                      "risk": rng.integers(1, 4, products),
                                      "closed": rng.random(products) < 0.3,
                                      "repeatable": rng.random(products) < 0.3})  # fmt: skip
        rows, columns = np.nonzero(self.has)
        order = rng.permutation(len(rows))
        rows, columns = rows[order], columns[order]
        self.log = pd.DataFrame({
            "user_id": self.users.user_id.to_numpy()[rows],
            "product_id": self.products.product_id.to_numpy()[columns],
            "timestamp": [NOW - timedelta(days=days) for days in self.ages[rows, columns]],
        })  # fmt: skip

    def lists(self, ranker: Any, k: int) -> list[tuple[Any, ...]]:
        """What the library recommends: (user, rank, product, score)."""
        pipeline = suitably.Pipeline(policy=suitably.Policy.from_toml(RULE), ranker=ranker,
                                     fallback=None)  # fmt: skip
        pipeline.fit(suitably.Dataset(self.users, self.products, self.log), NOW)
        found = rows_of(pipeline.recommend(k=k).to_frame())
        return [tuple(row[name] for name in ("user_id", "rank", "product_id", "score"))
                for row in found]  # fmt: skip

    def may(self, user: int, product: int) -> bool:
        """Whether a pair may be listed, read off the rules."""
        who, what = self.users.iloc[user], self.products.iloc[product]
        suitable = what.risk <= who.risk and (not what.closed or who.staff)  # NaN is unknown
        return bool(suitable and (what.repeatable or not self.has[user, product]))

    def check(self, found: list[tuple[Any, ...]], scores: Grid, k: int) -> None:
        """Hold lists against a twin's scores, NaN without one: the best, ties by the catalogue.

        What the twin holds equal to within rounding may come in either order; the list itself goes
        by its own scores, exactly.
        """
        scale = np.nanmax(np.abs(scores), initial=1e-6)
        place = {name: i for i, name in enumerate(self.products.product_id)}
        lists: dict[Any, list[tuple[Any, ...]]] = {}
        for user, rank, product, score in found:
            lists.setdefault(user, []).append((rank, place[product], score))
        for row, user in enumerate(self.users.user_id):
            mine = lists.get(user, [])
            told = ~np.isnan(scores[row])
            wanted = [j for j in range(len(place)) if told[j] and self.may(row, j)]
            assert [rank for rank, *_ in mine] == [*range(1, min(k, len(wanted)) + 1)]
            assert {j for _, j, _ in mine} <= set(wanted)
            assert mine == sorted(mine, key=lambda one: (-one[2], one[1]))
            best = sorted((scores[row, j] for j in wanted), reverse=True)[:k]
            said = [score for *_, score in mine]
            assert said == pytest.approx(best, abs=2e-5 * scale)
            own = [scores[row, j] for _, j, _ in mine]
            assert said == pytest.approx(own, abs=2e-5 * scale)


banks = st.builds(Bank, st.integers(0, 2**20), st.integers(2, 9), st.integers(3, 9))


def core(bank: Bank, half_life: float | None = None) -> tuple[Grid, Grid, Grid]:
    """The weights of active users and known products, and who and which these are."""
    faded = np.ones(bank.ages.shape) if half_life is None else 2.0 ** (-bank.ages / half_life)
    weights = np.where(bank.has, faded, 0.0)
    weights /= weights.max()
    return weights, weights.any(axis=1), weights.any(axis=0)


def by_similarity(bank: Bank, similar: Any, half_life: float | None = None) -> Grid:
    """Scores of similarities between known products, NaN where nothing can be said.

    A user all of whose products are like no other cannot be scored.
    """
    weights, active, known = core(bank, half_life)
    S = similar(weights[active][:, known])
    scores = np.full(weights.shape, np.nan)
    places, others = np.flatnonzero(known), np.abs(S * (1 - np.eye(len(S)))).max(axis=1)
    for user in range(len(weights)):
        if any(
            weights[user, p] > 0 and others[i] > 1e-7 * abs(S[i, i]) for i, p in enumerate(places)
        ):
            for j, product in enumerate(places):
                scores[user, product] = sum(
                    weights[user, p] * S[i, j] for i, p in enumerate(places)
                )
    return scores


@given(bank=banks, weighting=st.sampled_from(["cosine", "tfidf", "bm25"]), most=st.integers(1, 9),
       half_life=st.sampled_from([None, 30.0]), k=st.integers(1, 9))  # fmt: skip
@settings(max_examples=25)
def test_item_knn(bank: Bank, weighting: Any, most: int, half_life: Any, k: int) -> None:
    ranker = ItemKNN(weighting, neighbours=9, shrinkage=3.0, half_life_days=half_life)
    twin = by_similarity(bank, lambda R: neighbours(R, weighting, 3.0, 1.2, 0.75), half_life)
    bank.check(bank.lists(ranker, k), twin, k)


@given(bank=banks, penalty=st.sampled_from([None, 0.5, 20.0]),
       half_life=st.sampled_from([None, 30.0]), k=st.integers(1, 9))  # fmt: skip
@settings(max_examples=25)
def test_ease(bank: Bank, penalty: Any, half_life: Any, k: int) -> None:
    def similar(R: Grid) -> Grid:
        used = 2 * len(R) ** 0.5 if penalty is None else penalty
        P = np.linalg.inv(R.T @ R + used * np.eye(R.shape[1]))
        S = -P / np.diag(P)
        np.fill_diagonal(S, 0)
        return S

    ranker = EASE(penalty, half_life_days=half_life)
    bank.check(bank.lists(ranker, k), by_similarity(bank, similar, half_life), k)


@given(bank=banks, factors=st.integers(1, 4), parts=st.sampled_from([(1.0, 0.0), (1.0, 0.3)]),
       power=st.sampled_from([0.0, 0.5]), k=st.integers(1, 9))  # fmt: skip
@settings(max_examples=25)
def test_spectral(bank: Bank, factors: int, parts: Any, power: float, k: int) -> None:
    linear, low_pass = parts
    R = core(bank)[0]
    R = R[R.any(axis=1)][:, R.any(axis=0)]
    sums = R.sum(axis=1)[:, None] ** power * R.sum(axis=0) ** power
    values = np.append(np.linalg.svd(R / sums, compute_uv=False), 0.0)
    cut = min(factors, len(values) - 1)
    # Of equal singular values, which direction comes first is anybody's.
    assume(not low_pass or values[cut - 1] - values[cut] > 0.01)
    ranker = Spectral(factors, linear, low_pass, power)
    twin = by_similarity(bank, lambda R: filtered(R, factors, linear, low_pass, power))
    bank.check(bank.lists(ranker, k), twin, k)


def on_one_scale(scores: Grid, known: Grid) -> Grid:
    """What a member says, as the blend's formula has it; NaN for whom it cannot score."""
    out = np.full(scores.shape, np.nan)
    for user, line in enumerate(scores):
        if not np.isnan(line).all():
            size = np.mean(np.abs(line[known])) or 1.0
            out[user, known] = np.arcsinh(10 * line[known] / size)
    return out


@given(bank=banks, weights=st.sampled_from([(1.0, 1.0), (3.0, 1.0), (0.0, 1.0), (1.0, 0.0)]),
       half_life=st.sampled_from([None, 30.0]), k=st.integers(1, 9))  # fmt: skip
@settings(max_examples=25)
def test_blend(bank: Bank, weights: tuple[float, float], half_life: Any, k: int) -> None:
    grid, _, known = core(bank, half_life)
    raw = np.where(bank.has, 1.0 if half_life is None else 2.0 ** (-bank.ages / 30.0), 0.0)
    popular = np.where(known, raw.sum(axis=0), np.nan) * np.ones((len(grid), 1))
    alike = by_similarity(bank, lambda R: neighbours(R, "cosine", 3.0, 1.2, 0.75), half_life)
    members = [on_one_scale(one, known) for one in (alike, popular)]
    total = np.full(grid.shape, np.nan)
    for user in range(len(grid)):
        able = [not np.isnan(one[user]).all() for one in members]
        shares = [weight * can for weight, can in zip(weights, able, strict=True)]
        shares = shares if any(shares) else [float(can) for can in able]
        parts = [share / sum(shares) * one[user]
                 for share, one in zip(shares, members, strict=True) if share]  # fmt: skip
        total[user] = np.sum(parts, axis=0)
    ranker = Blend([ItemKNN(shrinkage=3.0, half_life_days=half_life),
                    Popularity(half_life_days=half_life)], weights=weights)  # fmt: skip
    bank.check(bank.lists(ranker, k), total, k)


@pytest.mark.parametrize("ranker", [ItemKNN(half_life_days=20), EASE(half_life_days=20)])
def test_a_twin_can_tell(ranker: Any) -> None:
    """A product that no rule allows, or an order that is not by score, does not go unnoticed."""
    bank = Bank(5, 8, 8)
    twin = by_similarity(bank, lambda R: neighbours(R, "cosine", 3.0, 1.2, 0.75))
    with pytest.raises(AssertionError):
        bank.check(bank.lists(ranker, 5), twin, 5)
