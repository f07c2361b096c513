"""K-anonymity and l-diversity: no segment of few users, or of alike ones, leaves the house."""

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["OTHER", "without_small"]

OTHER = "other"


def without_small(
    codes: NDArray[np.int32],
    names: tuple[str, ...],
    k: int,
    merge: bool,
    sensitive: NDArray[np.int32] | None = None,
    distinct: int = 1,
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return segments of which none has fewer than k users, or too few values of a field.

    Merged, the small ones are one segment `other` at the end (`all other`, where one is called so),
    and with them the next larger ones, until it is large and varied enough itself; else the users
    of the small ones are in no segment.

    Args:
        codes: int32 (users,), the segment of each, −1 for none.
        names: The segments.
        k: The least number of users.
        merge: Whether small segments are merged, or dropped.
        sensitive: int32 (users,), the value of a sensitive field, −1 where missing; None: no field.
        distinct: How many distinct values of it a segment must have among its users.

    Raises:
        DataError: Fewer than k users or too few values in all, or no segment is left.

    Source:
        Sweeney, "k-anonymity: a model for protecting privacy", International Journal of
        Uncertainty, Fuzziness and Knowledge-Based Systems 10 (2002); distinct l-diversity:
        Machanavajjhala and others, "l-Diversity: privacy beyond k-anonymity", ACM TKDD 1 (2007).

    Example:
        >>> codes = np.array([0, 0, 0, 1, 1, 2], np.int32)
        >>> without_small(codes, ("a", "b", "c"), k=2, merge=True)
        (array([0, 0, 0, 1, 1, 1], dtype=int32), ('a', 'other'))
    """
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    values = _values(codes, len(names), sensitive)
    small = (sizes < k) | (values.sum(axis=1) < distinct)

    def fits(some: NDArray[np.bool_]) -> bool:
        return bool(sizes[some].sum() >= k and values[some].any(axis=0).sum() >= distinct)

    if merge:
        everything = np.ones(len(names), bool)
        if not fits(everything):
            total = int(sizes.sum())
            if total < k:
                raise DataError(
                    f"k_anonymity={k}: there are {total} users in segments, which is fewer"
                )
            found = int(values.any(axis=0).sum())
            raise DataError(f"l_diversity={distinct}: all segments together have {found} values")
        for place in np.argsort(sizes, kind="stable"):
            if not sizes[small].sum() or fits(small):
                break
            small[place] = True
    elif small.all():
        why = f"k_anonymity={k}" + f", l_diversity={distinct}" * (distinct > 1)
        raise DataError(f"{why}: every segment is smaller, and nothing is left")
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


def _values(
    codes: NDArray[np.int32], segments: int, sensitive: NDArray[np.int32] | None
) -> NDArray[np.bool_]:
    """Return which values of a field occur in which segment: bool (segments, values)."""
    if sensitive is None:
        return np.ones((segments, 1), bool)
    known = (codes >= 0) & (sensitive >= 0)
    found = np.zeros((segments, int(sensitive.max(initial=0)) + 1), bool)
    found[codes[known], sensitive[known]] = True
    return found
