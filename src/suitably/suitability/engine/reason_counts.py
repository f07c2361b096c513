"""How many products each reason keeps from users, by the tables that their masks are made of.

What a mask is the AND of has been worked out for every user: each condition has rows of bits, and
each user one row of every table. How many products a reason keeps from users who share a row is
counted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.clauses import Condition
from suitably.suitability.engine.scope import Rows
from suitably.suitability.engine.tables import EligibilityTables, Part, numbered
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["ReasonCounts"]


@dataclass(frozen=True)
class _Scattered:
    """A reason whose conditions are in several tables, or in none.

    Attributes:
        place: Which of the reasons.
        parts: The table and the part of it of each condition that is in one.
        others: The other conditions.
    """

    place: int
    parts: list[tuple[int, Part]]
    others: list[Condition]


class ReasonCounts:
    """Counts, user by user, the products that each reason keeps out.

    Args:
        reasons: What they are called.
        conditions: All that bar, each for the reason that its clause is called after.
        tables: The conditions compiled for a population.
        valid: The words of a row with every product's bit set.
    """

    def __init__(
        self,
        reasons: Sequence[str],
        conditions: Sequence[Condition],
        tables: EligibilityTables,
        valid: BitRows,
    ) -> None:
        self._tables, self._valid, self._count = tables, valid, len(reasons)
        found = [(t, part) for t, parts in enumerate(tables.parts) for part in parts]
        there = {id(part.condition) for _, part in found}
        self._whole: dict[int, list[tuple[int, list[Part]]]] = {}
        self._scattered: list[_Scattered] = []
        for place, name in enumerate(reasons):
            parts = [(t, part) for t, part in found if part.condition.clause.name == name]
            mine = [condition for condition in conditions if condition.clause.name == name]
            others = [condition for condition in mine if id(condition) not in there]
            if others or len({t for t, _ in parts}) > 1:
                self._scattered.append(_Scattered(place, parts, others))
            elif parts:
                self._whole.setdefault(parts[0][0], []).append((place, [p for _, p in parts]))
        self._counted: tuple[bytes, dict[int, NDArray[np.int64]]] = (b"", {})

    def of(self, rows: Rows, among: BitRows) -> NDArray[np.int64]:
        """Count the products of some that each reason keeps from each user: (rows, reasons).

        Args:
            rows: The users.
            among: Bits of the products that count, the same for all users: words (1, words).
        """
        out = np.zeros((len(rows), self._count), np.int64)
        codes = self._tables.codes(rows)
        for table, counts in self._counts(among).items():
            places = [place for place, _ in self._whole[table]]
            out[:, places] = counts[codes[:, table]]
        if self._scattered:
            within = among & self._valid
            for some in bitset.slices(len(rows), self._valid.shape[1]):
                self._count_scattered(out[some], rows[some], codes[some], within)
        return out

    def _count_scattered(
        self, out: NDArray[np.int64], rows: Rows, codes: NDArray[np.int64], within: BitRows
    ) -> None:
        read, total = self._tables.reader(rows), bitset.count(within)
        for reason in self._scattered:
            held = np.repeat(within, len(rows), axis=0)
            for table, part in reason.parts:
                held &= part.words[part.rows[codes[:, table]]]
            for condition in reason.others:
                held &= self._tables.holds(condition, rows, read)
            out[:, reason.place] = total - bitset.row_counts(held)

    def of_one(self, row: int, among: BitRows) -> list[int] | None:
        """Return the same for one user; None where a reason is not in a single table."""
        if self._scattered:
            return None
        out = [0] * self._count
        for table, counts in self._counts(among).items():
            mine = counts[self._tables.code(row, table)].tolist()
            for (place, _), count in zip(self._whole[table], mine, strict=True):
                out[place] = count
        return out

    def _counts(self, among: BitRows) -> dict[int, NDArray[np.int64]]:
        """Count for every row of every table, once for the same products: (rows, its reasons)."""
        key = among.tobytes()
        counted = self._counted
        if counted[0] != key:
            within = among & self._valid
            made = {
                table: np.column_stack([_kept_out(parts, within) for _, parts in reasons])
                for table, reasons in self._whole.items()
            }
            self._counted = counted = (key, made)
        return counted[1]


def _kept_out(parts: Sequence[Part], within: BitRows) -> NDArray[np.int64]:
    """Count the products that do not pass all of some parts of a table, for each of its rows."""
    first, *others = parts
    words, rows = first.words, first.rows
    for part in others:
        size = len(part.words)
        present, rows = numbered(
            rows.astype(np.int32), len(words), part.rows.astype(np.int32), size
        )
        words = words[present // size] & part.words[present % size]
    counts: NDArray[np.int64] = bitset.count(within) - bitset.row_counts(words & within)
    found: NDArray[np.int64] = counts[rows]
    return found
