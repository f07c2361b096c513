"""A page about all users: how many have each field, and how its values are spread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suitably.data import Dataset
from suitably.data.frames import read_frame, write_frame
from suitably.profiles.cohorts import cohorts
from suitably.profiles.compose import field_table, fit_missing
from suitably.profiles.shown import shown_value
from suitably.report.components import Facts, Table
from suitably.report.page import Block, Report
from suitably.typing import AsOf, FrameKind
from suitably.utils.html import box, table

__all__ = ["Population", "population"]

_DISTINCT, _FEW = 20, 3  # more texts, or more whole numbers, are not listed one by one
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
_SUMMARY = ("field", "origin", "unit", "known", "share known")
_VALUES = ("field", "value", "users", "share")
_SPREAD = ("field", "unit", *(f"{share:.0%}" for share in _SHARES))


@dataclass(frozen=True, repr=False)
class Population:
    """How the fields of profiles are spread over users.

    Attributes:
        users: How many there are.
        as_of: The moment, as text; empty in data without timestamps.
        least: Groups of fewer users are shown as `few`, so that nobody is found by them.
        summary: A row per field: origin, unit, how many users have a value.
        values: A row per value of text, levels, booleans, and of what fields with few values hold.
        spread: A row per field of numbers: quantiles of those who have one.
        stated: Users by stated and revealed level, where there are both fields.
        cohorts: A row per year of joining: size, and share active in each year since; the last one
            has not ended. None in data without dates.
        kind: The kind of frame that `to_frame` gives.

    Example:
        >>> tiers = [("tier", "gold", 7, 0.7), ("tier", "silver", 3, 0.3)]
        >>> summary = [("tier", "derived", "", 10, 1.0)]
        >>> found = Population(10, "2024-03-01", 1, summary, tiers, [], [])
        >>> found, found.to_frame()["users"].to_pylist()
        (Population(10 users, 1 fields), [7, 3])
    """

    users: int
    as_of: str
    least: int
    summary: Sequence[tuple[Any, ...]]
    values: Sequence[tuple[Any, ...]]
    spread: Sequence[tuple[Any, ...]]
    stated: Sequence[tuple[Any, ...]]
    cohorts: Sequence[tuple[Any, ...]] = ()
    kind: FrameKind = "pyarrow"

    def to_frame(self) -> Any:
        """Return `values` as the caller's kind of frame: field, value, users, share.

        The users of groups below `least` are null.
        """
        columns = zip(*self.values, strict=True) if self.values else ((), (), (), ())
        field, value, users, share = (list(column) for column in columns)
        shown = [count if isinstance(count, int) else None for count in users]
        shares = [one if isinstance(one, float) else None for one in share]
        made = pa.table(
            {
                "field": pa.array(field, pa.string()),
                "value": pa.array(value, pa.string()),
                "users": pa.array(shown, pa.int64()),
                "share": pa.array(shares, pa.float64()),
            }
        )
        return write_frame(made, self.kind)

    def sections(self, title: str) -> Sequence[tuple[str, Sequence[Block]]]:
        """Return the parts of the page, for `Report.add_result`."""
        facts = {"users": self.users} | ({"as of": self.as_of} if self.as_of else {})
        parts: list[tuple[str, Sequence[Block]]] = [(title, [Facts(facts)])]
        parts += [(name, [Table(columns, rows)]) for name, columns, rows in self._tables()]
        return parts

    def report(self, title: str = "Profiles") -> Report:
        """Return the page."""
        return Report(title).add_result(self, "Users")

    def __repr__(self) -> str:
        return f"Population({self.users:,} users, {len(self.summary)} fields)"

    def _repr_html_(self) -> str:
        return box(
            repr(self), *(table(columns, rows, name) for name, columns, rows in self._tables())
        )

    def _tables(self) -> Iterator[tuple[str, Sequence[str], Sequence[tuple[Any, ...]]]]:
        yield "What is known", _SUMMARY, _as_shown(self.summary, {4})
        if self.values:
            yield "Values", _VALUES, _as_shown(self.values, {3})
        if self.spread:
            yield "Numbers: quantiles of users who have one", _SPREAD, self.spread
        if self.stated:
            columns = ("stated level", "revealed level", "users", "share")
            yield "Stated against revealed", columns, _as_shown(self.stated, {3})
        if self.cohorts:
            years = len(self.cohorts[0]) - 2
            since = ("in that year", *(f"+{n}" for n in range(1, years)))
            yield "Share active since joining", ("joined", "users", *since), self.cohorts


def population(
    builders: Sequence[Any], data: Dataset, as_of: AsOf | None = None, least: int = 5
) -> Population:
    """Return how the fields of builders are spread over all users.

    Args:
        builders: They are fitted here unless they have been.
        data: The data.
        as_of: The moment; default: just after the latest timestamp.
        least: Groups of fewer users are not counted out.

    Raises:
        ValueError: `least` is not a positive integer.

    Example:
        >>> import pandas as pd
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> log = pd.DataFrame({"user_id": range(6), "product_id": "a", "value": 50.0})
        >>> found = population([RecencyFrequencyValue()], Dataset(None, None, log))
        >>> found
        Population(6 users, 4 fields)
        >>> found.spread
        [('monetary', 'money', '50', '50', '50', '50', '50')]
    """
    if isinstance(least, bool) or not isinstance(least, int | np.integer) or least < 1:
        raise ValueError(f"least={least!r}: must be a positive integer")
    fit_missing(builders, data, as_of)
    view = data.view(as_of)
    made = field_table(builders, view).drop_columns(["user_id"])
    said = {name: builder.provenance(name) for builder in builders for name in builder.fields}
    units = {name: getattr(how, "unit", "") for name, how in said.items()}
    users = len(view.users)
    summary, values, spread = [], [], []
    for name in made.column_names:
        column = made[name].combine_chunks()
        known = users - column.null_count
        summary.append((name, str(said[name]), units[name], known, known / users if users else 0.0))
        if _is_listed(column):
            values += [(name, *line) for line in _counted(column, users, least)]
        elif _is_number(column.type) and known:
            ends = np.quantile(column.drop_null().cast(pa.float64()).to_numpy(), _SHARES)
            spread.append((name, units[name], *(_shown(end, units[name]) for end in ends)))
    moment = "" if view.as_of is None else str(view.clock.stamp(view.as_of).date())
    stated = _stated(made, users, least)
    joined = _cohorts(data, as_of, least) if len(view.acquisitions) and view.as_of else []
    return Population(users, moment, least, summary, values, spread, stated, joined, data.kind)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_listed(column: pa.Array) -> bool:
    """Return whether the values are few enough to be counted one by one."""
    kind, types = column.type, pa.types
    if not (types.is_string(kind) or types.is_boolean(kind) or types.is_integer(kind)):
        return False
    distinct = len(column.drop_null().unique())
    most = _DISTINCT if types.is_string(kind) else _FEW
    return bool(types.is_boolean(kind) or 0 < distinct <= most)


def _counted(column: pa.Array, users: int, least: int) -> Iterator[tuple[str, Any, Any]]:
    """Yield values with how many users have them, in order; who has none comes last."""
    counts = {_named(row["values"]): row["counts"] for row in column.value_counts().to_pylist()}
    missing = counts.pop(None, 0)
    ordered: Mapping[str, int] = dict(sorted((str(k), n) for k, n in counts.items()))
    if missing:
        ordered = {**ordered, "missing": missing}
    for (value, _), shown in zip(
        ordered.items(), _safe(list(ordered.values()), users, least), strict=True
    ):
        yield (value, *shown)


def _named(value: Any) -> str | None:
    return None if value is None else shown_value(value)


def _safe(counts: Sequence[int], users: int, least: int) -> list[tuple[Any, Any]]:
    """Return counts and shares, small ones withheld.

    One that is withheld alone could be worked out from the rest, so the next larger one is too.
    """
    withheld = {place for place, count in enumerate(counts) if count < least}
    rest = sorted(set(range(len(counts))) - withheld, key=lambda place: counts[place])
    if len(withheld) == 1 and rest:
        withheld.add(rest[0])
    return [
        ("few", "few") if place in withheld else (count, count / users)
        for place, count in enumerate(counts)
    ]


def _stated(made: pa.Table, users: int, least: int) -> list[tuple[Any, ...]]:
    pair = ["risk_level", "revealed_risk_level"]
    if not set(pair) <= set(made.column_names):
        return []
    both = made.select(pair).filter(pc.and_(*(made[name].is_valid() for name in pair)))
    found = (
        both.group_by(pair).aggregate([([], "count_all")]).sort_by([(n, "ascending") for n in pair])
    )
    rows = found.to_pylist()
    counts = _safe([row["count_all"] for row in rows], users, least)
    named = [tuple(str(row[name]) for name in pair) for row in rows]
    return [(*names, *shown) for names, shown in zip(named, counts, strict=True)]


def _cohorts(data: Dataset, as_of: AsOf | None, least: int) -> list[tuple[Any, ...]]:
    """Return sizes and shares by year of joining; all of them where the calendar is known."""
    if data.clock.asks:
        return []
    table, _ = read_frame(cohorts(data, as_of, by="year"), "cohorts")
    found: dict[Any, list[Any]] = {}
    for row in table.to_pylist():
        line = found.setdefault(row["cohort"], [f"{row['cohort']:%Y}", row["size"]])
        share = shown_value(row["share"], "share") if row["size"] >= least else "few"
        line.append(share if row["complete"] else f"{share} so far")
    most = max(map(len, found.values()))
    shown = [line if line[1] >= least else [line[0], "few", *line[2:]] for line in found.values()]
    return [(*line, *[""] * (most - len(line))) for line in shown]


def _shown(value: float, unit: str) -> str:
    return shown_value(float(value), unit if unit in ("share", "money") else "")


def _as_shown(rows: Sequence[tuple[Any, ...]], shares: set[int]) -> list[tuple[Any, ...]]:
    return [
        tuple(
            shown_value(cell, "share") if place in shares and isinstance(cell, float) else cell
            for place, cell in enumerate(row)
        )
        for row in rows
    ]
