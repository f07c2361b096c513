"""What tells a segment from everybody else: differences of means, in numbers and in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.profiles.segments.standard_grid import StandardGrid

__all__ = ["Differences", "rounded"]

_WORDS = ((0.8, "much "), (0.5, ""), (0.2, "slightly "))
_SHOWN = 3


@dataclass(frozen=True)
class Differences:
    """Segments against the rest, field by field.

    Attributes:
        names: The fields.
        inside: float64 (segments, fields), means of what is known in a segment.
        outside: float64 (segments, fields), means of what is known of all others.
        standardised: float64 (segments, fields), the first less the second, in standard deviations
            of everybody. All are NaN where too few are known inside or outside.
    """

    names: tuple[str, ...]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    standardised: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        values: NDArray[np.float64],
        codes: NDArray[np.int32],
        segments: int,
        least: int = 1,
    ) -> "Differences":
        """Compare segments with the rest.

        Args:
            names: The fields.
            values: float64 (users, fields), NaN where missing.
            codes: int32 (users,), the segment of each, −1 for none, whom nothing counts.
            segments: How many segments there are.
            least: How many must be known inside and outside for a mean to be told; a field of which
                fewer are known in some segment, but one at least, is not told of any, since the
                means of the others would give that one away.
        """
        values, codes = values[codes >= 0], codes[codes >= 0]
        deviations = StandardGrid.of(values, names).deviations
        inside, outside = np.full((2, segments, len(names)), np.nan)
        for field, column in enumerate(values.T):
            known = ~np.isnan(column)
            order = np.argsort(codes[known], kind="stable")
            sizes = np.bincount(codes[known], minlength=segments)
            if ((sizes > 0) & (sizes < least)).any():
                continue
            parts = np.split(column[known][order], np.cumsum(sizes)[:-1])
            sums = [math.fsum(part.tolist()) for part in parts]
            for segment, size in enumerate(sizes):
                others = int(sizes.sum() - size)
                if min(size, others) >= max(least, 1):
                    inside[segment, field] = sums[segment] / size
                    outside[segment, field] = (
                        math.fsum(sums[:segment] + sums[segment + 1 :]) / others
                    )
        spread = np.where(deviations > 0, deviations, np.inf)
        return cls(tuple(names), inside, outside, (inside - outside) / spread)

    def words(self, segment: int, leave_out: Sequence[str] = ()) -> str:
        """Return the fields that differ most from the rest, with both means; empty for none.

        Differences of 0.2, 0.5 and 0.8 standard deviations are where Cohen, *Statistical Power
        Analysis for the Behavioral Sciences* (1988), has small, medium and large ones begin.
        """
        sizes = np.abs(np.nan_to_num(self.standardised[segment], nan=0.0)).round(6)
        told = []
        for field in np.argsort(-sizes, kind="stable"):
            name = self.names[field]
            how = next((word for least, word in _WORDS if sizes[field] >= least), None)
            if how is None or name in leave_out:
                continue
            side = "higher" if self.standardised[segment, field] > 0 else "lower"
            mean, rest = (rounded(side[segment, field]) for side in (self.inside, self.outside))
            told.append(f"{how}{side} {name} ({mean}, others {rest})")
        return "; ".join(told[:_SHOWN])


def rounded(value: float) -> str:
    """Return a number in three digits that count, as people write it.

    Example:
        >>> rounded(1234.5), rounded(0.012345), rounded(-7)
        ('1,230', '0.0123', '-7')
    """
    return f"{float(f'{value:.3g}'):,.15g}"
