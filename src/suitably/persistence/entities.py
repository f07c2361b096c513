"""Users and products as files: ids, fields, and who is listed."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.clock import Instants
from suitably.data.entities import Entities
from suitably.data.frames import fieldless
from suitably.data.vocabulary import WIDE, Vocabulary
from suitably.errors import ArtifactError
from suitably.persistence.reader import Reader
from suitably.persistence.unreadable import plain_fields, with_unreadable
from suitably.persistence.writer import Writer

__all__ = ["read_entities", "read_ids", "write_entities"]


def write_entities(writer: Writer, entities: Entities) -> dict[str, Any]:
    """Write the ids and fields of one side, and return where they are."""
    side = entities.side
    rows = {"id": entities.ids.array, "listed": pa.array(entities.listed)}
    if entities.times is not None:
        rows["time"] = pa.array(entities.times)
    # Parquet forgets the rows of a table without columns.
    has_fields = bool(entities.fields.num_columns)
    fields, problems = plain_fields(entities.fields)
    return {
        "side": side,
        "rows": writer.table(side, pa.table(rows), distinct=["id"]),
        "kind": str(entities.ids.kind),
        "fields": writer.table(f"{side}-fields", fields) if has_fields else None,
        **({"unreadable": problems} if problems else {}),
        "framed": entities.framed,
        "id_column": entities.id_column,
        "time_column": entities.time_column,
    }


def read_ids(reader: Reader, record: Mapping[str, Any]) -> pa.Array:
    """Read the ids of one side.

    Raises:
        ArtifactError: Some are missing or repeated.
    """
    return _distinct(reader.table(record["rows"]), record["rows"])


def _distinct(rows: pa.Table, file: str) -> pa.Array:
    array = rows["id"].combine_chunks()
    if array.null_count or not _are_distinct(array):
        raise ArtifactError(f"{file}: ids are missing or repeated")
    return array


def read_entities(reader: Reader, record: dict[str, Any]) -> Entities:
    """Read one side.

    Raises:
        ArtifactError: Ids are missing or repeated, or it is not said who is listed.
        ValueError: Its parts do not fit each other.
    """
    rows = reader.table(record["rows"])
    array, listed = _distinct(rows, record["rows"]), rows["listed"].combine_chunks()
    if listed.null_count or not pa.types.is_boolean(listed.type):
        raise ArtifactError(f"{record['rows']}: does not say who is listed")
    fields = record["fields"]
    made = Entities(
        side=record["side"],
        ids=Vocabulary(array, _kind(record["kind"])),
        fields=(
            fieldless(len(array))
            if fields is None
            else with_unreadable(reader.table(fields, len(array)), record.get("unreadable", {}))
        ),
        listed=listed.to_numpy(zero_copy_only=False),
        times=_read_times(rows),
        framed=bool(record["framed"]),
        id_column=record["id_column"],
        time_column=record["time_column"],
    )
    if made.fields.num_rows != len(made):
        raise ValueError(f"{made.side}: ids and fields do not fit")
    return made


def _are_distinct(array: pa.Array) -> bool:
    """Return whether no id occurs twice; for ascending ones, as most are, a glance will do."""
    ascending = pc.all(pc.less(array[:-1], array[1:])).as_py()
    return ascending is not False or len(array.unique()) == len(array)


def _kind(name: str) -> pa.DataType:
    return WIDE if name == str(WIDE) else pa.type_for_alias(name)


def _read_times(rows: pa.Table) -> Instants | None:
    if "time" not in rows.column_names:
        return None
    times: Instants = rows["time"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    return times
