"""Judgement: rows, guardrails and a decision for each treatment, several of them held together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suitably.evaluation.abtest.decision import Decision, decide
from suitably.evaluation.abtest.estimates import Estimates
from suitably.evaluation.abtest.guardrails import Guardrail, Outcome, check_segments
from suitably.evaluation.abtest.records import MetricRow

__all__ = ["Judgement", "judge_arms"]


@dataclass(frozen=True)
class Judgement:
    """What was found of one treatment.

    Attributes:
        decision: The word.
        reason: The sentence.
        rows: Figures of all users and of segments, metric by metric.
        outcomes: What became of the guardrails.
    """

    decision: Decision
    reason: str
    rows: tuple[MetricRow, ...]
    outcomes: tuple[Outcome, ...]


def judge_arms(
    estimates: Mapping[str, Estimates],
    primary: str,
    guardrails: tuple[Guardrail, ...],
    segments: tuple[str, ...],
    alpha: float,
) -> list[Judgement]:
    """Judge every treatment, the primary intervals at Holm's levels.

    Args:
        estimates: By the name of the metric.
        primary: The one that decides.
        guardrails: Of every treatment.
        segments: Fields that users are grouped by.
        alpha: One less the coverage of the intervals.
    """
    arms = range(len(estimates[primary].arms))
    first = [estimates[primary].overall(arm, alpha) for arm in arms]
    levels = _levels(first, alpha)
    decisive = [
        first[arm] if levels[arm] == alpha else estimates[primary].overall(arm, levels[arm])
        for arm in arms
    ]
    return [
        _judged(estimates, decisive[arm], guardrails, segments, arm, levels[arm], alpha)
        for arm in arms
    ]


def _judged(
    estimates: Mapping[str, Estimates],
    decisive: MetricRow,
    guardrails: tuple[Guardrail, ...],
    segments: tuple[str, ...],
    arm: int,
    level: float,
    alpha: float,
) -> Judgement:
    primary = decisive.metric
    rows, overall, groups = [], {}, {}
    for label, one in estimates.items():
        overall[label] = decisive if label == primary else one.overall(arm)
        rows.append(overall[label])
        for field in segments:
            groups[label, field] = list(one.segments(arm, field))
            rows += groups[label, field]
    outcomes = []
    for guardrail in guardrails:
        row = overall[guardrail.metric]
        if guardrail.field is None:
            outcomes.append(guardrail.check(row.result, row.higher_is_better))
        else:
            asked = guardrail.metric, guardrail.field
            of_field = groups.get(asked) or estimates[asked[0]].segments(arm, asked[1])
            outcomes.append(guardrail.check_gap({one.segment: one.result for one in of_field}))
    losers = {one.segment: one.result for field in segments for one in groups[primary, field]}
    if losers:
        outcomes.append(check_segments(primary, losers, alpha))
    name = estimates[primary].arms[arm]
    decision, reason = decide(primary, overall[primary].result, outcomes, level, name)
    return Judgement(decision, reason, tuple(rows), tuple(outcomes))


def _levels(rows: list[MetricRow], alpha: float) -> list[float]:
    """Return the level of each treatment's interval: Holm's steps, up to the first that fails."""
    p_values = np.array([row.result.p_value for row in rows])
    order = np.argsort(np.where(np.isnan(p_values), np.inf, p_values), kind="stable")
    levels, level = np.zeros(len(rows)), 0.0
    failed = False
    for step, arm in enumerate(order):
        if not failed:
            level = alpha / (len(rows) - step)
            failed = not p_values[arm] <= level
        levels[arm] = level
    return [float(one) for one in levels]
