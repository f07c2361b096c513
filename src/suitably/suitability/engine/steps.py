"""Bit rows of products that change one by one as a place moves: made where they are asked for.

A table of them would grow with the square of the products. Here a product is only the place at
which its bit flips, and rows for any places are composed from that, in no more memory than they
take themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.marked_rows import MarkedRows
from suitably.utils import bitset
from suitably.utils.bitset import NOTHING, BitRows, TruthBits

__all__ = ["NEVER", "Places", "Steps"]

Places = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
_NEVER = np.int32(np.iinfo(np.int32).max)
_FEW = 16
_WIDE = 1024  # words, from which on a single row is made from a kept one


@dataclass(frozen=True)
class Steps:
    """Where a condition is true and false at each step.

    Attributes:
        base: The words at step 0: where it is true, and where false.
        true: Places of all products, once for every time that their bit flips: those below the
            step have flipped.
        false: Likewise.
        kept: Whether they serve more than once, so that rows are worth preparing.
    """

    base: TruthBits
    true: Sequence[Places]
    false: Sequence[Places]
    kept: bool = False

    def rows(self, steps: Places) -> TruthBits:
        """Compose rows of bits for steps; a negative one has neither true nor false.

        They ascend, but where what is here is kept.
        """
        if len(steps) == 1:
            return self.row(int(steps[0]))
        true = self._rows(0, steps)
        false = true ^ self._whole if self.false is self.true else self._rows(1, steps)
        unknown = steps < 0
        true[unknown] = 0
        false[unknown] = 0
        return true, false

    def _rows(self, side: Literal[0, 1], steps: Places) -> BitRows:
        if self.kept:
            return self._marked[side].rows(steps)
        base = self.base[side]
        return base ^ _flipped((self.true, self.false)[side], steps, base.shape[1])

    @cached_property
    def _marked(self) -> tuple[MarkedRows, MarkedRows]:
        true = MarkedRows(self.base[0], self.true, NEVER)
        same = self.false is self.true
        return true, true if same else MarkedRows(self.base[1], self.false, NEVER)

    def prepare(self) -> None:
        """Make what single rows are composed from."""
        self._whole  # noqa: B018
        self._marked if self._marks_one else self._narrow  # noqa: B018

    def row(self, step: int) -> TruthBits:
        """Compose a single row: for one user every call of NumPy counts."""
        if step < 0:
            return NOTHING, NOTHING
        true = self._flipped_row(0, step)
        return true, true ^ self._whole if self.false is self.true else self._flipped_row(1, step)

    @property
    def _marks_one(self) -> bool:
        return self.kept and self.base[0].shape[1] >= _WIDE

    def _flipped_row(self, side: Literal[0, 1], step: int) -> BitRows:
        if self._marks_one:
            return self._marked[side].rows(np.array([step]))
        words = self.base[side]
        for places in self._narrow[side]:
            words = words ^ np.packbits(places < step, bitorder="little").view("<u8")
        return words

    @cached_property
    def _narrow(self) -> tuple[Sequence[NDArray[np.int32]], Sequence[NDArray[np.int32]]]:
        """The places in half the memory, as many as the words have bits."""
        true = [self._padded(places) for places in self.true]
        same = self.false is self.true
        return true, true if same else [self._padded(places) for places in self.false]

    def _padded(self, places: Places) -> NDArray[np.int32]:
        padded = np.full(self.base[0].shape[1] * 64, _NEVER)
        padded[: len(places)] = np.minimum(places, _NEVER)
        return padded

    @cached_property
    def _whole(self) -> BitRows:
        return self.base[0] ^ self.base[1]


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
