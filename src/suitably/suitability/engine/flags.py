"""Flags of pairs: what the rules that never bar say of them, for many pairs at once.

A flag has a row of bits for each combination of codes that occurs, as a reason has that keeps pairs
out; a pair is looked up in the row of its user. What would be too large is evaluated block by
block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import AtomReader, TruthBits, batch_reader
from suitably.suitability.engine.clauses import Clause, read_by
from suitably.suitability.engine.exclusions import kept_out
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.suitability.engine.tables import CodedAtoms
from suitably.utils import bitset

__all__ = ["FLAGGED", "UNKNOWN", "Flags", "Raised", "flag_table", "flags_of_few"]

FLAGGED, UNKNOWN = 1, 2  # the rule fails, or cannot be judged
Raised = NDArray[np.int8]  # (pairs, flags): 0 where a flag is not raised


@dataclass(frozen=True)
class _Table:
    """Where a flag is raised: rows of bits, and which of them is each user's."""

    codes: NDArray[np.int32]
    bits: TruthBits


class Flags:
    """Every flag, for a population at a moment.

    Args:
        flags: The clauses that share each flag's name.
        batch: Everybody, and the moment.
        valid: The words of a row with every product's bit set.
    """

    def __init__(
        self, flags: Sequence[Sequence[Clause]], batch: UserBatch, valid: bitset.BitRows
    ) -> None:
        self._flags = flags
        self._valid = valid
        self._users = len(batch)
        atoms = [read_by(clauses) for clauses in flags]
        self._coded = CodedAtoms([atom for part in atoms for atom in part], batch)
        self._tables: list[_Table | None] = []
        for clauses, part in zip(flags, atoms, strict=True):
            found = self._coded.combined(part, valid.shape[1])
            if found is None:
                self._tables.append(None)
                continue
            codes, read, rows = found
            self._tables.append(_Table(codes, self._bits(clauses, read, rows)))

    def totals(self) -> NDArray[np.int64]:
        """Count the pairs that each flag is raised for: int64 (flags,)."""
        totals = np.zeros(len(self._flags), np.int64)
        for index, table in enumerate(self._tables):
            if table is not None:
                failed, unknown = table.bits
                counts = bitset.row_counts(failed | unknown)
                totals[index] = np.bincount(table.codes, minlength=len(counts)) @ counts
        for users, missing, read in self._evaluated(np.arange(self._users)):
            for index in missing:
                failed, unknown = self._bits(self._flags[index], read, len(users))
                totals[index] += bitset.count(failed | unknown)
        return totals

    def of(self, rows: Rows, columns: Rows) -> Raised:
        """Return what is raised for pairs of positions."""
        out = np.zeros((len(rows), len(self._flags)), np.int8)
        for index, table in enumerate(self._tables):
            if table is not None:
                out[:, index] = _looked_up(table.bits, table.codes[rows].astype(np.int64), columns)
        if None not in self._tables:
            return out
        distinct, place = np.unique(rows, return_inverse=True)
        order = np.argsort(place, kind="stable")
        done = 0
        for users, missing, read in self._evaluated(distinct):
            start, end = np.searchsorted(place[order], [done, done + len(users)])
            pairs = order[start:end]
            for index in missing:
                bits = self._bits(self._flags[index], read, len(users))
                out[pairs, index] = _looked_up(bits, place[pairs] - done, columns[pairs])
            done += len(users)
        return out

    def of_one(self, row: int, columns: Sequence[int]) -> list[tuple[int, int, bool]] | None:
        """Return what is raised for a few products of one user: place, flag, whether it is unknown.

        None where a flag has no table. One user costs more in calls than in work.
        """
        found = []
        for flag, table in enumerate(self._tables):
            if table is None:
                return None
            code = table.codes.item(row)
            failed, unknown = (bitset.number(part[code]) for part in table.bits)
            if not failed | unknown:
                continue
            for place, column in enumerate(columns):
                if failed >> column & 1:
                    found.append((place, flag, False))
                elif unknown >> column & 1:
                    found.append((place, flag, True))
        return sorted(found)

    def _evaluated(self, rows: Rows) -> Iterator[tuple[Rows, list[int], AtomReader]]:
        """Yield blocks of users, the flags that have no table, and a reader of their atoms."""
        missing = [index for index, table in enumerate(self._tables) if table is None]
        if missing:
            for part in bitset.slices(len(rows), self._valid.shape[1]):
                users = rows[part]
                yield users, missing, self._coded.reader(users)

    def _bits(self, clauses: Sequence[Clause], read: AtomReader, rows: int) -> TruthBits:
        shape = (rows, self._valid.shape[1])
        failed, unknown = kept_out(clauses, read)
        return (
            np.broadcast_to(failed & self._valid, shape),
            np.broadcast_to(unknown & self._valid, shape),
        )


def flags_of_few(
    flags: Sequence[Sequence[Clause]], batch: UserBatch, columns: Rows, width: int
) -> Raised:
    """Return what is raised for a few pairs, a row of the batch and a product each.

    Args:
        flags: The clauses that share each flag's name.
        batch: The pairs' users, and the moment.
        columns: The pairs' products.
        width: Words in a row of bits.
    """
    out = np.zeros((len(columns), len(flags)), np.int8)
    read = batch_reader(batch)
    for index, clauses in enumerate(flags):
        shape = (len(columns), width)
        failed, unknown = (np.broadcast_to(part, shape) for part in kept_out(clauses, read))
        out[:, index] = _looked_up((failed, unknown), np.arange(len(columns)), columns)
    return out


def flag_table(raised: Raised, names: Sequence[str]) -> tuple[Rows, dict[str, pa.Array]]:
    """Lay out what is raised: the pairs' places, and the columns rule and unknown."""
    pairs, flags = np.nonzero(raised)
    rules = pa.array(names, pa.string()).take(pa.array(flags))
    unknown = pa.array(raised[pairs, flags] == UNKNOWN, pa.bool_())
    return pairs, {"rule": rules, "unknown": unknown}


def _looked_up(bits: TruthBits, rows: Rows, columns: Rows) -> Raised:
    failed, unknown = (bitset.has(part, rows, columns).astype(np.int8) for part in bits)
    found: Raised = FLAGGED * failed + UNKNOWN * unknown
    return found.astype(np.int8)
