"""Segments: users whose profiles are alike, found by k-means."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.profiles.segments.adjusted_rand import agreement
from suitably.profiles.segments.k_means import k_means, nearest_centres
from suitably.profiles.segments.profile_table import ProfileTable
from suitably.profiles.segments.segmentation import Segmentation
from suitably.profiles.segments.standard_grid import STEPS, StandardGrid
from suitably.utils.params import check_positive_int, shown
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["Segments"]

_RESAMPLES = 1  # tells the draws of resamples from those of the fit


@dataclass(eq=False, repr=False)
class Segments(Segmentation):
    """Part users into k segments whose profiles are alike, by k-means.

    Fields are standardised, each by mean and standard deviation of what is known of it, and rounded
    to thousandths of a standard deviation: on whole numbers every distance is exact, so that
    neither the order of the users nor the machine moves anybody. A missing number is taken at the
    mean, which draws its user in no direction; a user of whom no field is known is in no segment.
    Booleans count as 0 and 1, a map as a field for each of its keys. Whoever has some very large
    numbers, as money is apt to be, makes segments of those few.

    Args:
        k: How many segments.
        fields: Fields of the profiles, `field.key` for one key of a map; None: all that are
            numbers, booleans or maps to numbers.
        seed: What starts and resamples are drawn from.
        starts: How often k-means begins anew, each time with centres by k-means++; the best counts.
        user: Column of the ids.

    Attributes:
        parts_: The fields that are compared, maps key by key.
        centres_: float64 (k, parts), the centres in standard deviations from the mean.

    Segments are numbered from `1` by size, the largest first.

    Source:
        Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28
        (1982); Arthur and Vassilvitskii, "k-means++", SODA 2007.

    Example:
        >>> import pandas as pd
        >>> profiles = pd.DataFrame({"user_id": [1, 2, 3, 4, 5], "recency_days": [3, 5, 90, 80, 4],
        ...                          "frequency": [30, 28, 1, 2, 30]})
        >>> segments = Segments(k=2).fit(profiles)
        >>> segments.labels.segment.tolist()
        ['1', '1', '2', '2', '1']
        >>> print(segments.describe().description[1])
        much lower frequency (1.5, others 29.3); much higher recency_days (85, others 4)
    """

    k: int = 5
    fields: list[str] | tuple[str, ...] | None = None
    seed: int = 0
    starts: int = 10
    user: str = "user_id"

    def check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""
        check_positive_int(self, "k", "starts")
        whole = isinstance(self.seed, int | np.integer) and not isinstance(self.seed, bool)
        if not whole or self.seed < 0:
            raise ValueError(f"{shown(self, 'seed')}: must be an integer of 0 or more")
        fields: Any = self.fields
        if fields is None:
            return
        listed = isinstance(fields, list | tuple)
        if not listed or not all(isinstance(name, str) for name in fields):
            raise ValueError(f"{shown(self, 'fields')}: must be a list of names of fields, or None")
        if not fields or len(set(fields)) < len(fields):
            raise ValueError(f"{shown(self, 'fields')}: must be one field or more, each once")

    def _partition(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        fields = table.comparable if self.fields is None else self.fields
        if not fields:
            raise DataError(
                f"profiles: no field for {type(self).__name__} holds numbers, booleans or maps to "
                f"numbers; there are {table.fields.column_names}"
            )
        self.parts_: tuple[str, ...] = table.parts(fields)
        values = table.numbers(self.parts_)
        self._grid = StandardGrid.of(values, self.parts_)
        known = ~np.isnan(values).all(axis=1)
        rows = self._grid.on(values[known])
        order = np.lexsort(rows.T[::-1]) if rows.size else np.zeros(0, np.int64)
        first = run_starts(*rows[order].T) if rows.size else order
        self._rows = rows[order][first]
        self._counts = reduce_runs(np.add, np.ones(len(order), np.int64), first)
        if len(self._rows) < self.k:
            raise DataError(
                f"profiles: {len(self._rows)} different profiles of {len(table)} users cannot be "
                f"{self.k} segments: ask for fewer, or for fields that differ"
            )
        centres = k_means(self._rows, self._counts, self.k, (self.seed,), self.starts)
        sizes = np.bincount(
            nearest_centres(self._rows, centres), self._counts, minlength=self.k
        ).astype(np.int64)
        by_size = np.lexsort((*centres.T[::-1], -sizes))
        self._centres: NDArray[np.float64] = centres[by_size]
        self.centres_: NDArray[np.float64] = self._centres / STEPS
        return self._assign(table)

    def _assign(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        values = table.numbers(self.parts_)
        codes = np.full(len(table), -1, np.int32)
        known = ~np.isnan(values).all(axis=1)
        if known.any():
            codes[known] = nearest_centres(self._grid.on(values[known]), self._centres)
        width = len(str(self.k))
        return codes, tuple(f"{number:0{width}d}" for number in range(1, self.k + 1))

    def _compared(self) -> tuple[str, ...]:
        return self.parts_

    def _resampled(self, resamples: int) -> list[tuple[int, float | None]]:
        users = int(self._counts.sum())
        mine = nearest_centres(self._rows, self._centres)
        found: list[tuple[int, float | None]] = []
        for number in range(resamples):
            seed = (self.seed, _RESAMPLES, number)
            drawn = np.random.default_rng(seed).multinomial(users, self._counts / users)
            there = drawn > 0
            k = min(self.k, int(there.sum()))
            centres = k_means(self._rows[there], drawn[there], k, seed, self.starts)
            theirs = nearest_centres(self._rows, centres)
            found.append((users, agreement(mine, theirs, self._counts)))
        return found
