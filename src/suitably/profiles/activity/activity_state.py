"""What is kept of users' activity: tables of sums by moment, none older than any window looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.data import Clock
from suitably.data.calendar import DAY
from suitably.data.clock import Instant, Instants
from suitably.profiles.activity.stages import reached
from suitably.profiles.grouped_sums import GroupedSums
from suitably.utils.pieces import same

__all__ = [
    "ActivityState",
    "Rule",
    "days_before",
    "latest_alone",
    "since",
    "up_to_reached",
    "within",
]

Rule = Callable[[GroupedSums, Instant], GroupedSums]
"""What is kept of a table as of a moment: all that this or any later moment can see."""

_LONGEST = 2.0**62


@dataclass(frozen=True)
class ActivityState:
    """Tables by user and moment, cut to what the state's moment or a later one can see.

    A merge of parts as of several moments is cut to the latest of these, so that it holds what a
    rebuild as of that moment holds.

    Attributes:
        count: How many users there are.
        as_of: The latest moment of the views taken in; NaT in data without timestamps.
        zone: The name of the data's time zone, empty for naive data.
        tables: Sums by user and moment, by name.
        timed: Whether some event of the log, of whatever kind, is no bare date.
    """

    count: int
    as_of: Instant
    zone: str
    tables: Mapping[str, GroupedSums]
    timed: bool = True

    def __len__(self) -> int:
        return self.count

    @property
    def clock(self) -> Clock:
        """The data's convention of time zones."""
        return Clock(self.zone or None)

    @property
    def timeless(self) -> bool:
        """Whether the data has no timestamps."""
        return bool(np.isnat(self.as_of))

    def plus(self, later: "ActivityState") -> Self:
        """Add a later state, uncut.

        Raises:
            DataError: The later state knows fewer users.
        """
        tables = {name: table.plus(later.tables[name]) for name, table in self.tables.items()}
        as_of = np.fmax(self.as_of, later.as_of)
        return type(self)(later.count, as_of, later.zone, tables, self.timed or later.timed)

    def kept(self, rules: Mapping[str, Rule]) -> Self:
        """Return it without what no later moment can see, by the rule of each table."""
        tables = {name: rules[name](table, self.as_of) for name, table in self.tables.items()}
        return replace(self, tables={name: _compact(table) for name, table in tables.items()})

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users alone: bool (users,)."""
        tables = {name: table.of_users(kept) for name, table in self.tables.items()}
        return replace(self, count=int(kept.sum()), tables=tables)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        arrays: dict[str, NDArray[Any]] = {
            "count": np.array([self.count]),
            "as_of": np.array([self.as_of], "datetime64[us]"),
            "zone": np.array([self.zone], np.str_),
            "timed": np.array([self.timed]),
        }
        for name, table in self.tables.items():
            arrays |= {f"{name}/{own}": array for own, array in table.to_arrays().items()}
        return arrays

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
        """Join the arrays of the states of groups of users, one after the other."""
        made: dict[str, Any] = {
            "count": np.array([sum(int(part["count"][0]) for part in parts)]),
            "as_of": np.fmax.reduce([part["as_of"] for part in parts]),
            "zone": same([part["zone"] for part in parts], "zone"),
            "timed": np.array([any(bool(part["timed"][0]) for part in parts)]),
        }
        tables = dict.fromkeys(name.partition("/")[0] for name in parts[0] if "/" in name)
        for table in tables:
            start = len(table) + 1
            own = [
                {n[start:]: array for n, array in part.items() if n.startswith(f"{table}/")}
                for part in parts
            ]
            joint = GroupedSums.joined(own)
            made |= {f"{table}/{name}": array for name, array in joint.items()}
        return made

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            table, _, own = name.partition("/")
            if own:
                parts.setdefault(table, {})[own] = array
        tables = {name: GroupedSums.from_arrays(own) for name, own in parts.items()}
        count, as_of, zone = (arrays[name][0] for name in ("count", "as_of", "zone"))
        timed = bool(arrays.get("timed", [True])[0])
        return cls(int(count), as_of, str(zone), tables, timed)


def within(days: float) -> Rule:
    """Keep what lies in a window of days."""
    return lambda table, as_of: since(table, as_of, days)


def latest_alone(table: GroupedSums, as_of: Instant) -> GroupedSums:
    """Keep the sum over all moments, and the latest of these."""
    return table.latest("times")


def up_to_reached(stages: int) -> Rule:
    """Keep the events of each stage up to the one that reached it.

    An event that comes late can only move that moment to an earlier one.
    """

    def rule(table: GroupedSums, as_of: Instant) -> GroupedSums:
        stage, times = table.keys["stage"], table.keys["times"]
        moments: Instants = reached(table.users, stage, times, len(table), stages)
        bound = moments[stage, table.users]
        return table.take(np.isnat(bound) | (times <= bound))

    return rule


def days_before(days: float) -> np.timedelta64:
    """Return how long a number of days of 24 hours is, to the microsecond."""
    return np.timedelta64(round(min(days * DAY, _LONGEST)), "us")


def since(table: GroupedSums, as_of: Instant, days: float) -> GroupedSums:
    """Return what lies in a window of days that ends at a moment; none at NaT."""
    inside = table.keys["times"] >= as_of - days_before(days)
    return table if inside.all() else table.take(inside)


def _compact(table: GroupedSums) -> GroupedSums:
    """Leave out the words that no row has."""
    if "word" not in table.words:
        return table
    codes = table.keys["word"]
    used = np.unique(codes[codes >= 0])
    if len(used) == len(table.words["word"]):
        return table
    places = np.full(len(table.words["word"]) + 1, -1, codes.dtype)
    places[used] = np.arange(len(used))
    words = {"word": np.array(table.words["word"][used].tolist(), np.str_)}  # as wide as need be
    return replace(table, keys={**table.keys, "word": places[codes]}, words=words)
