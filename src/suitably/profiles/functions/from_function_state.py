"""What `FromFunction` keeps: columns of users of any type as bytes, and other builders' states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.utils.pieces import same

__all__ = ["FromFunctionState", "packed_schema", "unpacked_schema"]


@dataclass(frozen=True)
class FromFunctionState:
    """Columns as they stand, and states.

    Attributes:
        count: How many users there are.
        clock: Text (2,), the data's calendar as `kept_clock` writes it.
        fields: uint8, the columns as an Arrow stream, which holds any type and runs no code.
        parts: The arrays of the state of each builder.
    """

    count: int
    clock: NDArray[np.str_]
    fields: NDArray[np.uint8]
    parts: tuple[Mapping[str, NDArray[Any]], ...]

    def __len__(self) -> int:
        return self.count

    @classmethod
    def of(
        cls,
        count: int,
        clock: NDArray[np.str_],
        columns: Mapping[str, pa.Array],
        parts: tuple[Mapping[str, NDArray[Any]], ...],
    ) -> Self:
        """Write columns as a stream."""
        table = pa.table(dict(columns))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return cls(count, clock, _octets(sink.getvalue()), parts)

    def of_users(
        self, kept: NDArray[np.bool_], parts: tuple[Mapping[str, NDArray[Any]], ...]
    ) -> Self:
        """Return the columns of some users alone, beside the parts of these: bool (users,)."""
        table = pa.table(self.columns())
        rows = table.filter(pa.array(kept)) if table.num_columns else table
        columns = {name: rows[name] for name in rows.column_names}
        return self.of(int(kept.sum()), self.clock, columns, parts)

    @classmethod
    def joined(
        cls,
        parts: Sequence[Mapping[str, NDArray[Any]]],
        builders: Sequence[Any],
    ) -> dict[str, Any]:
        """Join the arrays of the states of groups of users, one after the other.

        Args:
            parts: The arrays of each.
            builders: Those whose states it holds.
        """
        made: dict[str, Any] = {
            "count": np.array([sum(int(part["count"][0]) for part in parts)]),
            "clock": same([part["clock"] for part in parts], "clock"),
            "fields": _one_stream([part["fields"] for part in parts]),
        }
        for place, builder in enumerate(builders):
            start = f"{place}:"
            own = [
                {n.removeprefix(start): a for n, a in part.items() if n.startswith(start)}
                for part in parts
            ]
            made |= {f"{start}{name}": array for name, array in builder.joined(own).items()}
        return made

    def columns(self) -> dict[str, pa.ChunkedArray]:
        """Read the columns."""
        with pa.ipc.open_stream(pa.py_buffer(self.fields)) as reader:
            table = reader.read_all()
        return {name: table[name] for name in table.column_names}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, those of builders under their places."""
        arrays = {"count": np.array([self.count]), "clock": self.clock, "fields": self.fields}
        for place, part in enumerate(self.parts):
            arrays |= {f"{place}:{name}": array for name, array in part.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        parts: dict[int, dict[str, NDArray[Any]]] = {}
        for key, array in arrays.items():
            place, _, name = key.partition(":")
            if name:
                parts.setdefault(int(place), {})[name] = array
        ordered = tuple(parts[place] for place in sorted(parts))
        return cls(int(arrays["count"][0]), arrays["clock"], arrays["fields"], ordered)


def packed_schema(schema: pa.Schema) -> NDArray[np.uint8]:
    """Return names and types of columns as bytes: uint8."""
    return _octets(schema.serialize())


def unpacked_schema(octets: NDArray[np.uint8]) -> pa.Schema:
    """Take back what `packed_schema` gave."""
    return pa.ipc.read_schema(pa.py_buffer(octets))


def _one_stream(streams: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return one Arrow stream with the rows of several, on a file that nobody else sees."""
    with TemporaryFile() as file:
        writer = None
        for octets in streams:
            with pa.ipc.open_stream(pa.py_buffer(octets)) as reader:
                if writer is None:
                    writer = pa.ipc.new_stream(file, reader.schema)
                for batch in reader:
                    writer.write_batch(batch)
        if writer is not None:
            writer.close()
        file.flush()
        return np.memmap(file, np.uint8, "r")


def _octets(buffer: pa.Buffer) -> NDArray[np.uint8]:
    return np.frombuffer(buffer, np.uint8).copy()
