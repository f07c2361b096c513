"""What off-policy evaluation found: the decision first, then the estimates it rests on."""

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.evaluation.abtest.decision import Decision
from suitably.evaluation.offpolicy.estimators import difference, estimator
from suitably.evaluation.offpolicy.evidence import Evidence, interval, p_value
from suitably.report import (
    Block,
    DecisionBanner,
    Facts,
    ForestPlot,
    Interval,
    Paragraph,
    Report,
    Table,
)
from suitably.utils.json import jsonable
from suitably.utils.record import Record

__all__ = ["OffPolicyResult", "OffPolicyRow", "judge"]

_TITLE = "Off-policy evaluation"
_COLUMNS = {
    "estimator": pa.string(),
    "control": pa.float64(),
    "treatment": pa.float64(),
    "difference": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "p_value": pa.float64(),
    "effective_n": pa.float64(),
}
_SUPPORT_P = 0.001
_SUPPORT_GAP = 0.05


@dataclass(frozen=True)
class OffPolicyRow(Record):
    """What one estimator says.

    Attributes:
        estimator: Its name.
        control: Control's mean reward per slate.
        treatment: The treatment's.
        difference: Treatment less control, estimated directly.
        low: Low end of its interval.
        high: High end.
        p_value: Two-sided, of no difference.
        effective_n: Of the arm whose weights are worth less, in impressions.
    """

    estimator: str
    control: float
    treatment: float
    difference: float
    low: float
    high: float
    p_value: float
    effective_n: float


@dataclass(frozen=True, repr=False)
class OffPolicyResult:
    """The outcome of `OffPolicy.run`.

    Attributes:
        decision: `"ship"`, `"do not ship"`, `"inconclusive"` or `"not evaluable"`.
        reason: One sentence.
        rows: A row per estimator; the first decides.
        facts: What it rests on: users, slates, impressions, effective numbers, mean weights.
        alpha: One less the coverage of the intervals.
        kind: The kind of frame that `to_frame` returns.

    Example:
        >>> rows = (OffPolicyRow("snips", 0.1, 0.2, 0.1, 0.05, 0.15, 0.001, 900.0),)
        >>> found = OffPolicyResult("ship", "It earns more.", rows, {"users": 400}, 0.05, "pandas")
        >>> found, found.to_dict()["rows"][0]["estimator"]
        (OffPolicyResult(ship: It earns more.), 'snips')
    """

    decision: Decision
    reason: str
    rows: tuple[OffPolicyRow, ...]
    facts: dict[str, object]
    alpha: float
    kind: str

    def to_frame(self) -> Any:
        """Return estimator, control, treatment, difference, low, high, p_value and effective_n."""
        columns = {
            name: pa.array([getattr(row, name) for row in self.rows], kind)
            for name, kind in _COLUMNS.items()
        }
        return write_frame(pa.table(columns), self.kind)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        names = ("decision", "reason", "rows", "facts", "alpha")
        return {name: jsonable(getattr(self, name)) for name in names}

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the result as one self-contained page, without ids of users.

        Returns:
            Where it was written.
        """
        return Report(_TITLE, "Two pipelines on a log of another").add_result(self).write(path)

    def sections(self, title: str = _TITLE) -> list[tuple[str, list[Block]]]:
        """Return what a page shows of it: titles, each with its blocks."""
        confidence = f"{100 * (1 - self.alpha):g} %"
        drawn = {
            row.estimator: Interval(
                row.difference, row.low, row.high, int(row.low > 0) - int(row.high < 0)
            )
            for row in self.rows
        }
        heads = ("estimator", "control", "treatment", "difference", f"{confidence} interval")
        cells = [
            (
                *(row.estimator, row.control, row.treatment, row.difference),
                *(drawn[row.estimator].text, row.p_value, row.effective_n),
            )
            for row in self.rows
        ]
        said = (
            "Mean reward per slate; difference is treatment less control, estimated directly, "
            "users as the units. The first estimator decides."
        )
        blocks: list[Block] = [
            DecisionBanner(self.decision, self.reason),
            ForestPlot(drawn),
            Table((*heads, "p", "effective n"), cells, said),
        ]
        limits = (
            "What neither pipeline's products were shown as cannot be known from this log. Whether "
            "lists are suitable is not judged here."
        )
        return [(title, blocks), ("What it rests on", [Facts(self.facts), Paragraph(limits)])]

    def _repr_html_(self) -> str:
        (title, blocks), *_ = self.sections()
        return Report(title).section("decision", *blocks).fragment()

    def __repr__(self) -> str:
        return f"OffPolicyResult({self.decision}: {self.reason})"


def judge(
    evidence: Evidence,
    names: tuple[str, ...],
    *,
    reward: str,
    slates: str,
    limit: float,
    alpha: float,
    min_effective_n: float,
    kind: str,
    notes: tuple[str, ...] = (),
) -> OffPolicyResult:
    """Estimate by every estimator, check what the log can say, and decide by the first."""
    rows = tuple(_row(evidence, name, limit, alpha) for name in names)
    facts = _facts(evidence, reward, slates)
    facts |= {f"window {number}": note for number, note in enumerate(notes, 1)}
    decision, reason = _decide(evidence, rows[0], alpha, min_effective_n)
    return OffPolicyResult(decision, reason, rows, facts, alpha, kind)


def _row(evidence: Evidence, name: str, limit: float, alpha: float) -> OffPolicyRow:
    estimate = estimator(name, limit)
    both = [estimate(arm) for arm in (evidence.control, evidence.treatment)]
    control, treatment = (interval(*evidence.per_user(rows), alpha)[0] for rows in both)
    apart = evidence.per_user(difference(name, evidence.control, evidence.treatment, limit))
    effective = min(evidence.effective_n)
    return OffPolicyRow(
        name, control, treatment, *interval(*apart, alpha), p_value(*apart), effective
    )


def _facts(evidence: Evidence, reward: str, slates: str) -> dict[str, object]:
    sums, counts = evidence.per_user(evidence.control.rewards)
    ours, theirs = evidence.effective_n
    mean = [float(arm.weights.mean()) if len(evidence) else float("nan")
            for arm in (evidence.control, evidence.treatment)]  # fmt: skip
    return {
        "reward": reward,
        "a reward may depend on": slates,
        "users": len(sums),
        "slates": int(counts.sum()),
        "impressions": len(evidence),
        "mean reward per slate in the log": interval(sums, counts, 0.05)[0],
        "effective n, control": ours,
        "effective n, treatment": theirs,
        "mean weight, control": mean[0],
        "mean weight, treatment": mean[1],
    }


def _decide(
    evidence: Evidence, row: OffPolicyRow, alpha: float, min_effective_n: float
) -> tuple[Decision, str]:
    """Decide by an interval, where the log can say anything at all."""
    if not len(evidence):
        return "not evaluable", "No impression lies in the window."
    for name, size in zip(("control", "treatment"), evidence.effective_n, strict=True):
        if size < min_effective_n:
            return (
                "not evaluable",
                f"What was shown says too little of {name}: its weights are worth {size:,.0f} "
                f"impressions, fewer than {min_effective_n:,.0f}.",
            )
    for name, gaps in zip(("control", "treatment"), evidence.gaps, strict=True):
        sums, slates = evidence.per_user(gaps)
        mean, low, high = interval(sums, slates, _SUPPORT_P)
        if (high < 0 or low > 0) and abs(mean) > _SUPPORT_GAP:
            return (
                "not evaluable",
                f"The weights of {name} miss their mean by {mean:+.3f} per slate: it shows "
                f"what the log could not, or the log's probabilities are not those of its draws.",
            )
    users = len(np.unique(evidence.users))
    if 2.0 ** (1 - users) > alpha:
        return (
            "not evaluable",
            f"The impressions are of {users} users, too few for any test to tell.",
        )
    change = f"changes the mean reward per slate by {row.difference:+.4g} ({row.estimator}"
    if math.isnan(row.low):
        return _without_interval(evidence, row, f"The treatment {change})")
    shown = f"{change}, {100 * (1 - alpha):g} % interval {row.low:+.4g} to {row.high:+.4g})"
    if row.low > 0:
        return "ship", f"The treatment {shown}."
    if row.high < 0:
        return "do not ship", f"The treatment {shown}, which is a loss."
    return "inconclusive", f"The treatment {shown}, which may be no change."


def _without_interval(evidence: Evidence, row: OffPolicyRow, change: str) -> tuple[Decision, str]:
    if (evidence.control.weights == evidence.treatment.weights).all():
        return "inconclusive", f"{change}: both arms would show the same of what was shown."
    if not evidence.control.rewards.any():
        return "inconclusive", f"{change}: nothing that was shown earned anything."
    return (
        "inconclusive",
        f"{change}: all users' differences are the same, and nothing bounds those of others.",
    )
