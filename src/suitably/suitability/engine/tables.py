"""Eligibility of many users: a code per user and table, and the AND of a few table rows.

Every condition becomes a table with a row of bits for each combination of codes that occurs,
however many users share it; tables that stay small together are merged into one. A user's mask is
then the AND of one row of each table. Conditions whose table would be too large are evaluated block
by block.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import Atom, AtomReader, LookupTable, batch_reader
from suitably.suitability.engine.clauses import Condition
from suitably.suitability.engine.kernels import and_of_ors, and_rows
from suitably.suitability.engine.normal_form import Literal, normal_form
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.utils import bitset
from suitably.utils.bitset import NOTHING, BitRows, TruthBits
from suitably.utils.parallel import parallel

__all__ = ["CodedAtoms", "EligibilityTables", "Part", "atoms_of", "numbered"]

_MOST_BYTES = 2**26
_MERGED_BYTES = 2**23
_COUNTABLE = 2**22
_MOST_COMBINED = 2**14
_WORTH_THREADS = 50_000


@dataclass(frozen=True)
class Part:
    """A condition within a table.

    Attributes:
        condition: The condition.
        rows: int (rows of the table,), which row of the condition's own each is made of.
        words: Its own rows: the pairs that it lets through.
    """

    condition: Condition
    rows: NDArray[np.integer[Any]]
    words: BitRows


@dataclass(frozen=True)
class _Table:
    """Rows of bits, which of them is each user's, and the conditions that they are made of."""

    codes: NDArray[np.int32]
    words: BitRows
    parts: tuple[Part, ...] = ()

    def made_of(self, rows: NDArray[np.int64]) -> list[Part]:
        """Return the parts of a table that is made of some of these rows."""
        return [replace(part, rows=part.rows[rows]) for part in self.parts]


class CodedAtoms:
    """Atoms as tables for a population, and readers of some of its users.

    Args:
        atoms: Each once.
        batch: Everybody, and the moment.
    """

    def __init__(self, atoms: Sequence[Atom], batch: UserBatch) -> None:
        self._batch = batch
        self._tables = _coded({id(atom): atom for atom in atoms}, batch)

    def combined(
        self, atoms: Sequence[Atom], width: int
    ) -> tuple[NDArray[np.int32], AtomReader, int] | None:
        """Number the combinations of the codes of some atoms that occur.

        Returns:
            A code per user, a reader of the atoms' bits by code, and how many codes there are;
            None where an atom has no table or their rows would be too many.
        """
        parts: list[LookupTable] = []
        for atom in atoms:
            part = self._tables[id(atom)]
            if part is None:
                return None
            parts.append(part)
        codes = np.zeros(len(self._batch), np.int32)
        digits: list[NDArray[np.int64]] = []
        rows = 1
        for part in parts:
            size = len(part.true)
            present, codes = numbered(codes, rows, part.codes, size)
            rows = len(present)
            digits = [digit[present // size] for digit in digits]
            digits.append(present % size)
            if rows * width * 8 > _MOST_BYTES:
                return None
        found: dict[int, TruthBits] = {
            id(atom): (part.true[digit], part.false[digit])
            for atom, part, digit in zip(atoms, parts, digits, strict=True)
        }
        return codes, lambda atom: found[id(atom)], rows

    def sizes(self, atoms: Sequence[Atom]) -> int | None:
        """Return how many combinations of codes there could be; None where one has no table."""
        tables = [self._tables[id(atom)] for atom in atoms]
        if any(table is None for table in tables):
            return None
        return prod(len(table.true) for table in tables if table is not None)

    def rows(self, atom: Atom, literal: Literal, width: int) -> _Table:
        """Return the rows of an atom that a literal means."""
        table = self._tables[id(atom)]
        assert table is not None  # the caller knows its size
        words = (table.true, table.false)[literal.side]
        words = ~words if literal.negated else words
        return _Table(table.codes, np.broadcast_to(words, (len(words), width)))

    def reader(self, rows: Rows) -> AtomReader:
        """Return a reader of the bits of some users, from tables where there are any."""
        batch = UserBatch(self._batch.users, self._batch.as_of, rows)
        other = batch_reader(batch)
        found: dict[int, TruthBits] = {}

        def read(atom: Atom) -> TruthBits:
            part = self._tables.get(id(atom))
            if part is None:
                return other(atom)
            if id(atom) not in found:
                codes = part.codes[rows]
                found[id(atom)] = (part.true[codes], part.false[codes])
            return found[id(atom)]

        return read

    def forget(self, atoms: Sequence[Atom]) -> None:
        """Let go of all tables but those of some atoms."""
        kept = {id(atom) for atom in atoms}
        self._tables = {key: table for key, table in self._tables.items() if key in kept}


class EligibilityTables:
    """Conditions compiled for a population at a moment.

    Args:
        conditions: All of which must hold.
        batch: Everybody, and the moment.
        valid: The words of a row with every product's bit set.
    """

    def __init__(self, conditions: Sequence[Condition], batch: UserBatch, valid: BitRows) -> None:
        self._width = valid.shape[1]
        self._coded = CodedAtoms(atoms_of(conditions), batch)
        tables: list[_Table] = []
        eithers: list[list[_Table]] = []
        self._ors_of: dict[int, slice] = {}
        self._rest: list[Condition] = []
        for condition in conditions:
            ors = self._ors(condition)
            if ors is not None:
                self._ors_of[id(condition)] = slice(len(eithers), len(eithers) + len(ors))
                eithers += ors
                continue
            table = self._table(condition)
            if table is None:
                self._rest.append(condition)
            else:
                tables.append(table)
        self._coded.forget(atoms_of(self._rest))
        merged = self._merge(tables) or [_Table(np.zeros(len(batch), np.int32), valid)]
        merged[0] = replace(merged[0], words=merged[0].words & valid)
        self._words, self._codes = _stacked(merged)
        self._starts = np.cumsum([0, *(len(table.words) for table in merged[:-1])])
        self.parts: tuple[tuple[Part, ...], ...] = tuple(table.parts for table in merged)
        self._ends = np.cumsum([len(several) for several in eithers])
        self._either = _stacked([table for several in eithers for table in several])

    def bits(self, rows: Rows) -> BitRows:
        """Return the pairs that every condition lets through: words (rows, width)."""
        words = and_rows(self._words, self._codes.take(rows, axis=0))
        if len(self._ends):
            table, codes = self._either
            words &= and_of_ors(table, codes.take(rows, axis=0), self._ends)
        if self._rest:
            for part in bitset.slices(len(rows), self._width):
                read = self._coded.reader(rows[part])
                for condition in self._rest:
                    words[part] &= condition.holds(read)
        return words

    def bits_of_one(self, row: int) -> int:
        """Return the pairs of one user as one number, whose bits are the products."""
        if len(self._ends) or self._rest:
            return bitset.number(self.bits(np.array([row]))[0])
        found = -1
        for code in self._codes[row].tolist():
            found &= bitset.number(self._words[code])
        return found

    def codes(self, rows: Rows) -> NDArray[np.int64]:
        """Return which row of each table is that of some users: int64 (rows, tables)."""
        codes: NDArray[np.int64] = self._codes.take(rows, axis=0) - self._starts
        return codes

    def code(self, row: int, table: int) -> int:
        """Return which row of a table is that of one user."""
        return int(self._codes.item(row, table) - self._starts.item(table))

    def holds(self, condition: Condition, rows: Rows, read: AtomReader) -> BitRows:
        """Return the pairs that a condition without a table lets through: words (rows, width).

        Args:
            condition: The condition.
            rows: The users.
            read: What `reader` gave for them.
        """
        ors = self._ors_of.get(id(condition))
        if ors is None:
            return condition.holds(read)
        table, codes = self._either
        ends = self._ends[ors]
        first = self._ends[ors.start - 1] if ors.start else 0
        return and_of_ors(table, codes[:, first : ends[-1]].take(rows, axis=0), ends - first)

    def reader(self, rows: Rows) -> AtomReader:
        """Return a reader of the bits of some users."""
        return self._coded.reader(rows)

    def order(self) -> NDArray[np.int64]:
        """Return a permutation of the users that puts like users together."""
        return np.lexsort(self._codes.T[::-1])

    def _ors(self, condition: Condition) -> list[list[_Table]] | None:
        """Return it as ORs of atoms' rows, where combinations of these would be many."""
        size = self._coded.sizes(condition.atoms)
        if size is None or len(condition.atoms) < 2 or size <= _MOST_COMBINED:
            return None
        found = normal_form(condition)
        if found is None or not all(found):
            return None
        return [
            [self._coded.rows(condition.atoms[x.atom], x, self._width) for x in several]
            for several in found
        ]

    def _table(self, condition: Condition) -> _Table | None:
        """Tabulate a condition over the combinations of its atoms' codes that occur."""
        found = self._coded.combined(condition.atoms, self._width)
        if found is None:
            return None
        codes, read, rows = found
        words = np.broadcast_to(condition.holds(read), (rows, self._width))
        return _Table(codes, words, (Part(condition, np.arange(rows), words),))

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
        present, codes = numbered(a.codes, len(a.words), b.codes, size)
        if len(present) * self._width * 8 > _MERGED_BYTES:
            return None
        high, low = present // size, present % size
        parts = (*a.made_of(high), *b.made_of(low))
        return _Table(codes, a.words[high] & b.words[low], parts)


def _stacked(tables: Sequence[_Table]) -> tuple[BitRows, NDArray[np.int32]]:
    """Put tables into one, with a code per user for each of them."""
    if not tables:
        return NOTHING, np.zeros((0, 0), np.int32)
    starts = np.cumsum([0, *(len(table.words) for table in tables[:-1])])
    words = np.concatenate([table.words for table in tables])
    codes = [table.codes + np.int32(start) for table, start in zip(tables, starts, strict=True)]
    return words, np.column_stack(codes)


def atoms_of(conditions: Sequence[Condition]) -> list[Atom]:
    """Return what some conditions read, each once."""
    return list({id(atom): atom for c in conditions for atom in c.atoms}.values())


def _coded(atoms: dict[int, Atom], batch: UserBatch) -> dict[int, LookupTable | None]:
    """Code every atom; searches and gathers let other threads work meanwhile."""
    if len(batch) < _WORTH_THREADS:
        return {key: atom.lookup_table(batch) for key, atom in atoms.items()}
    found = parallel(lambda atom: atom.lookup_table(batch), list(atoms.values()))
    return dict(zip(atoms, found, strict=True))


def numbered(
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
