"""Bounds of a risk level: what losses a user can bear, and what a user knows of."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from suitably.data import View
from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.profiles.risk.reconciliation import Ranks, ranks_on
from suitably.profiles.risk.statements import Statement
from suitably.profiles.user_columns import user_numbers
from suitably.utils.params import shown

__all__ = ["bound_ranks", "check_limits", "check_scales", "share_of_wealth"]


def share_of_wealth(view: View, part: str, whole: str) -> Statement:
    """Return one column of the users frame divided by another: from 0 to 1, null where one is.

    Where there is nothing to divide by, or debts are more than all assets, no loss can be borne:
    the share is 0.

    Raises:
        DataError: A column is missing or holds something else than finite numbers.
    """
    parts, wholes = (
        user_numbers(view, part, "RiskAppetite"),
        user_numbers(view, whole, "RiskAppetite"),
    )
    shares = np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)
    shares = np.clip(shares, 0.0, 1.0)
    return Statement.numbers(np.where(np.isnan(parts) | np.isnan(wholes), np.nan, shares))


def bound_ranks(
    said: Statement,
    as_of: Instant | None,
    scale: Sequence[Any] | None,
    limits: Sequence[float] | None,
    most: float,
    where: str,
) -> Ranks | None:
    """Return the highest level that what is stated allows: int64 (users,), −1 where not known.

    Args:
        said: Levels of the scale, or numbers.
        as_of: The moment.
        scale: The levels, lowest first; None: nothing is bound.
        limits: The least number for each level but the lowest; None: numbers bind nothing.
        most: The greatest number that can be; the least is 0.
        where: What it is, for the message.

    Returns:
        The levels; None where nothing is bound.

    Raises:
        DataError: A level off the scale, or a number that cannot be.
    """
    levels = said.levels.tolist()
    if said.levels.dtype.kind != "U":
        numbers = said.levels.astype(np.float64)
        wrong = numbers[~((numbers >= 0) & (numbers <= most))]
        if len(wrong):
            right = f"from 0 to {most:g}" if np.isfinite(most) else "a number of 0 or more"
            raise DataError(f"{where}: {wrong[0]:g} is not {right}")
        if scale is None or limits is None:
            return None
        places = np.searchsorted(np.asarray(limits, np.float64), numbers, side="right")
    elif scale is None:
        return None
    else:
        places = ranks_on(scale, levels, where)
    codes = np.where(said.counts(as_of), said.codes, -1)
    ranks: Ranks = np.append(places, -1)[codes]
    return ranks


def check_limits(owner: Any, name: str, levels: int | None) -> None:
    """Refuse limits that do not rise, or are not one fewer than the levels.

    Raises:
        ValueError: They are not.
    """
    limits = getattr(owner, name)
    if limits is None:
        return
    numbers = isinstance(limits, list | tuple) and all(
        isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits
    )
    if not numbers or levels is None or len(limits) != levels - 1 or not _rise(limits):
        raise ValueError(
            f"{shown(owner, name)}: must be rising numbers, one for each level of scale but the "
            f"lowest"
        )


def check_scales(owner: Any) -> None:
    """Refuse `scale` and `product_scale` where they are no scales, or of different lengths.

    Raises:
        ValueError: They are not.
    """
    for name in ("scale", "product_scale"):
        levels = getattr(owner, name)
        if levels is None:
            continue
        kinds = {type(level) for level in levels} if isinstance(levels, list | tuple) else set()
        if kinds not in ({str}, {int}) or not 1 < len(set(levels)) == len(levels):
            raise ValueError(
                f"{shown(owner, name)}: must list two levels or more, lowest first, each once, all "
                f"of them texts or all whole numbers"
            )
    if owner.product_scale is not None and (
        owner.scale is None or len(owner.product_scale) != len(owner.scale)
    ):
        raise ValueError(f"{shown(owner, 'product_scale')}: must have as many levels as scale")


def _rise(limits: Sequence[float]) -> bool:
    return bool(np.isfinite(limits).all() and (np.diff(limits) > 0).all())
