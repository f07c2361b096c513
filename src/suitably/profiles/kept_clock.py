"""The data's calendar as an array, so that a state can ask it when it is aged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import Clock

__all__ = ["clock_of", "kept_clock"]


def kept_clock(clock: Clock) -> NDArray[np.str_]:
    """Return a convention as text (2,): the time zone, and whether its calendar is stated.

    Example:
        >>> clock_of(kept_clock(Clock("Asia/Tokyo")))
        Clock(zone='Asia/Tokyo', stated=True)
    """
    return np.array([clock.zone or "", "stated" if clock.stated else ""])


def clock_of(kept: NDArray[Any]) -> Clock:
    """Take back what `kept_clock` gave."""
    zone, stated = map(str, kept)
    return Clock(zone or None, bool(stated))
