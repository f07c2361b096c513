"""Fields of products that tell what kind of thing was acquired: texts, numbers, and cheapness."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import View
from suitably.data.values import as_text, finite_doubles, in_words, is_number, readable
from suitably.errors import DataError
from suitably.profiles.grouped_sums import coded
from suitably.utils.runs import reduce_runs, run_starts
from suitably.utils.suggest import nearest

__all__ = ["cheapness", "number_trait", "text_trait"]

_ALIKE = 1e-12  # of the largest: fees that differ by less differ by how they were computed


def text_trait(
    view: View, column: str | None, required: bool, reader: str
) -> tuple[NDArray[np.int32], NDArray[np.str_]]:
    """Read a column of the products by whose values sums go.

    Args:
        view: Whose products.
        column: Which column; None: nobody asks.
        required: Whether the products must have it.
        reader: Who asks, for the message.

    Returns:
        int32 (products,), positions in the second, −1 where missing; and the distinct texts.

    Raises:
        DataError: There is no such column, or it holds neither texts, whole numbers nor booleans.
    """
    array = _column(view, column, required, reader)
    if array is None:
        return np.full(len(view.products), -1, np.int32), np.zeros(0, np.str_)
    return coded(as_text(array, f"products.{column}"))


def number_trait(
    view: View, column: str | None, required: bool, reader: str, boolean: bool = False
) -> NDArray[np.float64]:
    """Read a column of numbers of the products: float64 (products,), NaN where missing.

    Args:
        view: Whose products.
        column: Which column; None: nobody asks.
        required: Whether the products must have it.
        reader: Who asks, for the message.
        boolean: Whether true and false are taken for 1 and 0.

    Raises:
        DataError: There is no such column, or it holds something else than finite numbers.
    """
    array = _column(view, column, required, reader)
    if array is None or pa.types.is_null(array.type):
        return np.full(len(view.products), np.nan)
    if boolean and pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if not is_number(array.type):
        wanted = "booleans or numbers" if boolean else "numbers"
        raise DataError(f"products.{column}: {reader} needs {wanted}, not {in_words(array.type)}")
    return finite_doubles(array, f"products.{column}")


def cheapness(
    fees: NDArray[np.float64], groups: NDArray[np.int32], listed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return by how many standard deviations each fee lies below the mean of its group.

    Mean and standard deviation (of the population) are those of the catalogue, in the order of the
    fees, so that the order of the products has no say in the last digit.

    Args:
        fees: float64 (products,), NaN where missing.
        groups: int32 (products,), −1 for none.
        listed: bool (products,), which are in the catalogue.

    Returns:
        float64 (products,); NaN without a fee or a group, and where all fees of a group are alike.

    Example:
        >>> fees = np.array([0.01, 0.03, 0.02, 0.02])
        >>> cheapness(fees, np.array([0, 0, 1, 1]), np.ones(4, bool))
        array([ 1., -1., nan, nan])
    """
    found = np.full(len(fees), np.nan)
    rows = np.flatnonzero(listed & (groups >= 0) & ~np.isnan(fees))
    rows = rows[np.lexsort((fees[rows], groups[rows]))]
    if not len(rows):
        return found
    fee, starts = fees[rows], run_starts(groups[rows])
    sizes = np.diff(np.append(starts, len(rows)))
    low = fee[starts]
    # Distances from the least fee of the group: where all are alike, each is exactly 0.
    over = fee - np.repeat(low, sizes)
    mean = reduce_runs(np.add, over, starts) / sizes
    away = over - np.repeat(mean, sizes)
    deviation = np.sqrt(reduce_runs(np.add, away**2, starts) / sizes)
    most = np.maximum(np.abs(low), np.abs(fee[starts + sizes - 1]))
    spread = np.repeat(np.where(deviation > _ALIKE * most, deviation, np.nan), sizes)
    found[rows] = -away / spread
    return found


def _column(view: View, column: str | None, required: bool, reader: str) -> Any:
    if column is None:
        return None
    there = view.product_fields.column_names
    if column in there:
        return readable(view.product_fields[column].combine_chunks(), f"products.{column}")
    if required:
        raise DataError(f"products: no column {column!r} for {reader}{nearest(column, there)}")
    return None
