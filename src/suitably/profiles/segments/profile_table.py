"""A frame of profiles: ids of users, and fields as numbers, those of maps key by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.arrow_columns import MapEntries, is_map
from suitably.data.frames import read_frame, write_frame
from suitably.data.values import finite_doubles, in_words, is_number, readable
from suitably.data.vocabulary import id_array
from suitably.errors import DataError
from suitably.typing import FrameKind
from suitably.utils.suggest import nearest

__all__ = ["ProfileTable"]

_MOST_KEYS = 200  # a number for each key and user is held in memory


@dataclass(frozen=True)
class ProfileTable:
    """A frame of profiles as read: a row per user.

    Attributes:
        users: Ids.
        fields: The other columns.
        user: How the column of ids is called.
        kind: The kind of frame that goes back to the caller.
    """

    users: pa.Array
    fields: pa.Table
    user: str
    kind: FrameKind

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def read(cls, frame: Any, user: str) -> "ProfileTable":
        """Read a frame of profiles, as `builder.transform` gives them.

        Args:
            frame: pandas, polars, PyArrow or DuckDB, with a row per user.
            user: Column of the ids.

        Raises:
            DataError: No frame, an empty one, or one without a column of distinct ids.
        """
        table, kind = read_frame(frame, "profiles")
        if user not in table.column_names:
            raise DataError(f"profiles: no column {user!r}{nearest(user, table.column_names)}")
        if not table.num_rows:
            raise DataError("profiles: the frame is empty")
        where = f"profiles.{user}"
        ids = id_array(readable(table[user].combine_chunks(), where), where)
        repeated = len(ids) - len(ids.unique())
        if ids.null_count or repeated:
            raise DataError(
                f"{where}: must hold an id in each row, no id twice; {ids.null_count} are missing, "
                f"{repeated} are repeated"
            )
        return cls(ids, table.drop_columns([user]), user, kind)

    @property
    def comparable(self) -> tuple[str, ...]:
        """The fields that are numbers, booleans, or maps to numbers."""
        return tuple(name for name in self.fields.column_names if self._comparable(name))

    def column(self, name: str) -> pa.Array:
        """Return a field, or what the maps of one have under a key, by `field.key`.

        Raises:
            DataError: There is none.
        """
        if name in self.fields.column_names:
            return readable(self.fields[name].combine_chunks(), f"profiles.{name}")
        field, _, key = name.partition(".")
        if key and field in self._entries:
            return pa.array(self._of_map(field, [key])[:, 0], from_pandas=True)
        if key and field in self.fields.column_names and self._is_missing(field):
            return pa.nulls(len(self))
        raise DataError(f"profiles: no field {name!r}{nearest(name, self.fields.column_names)}")

    def codes(self, name: str) -> NDArray[np.int32]:
        """Return the values of a field as positions in the distinct ones, −1 where missing.

        Raises:
            DataError: There is none, or it holds something else than text, booleans, whole numbers.
        """
        column = self.column(name)
        kind = column.type
        if not (
            pa.types.is_string(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_null(kind)
        ):
            raise DataError(
                f"profiles.{name}: holds {in_words(kind)}, of which no values can be told apart; "
                f"give text, booleans or whole numbers"
            )
        if pa.types.is_null(kind):
            return np.full(len(self), -1, np.int32)
        indices = column.dictionary_encode().indices.fill_null(-1)
        codes: NDArray[np.int32] = indices.to_numpy(zero_copy_only=False).astype(np.int32)
        return codes

    def parts(self, fields: Sequence[str]) -> tuple[str, ...]:
        """Return fields with those that are maps as all their keys, `field.key`, by name.

        Raises:
            DataError: A map with more keys than can be compared.
        """
        names: list[str] = []
        for field in fields:
            maps = self._entries.get(field)
            if maps is None:
                names.append(field)
                continue
            keys = sorted(maps.keys.unique().to_pylist())
            if len(keys) > _MOST_KEYS:
                raise DataError(
                    f"profiles.{field}: {len(keys)} keys are more than the {_MOST_KEYS} that are "
                    f"compared: name those that matter, as {field}.{keys[0]}"
                )
            names += [f"{field}.{key}" for key in keys]
        return tuple(dict.fromkeys(names))

    def numbers(self, parts: Sequence[str]) -> NDArray[np.float64]:
        """Return fields as numbers: float64 (users, parts), NaN where missing.

        True is 1 and false 0. A key that a map lacks is 0; a map that is missing is missing.

        Raises:
            DataError: A field that there is not, or that holds something else.
        """
        out = np.empty((len(self), len(parts)))
        of_maps: dict[str, list[int]] = {}
        for place, part in enumerate(parts):
            field, _, key = part.partition(".")
            if key and part not in self.fields.column_names and field in self._entries:
                of_maps.setdefault(field, []).append(place)
            else:
                out[:, place] = self._number(part)
        for field, places in of_maps.items():
            keys = [parts[place].partition(".")[2] for place in places]
            out[:, places] = self._of_map(field, keys)
        return out

    def frame(self, columns: dict[str, Any]) -> Any:
        """Return columns as the caller's kind of frame."""
        return write_frame(pa.table(columns), self.kind)

    def _number(self, name: str) -> NDArray[np.float64]:
        array = self.column(name)
        if array.null_count == len(array):
            return np.full(len(self), np.nan)
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.int8())
        if not is_number(array.type):
            raise DataError(
                f"profiles.{name}: holds {in_words(array.type)}, where numbers are compared: leave "
                f"it out, or use it in Strata"
            )
        return finite_doubles(array, f"profiles.{name}")

    def _comparable(self, name: str) -> bool:
        kind = self.fields[name].type
        return is_number(kind) or pa.types.is_boolean(kind) or name in self._entries

    def _is_missing(self, name: str) -> bool:
        return bool(self.fields[name].null_count == len(self))

    @cached_property
    def _entries(self) -> dict[str, MapEntries]:
        found = {}
        for name in self.fields.column_names:
            column = self.fields[name].combine_chunks()
            if is_map(column.type) and not self._is_missing(name):
                entries = MapEntries.read(column, f"profiles.{name}")
                if entries is not None and not entries.holds_dates:
                    found[name] = entries
        return found

    def _of_map(self, name: str, keys: Sequence[str]) -> NDArray[np.float64]:
        """Return what maps have under keys: float64 (users, keys)."""
        entries = self._entries[name]
        missing = self.fields[name].combine_chunks().is_null().to_numpy(zero_copy_only=False)
        codes = pc.index_in(entries.keys, value_set=pa.array(keys, pa.string())).fill_null(-1)
        places = codes.to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(len(self)), np.diff(entries.offsets))[places >= 0]
        out = np.zeros((len(self), len(keys)))
        out[rows, places[places >= 0]] = entries.numbers(f"profiles.{name}")[places >= 0]
        out[missing] = np.nan
        return out
