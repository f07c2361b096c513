"""Segments: the same comparison for groups of users, none so small that it shows a person."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.view import View
from suitably.errors import DataError
from suitably.utils.suggest import nearest

__all__ = ["ALL", "pool_small", "segment_labels"]

ALL = "all"
_OTHERS = "(others)"
_MISSING = "(missing)"

Labels = NDArray[Any]


def segment_labels(view: View, field: str, user_ids: NDArray[Any]) -> Labels:
    """Return each user's segment as text, by a field of the users frame as of the cut.

    Returns:
        object (users,), such as `"segment=Mass"`; `"segment=(missing)"` without a value.

    Raises:
        DataError: The users frame has no such field.
    """
    names = view.user_fields.column_names
    if field not in names:
        raise DataError(f"segments={field!r}: users have no such field{nearest(field, names)}")
    try:
        encoded = view.user_fields[field].combine_chunks().dictionary_encode()
    except pa.ArrowNotImplementedError:
        kind = view.user_fields[field].type
        raise DataError(f"segments={field!r}: holds {kind}, which makes no segments") from None
    texts = [f"{field}={value}" for value in encoded.dictionary.to_pylist()]
    known = np.array([*texts, f"{field}={_MISSING}"], dtype=object)
    values = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    rows = view.users.codes(user_ids)
    return known[np.where(rows >= 0, values[rows], -1)]


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
