"""Segments: the same comparison for groups of users, none so small that it shows a person."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.view import View
from suitably.errors import DataError
from suitably.utils.suggest import nearest

__all__ = ["AGE_BANDS", "ALL", "pool_small", "segment_labels", "standing_apart"]

ALL = "all"
AGE_BANDS = (25, 45, 65)
_OTHERS = "(others)"
_MISSING = "(missing)"
_BANDS = ("low", "middle", "high")
_MANY = 12
_YEAR = 400  # more than twelve months of 32 places

Labels = NDArray[Any]


def segment_labels(view: View, field: str, user_ids: NDArray[Any]) -> Labels:
    """Return each user's segment as text, by a field of the users frame as of the cut.

    A date is a date of birth, and makes bands of age: under 25, 25 to 44, 45 to 64, 65 and over.
    Numbers of more than twelve values make three bands of as many users.

    Returns:
        object (users,), such as `"segment=Mass"`; `"segment=(missing)"` without a value.

    Raises:
        DataError: The users frame has no such field.
    """
    names = view.user_fields.column_names
    if field not in names:
        raise DataError(f"segments={field!r}: users have no such field{nearest(field, names)}")
    column = view.user_fields[field].combine_chunks()
    rows = view.users.codes(user_ids)
    column = column.take(pa.array(rows, pa.int64(), mask=rows < 0))
    if pa.types.is_temporal(column.type) and view.as_of is not None:
        return _texts(field, _ages(column, view.as_of))
    numbers = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if numbers and len(column.unique().drop_null()) > _MANY:
        return _texts(field, _thirds(column))
    return _texts(field, column)


def standing_apart(view: View, user_ids: NDArray[Any], lowest: str | None) -> dict[str, Labels]:
    """Return who is reported apart, by the name of the group: bool (users,).

    Args:
        view: What is known as of the cut.
        user_ids: Whom to look at.
        lowest: The lowest level of risk that the judging policy knows; None: it has none.
    """
    fields = view.user_fields
    found: dict[str, Labels] = {}
    if "birth_date" in fields.column_names and view.as_of is not None:
        labels = segment_labels(view, "birth_date", user_ids)
        found["65 and over"] = labels == "birth_date=65 and over"
    if lowest is not None and "risk_level" in fields.column_names:
        labels = segment_labels(view, "risk_level", user_ids)
        found[f"lowest class ({lowest})"] = labels == f"risk_level={lowest}"
    return found


def pool_small(labels: Labels, users: NDArray[np.int64], minimum: int) -> Labels:
    """Pool segments with fewer users than `minimum` into `"(others)"`.

    The pool takes the next smallest segments until it is large enough itself: a small one that was
    merely left out could be worked out from the total and the rest.

    Args:
        labels: object (n,), the segment of every row.
        users: int64 (n,), whose row it is.
        minimum: Users that a published segment must have.

    Returns:
        object (n,); all `"all"` when no segment can stand by itself.
    """
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    width = len(names)
    pairs = np.unique(users * width + codes)
    counts = np.bincount(pairs % width, minlength=width)
    order = np.lexsort((names, counts))
    pooled = int((counts < minimum).sum())
    while 0 < pooled < width:
        in_pool = np.isin(pairs % width, order[:pooled])
        if len(np.unique(pairs[in_pool] // width)) >= minimum:
            break
        pooled += 1
    if pooled >= width:
        return np.full(len(labels), ALL, dtype=object)
    others = f"{str(labels[0]).partition('=')[0]}={_OTHERS}"
    return np.where(np.isin(codes, order[:pooled]), others, labels)


def _texts(field: str, column: pa.Array) -> Labels:
    try:
        encoded = column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise DataError(
            f"segments={field!r}: holds {column.type}, which makes no segments"
        ) from None
    texts = [f"{field}={value}" for value in encoded.dictionary.to_pylist()]
    known = np.array([*texts, f"{field}={_MISSING}"], dtype=object)
    labels: Labels = known[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return labels


def _ages(column: pa.Array, as_of: Instant) -> pa.Array:
    """Name the band of age of each, in completed years."""
    unknown = column.is_null().to_numpy(zero_copy_only=False)
    days = pc.fill_null(column.cast(pa.date32()).cast(pa.int32()), 0).to_numpy()
    born = days.astype("datetime64[D]")
    years = (_place(as_of.astype("datetime64[D]")) - _place(born)) // _YEAR
    first, *others = AGE_BANDS
    ends = [f"{low} to {high - 1}" for low, high in zip(AGE_BANDS, others, strict=False)]
    names = np.array([f"under {first}", *ends, f"{AGE_BANDS[-1]} and over"], object)
    found = names[np.searchsorted(AGE_BANDS, years, side="right")]
    return pa.array(found, pa.string(), mask=unknown)


def _place(days: Any) -> Any:
    """Return dates as whole numbers, `_YEAR` a year, whose differences are ages."""
    months = days.astype("datetime64[M]")
    year = days.astype("datetime64[Y]").astype(np.int64)
    month = months.astype(np.int64) - 12 * year
    day = (days - months.astype("datetime64[D]")).astype(np.int64)
    return year * _YEAR + month * 32 + day


def _thirds(column: pa.Array) -> pa.Array:
    """Name the third of users that each is in."""
    values = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
    known = ~np.isnan(values)
    ends = np.quantile(values[known], [1 / 3, 2 / 3]) if known.any() else np.zeros(2)
    found = np.array(_BANDS, object)[np.searchsorted(ends, values, side="left")]
    return pa.array(found, pa.string(), mask=~known)
