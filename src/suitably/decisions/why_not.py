"""Why an offer is not in a plan: rules first, then what the campaign is, then its limits."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
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


def _because(
    reason: Reason,
    verdict: Verdict = "fail",
    inputs: Mapping[str, float] | None = None,
    **facts: str,
) -> RuleVerdict:
    said = pseudo_verdict(reason.value, verdict, None, (), **facts)
    return replace(said, inputs=MappingProxyType(dict(inputs or {})))


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
    shown, inputs = f"{net:,.2f}", {"net": float(net)}
    prices = found.limit_prices * plan.limits.members[:, offer]
    worth = net - found.budget_price * cost - prices.sum()
    several = universe.several
    taken = len(mine) >= plan.constraints.per_user or offer // several in mine // several
    limits = _binding(plan, found, offer)
    if net <= 0 and worth <= _CENT and not (limits and worth > 0):
        return [_because(Reason.NO_GAIN, inputs=inputs, net=shown)]
    if taken and (worth > _CENT or not limits):
        per_user = str(plan.constraints.per_user)
        return [_because(Reason.BETTER_OFFER, inputs=inputs, net=shown, per_user=per_user)]
    named = ", ".join(limits) or "the limits together"
    return [_because(Reason.PRICED_OUT, inputs={**inputs, **limits}, net=shown, limits=named)]


def _binding(plan: "Plan", found: Allocation, offer: int) -> dict[str, float]:
    """Return the limits on an offer that leave no room, or whose room is worth something.

    With what the room that the offer takes up is worth, by the prices.
    """
    limits, budget, cost = plan.limits, plan.constraints.budget, plan.universe.costs[offer]
    named = {}
    if budget is not None and (found.budget_price > 0 or found.budget_used + cost > budget):
        named["budget"] = float(found.budget_price * cost)
    for place in np.flatnonzero(limits.members[:, offer]):
        if found.limit_prices[place] > 0 or found.used[place] >= limits.at_most[place]:
            named[limits.names[place]] = float(found.limit_prices[place])
    return named
