"""Pools: the unknown is neutral, by hand and against a plain loop."""

from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suitably.ranking.blending.pool import Pool, rescaled
from suitably.ranking.protocol import AskedUsers, FitContext, Scores


class Table:
    """A ranker of given scores: NaN for what it does not know, a row of NaN for whom."""

    def __init__(self, scores: Any) -> None:
        self.table = np.asarray(scores, np.float64)

    def fit(self, context: FitContext) -> Self:
        return self

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        return ~np.isnan(self.table).all(axis=1)[user_ids.astype(int)]

    def scorer(self, user_ids: NDArray[Any]) -> Scores:
        return Scores(self.table[user_ids.astype(int)], ~np.isnan(self.table).all(axis=0))


def pooled(tables: list[Any], weights: list[float], users: Any = None) -> Scores:
    rankers = tuple(Table(table) for table in tables)
    shares = np.array(weights) / sum(weights)
    rows = np.arange(len(rankers[0].table)) if users is None else np.asarray(users)
    nobody: Any = None
    return Pool(rankers, shares).scores(AskedUsers(nobody, rows, rows))


NAN = float("nan")


def test_a_new_product_is_ranked_by_the_member_that_knows_it() -> None:
    strong = [[1.0, 2, 3, 4, 5]]
    weak = [[5.0, 4, 3, 2, NAN]]
    block = pooled([strong, weak], [3, 1]).block[0]
    assert np.argmax(block) == 4
    low = pooled([[[2.0, 3, 4, 5, 1]], weak], [3, 1]).block[0]
    assert np.argmin(low) == 4


def test_neutral_by_hand() -> None:
    """Of mean sizes 2 and 3: what the first says of the third, around both members' means."""
    block = pooled([[[1.0, 2, 3]], [[2.0, 4, NAN]]], [1, 1]).block[0]
    first, second = np.arcsinh([5.0, 10, 15]), np.arcsinh([20 / 3, 40 / 3])
    assert block[:2] == pytest.approx((first[:2] + second) / 2)
    means = (first.mean() + second.mean()) / 2
    assert block[2] == pytest.approx(means + first[2] - first.mean())


def test_an_average_product_stays_average() -> None:
    """Whatever the levels of members: the first's scores are around 0, the second's are high."""
    block = pooled([[[-1.0, 1, -2, 2, 0]], [[6.0, 7, 8, 9, NAN]]], [1, 1]).block[0]
    assert block[4] == pytest.approx(block[:4].mean())


def test_what_nobody_asked_knows_comes_last() -> None:
    """The second member knows nothing of user 0, and it alone knows the last product."""
    first = [[1.0, -3, NAN], [1, 2, NAN]]
    second = [[NAN, NAN, NAN], [1, 2, 3]]
    found = pooled([first, second], [1, 1])
    assert found.known is not None
    assert found.known.all()
    assert found.block[0, 2] == found.block[0].min() == found.block[0, 1]
    assert np.argmax(found.block[1]) == 2


def test_known_by_weight() -> None:
    found = pooled([[[1.0, NAN]], [[1.0, 2]]], [1, 0])
    assert found.known is not None
    assert found.known.tolist() == [True, False]


@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 6), st.integers(1, 9))
def test_against_a_plain_loop_and_in_any_block(
    seed: int, members: int, users: int, products: int
) -> None:
    rng = np.random.default_rng(seed)
    tables = rng.normal(size=(members, users, products)) ** 3
    tables[np.broadcast_to(rng.random((members, 1, products)) < 0.3, tables.shape)] = NAN
    tables[np.broadcast_to(rng.random((members, users, 1)) < 0.3, tables.shape)] = NAN
    weights = rng.integers(0, 3, members) + 0.0
    weights[0] += not weights.any()
    found = pooled(list(tables), weights.tolist())
    assert found.known is not None
    for row in range(users):
        wanted = _plain(tables[:, row], weights / weights.sum(), found.known)
        assert found.block[row, found.known] == pytest.approx(wanted[found.known], abs=2e-5)
        alone = pooled(list(tables), weights.tolist(), [row])
        assert (alone.block[0, found.known] == found.block[row, found.known]).all()
        assert (alone.known == found.known).all()


def _plain(
    tables: NDArray[np.float64], weights: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    able = ~np.isnan(tables).all(axis=1)
    (shares,) = rescaled(weights, able[None])
    scaled, means = [], []
    for table in tables:
        size = np.abs(table[~np.isnan(table)]).mean() if not np.isnan(table).all() else 1
        scaled.append(np.arcsinh(10 * table / (size or 1)))
        means.append(np.nanmean(scaled[-1]) if not np.isnan(table).all() else 0.0)
    level, out = shares @ np.array(means), np.full(tables.shape[1], np.nan)
    for product in range(tables.shape[1]):
        knowing = [m for m in np.flatnonzero(shares) if not np.isnan(tables[m, product])]
        told = sum(shares[m] for m in knowing)
        if told:
            away = sum(shares[m] * (scaled[m][product] - means[m]) for m in knowing)
            out[product] = level + away / told
    heard = out[known & ~np.isnan(out)]
    out[np.isnan(out)] = heard.min() if len(heard) else 0
    return out
