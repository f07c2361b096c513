"""Estimates: the differences of each treatment and metric, of all users, of segments, of splits."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.evaluation.abtest.records import MetricRow, spans_of
from suitably.evaluation.abtest.segments import ALL, pool_small
from suitably.evaluation.abtest.split_run import Sample, SplitRun
from suitably.evaluation.statistics import Estimate, PairedSample, Statistic
from suitably.evaluation.statistics.rounding import without_noise
from suitably.metrics.protocol import MetricLike, is_per_user, range_of

__all__ = ["Estimates"]


@dataclass(frozen=True)
class Estimates:
    """One metric over all splits, ready to be compared.

    Attributes:
        metric: The metric.
        runs: The splits.
        arms: Names of the treatments.
        statistic: What estimates differences.
        alpha: One less the coverage of the intervals.
        min_segment: Users that a segment must have to be shown.
    """

    metric: MetricLike
    runs: list[SplitRun]
    arms: tuple[str, ...]
    statistic: Statistic
    alpha: float
    min_segment: int

    def overall(self, arm: int, alpha: float | None = None) -> MetricRow:
        """Compare a treatment with control over all users."""
        if not is_per_user(self.metric):
            figures = [run.overall[self.metric.label] for run in self.runs]
            return self._row(arm, ALL, _averaged(figures, arm))
        return self._row(arm, ALL, self._compare(arm, slice(None), alpha))

    def by_split(self, arm: int) -> Iterator[MetricRow]:
        """Compare a treatment with control split by split."""
        for number, run in enumerate(self.runs):
            if not is_per_user(self.metric):
                result = _averaged([run.overall[self.metric.label]], arm)
            else:
                result = self._compare(arm, self._windows == number, None)
            yield self._row(arm, ALL, result, number)

    def segments(self, arm: int, field: str) -> Iterator[MetricRow]:
        """Compare a treatment with control for each group of users by a field, no small ones."""
        if not is_per_user(self.metric) or not len(self._users):
            return
        labels = np.concatenate([sample.segments[field] for sample in self._samples])
        labels = pool_small(labels, self._users, self.min_segment)
        for name in sorted(set(labels) - {ALL}):
            result = self._compare(arm, labels == name, None)
            if result.n >= self.min_segment:
                yield self._row(arm, str(name), result)

    def apart(self, arm: int) -> Iterator[MetricRow]:
        """Compare a treatment with control for those who are reported apart, if many enough."""
        if not is_per_user(self.metric) or not len(self._users):
            return
        samples = self._samples
        for name in dict.fromkeys(name for sample in samples for name in sample.apart):
            nobody = [np.zeros(len(sample.user_ids), bool) for sample in samples]
            among = np.concatenate(
                [sample.apart.get(name, none) for sample, none in zip(samples, nobody, strict=True)]
            ).astype(bool)
            many = [len(np.unique(self._users[rows])) for rows in (among, ~among)]
            if many[0] >= self.min_segment and (not many[1] or many[1] >= self.min_segment):
                yield self._row(arm, name, self._compare(arm, among, None))

    def _row(self, arm: int, segment: str, found: Estimate, split: int | None = None) -> MetricRow:
        better = self.metric.higher_is_better
        return MetricRow(self.metric.label, segment, found, better, self.arms[arm], split)

    def _compare(self, arm: int, rows: slice | NDArray[np.bool_], alpha: float | None) -> Estimate:
        found = self.statistic(self._sample(arm, rows), self.alpha if alpha is None else alpha)
        if not isinstance(found, Estimate):
            raise ValueError(f"statistic: gave a {type(found).__name__}, must give an Estimate")
        return found

    def _sample(self, arm: int, rows: slice | NDArray[np.bool_]) -> PairedSample:
        values, denominators, bounds = self._values, None, range_of(self.metric)
        if self._ratios is not None:
            values, bounds = self._ratios[:, 0], None
            denominators = self._ratios[[0, arm + 1], 1][:, rows]
        return PairedSample(
            values[0, rows],
            values[arm + 1, rows],
            self._users[rows],
            windows=self._windows[rows],
            spans=self._spans,
            denominators=denominators,
            bounds=bounds,
        )

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        """The metric: (arms, rows), control first."""
        return np.concatenate([sample.values for sample in self._samples], axis=1)

    @cached_property
    def _ratios(self) -> NDArray[np.float64] | None:
        """Numerator and denominator of every arm: (arms, 2, rows); None: it is no ratio."""
        parts = [sample.parts for sample in self._samples if sample.parts is not None]
        return np.concatenate(parts, axis=2) if parts else None

    @property
    def _samples(self) -> list[Sample]:
        return [run.sample(self.metric.label) for run in self.runs]

    @cached_property
    def _users(self) -> NDArray[np.int64]:
        ids = pa.concat_arrays([sample.user_ids for sample in self._samples])
        codes: NDArray[np.int64] = (
            ids.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
        )
        return codes

    @cached_property
    def _windows(self) -> NDArray[np.int64]:
        sizes = [len(sample.user_ids) for sample in self._samples]
        return np.repeat(np.arange(len(sizes)), sizes)

    @cached_property
    def _spans(self) -> NDArray[np.float64] | None:
        return spans_of([run.record for run in self.runs])


def _averaged(figures: list[tuple[float, ...]], arm: int) -> Estimate:
    """Average over splits; one figure for all lists has no variance to make an interval of."""
    means = np.array(figures).mean(axis=0)
    control, treatment = float(means[0]), float(means[arm + 1])
    difference = float(without_noise(control, treatment, terms=len(figures)))
    return Estimate(len(figures), 0, control, treatment, difference)
