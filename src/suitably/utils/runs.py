"""Runs: equal rows that stand side by side once columns are in order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["reduce_runs", "run_starts"]


def run_starts(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each run of rows begins that agree in every column: int64 (runs,).

    Example:
        >>> run_starts(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])).tolist()
        [0, 2, 3]
    """
    new = np.ones(len(columns[0]), bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.flatnonzero(new)


def reduce_runs(join: np.ufunc, values: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[Any]:
    """Join the values of each run: (runs,); none where there are no rows.

    Example:
        >>> reduce_runs(np.add, np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 2, 3])).tolist()
        [3.0, 3.0, 4.0]
    """
    return np.asarray(join.reduceat(values, starts)) if len(starts) else values[:0]
