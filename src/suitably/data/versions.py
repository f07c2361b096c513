"""Rows that hold from a moment on: the last visible version of every id."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant, Instants
from suitably.data.frames import fieldless, take_rows
from suitably.data.validation import TableValidator
from suitably.data.vocabulary import Vocabulary

__all__ = ["Versions", "read_versions"]


@dataclass(frozen=True)
class Versions:
    """A table of fields, its rows ordered by id and then by time.

    Attributes:
        ids: The vocabulary, in the order in which the ids first occur.
        fields: The fields, one row per version.
        codes: int32 (versions,), whose row it is, ascending.
        times: From when the row holds; None where rows have no time.
    """

    ids: Vocabulary
    fields: pa.Table
    codes: NDArray[np.int32]
    times: Instants | None

    def only(self, seen: NDArray[np.int32]) -> tuple["Versions", NDArray[np.int32]]:
        """Keep the ids that occur, where ids have one row each: they, and the codes renumbered.

        A code of −1, for no id, stays what it is.
        """
        occurs = np.zeros(len(self.ids) + 1, bool)
        occurs[seen] = True  # the last place is that of no id
        if occurs[:-1].all():
            return self, seen
        codes = np.flatnonzero(occurs[:-1])
        places = np.full(len(occurs), -1, np.int32)
        places[codes] = np.arange(len(codes))
        renumbered = places[seen]
        kept = Versions(
            self.ids.subset(codes),
            fieldless(len(codes)),
            np.arange(len(codes), dtype=np.int32),
            None,
        )
        return kept, renumbered

    def visible(self, as_of: Instant | None) -> tuple[pa.Table, NDArray[np.bool_], Instants | None]:
        """Return the last row of every id strictly before `as_of`, and which ids have one.

        Returns:
            A table with a row per id, all null where none is visible; bool (ids,); from when each
            row holds, NaT where none is visible, None where rows have no time.
        """
        seen = np.arange(len(self.codes))
        if self.times is not None and as_of is not None:
            seen = seen[self.times < as_of]
        codes = self.codes[seen]
        last = seen[np.append(codes[1:] != codes[:-1], np.ones(min(len(codes), 1), bool))]
        rows = np.full(len(self.ids), -1, np.int64)
        rows[self.codes[last]] = last
        listed = rows >= 0
        times = None
        if self.times is not None:
            times = np.full(len(rows), np.datetime64("NaT", "us"), "datetime64[us]")
            times[listed] = self.times[rows[listed]]
        if np.array_equal(rows, np.arange(self.fields.num_rows)):
            return self.fields, listed, times
        return take_rows(self.fields, pa.array(rows, mask=~listed)), listed, times


def read_versions(
    inspection: TableValidator, id_column: str, time_column: str | None, now: Instant
) -> tuple[Versions, str | None]:
    """Check a users or products table and order its versions.

    Returns:
        The versions, and the time zone of their times.

    Raises:
        DataError: A bad row in raise mode, or ids that are neither integers nor text.
    """
    inspection.ids(id_column)
    zone = inspection.moments(time_column, now) if time_column else None
    inspection.no_infinity()

    ids, codes, times = _keys(inspection, id_column, time_column)
    order = np.lexsort((codes,) if times is None else (times, codes))
    same = codes[order][1:] == codes[order][:-1]
    if times is not None:
        same &= times[order][1:] == times[order][:-1]
    repeated = np.zeros(len(codes), bool)
    repeated[order[1:][same]] = True
    what = "the same id twice" if times is None else "the same id and timestamp twice"
    inspection.refuse(id_column, what, repeated)

    if repeated.any():
        ids, codes, times = _keys(inspection, id_column, time_column)
        order = np.lexsort((codes,) if times is None else (times, codes))
    fields = inspection.table.drop_columns([c for c in (id_column, time_column) if c])
    if not np.array_equal(order, np.arange(len(order))):
        fields, codes = take_rows(fields, pa.array(order)), codes[order]
        times = None if times is None else times[order]
    return Versions(ids, fields.combine_chunks(), codes, times), zone


def _keys(
    inspection: TableValidator, id_column: str, time_column: str | None
) -> tuple[Vocabulary, NDArray[np.int32], Instants | None]:
    encoded = inspection.column(id_column).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    times = Clock.instants(inspection.column(time_column)) if time_column else None
    return Vocabulary(encoded.dictionary, inspection.kinds[id_column]), codes, times
