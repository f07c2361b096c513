"""K-anonymity: no segment of fewer than k users leaves the house."""

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["OTHER", "without_small"]

OTHER = "other"


def without_small(
    codes: NDArray[np.int32], names: tuple[str, ...], k: int, merge: bool
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return segments of which none has fewer than k users.

    Merged, the small ones are one segment `other` at the end (`all other`, where one is called so),
    and with them the next larger ones, until it has k users itself; else the users of the small
    ones are in no segment.

    Args:
        codes: int32 (users,), the segment of each, −1 for none.
        names: The segments.
        k: The least number of users.
        merge: Whether small segments are merged, or dropped.

    Raises:
        DataError: Fewer than k users in all, or no segment is left.

    Source:
        Sweeney, "k-anonymity: a model for protecting privacy", International Journal of
        Uncertainty, Fuzziness and Knowledge-Based Systems 10 (2002).

    Example:
        >>> codes = np.array([0, 0, 0, 1, 1, 2], np.int32)
        >>> without_small(codes, ("a", "b", "c"), k=2, merge=True)
        (array([0, 0, 0, 1, 1, 1], dtype=int32), ('a', 'other'))
    """
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    small = sizes < k
    if merge:
        for place in np.argsort(sizes, kind="stable"):
            pooled = int(sizes[small].sum())
            if pooled == 0 or pooled >= k:
                break
            small[place] = True
        total = int(sizes.sum())
        if total < k:
            raise DataError(f"k_anonymity={k}: there are {total} users in segments, which is fewer")
    elif small.all():
        raise DataError(f"k_anonymity={k}: every segment is smaller, and nothing is left")
    kept = np.flatnonzero(~small)
    places = np.full(len(names) + 1, -1, np.int32)  # the last place is that of code −1
    places[kept] = np.arange(len(kept))
    left = tuple(names[place] for place in kept)
    if merge and sizes[small].sum():
        places[:-1][small] = len(kept)
        pool = OTHER
        while pool in left:
            pool = f"all {pool}"
        left = (*left, pool)
    return places[codes], left
