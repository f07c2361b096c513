"""The inner loop of masks: with numba where it is installed (extra `fast`), else with NumPy."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from suitably.utils.bitset import ONES, BitRows

__all__ = ["and_of_ors", "and_rows", "overwrite"]

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
    words = table.take(codes[:, 0], axis=0)
    for column in range(1, codes.shape[1]):
        words &= table.take(codes[:, column], axis=0)
    return words


def and_of_ors(table: BitRows, codes: Codes, ends: NDArray[np.int64]) -> BitRows:
    """AND, for every user, the ORs of some rows of a table.

    Args:
        table: Words (rows, words).
        codes: int32 (users, several), rows of the table.
        ends: Where each OR ends among the several; the first begins at 0.

    Returns:
        Words (users, words).
    """
    if len(codes) >= _WORTH_COMPILING:
        compiled = _compiled_ors()
        if compiled is not None:
            return compiled(table, codes, ends)
    words = np.full((len(codes), table.shape[1]), ONES)
    start = 0
    for end in ends.tolist():
        either = table.take(codes[:, start], axis=0)
        for column in range(start + 1, end):
            either |= table.take(codes[:, column], axis=0)
        words &= either
        start = end
    return words


def overwrite(
    true: BitRows, false: BitRows, kept: BitRows, table: BitRows, codes: NDArray[np.int64]
) -> None:
    """Write rows of a table over some of the users' bits, in place.

    Args:
        true: Words (users, words).
        false: Likewise.
        kept: Words (several, words), the bits that stay.
        table: Words (rows, words), what is put beside them.
        codes: int64 (parts, 4), ascending by user: the user, the row of what stays, and the rows
            of the table for both.
    """
    if len(codes) >= _WORTH_COMPILING:
        compiled = _compiled_overwrite()
        if compiled is not None:
            compiled(true, false, kept, table, codes)
            return
    users = codes[:, 0]
    turn = np.arange(len(users)) - np.searchsorted(users, users)
    for one in range(int(turn.max(initial=-1)) + 1):
        user, stays, *rows = codes[turn == one].T
        for words, row in zip((true, false), rows, strict=True):
            words[user] = words[user] & kept[stays] | table[row]


@cache
def _compiled_overwrite() -> Callable[..., None] | None:
    if _compiled() is None:
        return None
    import numba

    @numba.njit(nogil=True, cache=True)
    def kernel(
        true: BitRows, false: BitRows, kept: BitRows, table: BitRows, codes: NDArray[np.int64]
    ) -> None:
        for part in range(len(codes)):
            user, stays, yes, no = codes[part]
            for word in range(true.shape[1]):
                mask = kept[stays, word]
                true[user, word] = true[user, word] & mask | table[yes, word]
                false[user, word] = false[user, word] & mask | table[no, word]

    compiled: Callable[..., None] = kernel
    return compiled


@cache
def _compiled_ors() -> Callable[[BitRows, Codes, NDArray[np.int64]], BitRows] | None:
    if _compiled() is None:
        return None
    import numba

    @numba.njit(nogil=True, cache=True)
    def kernel(table: BitRows, codes: Codes, ends: NDArray[np.int64]) -> BitRows:
        users = len(codes)
        words = np.empty((users, table.shape[1]), np.uint64)
        either = np.empty(table.shape[1], np.uint64)
        for user in range(users):
            row = words[user]
            row[:] = ONES
            start = 0
            for end in ends:
                either[:] = table[codes[user, start]]
                for place in range(start + 1, end):
                    other = table[codes[user, place]]
                    for word in range(len(either)):
                        either[word] |= other[word]
                for word in range(len(row)):
                    row[word] &= either[word]
                start = end
        return words

    compiled: Callable[[BitRows, Codes, NDArray[np.int64]], BitRows] = kernel
    return compiled


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
