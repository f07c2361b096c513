"""The ledger: what a campaign planned, what it brought, and what it would have been without it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.outcomes import Outcomes
from suitably.decisions.result import CampaignResult, LedgerRow
from suitably.errors import DataError
from suitably.evaluation.statistics import (
    Moments,
    TwoSampleEstimate,
    mean_difference,
    newcombe,
)
from suitably.utils.suggest import nearest

if TYPE_CHECKING:
    from suitably.decisions.plan import Plan

__all__ = ["settle"]

_NO_HOLDOUT = (
    "nobody was held out, so nothing tells what the planned users would have bought without it"
)
_FEW = 2


@dataclass(frozen=True)
class _Arm:
    """Offers to users: those that were made, or would have been made to who was held out."""

    rows: NDArray[np.int64]
    offers: NDArray[np.int64]

    def users(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.unique(self.rows[chosen])
        return found


def settle(
    plan: "Plan", outcomes: Outcomes, stratum: str | None, partner: str | None, alpha: float
) -> CampaignResult:
    """Compare the planned users with the held-out ones who would have been planned.

    Args:
        plan: The plan.
        outcomes: What became of all users.
        stratum: A field of users to report by; None: none.
        partner: A column of channels to report by; None: none.
        alpha: One less the coverage of intervals.

    Raises:
        DataError: There is no such field or column.
    """
    planned = _Arm(plan.universe.rows[plan.planned.users], plan.planned.offers)
    ghosts = _Arm(*plan.ghosts)
    rows = []
    for by, groups in _groups(plan, planned, ghosts, stratum, partner).items():
        for name, (of_plan, of_ghosts) in groups.items():
            arms = planned.users(of_plan), ghosts.users(of_ghosts)
            cost = float(plan.universe.costs[planned.offers[of_plan]].sum())
            rows.append(_row(by, name, arms, cost, outcomes, len(plan.universe.held), alpha))
    return CampaignResult(
        rows=tuple(rows),
        start=None if outcomes.start is None else str(plan.as_of),
        end=None if outcomes.end is None else _text(plan, outcomes),
        short=outcomes.is_short,
        kind=plan.universe.eligibility.kind,
        alpha=alpha,
    )


def _text(plan: "Plan", outcomes: Outcomes) -> str:
    assert outcomes.end is not None
    return str(plan.universe.eligibility.clock.stamp(outcomes.end))


_Groups = Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def _groups(
    plan: "Plan", planned: _Arm, ghosts: _Arm, stratum: str | None, partner: str | None
) -> dict[str, _Groups]:
    """Return which offers of both arms each row of the ledger is about."""
    universe = plan.universe
    both = (planned, ghosts)
    every = {"": (np.ones(len(planned.rows), bool), np.ones(len(ghosts.rows), bool))}
    groups: dict[str, _Groups] = {"all": every}
    channels = [arm.offers % universe.several for arm in both]
    products = [arm.offers // universe.several for arm in both]
    names = universe.channels.names.to_pylist()
    groups["channel"] = _split(channels, names)
    ids = universe.eligibility.products.ids.values.tolist()
    groups["product"] = _split(products, [str(one) for one in ids])
    if stratum is not None:
        fields = universe.eligibility.users.fields
        if stratum not in fields.column_names:
            raise DataError(
                f"stratum: users have no field {stratum!r}{nearest(stratum, fields.column_names)}"
            )
        groups["stratum"] = _by_column(fields[stratum].to_pylist(), [arm.rows for arm in both])
    if partner is not None:
        table = universe.channels.table
        if partner not in table.column_names:
            raise DataError(
                f"partner: channels have no column {partner!r}"
                f"{nearest(partner, table.column_names)}"
            )
        groups["partner"] = _by_column(table[partner].to_pylist(), channels)
    return groups


def _split(codes: Sequence[NDArray[np.int64]], names: Sequence[str]) -> _Groups:
    return {
        names[code]: (codes[0] == code, codes[1] == code) for code in np.unique(codes[0]).tolist()
    }


def _by_column(values: Sequence[Any], places: Sequence[NDArray[np.int64]]) -> _Groups:
    named = ["missing" if value is None else str(value) for value in values]
    names, codes = np.unique(np.array(named, object).astype(str), return_inverse=True)
    return _split([codes[own] for own in places], names.tolist())


def _row(
    by: str,
    name: str,
    arms: tuple[NDArray[np.int64], NDArray[np.int64]],
    cost: float,
    outcomes: Outcomes,
    held: int,
    alpha: float,
) -> LedgerRow:
    planned, ghosts = arms
    facts: dict[str, Any] = {
        "by": by,
        "group": name,
        "users": len(planned),
        "held_out": len(ghosts),
        "cost": cost,
        "sent": _count(outcomes.sent, planned),
        "answered": _count(outcomes.answered, planned),
        "purchases": float(outcomes.purchases[planned].sum()),
    }
    if not held:
        return LedgerRow(**facts, reason=_NO_HOLDOUT)
    if min(len(planned), len(ghosts)) < _FEW:
        reason = f"{len(planned)} planned and {len(ghosts)} held-out users are too few to compare"
        return LedgerRow(**facts, reason=reason)
    bought = outcomes.purchases[ghosts], outcomes.purchases[planned]
    if not (bought[0].any() or bought[1].any()):
        return LedgerRow(**facts, reason="nobody bought anything in the window")
    purchases = _shares(*bought, alpha) or _means(*bought, alpha)
    value = _means(outcomes.value[ghosts], outcomes.value[planned], alpha)
    if purchases is None:
        reason = "purchases do not differ between users, so there is no interval"
        return LedgerRow(**facts, reason=reason)
    users = len(planned)
    facts |= {
        "rate": purchases.treatment,
        "rate_held_out": purchases.control,
        "incremental_purchases": purchases.difference * users,
        "purchases_low": purchases.low * users,
        "purchases_high": purchases.high * users,
        "p_value": purchases.p_value,
        "evaluable": True,
    }
    per_purchase = [_ratio(cost, facts[n]) for n in _PURCHASES]
    facts |= dict(zip(_COSTS, (per_purchase[0], per_purchase[2], per_purchase[1]), strict=True))
    if value is not None:
        sums = [one * users for one in (value.difference, value.low, value.high)]
        facts |= dict(zip(_VALUES, sums, strict=True))
        back = [one / cost - 1 if cost > 0 else math.nan for one in sums]
        facts |= dict(zip(_RETURNS, back, strict=True))
    return LedgerRow(**facts)


_PURCHASES = ("incremental_purchases", "purchases_low", "purchases_high")
_COSTS = ("cost_per_acquired", "cost_low", "cost_high")
_VALUES = ("incremental_value", "value_low", "value_high")
_RETURNS = ("return_on_cost", "return_low", "return_high")


def _ratio(cost: float, purchases: float) -> float:
    """Return what one more purchase cost; infinite where there was none more."""
    return cost / purchases if purchases > 0 else math.inf


def _count(seen: NDArray[np.bool_] | None, users: NDArray[np.int64]) -> int | None:
    return None if seen is None else int(seen[users].sum())


def _shares(
    control: NDArray[np.float64], treatment: NDArray[np.float64], alpha: float
) -> TwoSampleEstimate | None:
    """Compare shares of users by Newcombe's interval, where nobody bought more than once."""
    if max(control.max(), treatment.max()) > 1:
        return None
    counts = [(int(one.sum()), len(one)) for one in (control, treatment)]
    found = newcombe(counts[0], counts[1], alpha)
    ends = (found.difference, found.low, found.high, found.p_value)
    return TwoSampleEstimate(float(control.mean()), float(treatment.mean()), *ends)


def _means(
    control: NDArray[np.float64], treatment: NDArray[np.float64], alpha: float
) -> TwoSampleEstimate | None:
    """Compare means by Welch's t; None where nothing differs."""
    first, second = (
        Moments(len(one), float(one.sum()), float((one**2).sum())) for one in (control, treatment)
    )
    try:
        return mean_difference(first, second, alpha)
    except ValueError:  # both groups are without spread
        return None
