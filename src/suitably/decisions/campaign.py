"""Campaigns: whom to approach, with what, through which channel, within which budget."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import Dataset
from suitably.data.entities import Entities
from suitably.decisions.allocation import InfeasibleError, OfferTable, allocate
from suitably.decisions.chances import Chances, propensities
from suitably.decisions.channels import Channels
from suitably.decisions.contacts import judge_offers, marketing_granted
from suitably.decisions.effects import effects
from suitably.decisions.holdout import held_out
from suitably.decisions.ledger import settle
from suitably.decisions.limits import Limits
from suitably.decisions.nets import OfferNets
from suitably.decisions.numbers import numbers_from
from suitably.decisions.outcomes import Outcomes
from suitably.decisions.plan import Plan
from suitably.decisions.planned import Planned
from suitably.decisions.result import CampaignResult
from suitably.decisions.universe import Universe
from suitably.errors import DataError
from suitably.pipeline import Pipeline
from suitably.pipeline.candidates import Candidates
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import PolicySource
from suitably.typing import AsOf, IdsLike, IntoFrame
from suitably.utils.params import (
    Parameterized,
    check_fraction,
    check_positive,
    check_positive_int,
    shown,
)
from suitably.utils.suggest import nearest

__all__ = ["Campaign"]


class Campaign(Parameterized):
    """Plan which offers to make to whom, so that they earn most within a budget and limits.

    An offer is a product through a channel. It may be made where the pipeline could list the
    product – eligible, scored, neither owned nor turned down – and the contact policy lets the
    offer through. What it is expected to earn, its *net*, is min(1, probability × response) ×
    value − cost. A plan takes an offer where its net is positive, or where a minimum asks for it.

    Args:
        pipeline: A fitted pipeline. With its `consent=`, only users are planned who have granted
            `marketing` as of the moment.
        channels: A frame of channels, as for `offers`.
        value: The column of products with what a purchase is worth, in the currency of the costs.
        budget: The most that all contacts may cost together; None: any sum.
        per_user: The most offers that one user gets; a product at most once.
        limits: A frame `product_id`, `channel` (a missing one means any), `at_least`, `at_most`:
            how many offers are made. None: no limits but the capacities of channels.
        contact_policy: A policy, its file or built-in name such as `"contact"`, or a list: rules
            that judge offers (`product.channel`, `product.cost`) for users; None: no such rules.
        propensity: What gives the probability of a purchase: a fitted `Propensity`, any object
            whose `predict(user_ids, k, as_of)` returns `user_id`, `product_id`, `probability`, or
            such a frame. Pairs without a row get no offer.
        uplift: What gives the effect of an approach instead, which stands for probability ×
            response: an object whose `effect(frame)` returns a number per row of users' fields, or
            a frame `user_id`, perhaps `product_id` and `channel`, and `effect`.
        holdout: The share of users kept aside, 0 to 1, so that `result` can compare.
        salt: What tells this draw from that of other campaigns.
        seed: Kept for parts that draw at random; plans do not.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({
        ...     "user_id": ["ann", "bob", "cat"], "product_id": ["bond", "etf", "etf"],
        ...     "timestamp": pd.to_datetime(["2026-01-05"] * 3)})
        >>> products = pd.DataFrame({"product_id": ["bond", "etf"], "margin": [40.0, 90.0]})
        >>> pipeline = st.Pipeline(
        ...     policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> pipeline = pipeline.fit(st.Dataset(None, products, log))
        >>> chances = pd.DataFrame({
        ...     "user_id": ["ann", "bob", "cat"], "product_id": ["etf", "bond", "bond"],
        ...     "probability": [0.5, 0.3, 0.1]})
        >>> channels = pd.DataFrame({
        ...     "channel": ["letter", "call"], "cost": [1.0, 6.0], "response": [0.5, 1.0]})
        >>> plan = Campaign(pipeline, channels, budget=7.0, propensity=chances).plan()
        >>> plan.to_frame()
          user_id product_id channel  probability  value  cost   net
        0     ann        etf    call         0.50   90.0   6.0  39.0
        1     bob       bond  letter         0.15   40.0   1.0   5.0
    """

    def __init__(
        self,
        pipeline: Pipeline,
        channels: IntoFrame,
        value: str = "margin",
        budget: float | None = None,
        per_user: int = 1,
        limits: IntoFrame | None = None,
        contact_policy: PolicySource | None = None,
        propensity: Any = None,
        uplift: Any = None,
        holdout: float = 0.0,
        salt: str = "",
        seed: int = 0,
    ) -> None:
        self.pipeline = pipeline
        self.channels = channels
        self.value = value
        self.budget = budget
        self.per_user = per_user
        self.limits = limits
        self.contact_policy = contact_policy
        self.propensity = propensity
        self.uplift = uplift
        self.holdout = holdout
        self.salt = salt
        self.seed = seed

    def plan(self, user_ids: IdsLike | None = None, as_of: AsOf | None = None) -> Plan:
        """Return the plan of greatest expected net value, or one near to it.

        Args:
            user_ids: Whom to consider; None: everybody. Unknown users get no offer.
            as_of: As for `Pipeline.recommend`.

        Raises:
            ValueError: A parameter out of range, or neither `propensity` nor `uplift`.
            DataError: A frame that cannot be used, the same user twice, values with gaps, or
                minimums that no plan meets: the message names the smallest set of limits.
            PolicyError: A rule of the contact policy does not fit users or offers.
            NotFittedError: The pipeline is not fitted.
        """
        self._check_params()
        channels = Channels.read(self.channels)
        pipeline = self.pipeline.with_audit(None)  # as it is now, whatever it learns meanwhile
        eligibility = pipeline.eligibility(as_of)
        candidates = pipeline.candidates(user_ids, as_of=as_of)
        products = eligibility.products
        values = _values(products, self.value)
        limits = Limits.read(self.limits, products.ids, channels)
        granted = marketing_granted(pipeline.consent, eligibility)
        contacts = judge_offers(self.contact_policy, eligibility, channels, granted)
        asked = candidates.rows[candidates.rows >= 0]
        if granted is not None:
            asked = asked[granted[asked]]
        ids = eligibility.users.ids
        kept = held_out(ids.values[asked].tolist(), self.holdout, self.salt)
        universe = Universe(
            eligibility, contacts, channels, values, candidates.rows, asked[~kept], asked[kept]
        )
        everyone = replace(candidates, rows=np.concatenate([asked[~kept], asked[kept]]))
        chances = self._chances(everyone, pipeline, eligibility, channels, as_of)
        nets = OfferNets(everyone, chances, values, channels.cost, channels.response, contacts)
        planned = np.arange(len(universe.rows))
        source = nets.of(planned)
        constraints = limits.constraints(
            None if self.budget is None else float(self.budget), int(self.per_user)
        )
        table = OfferTable(
            np.tile(channels.cost, len(values)),
            np.repeat(np.arange(len(values)), len(channels)),
        )
        try:
            found = allocate(source, table, constraints, ids.hashes(universe.rows))
        except InfeasibleError as error:
            raise limits.conflict(error, constraints) from None
        return Plan(
            pipeline, universe, nets, limits, constraints, Planned.of(found, source, universe)
        )

    def result(
        self,
        log: Dataset | IntoFrame,
        plan: Plan,
        horizon_days: float | None = None,
        purchase_events: Sequence[str] | None = None,
        sent_events: Sequence[str] = (),
        answered_events: Sequence[str] = (),
        stratum: str | None = None,
        partner: str | None = None,
        alpha: float = 0.05,
    ) -> CampaignResult:
        """Return what the plan brought beyond what would have come anyway.

        The planned users, whatever reached them, are compared with the held-out users who would
        have been planned. Counted are the distinct products of the catalogue that a user acquires
        in the window that begins at the plan's moment, offered or not, and their values.

        Args:
            log: What came after: interactions in the columns of a `Dataset`, or one, of which the
                window counts.
            plan: The plan that was carried out.
            horizon_days: How long the window is; None: all that the log has.
            purchase_events: Kinds of event that are purchases; None: all but the following.
            sent_events: Kinds by which users were sent an offer.
            answered_events: Kinds by which they answered.
            stratum: A field of users to report by as well.
            partner: A column of channels to report by as well, such as who runs them.
            alpha: One less the coverage of intervals.

        Raises:
            DataError: An outcome from before the plan, a log that cannot be read, or no such field.
            ValueError: A horizon or alpha out of range.
        """
        if not isinstance(plan, Plan):
            raise ValueError(f"plan={plan!r:.40}: must be a plan of this campaign")
        if horizon_days is not None and not _is_number(horizon_days, 1e-9, np.inf):
            raise ValueError(f"horizon_days={horizon_days!r}: must be a number above 0, or None")
        if not _is_number(alpha, 1e-12, 1):
            raise ValueError(f"alpha={alpha!r}: must be between 0 and 1")
        kinds = (purchase_events, sent_events, answered_events)
        outcomes = Outcomes.read(log, plan.universe, horizon_days, *kinds)
        return settle(plan, outcomes, stratum, partner, float(alpha))

    def __repr__(self) -> str:
        """Leave frames out: they hold ids of users."""
        shown_ones = ("value", "budget", "per_user", "holdout", "seed")
        given = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown_ones)
        return f"Campaign({self.pipeline!r}, {given})"

    def _check_params(self) -> None:
        if self.propensity is None and self.uplift is None:
            raise ValueError(
                "Campaign: one of propensity and uplift is required: what says how likely a "
                "purchase is, or what an approach changes of that?"
            )
        if self.propensity is not None and self.uplift is not None:
            raise ValueError(
                "Campaign: give propensity or uplift, not both: an effect stands for "
                "probability x response"
            )
        if not isinstance(self.value, str):
            raise ValueError(f"{shown(self, 'value')}: must be the name of a column of products")
        if not isinstance(self.salt, str):
            raise ValueError(f"{shown(self, 'salt')}: must be text")
        check_positive(self, "budget", zero=True, optional=True)
        check_fraction(self, "holdout")
        check_positive_int(self, "per_user")

    def _chances(
        self,
        everyone: Candidates,
        pipeline: Pipeline,
        eligibility: Eligibility,
        channels: Channels,
        as_of: AsOf | None,
    ) -> Chances:
        user_ids = eligibility.users.ids.subset(everyone.rows)
        product_ids = eligibility.products.ids
        if self.propensity is not None:
            sides = (everyone, user_ids, product_ids)
            return propensities(self.propensity, *sides, as_of, pipeline)
        return effects(self.uplift, everyone, user_ids, product_ids, channels, eligibility.kind)


def _is_number(value: Any, least: float, most: float) -> bool:
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    return bool(real and least <= value < most)


def _values(products: Entities, name: str) -> NDArray[np.float64]:
    """Return what a purchase of each product is worth.

    Raises:
        DataError: No such column, or a product of the catalogue without a value.
    """
    fields = products.fields
    if name not in fields.column_names:
        raise DataError(f"products: no column {name!r}{nearest(name, fields.column_names)}")
    values = numbers_from(fields, name, "products")
    gaps = np.flatnonzero(np.isnan(values))
    if len(gaps):
        shown_ids = products.ids.decode(gaps[:3]).to_pylist()
        raise DataError(
            f"products.{name}: {len(gaps)} of {len(values)} products have no value, such as "
            f"{shown_ids}: fill the gaps, or leave these products out of the catalogue"
        )
    return values
