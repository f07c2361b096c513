"""What a test found: the decision first, then the figures it rests on."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.evaluation.decision import Decision
from suitably.evaluation.guardrails import Outcome
from suitably.evaluation.statistics import Difference

__all__ = ["ABResult", "Comparison", "MetricRow", "SplitRecord"]


@dataclass(frozen=True)
class SplitRecord:
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


@dataclass(frozen=True)
class Comparison:
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


@dataclass(frozen=True)
class MetricRow:
    """A metric in a segment.

    Attributes:
        metric: Its name.
        segment: `"all"`, or a group of users.
        result: Control, treatment and their paired difference.
        higher_is_better: Which way is better.
    """

    metric: str
    segment: str
    result: Difference
    higher_is_better: bool

    @property
    def direction(self) -> int:
        """1 where the treatment is significantly better, −1 worse, 0 where that is open."""
        sign = int(self.result.low > 0) - int(self.result.high < 0)
        return sign if self.higher_is_better else -sign


@dataclass(frozen=True, repr=False)
class ABResult:
    """The outcome of `ABTest.run`.

    Attributes:
        decision: `"ship"`, `"do not ship"`, `"inconclusive"` or `"not evaluable"`.
        reason: One sentence.
        primary: The metric that decides.
        rows: A row per metric and segment.
        guardrails: What became of each.
        comparison: What was compared.
    """

    decision: Decision
    reason: str
    primary: str
    rows: tuple[MetricRow, ...]
    guardrails: tuple[Outcome, ...]
    comparison: Comparison
    user_table: pa.Table
    kind: str

    def decides(self, row: MetricRow) -> bool:
        """Return whether a row is the one that the decision rests on."""
        return row.metric == self.primary and row.segment == "all"

    def to_frame(self) -> Any:
        """Return the figures: metric, segment, control, treatment, difference, low, high, p_value.

        Means are over users, each averaged over the splits first. low and high are the ends of the
        paired interval; they and p_value are missing where there is nothing to compute them from.
        """
        figures = ("control", "treatment", "difference", "low", "high", "p_value")
        columns = {
            "metric": pa.array([row.metric for row in self.rows], pa.string()),
            "segment": pa.array([row.segment for row in self.rows], pa.string()),
        }
        columns |= {
            name: pa.array([getattr(row.result, name) for row in self.rows], pa.float64())
            for name in figures
        }
        return write_frame(pa.table(columns), self.kind)

    def per_user(self) -> Any:
        """Return every measurement: user_id, split (its position, from 0), metric, both arms."""
        return write_frame(self.user_table, self.kind)

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the result as one self-contained page, without ids of users.

        Returns:
            Where it was written.
        """
        from suitably.evaluation.report import Report

        return Report("A/B evaluation", "Two pipelines on one log").add_result(self).write(path)

    def _repr_html_(self) -> str:
        from suitably.evaluation.report import Report

        return Report("A/B evaluation").add_result(self).fragment()

    def __repr__(self) -> str:
        table = pd.DataFrame(
            [
                (
                    row.metric + ("*" if self.decides(row) else ""),
                    row.segment,
                    row.result.control,
                    row.result.treatment,
                    row.result.difference,
                    row.result.low,
                    row.result.high,
                    row.result.p_value,
                )
                for row in self.rows
            ],
            columns=[
                "metric",
                "segment",
                "control",
                "treatment",
                "difference",
                "low",
                "high",
                "p_value",
            ],
        )
        figures = table.to_string(index=False, float_format="{:.4f}".format, na_rep="")
        return f"{self.decision.upper()}: {self.reason}\n{figures}\n* decides"
