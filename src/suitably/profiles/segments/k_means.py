"""K-means on a grid of whole numbers, where every distance is exact on any machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import vq

from suitably.utils.parallel import one_blas_thread

__all__ = ["k_means", "nearest_centres"]

_ROUNDS = 300
_FEW = 10_000  # a round that moves no more than one user of so many is the last


def k_means(
    rows: NDArray[np.float64],
    counts: NDArray[np.int64],
    k: int,
    seed: tuple[int, ...],
    starts: int,
) -> NDArray[np.float64]:
    """Return the centres that leave the least squared distance of all starts.

    Rows and centres are whole numbers, so that products and sums of them are exact in floating
    point: no order of adding, and no library of linear algebra, moves a row from one centre to
    another. Of two centres that are equally near the first counts, and of two starts that are
    equally good.

    Args:
        rows: float64 (rows, columns) of whole numbers, distinct, at least `k` of them.
        counts: int64 (rows,), how often each row occurs.
        k: How many centres.
        seed: What the starts are drawn from.
        starts: How often it begins anew.

    Returns:
        float64 (k, columns), whole numbers.

    Source:
        Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28
        (1982); starts: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding",
        SODA 2007.

    Example:
        >>> rows = np.array([[0.0], [2.0], [9.0], [11.0]])
        >>> np.sort(k_means(rows, np.ones(4, np.int64), 2, (0,), starts=3), axis=0).tolist()
        [[1.0], [10.0]]
    """
    best, least = rows[:k], np.inf
    with one_blas_thread():  # products this narrow are slower with more
        for start in range(starts):
            drawn = _plus_plus(rows, counts, k, np.random.default_rng([*seed, start]))
            centres = _lloyd(rows, counts, drawn)
            left = float(_squares(rows, centres[nearest_centres(rows, centres)]) @ counts)
            if left < least:
                best, least = centres, left
    return best


def nearest_centres(rows: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the position of the nearest centre of each row, the first of equals: int64 (rows,)."""
    found: NDArray[Any] = vq(rows, centres, check_finite=False)[0]
    return found.astype(np.int64)


def _plus_plus(
    rows: NDArray[np.float64], counts: NDArray[np.int64], k: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw rows as first centres, each by its squared distance from those drawn before."""
    drawn = [_draw(counts.astype(np.float64), rng)]
    away = _squares(rows, rows[drawn[0]])
    while len(drawn) < k:
        drawn.append(_draw(away * counts, rng))
        away = np.minimum(away, _squares(rows, rows[drawn[-1]]))
    return rows[drawn]


def _draw(weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    ends = np.cumsum(weights)
    place = np.searchsorted(ends, rng.random() * ends[-1], side="right")
    return int(min(place, np.flatnonzero(weights)[-1]))


def _lloyd(
    rows: NDArray[np.float64], counts: NDArray[np.int64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    labels = np.full(len(rows), -1)
    weighted = np.ascontiguousarray((rows * counts[:, None]).T)
    for _ in range(_ROUNDS):
        found = nearest_centres(rows, centres)
        moved = counts[found != labels].sum()
        if moved * _FEW <= counts.sum():
            break
        labels = found
        sizes = np.bincount(labels, counts, minlength=len(centres))
        sums = [np.bincount(labels, column, minlength=len(centres)) for column in weighted]
        full, before = sizes > 0, centres
        centres = centres.copy()
        centres[full] = np.rint(np.column_stack(sums)[full] / sizes[full, None])
        if not full.all():  # begin anew where rows are farthest from their centres
            away = _squares(rows, before[labels])
            farthest = np.argsort(-away, kind="stable")[: (~full).sum()]
            centres[~full] = rows[farthest]
    return centres


def _squares(rows: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances row by row: float64 (rows,)."""
    away = rows - centres
    return np.asarray(np.einsum("ij,ij->i", away, away))
