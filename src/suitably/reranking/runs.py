"""Several products of one group in a list."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["repeated", "within"]


def repeated(kinds: NDArray[np.int64], groups: int) -> NDArray[np.bool_]:
    """Return which products have one of their group before them in the list.

    Args:
        kinds: int64 (users, depth), codes of groups; `groups` for none.
        groups: How many groups there are.

    Returns:
        bool (users, depth); never for a product without a group.
    """
    users, depth = kinds.shape
    slots = np.ascontiguousarray((kinds + np.arange(users)[:, None] * (groups + 1)).T)
    seen = np.zeros(users * (groups + 1), bool)
    again = np.empty((depth, users), bool)
    for place in range(depth):
        again[place] = seen[slots[place]]
        seen[slots[place]] = True
    repeats: NDArray[np.bool_] = again.T & (kinds != groups)
    return repeats


def within(
    kinds: NDArray[np.int64], amounts: NDArray[np.float64], room: NDArray[np.float64], k: int
) -> NDArray[np.bool_]:
    """Keep products in order while the sum over their group fits its room.

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
