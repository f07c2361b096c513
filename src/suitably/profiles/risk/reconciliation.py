"""The stated risk level against what else is known: it is lowered, or asked about, never raised."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.profiles.risk.statements import Statement

__all__ = ["REASONS", "Ranks", "ranks_on", "reconciled", "revealed_ranks", "withheld"]

REASONS = (
    "missing",
    "undated",
    "dated-later",
    "expired",
    "above-capacity",
    "above-knowledge",
    "holds-more-risk",
    "holds-less-risk",
    "capacity-missing",
    "knowledge-missing",
)
"""Why a review is asked for: the first that applies counts."""

Ranks = NDArray[np.int64]
"""Positions on a scale, lowest first: int64 (users,), −1 where nothing is known."""

_ROUNDING = 1e-9
"""What shares that add up to one may miss of it."""


def ranks_on(scale: Iterable[Any], levels: Iterable[Any], where: str) -> Ranks:
    """Return the positions of levels on a scale: int64 (levels,).

    Raises:
        DataError: A level is not on the scale.
    """
    places = {level: place for place, level in enumerate(scale)}
    levels = list(levels)
    strange = [level for level in levels if level not in places]
    if strange:
        raise DataError(
            f"{where}: {strange[0]!r} is not on the scale {', '.join(map(str, places))}"
        )
    return np.array([places[level] for level in levels], np.int64)


def revealed_ranks(exposure: pa.Array, scale: Iterable[Any], share: float) -> Ranks:
    """Return the lowest level at or below which so large a share of what is held lies.

    Args:
        exposure: A map per user from level, as text, to share: null where it is not known, empty
            where nothing is held.
        scale: The levels of products, lowest first.
        share: How large a share, above 0.
    """
    places = [str(level) for level in scale]
    starts = exposure.offsets.to_numpy()
    inside = slice(int(starts[0]), int(starts[-1]))
    encoded = exposure.keys[inside].dictionary_encode()
    named = ranks_on(places, encoded.dictionary.to_pylist(), "products")
    columns = named[encoded.indices.to_numpy(zero_copy_only=False)]
    rows = np.repeat(np.arange(len(exposure)), np.diff(starts))
    shares = np.zeros((len(exposure), len(places)))
    shares[rows, columns] = exposure.items[inside].to_numpy(zero_copy_only=False)
    reached = np.cumsum(shares, axis=1) >= share - _ROUNDING
    return np.where(reached.any(axis=1), np.argmax(reached, axis=1), -1)


def reconciled(
    stated: Ranks,
    revealed: Ranks | None,
    capacity: Ranks | None,
    knowledge: Ranks | None,
    tolerance: int,
) -> tuple[Ranks, NDArray[np.int64]]:
    """Return the level that counts, and why a review is asked for.

    The level is the least of what was stated, what losses the user can bear, and what the user
    knows of. What the user holds never moves it: more risk than that level, or less than stated by
    more than `tolerance` levels, is asked about.

    Args:
        stated: What was stated and counts; −1: there is nothing to reconcile.
        revealed: What holdings reveal; None, here and below: it is not asked.
        capacity: The highest level whose losses the user can bear.
        knowledge: The highest level of which the user knows enough.
        tolerance: By how many levels what is held may lie below what was stated.

    Returns:
        The level, never above the stated one, and positions in `REASONS`, −1 for none.
    """
    level = stated.copy()
    found: dict[str, NDArray[np.bool_]] = {}
    for name, bound in (("capacity", capacity), ("knowledge", knowledge)):
        if bound is not None:
            found[f"above-{name}"] = (bound >= 0) & (bound < stated)
            found[f"{name}-missing"] = bound < 0
            level = np.where(found[f"above-{name}"], np.minimum(level, bound), level)
    if revealed is not None:
        found["holds-more-risk"] = revealed > level
        found["holds-less-risk"] = (revealed >= 0) & (revealed < stated - tolerance)
    reasons = np.full(len(stated), -1, np.int64)
    for place in range(len(REASONS))[::-1]:
        if REASONS[place] in found:
            reasons[found[REASONS[place]] & (stated >= 0)] = place
    return level, reasons


def withheld(level: Statement, as_of: Instant | None) -> NDArray[np.int64]:
    """Return why a level that does not count does not: positions in `REASONS`."""
    if level.dated is None or as_of is None:
        return np.full(len(level), REASONS.index("missing"))
    why = np.where(level.dated >= as_of, REASONS.index("dated-later"), REASONS.index("expired"))
    why = np.where(np.isnat(level.dated), REASONS.index("undated"), why)
    return np.where(level.codes < 0, REASONS.index("missing"), why)
