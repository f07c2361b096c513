"""The obvious way to the same lists, on a sample: all scores in float64, then one sort."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking.world import K, Lists, World

__all__ = ["brute_force", "check_exact", "check_peer", "not_owned"]

CLOSE = 1e-4


def brute_force(world: World, rows: NDArray[np.int64], allowed: NDArray[np.bool_]) -> Lists:
    """Sum in factor order, round to float32 once, order by score and then by catalogue."""
    scores = _scores(world, rows)
    order = np.argsort(np.where(allowed, -scores, np.inf), axis=1, kind="stable")[:, :K]
    past = np.arange(K) >= allowed.sum(axis=1)[:, None]
    best = np.take_along_axis(scores, order, axis=1)
    return Lists(
        np.where(past, -1, order).astype(np.int32), np.where(past, 0, best).astype(np.float32)
    )


def not_owned(world: World, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Give what some users do not own: bool (rows, products)."""
    allowed = np.ones((len(rows), len(world.products)), bool)
    np.put_along_axis(allowed, world.owned[rows], False, axis=1)
    return allowed


def check_exact(given: Lists, truth: Lists, who: str) -> None:
    """Demand the same products, order and scores."""
    wrong = (given.products != truth.products) | (given.scores != truth.scores)
    if wrong.any():
        users = int(wrong.any(axis=1).sum())
        raise AssertionError(f"{who}: {users} of {len(wrong)} lists differ from brute force")


def check_peer(given: Lists, truth: Lists, world: World, rows: NDArray[np.int64]) -> float:
    """Demand equally good products, and give the share of lists that are the same sets.

    A peer orders rounded float32 products: of two that nearly tie it may take the other.
    """
    scores = np.take_along_axis(_scores(world, rows), given.products, axis=1)
    if np.abs(np.sort(scores)[:, ::-1] - truth.scores).max() > CLOSE:
        raise AssertionError("a peer's lists differ from brute force by more than rounding")
    same = np.sort(given.products) == np.sort(truth.products)
    return float(same.all(axis=1).mean())


def _scores(world: World, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    total = np.zeros((len(rows), len(world.products)))
    for factor in range(world.users.shape[1]):
        user = world.users[rows, factor].astype(np.float64)
        total += user[:, None] * world.products[:, factor].astype(np.float64)
    return total.astype(np.float32)
