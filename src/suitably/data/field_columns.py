"""Columns of fields as what is computed with: numbers, groups, and amounts by group."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.arrow_columns import MapEntries, is_map, plain_lists
from suitably.data.values import doubles, is_number

__all__ = ["AmountsByGroup", "amounts_by_group", "group_codes", "numbers_of"]


def numbers_of(array: pa.Array, where: str) -> NDArray[np.float64] | None:
    """Return a column of numbers: float64 (rows,), NaN where it is null; None: it holds none.

    Example:
        >>> numbers_of(pa.array([1, None]), "users.age").tolist(), numbers_of(pa.array(["a"]), "")
        ([1.0, nan], None)
    """
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    return doubles(array, where) if is_number(array.type) else None


def group_codes(array: pa.Array) -> tuple[NDArray[np.int64], list[Any]] | None:
    """Return the group of each row, −1 where it is null, and the groups; None: it makes none.

    Example:
        >>> codes, groups = group_codes(pa.array(["fund", None, "bond", "fund"]))
        >>> codes.tolist(), groups
        ([0, -1, 1, 0], ['fund', 'bond'])
    """
    try:
        encoded = array.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return None
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


@dataclass(frozen=True)
class AmountsByGroup:
    """Maps of rows from group to amount.

    Attributes:
        known: bool (rows,), which have a map; an empty one is a map too.
        by_group: float64 (rows, groups), 0 where a map has no such group or no amount of it.
        totals: float64 (rows,), sums of the maps, groups that were not asked for included.
        bad: How many amounts are negative.
    """

    known: NDArray[np.bool_]
    by_group: NDArray[np.float64]
    totals: NDArray[np.float64]
    bad: int


def amounts_by_group(array: pa.Array, groups: list[Any], where: str) -> AmountsByGroup | None:
    """Return a column of maps as amounts by group; None: it holds no maps to numbers.

    Args:
        array: Maps, structs, or lists of key and value.
        groups: Those to return; a key is one that equals its text.
        where: The column, for messages.

    Raises:
        DataError: A number that columns of numbers may not hold either, such as an infinite one.

    Example:
        >>> maps = pa.array([[("a", 2.0), ("z", 1.0)], None], pa.map_(pa.string(), pa.float64()))
        >>> found = amounts_by_group(maps, ["a", "b"], "users.exposure")
        >>> found.known.tolist(), found.by_group.tolist(), found.totals.tolist()
        ([True, False], [[2.0, 0.0], [0.0, 0.0]], [3.0, 0.0])
    """
    array = plain_lists(array)
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    by_group = np.zeros((len(array), len(groups)))
    if not known.any():
        return AmountsByGroup(known, by_group, np.zeros(len(array)), 0)
    entries = MapEntries.read(array, where) if is_map(array.type) else None
    if entries is None or entries.holds_dates:
        return None
    amounts = np.nan_to_num(entries.numbers(where), nan=0.0)
    bad = int((amounts < 0).sum())
    names = pa.array([str(group) for group in groups], pa.string())
    codes = pc.index_in(entries.keys, value_set=names).fill_null(-1)
    places = codes.to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(array)), np.diff(entries.offsets))
    asked = places >= 0
    by_group[rows[asked], places[asked]] = amounts[asked]
    totals = np.bincount(rows, amounts, minlength=len(array)).astype(np.float64)
    return AmountsByGroup(known, by_group, totals, bad)
