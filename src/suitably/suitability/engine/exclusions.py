"""What keeps how many pairs out: counted once for all users who are alike in a reason.

A reason has a row of bits for each combination of codes that occurs, as a condition has; how many
pairs it keeps out follows from the rows and how many users share each. Only to know which pairs a
single reason keeps out, all reasons are laid over each other, for users who differ in any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import AtomReader, TruthBits
from suitably.suitability.engine.clauses import Clause, read_by
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.suitability.engine.tables import CodedAtoms
from suitably.utils import bitset
from suitably.utils.bitset import NOTHING, BitRows
from suitably.utils.parallel import parallel

__all__ = ["NO_PAIRS", "Exclusions", "counts_table", "excluded", "kept_out"]

NO_PAIRS = np.zeros(3, np.int64)  # pairs that fail, are unknown, and have no other reason

_CACHED_WORDS = 2**15


@dataclass(frozen=True)
class _Reason:
    """What a reason keeps out: rows of bits, and which of them is each user's.

    Attributes:
        codes: int32 (users,).
        words: The pairs that fail or are unknown.
        failed: int64 (rows,), how many fail.
        unknown: Likewise.
    """

    codes: NDArray[np.int32]
    words: BitRows
    failed: NDArray[np.int64]
    unknown: NDArray[np.int64]


class Exclusions:
    """Every reason's exclusions, for a population at a moment.

    Args:
        reasons: The clauses that share each reason's name.
        batch: Everybody, and the moment.
        valid: The words of a row with every product's bit set.
    """

    def __init__(
        self, reasons: Sequence[Sequence[Clause]], batch: UserBatch, valid: BitRows
    ) -> None:
        self._clauses = reasons
        self._valid = valid
        self._users = len(batch)
        atoms = [read_by(clauses) for clauses in reasons]
        coded = CodedAtoms([atom for part in atoms for atom in part], batch)
        self._reasons = [
            self._tabulated(clauses, coded.combined(part, valid.shape[1]))
            for clauses, part in zip(reasons, atoms, strict=True)
        ]
        pending = zip(self._reasons, atoms, strict=True)
        coded.forget([atom for reason, part in pending if reason is None for atom in part])
        self._coded = coded

    def totals(self) -> NDArray[np.int64]:
        """Count the pairs that fail, are unknown, and have no other reason: (reasons, 3)."""
        totals = np.zeros((len(self._reasons), 3), np.int64)
        for index, reason in enumerate(self._reasons):
            if reason is not None:
                sharing = np.bincount(reason.codes, minlength=len(reason.words))
                totals[index, :2] = sharing @ reason.failed, sharing @ reason.unknown
        rows, sharing = self._different()
        # Each block stays in the cache while all reasons pass over it, unless atoms are evaluated
        # for it, which is cheaper for many users at a time.
        width = self._valid.shape[1]
        step = max(1, _CACHED_WORDS // max(1, width))
        blocks = [slice(start, start + step) for start in range(0, len(rows), step)]
        if any(reason is None for reason in self._reasons):
            blocks = list(bitset.slices(len(rows), width))
        for part in parallel(lambda some: self._alone(rows[some], sharing[some]), blocks):
            totals += part
        return totals

    def _tabulated(
        self,
        clauses: Sequence[Clause],
        combined: tuple[NDArray[np.int32], AtomReader, int] | None,
    ) -> _Reason | None:
        if combined is None:
            return None
        codes, read, rows = combined
        failed, unknown = (
            np.broadcast_to(part & self._valid, (rows, self._valid.shape[1]))
            for part in kept_out(clauses, read)
        )
        words: BitRows = np.bitwise_or(failed, unknown)
        return _Reason(codes, words, bitset.row_counts(failed), bitset.row_counts(unknown))

    def _different(self) -> tuple[Rows, NDArray[np.int64]]:
        """Return users who differ in what any reason says, and how many are like each."""
        if any(reason is None for reason in self._reasons):
            return np.arange(self._users), np.ones(self._users, np.int64)
        number = np.zeros(self._users, np.int64)
        for reason in self._reasons:
            if reason is not None:
                joint = number * len(reason.words) + reason.codes
                number = np.unique(joint, return_inverse=True)[1]
        _, rows, sharing = np.unique(number, return_index=True, return_counts=True)
        return rows, sharing

    def _alone(self, rows: Rows, sharing: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count for some users what no other reason keeps out, and all of reasons without table."""
        totals = np.zeros((len(self._reasons), 3), np.int64)
        read = self._coded.reader(rows)
        shape = (len(rows), self._valid.shape[1])
        once, twice = np.zeros((2, *shape), np.uint64)
        both = np.empty(shape, np.uint64)
        outs: list[BitRows] = []
        for index, reason in enumerate(self._reasons):
            if reason is not None:
                out = reason.words[reason.codes[rows]]
            else:
                failed, unknown = (
                    np.broadcast_to(part & self._valid, shape)
                    for part in kept_out(self._clauses[index], read)
                )
                totals[index, :2] = bitset.count(failed), bitset.count(unknown)
                out = np.bitwise_or(failed, unknown)
            np.bitwise_and(once, out, out=both)
            np.bitwise_or(twice, both, out=twice)
            np.bitwise_or(once, out, out=once)
            outs.append(out)
        np.bitwise_and(once, np.bitwise_not(twice, out=twice), out=once)
        for index, out in enumerate(outs):
            np.bitwise_and(out, once, out=both)
            totals[index, 2] = bitset.row_counts(both) @ sharing
        return totals


def counts_table(kept_out: Mapping[str, NDArray[np.int64]], flagged: Mapping[str, int]) -> pa.Table:
    """Lay out the counts of every name, and of the library's own reasons where there are any.

    Args:
        kept_out: Failed, unknown and only.
        flagged: How many pairs are flagged.
    """
    shown = [name for name in kept_out if ":" not in name or kept_out[name].any()]
    counts = np.array([kept_out[name] for name in shown], np.int64).reshape(-1, 3)
    columns = zip(("failed", "unknown", "only"), counts.T, strict=True)
    flags = pa.array([flagged.get(name, 0) for name in shown], pa.int64())
    return pa.table({"rule": pa.array(shown, pa.string()), **dict(columns), "flagged": flags})


def kept_out(clauses: Sequence[Clause], read: AtomReader) -> TruthBits:
    """Return the pairs that fail by any of some clauses, and others that any leaves unknown."""
    failed, unknown = NOTHING, NOTHING
    for clause in clauses:
        fails, rest = clause.kept_out(read)
        failed, unknown = failed | fails, unknown | rest
    return failed, unknown & ~failed


def excluded(
    reasons: Sequence[Sequence[Clause]], read: AtomReader, among: BitRows, rows: int
) -> NDArray[np.int64]:
    """Count the products of some that each reason keeps from each user: (rows, reasons)."""
    out = np.empty((rows, len(reasons)), np.int64)
    for index, clauses in enumerate(reasons):
        failed, unknown = kept_out(clauses, read)
        out[:, index] = bitset.row_counts((failed | unknown) & among)
    return out
