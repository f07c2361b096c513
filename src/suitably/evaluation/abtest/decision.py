"""From figures to one of four words, and the sentence that says why."""

import math
from collections.abc import Sequence
from typing import Literal

from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.statistics import Estimate, more_users

__all__ = ["Decision", "decide"]

_FEW_WINDOWS = 10  # degrees of freedom below which Student's limit is a tenth above the normal one

Decision = Literal["ship", "do not ship", "inconclusive", "not evaluable"]


def decide(
    primary: str,
    result: Estimate,
    outcomes: Sequence[Outcome],
    alpha: float,
    name: str = "treatment",
) -> tuple[Decision, str]:
    """Decide by the primary metric's interval and the guardrails.

    A hard guardrail that the treatment breaches comes before everything: nothing about the primary
    metric can make up for it. Then "not evaluable" without a user or with a missing value of the
    primary metric, since leaving such users out would favour the arm that fails them.

    Args:
        primary: Name of the primary metric.
        result: Estimate of its difference.
        outcomes: What became of the guardrails.
        alpha: One less the coverage of the interval, for the sentence.
        name: What the treatment is called.

    Returns:
        The decision and one sentence.
    """
    arm = "The treatment" if name == "treatment" else name
    broken = [outcome for outcome in outcomes if outcome.verdict != "holds"]
    breached = [o for o in broken if o.guardrail.hard and o.verdict == "breached"]
    if breached:
        return "do not ship", f"{arm} breaches a hard guardrail: {breached[0].text}."
    if not result.n and not result.omitted:
        return "not evaluable", f"No user has anything to judge {primary} by."
    if result.omitted or not result.n:
        return (
            "not evaluable",
            f"An input is missing: {primary} has no value in {result.omitted:,} cases.",
        )
    users = "1 user" if result.n == 1 else f"{result.n:,} users"
    change = f"changes {primary} by {result.difference:+.4f} over {users}"
    if math.isnan(result.low):
        if result.evaluable and result.reason:
            return "inconclusive", f"{arm} {change}: {result.reason}."
        why = f" ({result.reason})" if result.reason else ""
        return (
            "not evaluable",
            f"{arm} {change}: too few, or too few whose values differ, for an interval{why}.",
        )
    interval = f"{100 * (1 - alpha):g} % interval {result.low:+.4f} to {result.high:+.4f}"
    if result.high < 0:
        return "do not ship", f"{arm} {change} ({interval}), which is a loss."
    if result.low <= 0:
        more = _more(result, alpha)
        return "inconclusive", f"{arm} {change} ({interval}), which may be no change{more}."
    if broken:
        missed = "; ".join(outcome.text for outcome in broken)
        return (
            "inconclusive",
            f"{arm} {change} ({interval}), but a guardrail does not hold: {missed}.",
        )
    return "ship", f"{arm} {change} ({interval}), and every guardrail holds."


def _more(result: Estimate, alpha: float) -> str:
    """Say how many users more would show the difference that was found."""
    more = more_users(result, alpha)
    if not more:
        return ""
    sooner = ", and more windows sooner" if result.freedom < _FEW_WINDOWS else ""
    return (
        f"; if it is what it seems, about {more:,} users more would show it at 80 % power{sooner}"
    )
