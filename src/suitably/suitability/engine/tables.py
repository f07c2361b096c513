"""Eligibility of many users: a code per user and table, and the AND of a few table rows.

Every condition becomes a table with a row of bits for each combination of codes that occurs,
however many users share it; tables that stay small together are merged into one. A user's mask is
then the AND of one row of each table. Conditions whose table would be too large are evaluated block
by block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import Atom, LookupTable, TruthBits
from suitably.suitability.engine.clauses import Condition
from suitably.suitability.engine.kernels import and_rows
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.utils.bitset import BitRows
from suitably.utils.parallel import parallel

__all__ = ["EligibilityTables"]

_MOST_BYTES = 2**26
_MERGED_BYTES = 2**23
_COUNTABLE = 2**22
_WORTH_THREADS = 50_000


@dataclass(frozen=True)
class _Table:
    """Rows of bits, and which of them is each user's."""

    codes: NDArray[np.int32]
    words: BitRows


class EligibilityTables:
    """Conditions compiled for a population at a moment.

    Args:
        conditions: All of which must hold.
        batch: Everybody, and the moment.
        valid: The words of a row with every product's bit set.
    """

    def __init__(self, conditions: Sequence[Condition], batch: UserBatch, valid: BitRows) -> None:
        self._width = valid.shape[1]
        self._users = len(batch)
        coded = _coded({id(atom): atom for c in conditions for atom in c.atoms}, batch)
        tables: list[_Table] = []
        self.rest: list[Condition] = []
        for condition in conditions:
            table = self._table(condition, coded)
            if table is None:
                self.rest.append(condition)
            else:
                tables.append(table)
        merged = self._merge(tables) or [_Table(np.zeros(len(batch), np.int32), valid)]
        merged[0] = _Table(merged[0].codes, merged[0].words & valid)
        starts = np.cumsum([0, *(len(table.words) for table in merged[:-1])])
        self._words = np.concatenate([table.words for table in merged])
        self._codes = np.column_stack(
            [table.codes + np.int32(start) for table, start in zip(merged, starts, strict=True)]
        )

    def bits(self, rows: Rows) -> BitRows:
        """Return the pairs that every condition with a table lets through: words (rows, width)."""
        return and_rows(self._words, self._codes[rows])

    def order(self) -> NDArray[np.int64]:
        """Return a permutation of the users that puts like users together."""
        return np.lexsort(self._codes.T[::-1])

    def _table(self, condition: Condition, coded: dict[int, LookupTable | None]) -> _Table | None:
        """Tabulate a condition over the combinations of its atoms' codes that occur."""
        parts: list[LookupTable] = []
        for atom in condition.atoms:
            part = coded[id(atom)]
            if part is None:
                return None
            parts.append(part)
        codes = np.zeros(self._users, np.int32)
        digits: list[NDArray[np.int64]] = []
        rows = 1
        for part in parts:
            size = len(part.true)
            present, codes = _numbered(codes, rows, part.codes, size)
            rows = len(present)
            digits = [digit[present // size] for digit in digits]
            digits.append(present % size)
            if rows * self._width * 8 > _MOST_BYTES:
                return None
        found: dict[int, TruthBits] = {
            id(atom): (part.true[digit], part.false[digit])
            for atom, part, digit in zip(condition.atoms, parts, digits, strict=True)
        }

        def read(atom: Atom) -> TruthBits:
            return found[id(atom)]

        return _Table(codes, np.broadcast_to(condition.holds(read), (rows, self._width)))

    def _merge(self, tables: list[_Table]) -> list[_Table]:
        """Merge tables, small ones first, as long as the combinations that occur stay few."""
        merged: list[_Table] = []
        for table in sorted(tables, key=lambda table: len(table.words)):
            for index, other in enumerate(merged):
                joint = self._joint(other, table)
                if joint is not None:
                    merged[index] = joint
                    break
            else:
                merged.append(table)
        return merged

    def _joint(self, a: _Table, b: _Table) -> _Table | None:
        if len(a.words) * len(b.words) > _COUNTABLE:
            return None
        size = len(b.words)
        present, codes = _numbered(a.codes, len(a.words), b.codes, size)
        if len(present) * self._width * 8 > _MERGED_BYTES:
            return None
        return _Table(codes, a.words[present // size] & b.words[present % size])


def _coded(atoms: dict[int, Atom], batch: UserBatch) -> dict[int, LookupTable | None]:
    """Code every atom; searches and gathers let other threads work meanwhile."""
    if len(batch) < _WORTH_THREADS:
        return {key: atom.lookup_table(batch) for key, atom in atoms.items()}
    found = parallel(lambda atom: atom.lookup_table(batch), list(atoms.values()))
    return dict(zip(atoms, found, strict=True))


def _numbered(
    high: NDArray[np.int32], rows: int, low: NDArray[np.int32], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Number the combinations of two codes that occur: high * size + low, and each one's number."""
    if rows == 1:
        return np.arange(size), low
    if size == 1:
        return np.arange(rows), high
    if rows * size > _COUNTABLE:
        joint = high.astype(np.int64) * size + low
        present, numbers = np.unique(joint, return_inverse=True)
        return present, numbers.astype(np.int32)
    joint = high * np.int32(size)
    joint += low
    occurs = np.zeros(rows * size, bool)
    occurs[joint] = True
    number = np.cumsum(occurs, dtype=np.int32)
    number -= 1
    return np.flatnonzero(occurs), number[joint]
