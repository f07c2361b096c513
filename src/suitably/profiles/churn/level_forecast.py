"""How far the window to come will lie above or below the newest one, as past windows tell."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

__all__ = ["forecast_shift", "level_offset"]

Floats = NDArray[np.float64]


def level_offset(chances: Floats, happened: NDArray[np.bool_]) -> float:
    """Return what to add to chances on the logit scale so that their mean is the share it was.

    One example more, that did what was expected, keeps few examples from any great offset.

    Args:
        chances: (examples,), above 0 and below 1.
        happened: (examples,).

    Example:
        >>> round(level_offset(np.full(999, 0.5), np.arange(999) < 750), 2)
        1.1
    """
    scores = logit(chances)
    share = (happened.sum() + chances.mean()) / (len(chances) + 1)
    far = float(np.abs(scores).max() + np.abs(logit(share))) + 1.0
    return float(brentq(lambda by: float(expit(scores + by).mean() - share), -far, far))


def forecast_shift(offsets: Floats, apart: int) -> float:
    """Return by how much the offset of the window to come is expected to differ from the newest.

    A level that wanders is best forecast by the newest window, one that is hit now and then by the
    mean of all. The forecast lies between them: mean + w · (newest − mean). The weight w is the
    slope of what came on how far the newest window then known was off the mean of those then known,
    in least squares over all windows of the past; beside these stand as many as make up one
    horizon, that say w = 1. It is held between 0 and 1, and 1 where nothing tells.

    Args:
        offsets: (windows,), the newest first.
        apart: By how many places windows are apart that do not overlap.

    Source:
        Forecasts from the past alone: A. P. Dawid, Statistical Theory: The Prequential Approach,
        JRSS A 147 (1984). The slope shrinks as in a first-order autoregression.

    Example:
        >>> forecast_shift(np.array([3.0, 0.0, 0.0, 3.0, 0.0, 0.0]), apart=1) < -1  # hits fade
        True
        >>> forecast_shift(np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0]), apart=1)  # it goes on
        0.0
    """
    off: list[float] = []
    came: list[float] = []
    for i in range(len(offsets) - apart - 1):
        known = offsets[i + apart :]
        off.append(float(known[0] - known.mean()))
        came.append(float(offsets[i] - known.mean()))
    squares = float(np.dot(off, off))
    if not squares:
        return 0.0
    belief = squares * apart / len(off)
    weight = min(max((float(np.dot(off, came)) + belief) / (squares + belief), 0.0), 1.0)
    return (1.0 - weight) * float(offsets.mean() - offsets[0]) + 0.0
