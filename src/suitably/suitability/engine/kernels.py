"""The inner loop of masks: with numba where it is installed (extra `fast`), else with NumPy."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from suitably.utils.bitset import BitRows

__all__ = ["and_rows"]

Codes = NDArray[np.int32]
_WORTH_COMPILING = 1024


def and_rows(table: BitRows, codes: Codes) -> BitRows:
    """AND some rows of a table for every user.

    Args:
        table: Words (rows, words).
        codes: int32 (users, several), rows of the table.

    Returns:
        Words (users, words).
    """
    if len(codes) >= _WORTH_COMPILING:
        compiled = _compiled()
        if compiled is not None:
            return compiled(table, codes)
    words = table[codes[:, 0]]
    for column in range(1, codes.shape[1]):
        words &= table[codes[:, column]]
    return words


@cache
def _compiled() -> Callable[[BitRows, Codes], BitRows] | None:
    if find_spec("numba") is None:
        return None
    import numba

    @numba.njit(nogil=True, cache=True)
    def kernel(table: BitRows, codes: Codes) -> BitRows:
        users, several = codes.shape
        words = np.empty((users, table.shape[1]), np.uint64)
        for user in range(users):
            row = words[user]
            row[:] = table[codes[user, 0]]
            for place in range(1, several):
                other = table[codes[user, place]]
                for word in range(len(row)):
                    row[word] &= other[word]
        return words

    compiled: Callable[[BitRows, Codes], BitRows] = kernel
    return compiled
