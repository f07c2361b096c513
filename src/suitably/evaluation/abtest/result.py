"""What a test found: the decision first, then the figures it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.evaluation.abtest.decision import Decision
from suitably.evaluation.abtest.examples import ListExample
from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.abtest.records import Comparison, MetricRow, figures
from suitably.evaluation.abtest.result_ground import (
    example_blocks,
    ground_blocks,
    line_blocks,
    split_blocks,
    version_blocks,
)
from suitably.evaluation.abtest.result_page import (
    decision_blocks,
    figures_blocks,
    frontier_blocks,
    segment_blocks,
)
from suitably.evaluation.abtest.result_plot import plot_rows
from suitably.evaluation.abtest.storage import load_result, save_result
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
        guardrails: What became of each, of the first treatment.
        comparison: What was compared.
        user_table: Every measurement.
        kind: The kind of frame that comes out.
        decisions: By the treatment's name.
        reasons: Likewise.
        outcomes: What became of each treatment's guardrails.
        split_rows: A row per metric and split.
        apart: A row per metric and group that is reported apart: 65 and over, the lowest class.
        examples: The lists of a few users of the last split, who are not named.

    Example:
        >>> import pandas as pd
        >>> from suitably import ABTest, Dataset, Pipeline, Policy
        >>> from suitably.evaluation import TimeSplit
        >>> from suitably.ranking import Popularity
        >>> log = pd.DataFrame({"user_id": [*range(8), *range(8), 0],
        ...                     "product_id": list("aaaabbbb" + "bbbbaaaa" + "c"),
        ...                     "timestamp": ["2024-01-05"] * 8 + ["2024-02-05"] * 8
        ...                     + ["2024-04-01"]})
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
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    split_rows: tuple[MetricRow, ...] = ()
    apart: tuple[MetricRow, ...] = ()
    examples: tuple[ListExample, ...] = ()

    def decides(self, row: MetricRow) -> bool:
        """Return whether a row is the one that the decision rests on."""
        return row.metric == self.primary and row.is_overall

    def to_frame(self, by: Literal["split", "apart"] | None = None) -> Any:
        """Return metric, segment, n, control, treatment, difference, low, high, p_value, omitted.

        Means are over n users, each averaged over the splits first; omitted are rows without a
        value. low and high are the ends of the paired interval; they and p_value are missing where
        there is nothing to compute them from. Several treatments add `arm`.

        Args:
            by: `"split"`: a row per metric and split, with its position from 0; `"apart"`: those of
                groups that are reported apart, 65 and over and the lowest class.

        Raises:
            ValueError: Another `by`.
        """
        first = ["arm"] * (len(self.comparison.arms) > 1) + ["split"] * (by == "split")
        return write_frame(figures(self._rows(by), first), self.kind)

    def _rows(self, by: str | None) -> tuple[MetricRow, ...]:
        tables = {None: self.rows, "split": self.split_rows, "apart": self.apart}
        if by not in tables:
            raise ValueError(f'by={by!r:.40}: must be "split", "apart" or None')
        return tables[by]

    def per_user(self) -> Any:
        """Return every measurement: user_id, split (its position, from 0), metric, both arms.

        Several treatments add `arm`.
        """
        return write_frame(self.user_table, self.kind)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the result to a folder: `result.json` and `users-….parquet`, which holds ids.

        A result that is there already stays whole until this one is.

        Raises:
            OSError: The folder cannot be written to.
        """
        save_result(self, Path(path))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "ABResult":
        """Read a result that `save` wrote; nothing in the folder is executed.

        Raises:
            ArtifactError: There is none, it is damaged, or its files are of different results.
        """
        return cls(**load_result(Path(path)))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the measurements per user, ready for JSON and without ids."""
        names = ("decision", "reason", "primary", "rows", "guardrails", "comparison")
        more = ("decisions", "reasons", "split_rows", "apart", "examples")
        return {name: jsonable(getattr(self, name)) for name in (*names, *more)}

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the result as one self-contained page, without ids of users.

        Returns:
            Where it was written.
        """
        return Report(_TITLE, "Pipelines on one log").add_result(self, "Decision").write(path)

    def plot(
        self,
        metrics: Sequence[str] | None = None,
        ax: Any = None,
        by: Literal["split", "apart"] | None = None,
    ) -> Any:
        """Draw a forest plot: every difference with its interval, about no difference.

        `result.plot().figure.savefig("forest.svg")` writes it as SVG, or as PNG by that ending.

        Args:
            metrics: Names of those to draw, with their segments; None: all that have an interval,
                and by split the primary one.
            ax: Matplotlib's Axes to draw on; None: new ones.
            by: Which rows, as in `to_frame`.

        Returns:
            The Axes.

        Raises:
            ImportError: The extra `suitably[viz]` is not installed.
            ValueError: A metric that the result does not have, none with an interval, or another
                `by`.
        """
        asked = [self.primary] if by == "split" and metrics is None else metrics
        return plot_rows(self._rows(by), self.primary, 1 - self.comparison.alpha, asked, ax)

    def sections(self, title: str = _TITLE) -> list[tuple[str, list[Block]]]:
        """Return what a page shows of it: titles, each with its blocks."""
        what, rows, primary = self.comparison, self.rows, self.primary
        found = [
            (title, self._decision()),
            ("Accuracy and suitability", frontier_blocks(what, rows, primary)),
            ("Segments", segment_blocks(what, rows, self.apart, primary)),
            ("Over time", line_blocks(what, self.split_rows, primary)),
            ("Lists side by side", example_blocks(self.examples)),
            ("What was assumed and what was left out", ground_blocks(what, rows)),
            ("Splits", split_blocks(what, self.split_rows, primary)),
            ("Fingerprints and versions", version_blocks(what)),
        ]
        return [(name, blocks) for name, blocks in found if blocks]

    def _decision(self) -> list[Block]:
        what = self.comparison
        decisions = self.decisions or {what.arms[0]: self.decision}
        reasons = self.reasons or {what.arms[0]: self.reason}
        outcomes = self.outcomes or {what.arms[0]: self.guardrails}
        return [
            *decision_blocks(what, self.rows, decisions, reasons),
            *figures_blocks(what, self.rows, self.primary, outcomes),
        ]

    def _repr_html_(self) -> str:
        return Report(_TITLE).section(self.primary, *self._decision()).fragment()

    def __repr__(self) -> str:
        return f"ABResult({self.decision}: {self.reason})"

    def __str__(self) -> str:
        several = len(self.comparison.arms) > 1
        table: pd.DataFrame = figures(self.rows, ["arm"] * several).to_pandas()
        marks = ["*" if self.decides(row) else "" for row in self.rows]
        shown = table.assign(metric=table["metric"] + pd.Series(marks, dtype=object))
        text = shown.to_string(index=False, float_format="{:.4f}".format, na_rep="")
        others = [
            f"{self.decisions[n].upper()}: {self.reasons[n]}" for n in self.comparison.arms[1:]
        ]
        lines = [f"{self.decision.upper()}: {self.reason}", *others, *self.comparison.notes]
        return "\n".join([*lines, text, "* decides"])
