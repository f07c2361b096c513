"""Guests: users who join every part of a log, to tell it what is true of the whole."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.clock import UNNAMED
from suitably.data.vocabulary import WIDE, id_array, same_ids

__all__ = ["Guests", "among", "unnamed"]


@dataclass(frozen=True)
class Guests:
    """User rows and events of a few users, who join every part that does not have them.

    Which kinds of event and which currencies there are, and whether the log has times of day: that
    is true of the whole, and events of theirs say so. What is made of guests is left out.

    Attributes:
        users: Their rows; None without a users frame.
        events: Events of theirs, at least one.
        column: The column of user ids.

    Example:
        >>> guests = Guests(None, pa.table({"user_id": ["ann"], "event": ["sell"]}), "user_id")
        >>> _, events, who = guests.join(None, pa.table({"user_id": ["bob"], "event": ["buy"]}))
        >>> events["event"].to_pylist(), who.to_pylist()
        (['buy', 'sell'], ['ann'])
    """

    users: pa.Table | None
    events: pa.Table
    column: str

    def join(
        self, users: pa.Table | None, events: pa.Table
    ) -> tuple[pa.Table | None, pa.Table, pa.Array]:
        """Return the rows of a part with those of the guests it lacks, and who these are.

        Args:
            users: All rows of its users; None where there is no users frame.
            events: All events of its users.
        """
        sides = [frame for frame in (users, events) if frame is not None]
        present = [self._few_of(frame[self.column]) for frame in sides]

        def lacking(frame: pa.Table) -> pa.Table:
            there = [among(frame[self.column], ids) for ids in present]
            return frame.filter(pc.invert(reduce(pc.or_, there)))

        witnesses = lacking(self.events)
        if witnesses.num_rows:
            events = pa.concat_tables([events, witnesses.cast(events.schema)])
        if users is not None and self.users is not None:
            rows = lacking(self.users)
            if rows.num_rows:
                users = pa.concat_tables([users, rows.cast(users.schema)])
        return users, events, id_array(witnesses[self.column], "user_id").unique()

    def _few_of(self, ids: Any) -> pa.Array:
        """Return those of some ids who are guests, each once."""
        ids = id_array(ids, "user_id")
        return ids.filter(among(ids, self.events[self.column])).unique()


def among(ids: Any, known: Any) -> pa.Array:
    """Return which ids are among others; both are of users, read as data are."""
    asked, own = id_array(ids, "user_id"), id_array(known, "user_id")
    if not same_ids(asked.type, own.type):
        return pa.array(np.zeros(len(asked), bool))
    kind = asked.type if asked.type == own.type else WIDE
    return pc.is_in(asked.cast(kind), value_set=own.cast(kind))


def unnamed(table: pa.Table) -> pa.Table:
    """Return a table whose instants name no zone: theirs is the session's that read them."""
    for place, one in enumerate(table.schema):
        if pa.types.is_timestamp(one.type) and one.type.tz is not None:
            kind = pa.timestamp(one.type.unit, UNNAMED)
            table = table.set_column(place, one.name, table[one.name].cast(kind))
    return table
