"""Bit rows of products that change one by one as a place moves: made where they are asked for.

A table of them would grow with the square of the products. Here a product is only the place at
which its bit flips, and rows for any places are composed from that, in no more memory than they
take themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suitably.utils import bitset
from suitably.utils.bitset import NOTHING, BitRows, TruthBits

__all__ = ["NEVER", "Places", "Steps"]

Places = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
_FEW = 16


@dataclass(frozen=True)
class Steps:
    """Where a condition is true and false at each step.

    Attributes:
        base: The words at step 0: where it is true, and where false.
        true: Places of all products, once for every time that their bit flips: those below the
            step have flipped.
        false: Likewise.
    """

    base: TruthBits
    true: Sequence[Places]
    false: Sequence[Places]

    def rows(self, steps: Places) -> TruthBits:
        """Compose rows of bits for ascending steps; a negative one has neither true nor false."""
        if len(steps) == 1:
            return self._row(int(steps[0]))
        true = self.base[0] ^ _flipped(self.true, steps, self.base[0].shape[1])
        if self.false is self.true:
            false = true ^ self._whole
        else:
            false = self.base[1] ^ _flipped(self.false, steps, self.base[1].shape[1])
        unknown = int(np.searchsorted(steps, 0))
        true[:unknown] = 0
        false[:unknown] = 0
        return true, false

    def _row(self, step: int) -> TruthBits:
        """Compose a single row: for one user every call of NumPy counts."""
        if step < 0:
            return NOTHING, NOTHING
        true, false = self.base
        for places in self.true:
            true = true ^ _packed_row(places < step, true.shape[1])
        if self.false is self.true:
            return true, true ^ self._whole
        for places in self.false:
            false = false ^ _packed_row(places < step, false.shape[1])
        return true, false

    @cached_property
    def _whole(self) -> BitRows:
        return self.base[0] ^ self.base[1]


def _packed_row(mask: NDArray[np.bool_], width: int) -> BitRows:
    octets = np.packbits(mask, bitorder="little")
    if len(octets) < width * 8:
        octets = np.concatenate([octets, np.zeros(width * 8 - len(octets), np.uint8)])
    return octets.view("<u8")[None]


def _flipped(flips: Sequence[Places], steps: Places, width: int) -> BitRows:
    if len(steps) <= _FEW:
        words = np.zeros((len(steps), width), np.uint64)
        for places in flips:
            words ^= bitset.pack(places < steps[:, None])
        return words
    words = np.zeros((len(steps) + 1, width), np.uint64)
    for places in flips:
        product = np.arange(len(places))
        first = np.searchsorted(steps, places, side="right")
        bit = np.uint64(1) << (product % 64).astype(np.uint64)
        np.bitwise_xor.at(words, (first, product // 64), bit)
    np.bitwise_xor.accumulate(words, axis=0, out=words)
    return words[:-1]
