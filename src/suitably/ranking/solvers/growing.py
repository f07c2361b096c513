"""A sparse matrix put together from rows as they come, with no copy of all of them beside it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Rows", "joined", "narrow"]

Rows = tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]
"""The lengths of some rows, their columns and their values."""


def joined(parts: Iterable[Rows], side: int, dtype: Any) -> sparse.csr_array:
    """Put rows below each other, each part let go of before the next is taken.

    The arrays grow in place: the memory of a large array is moved by its pages and not copied.

    Args:
        parts: The rows, from the first to the last.
        side: How many rows and columns there are.
        dtype: What values are kept in.

    Returns:
        CSR (side, side), columns int32.

    Example:
        >>> first = np.array([0, 2]), np.array([0, 1]), np.array([5.0, 6.0])
        >>> second = np.array([1]), np.array([2]), np.array([7.0])
        >>> joined([first, second], 3, np.float32).toarray().tolist()
        [[0.0, 0.0, 0.0], [5.0, 6.0, 0.0], [0.0, 0.0, 7.0]]
    """
    starts = np.zeros(side + 1, np.int64)
    columns, values = np.empty(0, np.int32), np.empty(0, dtype)
    row = filled = 0
    for lengths, some, these in parts:
        end = filled + len(some)
        np.cumsum(lengths, out=starts[row + 1 : row + 1 + len(lengths)])
        starts[row + 1 : row + 1 + len(lengths)] += filled
        # Nothing else refers to them.
        columns.resize(end, refcheck=False)
        values.resize(end, refcheck=False)
        columns[filled:], values[filled:] = some, these
        row, filled = row + len(lengths), end
        del lengths, some, these
    return sparse.csr_array((values, columns, narrow(starts)), shape=(side, side))


def narrow(starts: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return where rows start in 32 bits, if that holds the last.

    SciPy widens columns to the type of starts: to twice the memory, and a copy of what may lie on
    disk.
    """
    fits = starts.dtype == np.int64 and starts.max(initial=0) < 2**31
    return starts.astype(np.int32) if fits else starts
