"""Which events of a log tell every part of it what is true of the whole."""

from collections.abc import Mapping
from typing import Any

from suitably.data import Columns
from suitably.profiles.currency import CURRENCY

__all__ = ["DAY", "SLOT", "kinds_in", "moments_in"]

DAY = 86_400_000_000  # microseconds
SLOT = 900_000_000
"""A quarter of an hour: what midnights of any time zone are multiples of.

One event of each slot of the day says whether a log has times of day, or bare dates alone.
"""


def kinds_in(columns: Columns, there: Mapping[str, Any]) -> list[str]:
    """Return the columns of which every value has its witness: kinds of event, and currencies.

    Args:
        columns: What the columns of the log are called.
        there: The columns that it has, and their types.

    Example:
        >>> kinds_in(Columns(), {"user_id": "int", "event": "text"})
        ['event']
    """
    return [name for name in (columns.event, CURRENCY) if name is not None and name in there]


def moments_in(columns: Columns, there: Mapping[str, Any]) -> list[str]:
    """Return the columns of which the later one says since when an event is visible.

    The earliest event of a kind is its witness, since a later one may not be visible yet.

    Example:
        >>> moments_in(Columns(), {"user_id": "int", "timestamp": "date"})
        ['timestamp']
    """
    named = (columns.timestamp, columns.recorded_at)
    found = [name for name in named if name is not None and name in there]
    if columns.timestamp not in found:
        return []
    return [name for name in found if there[name] == there[found[0]]]
