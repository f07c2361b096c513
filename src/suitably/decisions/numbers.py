"""Numbers that callers give: finite ones, read alike from frames and from sequences."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.values import doubles, in_words, is_number, readable
from suitably.errors import DataError

__all__ = ["check_known", "check_values", "numbers_from", "numbers_in", "numbers_of"]

Floats = NDArray[np.float64]


def numbers_from(table: pa.Table, name: str, frame: str) -> Floats:
    """Return a column of finite numbers, float64 (rows,), NaN where it is null.

    Raises:
        DataError: It holds something else.
    """
    return numbers_of(table[name].combine_chunks(), f"{frame}.{name}")


def numbers_of(array: pa.Array, where: str, booleans: bool = False) -> Floats:
    """Return finite numbers, float64 (rows,), NaN where there is none.

    Args:
        array: As given.
        where: What it is, for the message.
        booleans: Whether true and false are read as 1 and 0; else they are refused.

    Raises:
        DataError: It holds something else.

    Example:
        >>> numbers_of(pa.array([True, None]), "outcome", booleans=True)
        array([ 1., nan])
    """
    array = readable(array, where)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if booleans and pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if not is_number(array.type):
        wanted = "numbers or booleans" if booleans else "numbers"
        raise DataError(f"{where}: must hold {wanted}, not {in_words(array.type)}")
    numbers = doubles(array, where)
    endless = np.flatnonzero(np.isinf(numbers))
    if len(endless):
        raise DataError(f"{where}: row {endless[0]} is infinite")
    return numbers


def numbers_in(values: Any, name: str) -> Floats:
    """Return a sequence of numbers or booleans, none missing: float64 (n,).

    Raises:
        DataError: It has not one dimension, or a value is missing or something else.
    """
    given = np.asarray(values)
    if given.ndim != 1:
        raise DataError(f"{name}: must have one dimension, has {given.ndim}")
    try:
        array = pa.array(given, from_pandas=True)
    except pa.ArrowException:
        raise DataError(f"{name}: must hold numbers or booleans") from None
    found = numbers_of(array, name, booleans=True)
    check_known(found, name)
    return found


def check_known(numbers: Floats, name: str) -> None:
    """Refuse missing values.

    Raises:
        DataError: There are some; the message names the first row.
    """
    missing = np.flatnonzero(np.isnan(numbers))
    if len(missing):
        raise DataError(
            f"{name}: {len(missing)} of {len(numbers)} values are missing, the first in row "
            f"{missing[0]}"
        )


def check_values(numbers: Floats, right: NDArray[np.bool_], name: str, must: str) -> None:
    """Refuse values that are not as they must be.

    Raises:
        DataError: There are some; the message names the first row.
    """
    wrong = np.flatnonzero(~right)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{name}: {len(wrong)} of {len(numbers)} values cannot be used, such as "
            f"{numbers[row]:g} in row {row}: {must}"
        )
