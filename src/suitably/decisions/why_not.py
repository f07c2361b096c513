"""Why an offer is not in a plan: rules first, then what the campaign is, then its limits."""

from typing import TYPE_CHECKING

import numpy as np

from suitably.decisions.allocation import Allocation
from suitably.suitability.reasons import Reason
from suitably.suitability.verdicts import RuleVerdict, Verdict, pseudo_verdict
from suitably.typing import IdLike

if TYPE_CHECKING:
    from suitably.decisions.plan import Plan

__all__ = ["why_not"]

_CENT = 1e-9


def why_not(plan: "Plan", user_id: IdLike, product_id: IdLike, channel: str) -> list[RuleVerdict]:
    """Return the verdicts on an offer; see `Plan.why_not`."""
    universe = plan.universe
    offer = universe.offer_of(product_id, channel)
    row = int(universe.eligibility.users.codes_of([user_id], "user_id")[0])
    if row < 0:
        return [_because(Reason.NOT_IN_CAMPAIGN)]
    catalogue = max(1, len(universe.values))
    judged = plan.pipeline.why_not(user_id, product_id, as_of=plan.as_of, k=catalogue)
    own = [one for one in judged if not one.rule.startswith("pipeline:")]
    pseudo = [one for one in judged if one.rule.startswith("pipeline:")]
    contact = [] if universe.contacts is None else universe.contacts.explain(row, offer)
    verdicts = [*own, *contact, *pseudo, *_of_user(plan, row)]
    if any(one.verdict != "pass" for one in verdicts):
        return verdicts
    return [*verdicts, *_of_limits(plan, row, offer)]


def _because(reason: Reason, verdict: Verdict = "fail", **facts: str) -> RuleVerdict:
    return pseudo_verdict(reason.value, verdict, None, (), **facts)


def _of_user(plan: "Plan", row: int) -> list[RuleVerdict]:
    universe = plan.universe
    if row in universe.rows:
        return []
    if row in universe.held:
        return [_because(Reason.HELD_OUT)]
    asked = row in universe.asked
    return [_because(Reason.NO_MARKETING if asked else Reason.NOT_IN_CAMPAIGN)]


def _of_limits(plan: "Plan", row: int, offer: int) -> list[RuleVerdict]:
    """Return why an offer that may be made is not made; nothing where it is."""
    universe, planned, found = plan.universe, plan.planned, plan.planned.allocation
    place = int(np.flatnonzero(universe.rows == row)[0])
    mine = planned.offers[planned.users == place]
    if offer in mine:
        return []
    probability = plan.nets.probabilities(np.array([place]), np.array([offer]))[0]
    if np.isnan(probability):
        return [_because(Reason.NO_PROBABILITY, "unknown")]
    cost = universe.costs[offer]
    net = probability * universe.values[offer // universe.several] - cost
    shown = f"{net:,.2f}"
    prices = found.limit_prices * plan.limits.members[:, offer]
    worth = net - found.budget_price * cost - prices.sum()
    several = universe.several
    taken = len(mine) >= plan.constraints.per_user or offer // several in mine // several
    limits = _binding(plan, found, offer)
    if net <= 0 and worth <= _CENT and not (limits and worth > 0):
        return [_because(Reason.NO_GAIN, net=shown)]
    if taken and (worth > _CENT or not limits):
        per_user = str(plan.constraints.per_user)
        return [_because(Reason.BETTER_OFFER, net=shown, per_user=per_user)]
    return [_because(Reason.PRICED_OUT, net=shown, limits=", ".join(limits) or "the budget")]


def _binding(plan: "Plan", found: Allocation, offer: int) -> list[str]:
    """Return the limits on an offer that leave no room, or whose room is worth something."""
    limits, budget = plan.limits, plan.constraints.budget
    named = []
    if budget is not None:
        full = found.budget_used + plan.universe.costs[offer] > budget
        if found.budget_price > 0 or full:
            named.append("budget")
    for place in np.flatnonzero(limits.members[:, offer]):
        if found.limit_prices[place] > 0 or found.used[place] >= limits.at_most[place]:
            named.append(limits.names[place])
    return named
