"""Rows that occur more than once, worked out once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.utils.runs import run_starts

__all__ = ["distinct_rows"]


def distinct_rows(*columns: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each distinct row stands first, and for every row which of these it is.

    Args:
        columns: (rows,) each.

    Returns:
        Positions of the distinct rows, int64 (distinct,), in the order of their values; and
        positions among them, int64 (rows,).

    Example:
        >>> first, place = distinct_rows(np.array([2.0, 1.0, 2.0]), np.array([7.0, 7.0, 7.0]))
        >>> first.tolist(), place.tolist()
        ([1, 0], [1, 0, 1])
    """
    varying = [column for column in columns if len(column) and (column != column[0]).any()]
    if not varying:
        return np.arange(min(len(columns[0]), 1)), np.zeros(len(columns[0]), np.int64)
    order = np.lexsort(varying[::-1])
    starts = run_starts(*(column[order] for column in varying))
    place = np.empty(len(order), np.int64)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    return order[starts], place
