"""Money held: what was acquired less what was disposed of, by fields of the products."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import View
from suitably.data.values import as_text, readable
from suitably.profiles.grouped_sums import GroupedSums, coded, money_parts
from suitably.profiles.trades import Trades

__all__ = ["doubted", "followed", "grouped", "map_of", "money_sums", "named", "net", "positive"]


def money_sums(trades: Trades) -> dict[str, NDArray[np.int64]]:
    """Return the columns of `sums` that hold the money of trades, and how much is `missing`."""
    missing = np.isnan(trades.money).astype(np.int64)
    return {**money_parts("money", trades.money), "missing": missing}


def named(view: View, column: str) -> dict[str, NDArray[Any]]:
    """Return what a field of the products holds, as arrays of `beside`: codes, and the words.

    Raises:
        DataError: Values by which nothing can be summed up.
    """
    where = f"products.{column}"
    ids = column == view.columns.product
    array = view.products.ids.array if ids else view.product_fields[column].combine_chunks()
    codes, words = coded(as_text(readable(array, where), where))
    return {f"by.{column}": codes, f"by.{column}.words": words}


def followed(a: GroupedSums, b: GroupedSums) -> GroupedSums:
    """Join a state with a later one; users who are doubtful in either stay so."""
    both = a.plus(b)
    doubtful = np.union1d(a.beside["doubtful"], b.beside["doubtful"])
    return replace(both, beside={**both.beside, "doubtful": doubtful})


def doubted(state: GroupedSums) -> NDArray[np.bool_]:
    """Return of whom nothing is known, since rows of the log were set aside: bool (users,)."""
    doubted = np.zeros(len(state), bool)
    doubted[state.beside["doubtful"]] = True
    return doubted


def net(rows: GroupedSums) -> GroupedSums:
    """Return what was acquired less what was disposed of, by user and product.

    Sums of money, whose columns end in `.whole` and `.billionths`, are subtracted; counts are added
    whatever the direction.
    """
    sign = np.where(rows.keys["disposed"], -1, 1)
    sums = {name: sign * sum_ if "." in name else sum_ for name, sum_ in rows.sums.items()}
    return replace(rows, sums=sums).by("products")


def positive(sums: GroupedSums, name: str) -> NDArray[np.bool_]:
    """Return which sums of money are above 0, exactly: bool (rows,)."""
    whole, billionths = sums.sums[f"{name}.whole"], sums.sums[f"{name}.billionths"]
    above: NDArray[np.bool_] = (whole > 0) | ((whole == 0) & (billionths > 0))
    return above


def grouped(
    pairs: GroupedSums, column: str, beside: Mapping[str, NDArray[Any]]
) -> tuple[GroupedSums, NDArray[np.bool_]]:
    """Add up what users have in products by what a field of these holds.

    Args:
        pairs: Sums by user and product.
        column: The field.
        beside: Where `named` put it.

    Returns:
        Sums by user and `group`; and of whom a product has no group, bool (users,): any of their
        sums might be larger.
    """
    codes = beside[f"by.{column}"][pairs.keys["products"]]
    known = codes >= 0
    strange = np.bincount(pairs.users, ~known, minlength=len(pairs)) > 0
    some = pairs.take(known)
    keys = {"users": some.users, "group": codes[known]}
    words = {"group": beside[f"by.{column}.words"]}
    return GroupedSums.of(len(pairs), keys, some.sums, words), strange


def map_of(
    sums: GroupedSums,
    values: NDArray[np.float64],
    missing: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
) -> pa.Array:
    """Return a map per user from the names of groups to values: (users,).

    Args:
        sums: By user and `group`.
        values: float64 (rows,).
        missing: Which values are null: bool (rows,).
        unknown: Whose map is null: bool (users,).
    """
    offsets = pa.array(sums.starts.astype(np.int32))
    maps = pa.MapArray.from_arrays(offsets, sums.texts("group"), pa.array(values, mask=missing))
    return maps.take(pa.array(np.arange(len(sums)), mask=unknown)) if unknown.any() else maps
