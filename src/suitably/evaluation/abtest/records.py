"""What a test leaves behind, as plain records: its figures, and what was compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.evaluation.abtest.segments import ALL
from suitably.evaluation.statistics import Estimate, effective_windows
from suitably.utils.record import Record

__all__ = [
    "COLUMNS",
    "TREATMENT",
    "Comparison",
    "MetricRow",
    "SplitRecord",
    "figures",
    "spans_of",
]

TREATMENT = "treatment"
"""The name of the only treatment."""

_FEW_WINDOWS = 5

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
    "omitted": pa.int64(),
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
        begins: Start of the test window.
        note: What is wrong with the window; empty where nothing is.
    """

    at: pd.Timestamp | None
    end: pd.Timestamp | None
    users: int
    evaluable: int
    candidates: int
    refitted: tuple[str, ...]
    begins: pd.Timestamp | None = None
    note: str = ""


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
        arms: The treatments' names.
        versions: Of Suitably and the libraries that the figures rest on.
    """

    policies: tuple[str, ...]
    fingerprints: tuple[str, ...]
    relevant: str
    convention: str
    depth: int
    alpha: float
    seed: int
    splits: tuple[SplitRecord, ...]
    arms: tuple[str, ...] = (TREATMENT,)
    versions: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the splits, in their order."""
        return tuple(f"Split {n}: {s.note}" for n, s in enumerate(self.splits) if s.note)

    @property
    def windows(self) -> str:
        """What the windows can tell of moves that all users share, such as a market's."""
        if len(self.splits) == 1:
            return (
                "One window cannot tell what moves all customers alike, such as a market, from an "
                "effect of the pipeline: the intervals are about customers in this window."
            )
        spans = spans_of(self.splits)
        if spans is None:
            return "The splits are not dated, so the intervals take customers alone as units."
        worth = effective_windows(spans)
        said = (
            f"The {len(spans)} windows are worth {worth:.1f} that lie apart. The intervals allow "
            f"for what moves all customers of a window alike, such as a market"
        )
        few = ", of which so few tell little: a longer log narrows them"
        return f"{said}{few}." if worth < _FEW_WINDOWS else f"{said}."

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
        arm: Which treatment.
        split: Which split alone, from 0; None: all of them together.
    """

    metric: str
    segment: str
    result: Estimate
    higher_is_better: bool
    arm: str = TREATMENT
    split: int | None = None

    @property
    def direction(self) -> int:
        """1 where the treatment is significantly better, −1 worse, 0 where that is open."""
        sign = int(self.result.low > 0) - int(self.result.high < 0)
        return sign if self.higher_is_better else -sign

    @property
    def is_overall(self) -> bool:
        """Whether it is of all users and splits, not of a segment."""
        return self.segment == ALL and self.split is None

    def value(self, column: str) -> str | int | float | None:
        """Return what stands in one of `COLUMNS`, in `arm` or in `split`."""
        found: str | int | float | None
        found = getattr(self if hasattr(self, column) else self.result, column)
        return found


def spans_of(splits: Sequence[SplitRecord]) -> NDArray[np.float64] | None:
    """Return start and end of each window in days: (splits, 2); None where one is not dated."""
    moments = [moment for split in splits for moment in (split.begins, split.end)]
    dated = [moment for moment in moments if moment is not None and not pd.isna(moment)]
    if len(dated) < len(moments):
        return None
    seconds = np.array([moment.timestamp() for moment in dated]).reshape(-1, 2)
    found: NDArray[np.float64] = seconds / pd.Timedelta(days=1).total_seconds()
    return found


def figures(rows: Sequence[MetricRow], first: Sequence[str] = ()) -> pa.Table:
    """Return rows as a table of `COLUMNS`, after `arm` or `split` where these are asked for."""
    kinds = {"arm": pa.string(), "split": pa.int64(), **COLUMNS}
    names = [*first, *COLUMNS]
    return pa.table(
        {name: pa.array([row.value(name) for row in rows], kinds[name]) for name in names}
    )
