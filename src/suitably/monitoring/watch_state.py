"""Watch state: all that a monitor keeps, which can be merged, sent and saved."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from suitably.errors import ArtifactError, DataError, SuitabilityWarning
from suitably.monitoring.alarm import Alarm
from suitably.monitoring.bins import Bins
from suitably.monitoring.days import day_of
from suitably.monitoring.listed import ListedProducts
from suitably.monitoring.series import Days, Sums
from suitably.monitoring.table import SeriesTable, Weighed
from suitably.monitoring.versions import Versions

__all__ = ["WatchState"]

_T = TypeVar("_T")

_SCHEMA = 1
_SEEN_DAYS = 2
_MOST_SEEN = 100_000
_SETTINGS = ("sample", "salt", "dated", "events")
_COUNTS = ("latest", "repeated", "set_aside")


@dataclass
class WatchState:
    """Sums, and what they are sums of; nothing in it tells of a single user.

    Attributes:
        table: The series.
        sample: Of how many users rules and scores are watched at a time.
        salt: What the choice of the sample depends on.
        dated: Date fields, and how many days each may be old.
        events: Kinds of event whose rates are watched.
        kind: The kind of frame that answers come in.
        field_bins: Of the users' fields.
        score_bins: Of scores; None before any were seen.
        versions: Of policies and catalogues, by day.
        listed: Places in lists by product, of the last days.
        seen: Digests of the last two days' batches.
        seen_single: Likewise of answers to a single user, which are not saved.
        read: Of audit trails, the next record.
        latest: The latest day.
        repeated: How many batches had been observed before.
        set_aside: How many answers and events came too late to count.
    """

    table: SeriesTable
    sample: int
    salt: str
    dated: dict[str, float]
    events: tuple[str, ...] = ("complaint",)
    kind: str = "pandas"
    field_bins: dict[str, Bins] = field(default_factory=dict)
    score_bins: Bins | None = None
    versions: Versions = field(default_factory=Versions)
    listed: ListedProducts = field(default_factory=ListedProducts)
    seen: dict[int, set[bytes]] = field(default_factory=dict)
    seen_single: dict[int, set[int]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    latest: int | None = None
    repeated: int = 0
    set_aside: int = 0

    def is_new(self, day: int, digest: bytes) -> bool:
        """Return whether a batch has not been observed on its day, and note it."""
        return bool(self._new(self.seen, day, [digest]))

    def new_singles(self, day: int, digests: Sequence[int]) -> list[int]:
        """Return which answers to single users have not been observed on their day, and note it."""
        return self._new(self.seen_single, day, digests)

    def _new(self, days: dict[int, set[_T]], day: int, digests: Sequence[_T]) -> list[int]:
        mine, new = days.setdefault(day, set()), []
        for place, digest in enumerate(digests):
            if digest in mine:
                self.repeated += 1
                continue
            new.append(place)
            if len(mine) < _MOST_SEEN:
                mine.add(digest)
        _forget(days)
        return new

    def notice(self, day: int) -> None:
        """Remember the latest day, and say where one is before it."""
        if self.latest is not None and day < self.latest:
            warnings.warn(
                f"answers of {day_of(day)} after those of {day_of(self.latest)}: the clock went "
                f"back, or they are late; they count on their own day where that is still open",
                SuitabilityWarning,
                stacklevel=4,
            )
        self.latest = day if self.latest is None else max(day, self.latest)

    def count(self, day: int, sums: Sums, users: int) -> None:
        """Add the sums of answers; of events there are none yet among those users."""
        answered = sums["abstention"][0]
        none = {f"event:{kind}": np.array([answered, 0.0, 0.0]) for kind in self.events}
        if self.table.add(day, {**sums, **none}):
            self.set_aside += users

    def count_events(self, day: int, kind: str, users: int) -> None:
        """Add users of whom an event is known."""
        if self.table.add(day, {f"event:{kind}": np.array([0.0, users, users])}):
            self.set_aside += users

    def alarms(self, weighed: Weighed) -> list[Alarm]:
        """Return the alarms, the first raised first."""
        return self.table.alarms(weighed, self.versions.between)

    @property
    def learning(self) -> int:
        """How many series have no baseline yet."""
        return sum(one.is_learning for one in self.table.series.values())

    def take_over(self, other: "WatchState") -> dict[str, Days]:
        """Count by the bins of another, else shares of bins would not compare; return its days."""
        self.field_bins, self.score_bins = other.field_bins, other.score_bins
        self.versions.add_before(other.versions.all)
        series = other.table.series.items()
        return {name: {**one.baseline, **one.days} for name, one in series}

    def merge(self, other: "WatchState") -> None:
        """Add what another process saw, or nothing.

        Raises:
            DataError: It watches by other parameters, bins or baselines.
        """
        mine, theirs = self._description(), other._description()
        for name, value in mine.items():
            if theirs[name] != value:
                raise DataError(f"merge: the other monitor has other {name.replace('_', ' ')}")
        table = SeriesTable.from_state(self.table.state())
        table.merge(other.table)  # may refuse half-way
        self.table = table
        self.versions.merge(other.versions)
        self.listed.merge(other.listed)
        _join(self.seen, other.seen)
        _join(self.seen_single, other.seen_single)
        for trail, seq in other.read.items():
            self.read[trail] = max(seq, self.read.get(trail, 0))
        known = [day for day in (self.latest, other.latest) if day is not None]
        self.latest = max(known, default=None)
        self.repeated += other.repeated
        self.set_aside += other.set_aside

    def _description(self) -> dict[str, Any]:
        """Return what monitors that are merged must have in common."""
        score = self.score_bins
        return {
            **{name: getattr(self, name) for name in _SETTINGS},
            "field_bins": {name: bins.state() for name, bins in self.field_bins.items()},
            "score_bins": None if score is None else score.state(),
        }

    def state(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        seen = {str(day): sorted(one.hex() for one in some) for day, some in self.seen.items()}
        return {
            "schema": _SCHEMA,
            **self._description(),
            "events": list(self.events),
            "kind": self.kind,
            "table": self.table.state(),
            "versions": self.versions.state(),
            "listed": self.listed.state(),
            "seen": seen,
            "read": dict(self.read),
            **{name: getattr(self, name) for name in _COUNTS},
        }

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "WatchState":
        """Take back what `state` gave.

        Raises:
            ArtifactError: It is no such state, or one of a later version.
        """
        try:
            if state["schema"] != _SCHEMA:
                raise ArtifactError(
                    f"monitor: is of schema {state['schema']}, this version reads {_SCHEMA}"
                )
            score = state["score_bins"]
            seen = {int(day): set(map(bytes.fromhex, d)) for day, d in state["seen"].items()}
            return WatchState(
                table=SeriesTable.from_state(state["table"]),
                sample=int(state["sample"]),
                salt=str(state["salt"]),
                dated=dict(state["dated"]),
                events=tuple(state["events"]),
                kind=str(state["kind"]),
                field_bins={k: Bins.from_state(v) for k, v in state["field_bins"].items()},
                score_bins=None if score is None else Bins.from_state(score),
                versions=Versions.from_state(state["versions"]),
                listed=ListedProducts.from_state(state["listed"]),
                seen=seen,
                read=dict(state["read"]),
                **{name: state[name] for name in _COUNTS},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"monitor: cannot be read: {error!r:.100}") from None


def _join(days: dict[int, set[_T]], more: dict[int, set[_T]]) -> None:
    for day, digests in more.items():
        days.setdefault(day, set()).update(digests)
    _forget(days)


def _forget(days: dict[int, set[_T]]) -> None:
    while len(days) > _SEEN_DAYS:
        del days[min(days)]
