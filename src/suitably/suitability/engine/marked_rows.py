"""Bit rows of which some are kept: any other is a near one with some bits flipped.

A row of a million products is 125 kB, and a row for every step would be a million of them. Those
kept take a fixed number of bytes; from the nearest to any other it is as many flips as there are
between two of them at most, a quarter of that on average.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suitably.utils.bitset import BitRows

__all__ = ["MarkedRows"]

_MOST_BYTES = 2**23
_LEAST_APART = 64


class MarkedRows:
    """Rows by step, from the row at step 0 and where each bit flips.

    Args:
        base: The words at step 0: (1, width).
        flips: Steps at which the bits flip, one for every product, several times over where they
            flip several times; those below a step have flipped.
        never: Where a bit never flips.
    """

    def __init__(self, base: BitRows, flips: Sequence[NDArray[np.int64]], never: int) -> None:
        places = np.concatenate(flips)
        products = np.tile(np.arange(len(flips[0])), len(flips))
        order = np.argsort(places, kind="stable")
        order = order[: np.searchsorted(places[order], never)]
        self._places, products = places[order], products[order]
        self._words = products // 64
        self._bits = np.uint64(1) << (products % 64).astype(np.uint64)
        most = max(1, _MOST_BYTES // max(1, base.nbytes))
        self._apart = max(_LEAST_APART, -(-len(order) // most))
        self._marks = np.zeros((len(order) // self._apart + 1, base.shape[1]), np.uint64)
        self._marks[0] = base
        passed = len(order) // self._apart * self._apart
        self._flip(self._marks, 1 + np.arange(passed) // self._apart, np.arange(passed))
        np.bitwise_xor.accumulate(self._marks, axis=0, out=self._marks)

    def rows(self, steps: NDArray[np.int64]) -> BitRows:
        """Return the words at some steps: (steps, width)."""
        ends = np.searchsorted(self._places, steps)
        nearest = np.minimum((ends + self._apart // 2) // self._apart, len(self._marks) - 1)
        words: BitRows = self._marks.take(nearest, axis=0)
        starts = nearest * self._apart
        first, count = np.minimum(starts, ends), np.abs(ends - starts)
        before = np.cumsum(count) - count
        events = np.arange(int(count.sum())) + np.repeat(first - before, count)
        self._flip(words, np.repeat(np.arange(len(steps)), count), events)
        return words

    def _flip(self, words: BitRows, rows: NDArray[np.int64], events: NDArray[np.int64]) -> None:
        """Flip the bit of each event in its row."""
        cells = rows * words.shape[1] + self._words[events]
        np.bitwise_xor.at(words.reshape(-1), cells, self._bits[events])
