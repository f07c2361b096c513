"""What a test found: the decision first, then the figures it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.evaluation.abtest.decision import Decision
from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.abtest.records import Comparison, MetricRow, figures
from suitably.evaluation.abtest.result_page import (
    comparison_blocks,
    decision_blocks,
    guardrail_table,
)
from suitably.evaluation.abtest.result_plot import plot_rows
from suitably.report import Block, Report
from suitably.utils.json import jsonable

__all__ = ["ABResult"]

_TITLE = "A/B evaluation"


@dataclass(frozen=True, repr=False)
class ABResult:
    """The outcome of `ABTest.run`; printed, the decision with its figures.

    Attributes:
        decision: `"ship"`, `"do not ship"`, `"inconclusive"` or `"not evaluable"`.
        reason: One sentence.
        primary: The metric that decides.
        rows: A row per metric and segment.
        guardrails: What became of each.
        comparison: What was compared.

    Example:
        >>> import pandas as pd
        >>> from suitably import ABTest, Dataset, Pipeline, Policy
        >>> from suitably.evaluation import TimeSplit
        >>> from suitably.ranking import Popularity
        >>> log = pd.DataFrame({"user_id": [1, 2, 3, 1, 2, 3], "product_id": list("aabbbc"),
        ...                     "timestamp": ["2024-01-05"] * 3 + ["2024-02-05"] * 3})
        >>> data = Dataset(None, None, log)
        >>> pipeline = Pipeline(policy=Policy.unrestricted(), ranker=Popularity())
        >>> result = ABTest(pipeline, pipeline).run(data, TimeSplit("2024-02-01", 30))
        >>> result.decision, len(result.to_frame()), result.to_dict()["rows"][0]["metric"]
        ('inconclusive', 6, 'dcg@10')
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
        return row.metric == self.primary and row.is_overall

    def to_frame(self) -> Any:
        """Return metric, segment, n, control, treatment, difference, low, high and p_value.

        Means are over n users, each averaged over the splits first. low and high are the ends of
        the paired interval; they and p_value are missing where there is nothing to compute them
        from.
        """
        return write_frame(figures(self.rows), self.kind)

    def per_user(self) -> Any:
        """Return every measurement: user_id, split (its position, from 0), metric, both arms."""
        return write_frame(self.user_table, self.kind)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the measurements per user, ready for JSON and without ids."""
        names = ("decision", "reason", "primary", "rows", "guardrails", "comparison")
        return {name: jsonable(getattr(self, name)) for name in names}

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the result as one self-contained page, without ids of users.

        Returns:
            Where it was written.
        """
        return Report(_TITLE, "Two pipelines on one log").add_result(self).write(path)

    def plot(self, metrics: Sequence[str] | None = None, ax: Any = None) -> Any:
        """Draw a forest plot: every difference with its interval, about no difference.

        Args:
            metrics: Names of those to draw, with their segments; None: all that have an interval.
            ax: Matplotlib's Axes to draw on; None: new ones.

        Returns:
            The Axes.

        Raises:
            ImportError: The extra `suitably[viz]` is not installed.
            ValueError: A metric that the result does not have, or none with an interval.
        """
        return plot_rows(self.rows, self.primary, 1 - self.comparison.alpha, metrics, ax)

    def sections(self, title: str = _TITLE) -> list[tuple[str, list[Block]]]:
        """Return what a page shows of it: titles, each with its blocks."""
        return [
            (title, self._decision()),
            ("Guardrails", [guardrail_table(self.guardrails)]),
            ("What was compared", comparison_blocks(self.comparison)),
        ]

    def _decision(self) -> list[Block]:
        alpha = self.comparison.alpha
        return decision_blocks(self.decision, self.reason, self.rows, self.decides, alpha)

    def _repr_html_(self) -> str:
        return Report(_TITLE).section(self.primary, *self._decision()).fragment()

    def __repr__(self) -> str:
        return f"ABResult({self.decision}: {self.reason})"

    def __str__(self) -> str:
        table: pd.DataFrame = figures(self.rows).to_pandas()
        marks = ["*" if self.decides(row) else "" for row in self.rows]
        shown = table.assign(metric=table["metric"] + pd.Series(marks, dtype=object))
        text = shown.to_string(index=False, float_format="{:.4f}".format, na_rep="")
        return f"{self.decision.upper()}: {self.reason}\n{text}\n* decides"
