"""What a test leaves behind, as plain records: its figures, and what was compared."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from suitably.evaluation.abtest.segments import ALL
from suitably.evaluation.statistics import Estimate
from suitably.utils.record import Record

__all__ = ["COLUMNS", "Comparison", "MetricRow", "SplitRecord", "figures"]

COLUMNS = {
    "metric": pa.string(),
    "segment": pa.string(),
    "n": pa.int64(),
    "control": pa.float64(),
    "treatment": pa.float64(),
    "difference": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "p_value": pa.float64(),
}
"""The columns of a result, wherever it is shown."""


@dataclass(frozen=True)
class SplitRecord(Record):
    """One split as it was used.

    Attributes:
        at: The cut; None in data without timestamps.
        end: End of the test window.
        users: Users with a relevant product, all of whom got lists.
        evaluable: Those left by the choice of what is relevant.
        candidates: Products that could be recommended.
        refitted: Which arms were refitted on a copy.
    """

    at: pd.Timestamp | None
    end: pd.Timestamp | None
    users: int
    evaluable: int
    candidates: int
    refitted: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Comparison(Record):
    """What was compared, and how.

    Attributes:
        policies: The judging policies, each its id and version.
        fingerprints: The sha256 of each.
        relevant: `"all"` or `"suitable"`.
        convention: Name of the convention of the metrics.
        depth: Products asked for per user.
        alpha: One less the coverage of the intervals.
        seed: As given.
        splits: The splits, in order.
    """

    policies: tuple[str, ...]
    fingerprints: tuple[str, ...]
    relevant: str
    convention: str
    depth: int
    alpha: float
    seed: int
    splits: tuple[SplitRecord, ...]

    def __repr__(self) -> str:
        count = f"{len(self.splits)} split{'s' * (len(self.splits) != 1)}"
        return f"Comparison({count}, judged by {', '.join(self.policies)}, {self.convention})"


@dataclass(frozen=True)
class MetricRow(Record):
    """A metric in a segment.

    Attributes:
        metric: Its name.
        segment: `"all"`, or a group of users.
        result: Control, treatment and their paired difference.
        higher_is_better: Which way is better.
    """

    metric: str
    segment: str
    result: Estimate
    higher_is_better: bool

    @property
    def direction(self) -> int:
        """1 where the treatment is significantly better, −1 worse, 0 where that is open."""
        sign = int(self.result.low > 0) - int(self.result.high < 0)
        return sign if self.higher_is_better else -sign

    @property
    def is_overall(self) -> bool:
        """Whether it is of all users, not of a segment."""
        return self.segment == ALL

    def value(self, column: str) -> str | int | float:
        """Return what stands in one of `COLUMNS`."""
        found: str | int | float = getattr(self if hasattr(self, column) else self.result, column)
        return found


def figures(rows: tuple[MetricRow, ...]) -> pa.Table:
    """Return rows as a table of `COLUMNS`."""
    return pa.table(
        {name: pa.array([row.value(name) for row in rows], kind) for name, kind in COLUMNS.items()}
    )
