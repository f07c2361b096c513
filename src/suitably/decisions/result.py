"""A campaign's result: what it brought beyond what would have come anyway, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from typing import Any

import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.report import Block, Facts, Interval, Paragraph, Report, Table
from suitably.utils.record import Record

__all__ = ["CampaignResult", "LedgerRow"]


@dataclass(frozen=True)
class LedgerRow(Record):
    """One line of the ledger; what cannot be told is NaN.

    Attributes:
        by: `"all"`, `"channel"`, `"product"`, `"stratum"` or `"partner"`.
        group: Which of them.
        users: Users with a planned offer of the group.
        held_out: Held-out users who would have had one.
        cost: What the offers cost as planned.
        sent: How many of the users were sent something; None: the log does not say.
        answered: How many answered.
        purchases: Products they acquired in the window.
        rate: Purchases per planned user.
        rate_held_out: Purchases per held-out user.
        incremental_purchases: The difference of both, times the planned users.
        purchases_low: Low end of its interval.
        purchases_high: High end.
        p_value: Two-sided, of the difference; with shares where nobody bought more than once
            (Newcombe), else with means (Welch).
        incremental_value: The same of the value of what was bought.
        value_low: Low end of its interval.
        value_high: High end.
        cost_per_acquired: Cost over incremental purchases, of one acquired customer; infinite
            where there are none more.
        cost_low: Low end of its interval.
        cost_high: High end.
        return_on_cost: (Incremental value − cost) / cost.
        return_low: Low end of its interval.
        return_high: High end.
        evaluable: Whether anything can be told.
        reason: Why not; empty where it can.
    """

    by: str
    group: str
    users: int
    held_out: int
    cost: float
    sent: int | None = None
    answered: int | None = None
    purchases: float = math.nan
    rate: float = math.nan
    rate_held_out: float = math.nan
    incremental_purchases: float = math.nan
    purchases_low: float = math.nan
    purchases_high: float = math.nan
    p_value: float = math.nan
    incremental_value: float = math.nan
    value_low: float = math.nan
    value_high: float = math.nan
    cost_per_acquired: float = math.nan
    cost_low: float = math.nan
    cost_high: float = math.nan
    return_on_cost: float = math.nan
    return_low: float = math.nan
    return_high: float = math.nan
    evaluable: bool = False
    reason: str = ""


@dataclass(frozen=True, repr=False)
class CampaignResult(Record):
    """What a campaign brought: the planned users against the held-out ones, by intention to treat.

    Whoever was planned counts as treated, whether or not something was sent or read, and is
    compared with the held-out users who would have been planned at the plan's own prices. Intervals
    of groups are not adjusted for being many.

    Attributes:
        rows: Lines of the ledger; the first is all together.
        start: The first instant of the window; None without timestamps.
        end: The first instant after it; None: all that the log has.
        short: Whether the log ends before the window does.
        kind: The kind of frame for `to_frame`.
        alpha: One less the coverage of intervals.
    """

    rows: tuple[LedgerRow, ...]
    start: str | None
    end: str | None
    short: bool
    kind: str
    alpha: float

    @property
    def evaluable(self) -> bool:
        """Whether the effect of the whole can be told."""
        return self.rows[0].evaluable

    @property
    def reason(self) -> str:
        """What was found, or why nothing can be told, in a sentence."""
        first = self.rows[0]
        if not first.evaluable:
            return f"Not evaluable: {first.reason}."
        share = f"{1 - self.alpha:.0%}"
        short = " The log ends before the window does." if self.short else ""
        return (
            f"{first.incremental_purchases:+,.1f} purchases ({share} interval "
            f"{first.purchases_low:+,.1f} to {first.purchases_high:+,.1f}) and "
            f"{first.incremental_value:+,.2f} in value more than without the campaign, at a cost "
            f"of {first.cost:,.2f}.{short}"
        )

    def to_frame(self, by: str | None = None) -> Any:
        """Return the lines as a frame of the caller's kind.

        Args:
            by: `"all"`, `"channel"`, `"product"`, `"stratum"` or `"partner"`; None: all lines.

        Raises:
            ValueError: There are no such lines.
        """
        known = {row.by for row in self.rows}
        if by is not None and by not in known:
            raise ValueError(f"by={by!r}: must be one of {', '.join(sorted(known))}")
        rows = [asdict(row) for row in self.rows if by is None or row.by == by]
        whole = {"users", "held_out", "sent", "answered"}
        texts = {"by", "group", "reason"}
        kinds = {
            field.name: pa.int64()
            if field.name in whole
            else pa.string()
            if field.name in texts
            else pa.bool_()
            if field.name == "evaluable"
            else pa.float64()
            for field in fields(LedgerRow)
        }
        columns = {name: pa.array([row[name] for row in rows], kinds[name]) for name in kinds}
        return write_frame(pa.table(columns), self.kind)

    def sections(self, title: str) -> Sequence[tuple[str, Sequence[Block]]]:
        """Return titles and blocks of a page; no user appears."""
        window = f"{self.start or 'the plan'} until {self.end or 'the end of the log'}"
        first = self.rows[0]
        facts = Facts(
            {
                "window": window,
                "planned users": first.users,
                "held out": first.held_out,
                "cost": first.cost,
            }
        )
        made: list[tuple[str, Sequence[Block]]] = [(title, [Paragraph(self.reason), facts])]
        columns = ["group", "users", "held out", "cost", "more purchases", "interval", "return"]
        for by in dict.fromkeys(row.by for row in self.rows[1:]):
            lines = [
                [
                    row.group,
                    row.users,
                    row.held_out,
                    row.cost,
                    row.incremental_purchases,
                    Interval(row.incremental_purchases, row.purchases_low, row.purchases_high, 0),
                    row.return_on_cost,
                ]
                for row in self.rows
                if row.by == by
            ]
            made.append((f"By {by}", [Table(columns, lines)]))
        return made

    def to_html(self, path: str | PathLike[str], title: str = "Campaign") -> None:
        """Write the result as a page; no user appears on it."""
        Report(title).add_result(self, "What it brought").write(path)

    def __repr__(self) -> str:
        return f"CampaignResult({self.reason!r})"
