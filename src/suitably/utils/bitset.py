"""Packed bits: one row per user, one bit per product, in 64-bit words."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALL",
    "EVERY",
    "NONE",
    "NOTHING",
    "ONES",
    "BitRows",
    "TruthBits",
    "clear",
    "count",
    "has",
    "members",
    "number",
    "pack",
    "put",
    "row_counts",
    "slices",
    "unpack",
    "words_for",
]

BitRows = NDArray[np.uint64]
TruthBits = tuple[BitRows, BitRows]  # where a condition is true, and where it is false
ONES = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
NOTHING: BitRows = np.zeros((1, 1), np.uint64)  # no pair, and every pair: they broadcast
ALL: BitRows = np.full((1, 1), ONES)
_ALL_BUT = ~(np.uint64(1) << np.arange(64, dtype=np.uint64))
_MOST_ROWS, _MOST_WORDS = 4096, 2**21  # that are worked on at a time
_SHORT = 64  # words that Python counts before NumPy has begun
NOTHING.setflags(write=False)
ALL.setflags(write=False)


class Uniform:
    """All pairs or none, without an array: for one user every call of NumPy counts.

    Args:
        whole: Whether it is all of them.

    Example:
        >>> words = np.array([[5]], np.uint64)
        >>> (words & EVERY) is words, (words & NONE) is NONE, ~EVERY is NONE
        (True, True, True)
    """

    __slots__ = ("whole",)
    __array_ufunc__ = None

    def __init__(self, whole: bool) -> None:
        self.whole = whole

    def __and__(self, other: Any) -> Any:
        return other if self.whole else self

    def __or__(self, other: Any) -> Any:
        return self if self.whole else other

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> "Uniform":
        return _NO if self.whole else _YES


_YES, _NO = Uniform(True), Uniform(False)
EVERY: Any = _YES
NONE: Any = _NO


def slices(rows: int, width: int) -> Iterator[slice]:
    """Cut rows into parts that are worked on one after another.

    What is made of a part on the way takes tens of megabytes, however wide rows are.

    Args:
        rows: How many there are.
        width: The words of one.

    Example:
        >>> list(slices(3, 2**20))
        [slice(0, 2, None), slice(2, 3, None)]
    """
    step = max(1, min(_MOST_ROWS, _MOST_WORDS // max(1, width)))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def words_for(products: int) -> int:
    """Return the number of words that hold a bit per product."""
    return -(-products // 64)


def pack(mask: NDArray[np.bool_]) -> BitRows:
    """Pack bool (rows, products) into words (rows, ceil(products / 64)); spare bits are zero."""
    rows, products = mask.shape
    packed = np.zeros((rows, words_for(products) * 8), np.uint8)
    packed[:, : -(-products // 8)] = np.packbits(mask, axis=1, bitorder="little")
    return packed.view("<u8")


def unpack(words: BitRows, products: int) -> NDArray[np.bool_]:
    """Unpack words into bool (rows, products)."""
    octets = np.ascontiguousarray(words).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=products, bitorder="little").view(np.bool_)


def members(words: BitRows, products: int) -> NDArray[np.int64]:
    """Return the products whose bit is set in one row of words, ascending."""
    octets = np.ascontiguousarray(words).view(np.uint8)
    found: NDArray[np.int64] = np.unpackbits(octets, count=products, bitorder="little").nonzero()[0]
    return found


def number(words: BitRows) -> int:
    """Return one row of words as a number: for one user it costs less than calls of NumPy."""
    return int.from_bytes(words.tobytes(), "little")


def has(words: BitRows, rows: NDArray[np.int64], products: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Read single bits, by row and product, which broadcast."""
    shift = (products & 63).astype(np.uint64)
    found: NDArray[np.bool_] = ((words[rows, products >> 6] >> shift) & np.uint64(1)).astype(bool)
    return found


def clear(words: BitRows, rows: NDArray[np.int64], products: NDArray[np.int64]) -> None:
    """Clear single bits in place, by row and product."""
    if not products.size:
        return
    np.bitwise_and.at(words, (rows, products >> 6), _ALL_BUT[products & 63])


def put(words: BitRows, rows: NDArray[np.int64], products: NDArray[np.int64]) -> None:
    """Set single bits in place, by row and product."""
    if not products.size:
        return
    bit = np.uint64(1) << (products % 64).astype(np.uint64)
    np.bitwise_or.at(words, (rows, products // 64), bit)


def row_counts(words: BitRows) -> NDArray[np.int64]:
    """Count the set bits of every row."""
    counts: NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return counts


def count(words: BitRows) -> int:
    """Count all set bits."""
    if words.size <= _SHORT:
        return number(words).bit_count()
    return int(np.bitwise_count(words).sum(dtype=np.int64))
