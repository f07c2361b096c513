"""Channels: what a contact costs, how many there can be, and how well they are answered."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.decisions.numbers import numbers_from
from suitably.errors import DataError
from suitably.typing import IntoFrame

__all__ = ["Channels"]

_OPTIONAL = ("capacity", "response")


@dataclass(frozen=True)
class Channels:
    """The channels of a frame, in its order.

    Attributes:
        table: As read, a row per channel.
        names: text (channels,), distinct.
        cost: float64 (channels,), of one contact.
        capacity: float64 (channels,), the most contacts; infinite where nothing is said.
        response: float64 (channels,), the factor on the probability of a purchase.
    """

    table: pa.Table
    names: pa.Array
    cost: NDArray[np.float64]
    capacity: NDArray[np.float64]
    response: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names, and the position of each."""
        return Vocabulary(self.names)

    @classmethod
    def read(cls, frame: IntoFrame) -> "Channels":
        """Read a frame: `channel`, `cost`, perhaps `capacity` and `response`, and whatever else.

        Raises:
            DataError: A column is missing, a channel twice or without a name or cost, or a number
                out of range.
        """
        table, _ = read_frame(frame, "channels")
        for name in ("channel", "cost"):
            if name not in table.column_names:
                raise DataError(f"channels: no column {name!r}; it has {table.column_names}")
        if not table.num_rows:
            raise DataError("channels: the frame is empty")
        names = id_array(table["channel"], "channels.channel")
        if not pa.types.is_string(names.type):
            raise DataError("channels.channel: must hold text, the names of channels")
        if names.null_count:
            row = names.is_null().to_pylist().index(True)
            raise DataError(f"channels.channel: row {row} has no name")
        listed = names.to_pylist()
        for row, name in enumerate(listed):
            if name in listed[:row]:
                raise DataError(f"channels.channel: {name!r} is there twice (row {row})")
        cost = numbers_from(table, "cost", "channels")
        _refuse(table, "cost", np.isnan(cost), "has no cost: write 0 where a contact costs nothing")
        _refuse(table, "cost", cost < 0, "costs less than 0")
        capacity, response = np.full(len(names), np.inf), np.ones(len(names))
        if "capacity" in table.column_names:
            found = numbers_from(table, "capacity", "channels")
            _refuse(table, "capacity", found < 0, "has a capacity below 0")
            _refuse(table, "capacity", np.trunc(found) < found, "has no whole number as capacity")
            capacity = np.where(np.isnan(found), np.inf, found)
        if "response" in table.column_names:
            found = numbers_from(table, "response", "channels")
            _refuse(table, "response", found < 0, "has a response below 0")
            response = np.where(np.isnan(found), 1.0, found)
        return cls(table, names, cost, capacity, response)


def _refuse(table: pa.Table, column: str, bad: NDArray[np.bool_], what: str) -> None:
    """Refuse a channel with a number that is none, by its name and row."""
    rows = np.flatnonzero(bad)
    if len(rows):
        row = int(rows[0])
        raise DataError(
            f"channels.{column}: {table['channel'][row].as_py()!r} {what} "
            f"(row {row}: {table[column][row].as_py()})"
        )
