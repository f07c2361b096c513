"""Series table: all series that are watched, and which of them have changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.monitoring.alarm import Alarm
from suitably.monitoring.baseline import baseline_intervals
from suitably.monitoring.days import day_of
from suitably.monitoring.evidence import Evidence, weigh
from suitably.monitoring.series import Days, Series
from suitably.utils.params import check_fraction, check_positive_int

__all__ = ["SeriesTable", "Weighed"]

_SIDES = ("above", "below")


@dataclass(frozen=True)
class Weighed:
    """Series held against their baselines, day by day.

    Attributes:
        names: The series.
        days: The days, ascending.
        sums: float64 (days, 3, series).
        means: float64 (series,), of the baselines.
        low: float64 (series,), the least mean that is no change.
        high: The greatest.
        evidence: Of each day and side.
        bounds: float64 (series,), the logarithm that evidence must reach to be an alarm.
    """

    names: tuple[str, ...]
    days: tuple[int, ...]
    sums: NDArray[np.float64]
    means: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    evidence: Evidence
    bounds: NDArray[np.float64]


@dataclass
class SeriesTable:
    """All series, as sums by day; what is made of them follows from the sums alone.

    The error is spent as a union bound: half of it on baselines, half on evidence; of each, half in
    equal parts on the series that are watched when the first baseline is complete, and the rest on
    those that come later or are accepted anew, the j-th of them 1/(j(j + 1)).

    Attributes:
        alpha: How likely any false alarm may be, ever, over all series together.
        tolerance: By how much a mean may leave its baseline's interval.
        baseline_days: How many days a baseline is learned from.
        keep_days: How many days are kept of each series.
        series: By name.
        created: How many series were begun, those accepted anew counted again.
        first: How many of them there were when the first baseline was complete; None before.
    """

    alpha: float
    tolerance: float
    baseline_days: int
    keep_days: int
    series: dict[str, Series] = field(default_factory=dict)
    created: int = 0
    first: int | None = None

    def check(self) -> None:
        """Refuse parameters out of their range.

        Raises:
            ValueError: One of them is.
        """
        check_positive_int(self, "baseline_days", "keep_days")
        check_fraction(self, "alpha", zero=False, one=False)
        check_fraction(self, "tolerance")

    def add(self, day: int, sums: dict[str, NDArray[np.float64]]) -> bool:
        """Add the sums of a day to their series; return whether any was set aside as too late."""
        kept = True
        for name, mine in sums.items():
            series = self.series.get(name)
            if series is None:
                series = self.series[name] = Series(name, self.created)
                self.created += 1
            kept &= series.add(day, mine, self.baseline_days, self.keep_days)
        if self.first is None and any(not one.is_learning for one in self.series.values()):
            self.first = self.created
        return not kept

    def give(self, baseline: dict[str, Days]) -> None:
        """Take baselines that are known beforehand."""
        for name, days in baseline.items():
            self.series[name] = Series(name, self.created, learned=False, baseline=days)
            self.created += 1
        self.first = self.created

    def accept(self, name: str, after: int) -> None:
        """Learn another baseline of a series from the days after one.

        Raises:
            DataError: There is no such series.
        """
        if name not in self.series:
            raise DataError(f"accept: there is no series {name!r}")
        self.series[name].restart(self.created, after)
        self.created += 1

    def merge(self, other: "SeriesTable") -> None:
        """Add what another process saw.

        Raises:
            DataError: It watches by other parameters, or from another baseline.
        """
        for name in ("alpha", "tolerance", "baseline_days", "keep_days"):
            if getattr(self, name) != getattr(other, name):
                raise DataError(f"merge: {name} is {getattr(other, name)!r} there")
        for name, theirs in other.series.items():
            if name in self.series:
                self.series[name].merge(theirs, self.baseline_days, self.keep_days)
            else:
                self.series[name] = Series.from_state({**theirs.state(), "order": self.created})
                self.created += 1
        if self.first is None and any(not one.is_learning for one in self.series.values()):
            self.first = self.created

    def share(self, series: Series) -> float:
        """Return a series' part of the error."""
        first = self.created if self.first is None else self.first
        if series.order < first:
            return 0.5 / first
        place = series.order - first + 1
        return 0.5 / (place * (place + 1))

    def weigh(self) -> Weighed:
        """Hold all series that have a baseline against it."""
        watched = [one for one in self.series.values() if not one.is_learning and one.baseline]
        days = sorted({day for one in watched for day in one.days})
        place = {day: index for index, day in enumerate(days)}
        sums = np.zeros((len(days), 3, len(watched)))
        weights = np.zeros((len(days), len(watched)))
        means = np.full(len(watched), np.nan)
        error = np.array([self.alpha / 2 * self.share(one) for one in watched])
        tables = [np.array([one.baseline[d] for d in sorted(one.baseline)]) for one in watched]
        for index, one in enumerate(watched):
            total = tables[index].sum(axis=0)
            means[index] = total[1] / total[0] if total[0] else np.nan
            for day, mine in one.days.items():
                sums[place[day], :, index] = mine
                age = day - (one.first or day) + 1
                weights[place[day], index] = 1 / (age * (age + 1)) if age > 0 else 0.0
        sums[:, 1:] = np.minimum(
            sums[:, 1:], sums[:, :1]
        )  # events of more users than were answered
        low, high = baseline_intervals(tables, error, self.tolerance)
        return Weighed(
            names=tuple(one.name for one in watched),
            days=tuple(days),
            sums=sums,
            means=means,
            low=low,
            high=high,
            evidence=weigh(sums, low, high, weights),
            bounds=np.log(2 / error),
        )

    def alarms(
        self, weighed: Weighed, changes: Callable[[int, int], tuple[str, ...]]
    ) -> list[Alarm]:
        """Return the alarms, the first raised first.

        Args:
            weighed: What `weigh` gave.
            changes: Given the numbers of two days, returns what was new from the first on, up to
                the second.
        """
        found: list[tuple[int, float, Alarm]] = []
        crossed = weighed.evidence.log >= weighed.bounds
        for side, index in zip(*np.nonzero(crossed.any(axis=0)), strict=True):
            at = int(crossed[:, side, index].argmax())
            start = int(weighed.evidence.since[at, side, index])
            since = weighed.sums[start:, :, index].sum(axis=0)
            latest = weighed.sums[weighed.sums[:, 0, index] > 0, :, index][-1]
            low, high = float(weighed.low[index]), float(weighed.high[index])
            alarm = Alarm(
                series=weighed.names[index],
                direction=_SIDES[side],
                since=day_of(weighed.days[start]),
                raised=day_of(weighed.days[at]),
                before=float(weighed.means[index]),
                now=float(since[1] / since[0]),
                low=low,
                high=high,
                users=int(since[0]),
                over=bool(low <= latest[1] / latest[0] <= high),
                changes=changes(weighed.days[start], weighed.days[at]),
            )
            found.append((at, -float(weighed.evidence.log[at, side, index]), alarm))
        return [alarm for *_, alarm in sorted(found, key=lambda one: one[:2])]

    def state(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        own = ("alpha", "tolerance", "baseline_days", "keep_days", "created", "first")
        series = [one.state() for one in self.series.values()]
        return {**{name: getattr(self, name) for name in own}, "series": series}

    @staticmethod
    def from_state(state: dict[str, Any]) -> "SeriesTable":
        """Take back what `state` gave."""
        series = {one["name"]: Series.from_state(one) for one in state["series"]}
        return SeriesTable(**{**state, "series": series})
