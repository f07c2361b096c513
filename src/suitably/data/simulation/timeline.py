"""Calendar of the simulation: 48 recorded months, and a year that only its truth knows."""

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instant, Instants

__all__ = [
    "DAY",
    "END",
    "FUTURE",
    "HORIZON",
    "MONTHS",
    "SECOND",
    "START",
    "YEAR",
    "Days",
    "years_within",
]

Days = NDArray[np.datetime64]

_EDGES = np.arange("2021-01", "2026-02", dtype="datetime64[M]")
MONTHS: Instants = _EDGES.astype("datetime64[s]")
"""Edges of the months, `datetime64[s]`: month t runs from edge t to edge t + 1."""
START: Instant = MONTHS[0]
END: Instant = np.datetime64("2025-01-01", "s")
"""No event, row or consent is dated at or after it."""
HORIZON: Instant = MONTHS[-1]
"""The preference model is defined up to here."""
DAY = np.timedelta64(1, "D")
SECOND = np.timedelta64(1, "s")
YEAR = np.timedelta64(31_557_600, "s")
FUTURE = np.datetime64("2099-12-31", "D")
"""The last day of sale of a product that has none."""


def years_within(
    since: Instants, until: Instants, start: Instant, end: Instant
) -> NDArray[np.float64]:
    """Measure how much of every month lies in both `[since, until)` and `[start, end)`.

    Returns:
        float64 (len(since), months), in years.
    """
    low = np.maximum(np.maximum(since, start)[:, None], MONTHS[:-1])
    high = np.minimum(np.minimum(until, end)[:, None], MONTHS[1:])
    years: NDArray[np.float64] = np.maximum((high - low) / YEAR, 0.0)
    return years
