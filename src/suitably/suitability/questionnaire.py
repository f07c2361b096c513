"""From a questionnaire's points to a level, by cut-offs that leave no gap and do not overlap."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["QuestionnaireScale"]

Band = tuple[int | None, int | None]
_EXAMPLES = 3
_LEAST, _MOST = -(2**53), 2**53


@dataclass(frozen=True)
class QuestionnaireScale:
    """A firm's cut-offs: which points make which level.

    Firms draw them differently, so they are configuration, and they are checked: a band that begins
    later than one point after the one before it leaves points without a level, one that begins
    earlier gives points two levels.

    Args:
        bands: For every level its least and most points, both inclusive, fewest points first. The
            first band may begin at None, the last may end at None: no bound.

    Raises:
        ValueError: No bands, bands that leave a gap, overlap or are out of order, bounds that are
            not whole numbers, or None in between.

    Example:
        >>> scale = QuestionnaireScale({"C1": (0, 19), "C2": (20, 39), "C3": (40, None)})
        >>> scale.level(20)
        'C2'
        >>> scale.level([19, None, 75]).tolist()
        ['C1', None, 'C3']
        >>> QuestionnaireScale({"C4": (63, 80), "C5": (82, None)})
        Traceback (most recent call last):
            ...
        ValueError: bands: 81 belongs to no level: 'C4' ends at 80, 'C5' begins at 82
    """

    bands: Mapping[Any, Band]  # keys are invariant to a type checker: text or whole numbers

    def __post_init__(self) -> None:
        if not isinstance(self.bands, Mapping) or not self.bands:
            raise ValueError(f"bands={self.bands!r}: must map each level to its least and most")
        for level, band in self.bands.items():
            _check_band(level, band)
        if len({type(level) for level in self.bands}) > 1:
            raise ValueError(f"bands: levels must be all text or all whole, got {[*self.bands]}")
        for (low_level, (_, end)), (level, (start, _)) in pairwise(self.bands.items()):
            if end is None or start is None:
                raise ValueError(
                    f"bands: between {low_level!r} and {level!r} both bounds must be numbers"
                )
            if start <= end:
                raise ValueError(
                    f"bands: overlap, or are out of order: {low_level!r} ends at {end}, "
                    f"{level!r} begins at {start}"
                )
            if start > end + 1:
                points = f"{end + 1}" if start == end + 2 else f"{end + 1} to {start - 1}"
                verb = "belongs" if start == end + 2 else "belong"
                raise ValueError(
                    f"bands: {points} {verb} to no level: {low_level!r} ends at {end}, "
                    f"{level!r} begins at {start}"
                )
        object.__setattr__(self, "bands", MappingProxyType(dict(self.bands)))

    def level(self, score: Any) -> Any:
        """Return the level of a score, or of each of many.

        Args:
            score: Whole points: a number or a one-dimensional array. None and NaN are missing.

        Returns:
            For a number the level, or None where it is missing. For an array an object array of
            levels, None where missing.

        Raises:
            DataError: Points outside all bands, not whole, or no numbers. Weighted scores are to be
                rounded by the firm's own rule first.
        """
        if np.ndim(score) > 1:
            raise DataError(f"score: must be one-dimensional, got {np.ndim(score)} dimensions")
        points, missing = _points(score)
        bounds = [*self.bands.values()]
        first = _LEAST if bounds[0][0] is None else bounds[0][0]
        last = _MOST if bounds[-1][1] is None else bounds[-1][1]
        known = points[~missing]
        _refuse(known[known != np.floor(known)], "are not whole points: round them first")
        _refuse(known[(known < first) | (known > last)], f"are outside all bands {self._shown()}")
        starts = np.array([start for start, _ in bounds[1:]], np.float64)
        levels = np.empty(len(self.bands) + 1, object)
        levels[:-1] = [*self.bands]
        found = levels[np.where(missing, -1, np.searchsorted(starts, points, side="right"))]
        return found[0] if np.ndim(score) == 0 else found

    def _shown(self) -> str:
        bounds = [*self.bands.values()]
        first, last = bounds[0][0], bounds[-1][1]
        return f"({'-' if first is None else first} to {'-' if last is None else last})"


def _check_band(level: Any, band: Any) -> None:
    if isinstance(level, bool) or not isinstance(level, str | int):
        raise ValueError(f"bands: level {level!r} must be text or a whole number")
    pair = isinstance(band, tuple | list) and len(band) == 2
    if not pair or not all(_is_bound(bound) for bound in band):
        raise ValueError(f"bands: {level!r}: {band!r} must be (least, most) in whole points")
    least, most = band
    if least is not None and most is not None and least > most:
        raise ValueError(f"bands: {level!r}: least {least} is above most {most}")


def _is_bound(bound: Any) -> bool:
    whole = isinstance(bound, int) and not isinstance(bound, bool)
    return bound is None or (whole and _LEAST <= bound <= _MOST)


def _points(score: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    array = np.atleast_1d(np.asarray(score))
    if array.dtype == object:
        missing = pd.isna(array)
        numbers = all(_is_number(value) for value in array[~missing])
        array = np.where(missing, np.nan, array) if numbers else array
    elif array.dtype.kind not in "iuf":
        numbers = False
    else:
        numbers = True
    if not numbers and array.size:
        raise DataError(f"score: must be numbers, got {array[:_EXAMPLES].tolist()}")
    points = array.astype(np.float64)
    return points, np.isnan(points)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float | Decimal | np.integer | np.floating)
    return number and not isinstance(value, bool)


def _refuse(offending: NDArray[np.float64], problem: str) -> None:
    if offending.size:
        examples = [f"{value:g}" for value in offending[:_EXAMPLES]]
        raise DataError(f"score: {offending.size} values {problem}, such as {', '.join(examples)}")
