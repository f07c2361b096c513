"""Groups of products in lists: their codes, what users hold of them, and quotas."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.field_columns import amounts_by_group, group_codes, numbers_of
from suitably.data.values import readable
from suitably.errors import DataError
from suitably.reranking.protocol import RerankContext

__all__ = ["GroupAmounts", "Groups", "read_groups", "read_map", "read_numbers", "within_quotas"]


@dataclass(frozen=True)
class Groups:
    """The catalogue in groups, such as issuers.

    Attributes:
        codes: int64 (catalogue + 1,), the group of each product; `len(values)` where it is missing,
            and in the last place, so that code −1 past the end of a list has none either.
        values: The groups, by code.
    """

    codes: NDArray[np.int64]
    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    def owned(self, context: RerankContext) -> NDArray[np.int64]:
        """Count what each user owns: int64 (users, groups + 1), products without a group last."""
        starts, width = context.owned.indptr, len(self) + 1
        users = len(starts) - 1
        rows = np.repeat(np.arange(users), np.diff(starts))
        slots = rows * width + self.codes[context.owned.indices]
        return np.bincount(slots, minlength=users * width).reshape(users, width)


@dataclass(frozen=True)
class GroupAmounts:
    """A map of each user from group to a number.

    Attributes:
        known: bool (users,), who has a map; an empty one is a map too.
        by_group: float64 (users, groups + 1); 0 where the map has no such group, and in the last
            column.
        totals: float64 (users,), sums of the maps, groups that no product is in included.
    """

    known: NDArray[np.bool_]
    by_group: NDArray[np.float64]
    totals: NDArray[np.float64]


def read_groups(context: RerankContext, column: str, reader: str) -> Groups:
    """Code the groups in a column of the products frame.

    Raises:
        DataError: There is no such column, or it holds no single values.
    """
    array = _column(context.product_fields, "products", column, reader)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    found = group_codes(array)
    if found is None:
        raise DataError(
            f"products: {column!r} for {reader} holds {array.type}, which makes no groups"
        )
    codes, values = found
    return Groups(np.append(np.where(codes < 0, len(values), codes), len(values)), tuple(values))


def read_numbers(context: RerankContext, column: str, reader: str) -> NDArray[np.float64]:
    """Read a numeric column of the products frame: float64 (catalogue + 1,), NaN where missing.

    Raises:
        DataError: There is no such column, or it does not hold finite numbers.
    """
    array = _column(context.product_fields, "products", column, reader)
    numbers = numbers_of(array, f"products: {column!r} for {reader}")
    if numbers is None:
        raise DataError(f"products: {column!r} for {reader} holds {array.type}, not numbers")
    if np.isinf(numbers).any():
        count = int(np.isinf(numbers).sum())
        raise DataError(f"products: {count} values of {column!r} for {reader} are infinite")
    return np.append(numbers, np.nan)


def read_map(context: RerankContext, column: str, groups: Groups, reader: str) -> GroupAmounts:
    """Read a map column of the users, such as their exposure by issuer.

    Raises:
        DataError: There is no such column, or it does not hold maps to finite numbers from 0 on.
    """
    array = _column(context.user_fields, "users", column, reader)
    found = amounts_by_group(array, list(groups.values), f"users: {column!r} for {reader}")
    if found is None:
        raise DataError(
            f"users: {column!r} for {reader} holds {array.type}, not maps from text to number"
        )
    if found.bad:
        raise DataError(f"users: {found.bad} values of {column!r} for {reader} are negative")
    none = np.zeros((len(array), 1))  # of products in no group
    return GroupAmounts(found.known, np.hstack([found.by_group, none]), found.totals)


def within_quotas(
    kinds: NDArray[np.int64], amounts: NDArray[np.float64], room: NDArray[np.float64], k: int
) -> NDArray[np.bool_]:
    """Return which products fit, taken in order, while the sum over their group fits its room.

    What does not fit takes no room, so that a smaller product may come after it.

    Args:
        kinds: int64 (users, depth), codes of groups.
        amounts: float64 (users, depth), what each product takes.
        room: float64 (users, groups), what each group may take.
        k: Nobody needs more products than this.

    Returns:
        bool (users, depth).
    """
    users, depth = kinds.shape
    rows = np.arange(users)
    taken, kept = np.zeros(room.shape), np.zeros(kinds.shape, bool)
    count = np.zeros(users, np.int64)
    for place in range(depth):
        kind = kinds[:, place]
        after = taken[rows, kind] + amounts[:, place]
        fits = after <= room[rows, kind]
        taken[rows[fits], kind[fits]] = after[fits]
        kept[:, place] = fits
        count += fits
        if (count >= k).all():
            break
    return kept


def _column(table: pa.Table, side: str, column: str, reader: str) -> pa.Array:
    if column not in table.column_names:
        present = table.column_names
        raise DataError(f"{side}: no column {column!r} for {reader}; it has {present}")
    return readable(table[column].combine_chunks(), f"{side}: {column!r} for {reader}")
