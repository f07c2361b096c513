"""Who is still a customer, how often will they buy, and what is that worth today?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.errors import DataError, NotFittedError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.currency import check_rates
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.lifetime import BetaGeo, GammaGamma, GammaGammaParams, ParetoNBD
from suitably.profiles.lifetime.day_summary import DaySummary, purchases_by_day
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.per_user import (
    check_per_user,
    columns_among,
    per_user,
)
from suitably.profiles.lifetime.purchase_model import PurchaseModel
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.user_columns import user_numbers
from suitably.utils.params import check_choice, check_positive, shown

__all__ = ["LifetimeValue"]

_YEAR = 365.0
_MODELS: dict[str, type[PurchaseModel]] = {"beta-geometric": BetaGeo, "pareto": ParetoNBD}


@dataclass(eq=False, repr=False)
class LifetimeValue(ParameterizedBuilder):
    """Estimate what customers without a contract will still buy, and its value today.

    Acquisitions are summarised by day of the data's calendar. A day counts as one purchase if its
    net money is above 0: refunds and disposals of the day are taken off, and what remains at 0 or
    below is no purchase; a refund on another day takes nothing off. A day of which no amount is
    known counts as a purchase of unknown size. BG/NBD, or Pareto/NBD, is fitted to the days,
    Gamma-Gamma to the mean money of repeat days; both are fitted at `fit` alone, and an update only
    brings the customers' histories forward. Where nobody has bought anything yet, there is nothing
    to fit and every field is null.

    The fields are a model's guess of the future and marked `imputed`: they are null to every rule,
    while traces, segments and reports have them. Contracts and balances are valued by
    `BalanceValue`.

    Args:
        horizon_days: How far ahead purchases are counted.
        discount: Annual rate: a purchase expected after d days counts (1 + rate)^(−d/365); it is
            integrated over time, not added up by period. A number, or the name of a column of the
            users frame with a rate for each.
        margin: What is earned per unit of money spent; a number, or the name of such a column.
        covariates: Columns of the users frame with numbers that do not change with time and may
            move the rate and the chance to leave; they are standardised at the fit.
        penalty: Weight of a quadratic penalty, as `BetaGeo` and `GammaGamma` have it.
        model: Of purchases: "beta-geometric", where customers leave after a purchase (`BetaGeo`),
            or "pareto", where they leave at any time (`ParetoNBD`).
        rates: What one unit of each currency is worth in the frame's; None: all amounts are in one.

    Fields:
        p_alive: Probability that a customer has not left; with the beta-geometric model 1 after a
            single purchase, since there one leaves after a repeat.
        expected_purchases: Days with a purchase expected within the horizon, undiscounted.
        lifetime_value: Margin × discounted purchases × money expected of each, in the frame's
            currency. After a single purchase that money is the population's mean. Null where it is
            not finite (the amounts have too long a tail: q is at most 1), in data without amounts,
            and where the rate or margin is missing.

        All three are null for who never bought, or lacks a covariate.

    Attributes:
        purchases_: float64 (4,), r, alpha, a and b, or r, alpha, s and beta, times in days; (0,)
            where nobody bought.
        spend_: float64 (3,), p, q and v; (0,) where no repeat day has an amount.
        coefficients_: float64 (3, covariates), on alpha, a and b, or (2, covariates), on alpha and
            beta; (0, 0) without.
        center_: float64 (covariates,), their means at the fit.
        scale_: float64 (covariates,), their standard deviations.

    Source:
        P. S. Fader, B. G. S. Hardie and K. L. Lee, RFM and CLV: Using Iso-Value Curves for Customer
        Base Analysis, Journal of Marketing Research 42 (2005): value as margin times the expected
        amount times discounted expected transactions. Models: see `BetaGeo`,
        `ParetoNBD` and `GammaGamma`.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> days = ["2024-01-01", "2024-01-15", "2024-02-20", "2024-01-05", "2024-01-09"]
        >>> log = pd.DataFrame({"user_id": [1, 1, 1, 2, 2], "product_id": ["a"] * 5,
        ...                     "timestamp": days, "value": [20.0, 30.0, 40.0, 90.0, 80.0]})
        >>> data = Dataset(pd.DataFrame({"user_id": [1, 2, 3]}), None, log)
        >>> builder = LifetimeValue(penalty=0.1).fit(data, "2024-03-01")
        >>> builder.transform(data).round(2)
           user_id  p_alive  expected_purchases  lifetime_value
        0        1     0.53                2.77          117.28
        1        2     0.06                0.26           17.66
        2        3      NaN                 NaN             NaN
        >>> builder.provenance("lifetime_value")
        'imputed'
    """

    horizon_days: float = 365
    discount: float | str = 0.1
    margin: float | str = 1.0
    covariates: Sequence[str] = ()
    penalty: float = 0.0
    rates: dict[str, float] | None = None
    model: str = "beta-geometric"

    state_type: ClassVar[type[GroupedSums]] = GroupedSums
    per_user: ClassVar[tuple[str, ...]] = ("covariates", "discount", "margin")
    learned: ClassVar[tuple[str, ...]] = (
        "purchases_",
        "spend_",
        "coefficients_",
        "center_",
        "scale_",
    )
    purchases_: Floats = field(init=False)
    spend_: Floats = field(init=False)
    coefficients_: Floats = field(init=False)
    center_: Floats = field(init=False)
    scale_: Floats = field(init=False)

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        days = ("interactions.timestamp", *(f"users.{name}" for name in self.covariates))
        rates = (f"users.{name}" for name in columns_among(self.discount, self.margin))
        return {
            "p_alive": FieldInfo("imputed", "share", days),
            "expected_purchases": FieldInfo("imputed", "days with a purchase", days),
            "lifetime_value": FieldInfo("imputed", "money", (*days, "interactions.value", *rates)),
        }

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame: the covariates, and rates and margins where they are such."""
        return tuple(dict.fromkeys((*self.covariates, *columns_among(self.discount, self.margin))))

    def accumulate(self, view: View) -> GroupedSums:
        """Add up a view's events by user and day.

        Raises:
            DataError: No timestamps, no calendar, amounts in several currencies without rates, or
                a column of the users frame that is missing or of another type.
            ValueError: A parameter out of range.
        """
        self.check_params()
        found = [user_numbers(view, name, "LifetimeValue") for name in self.covariates]
        beside = {
            "covariates": np.stack(found, axis=1) if found else np.zeros((len(view.users), 0)),
            "discount": per_user(view, self.discount),
            "margin": per_user(view, self.margin),
        }
        return purchases_by_day(view, self.rates, beside, type(self).__name__)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join a state with a later one of disjoint events."""
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the three fields as of a moment.

        Raises:
            DataError: `as_of` is not after every day in the state.
            NotFittedError: Called before `fit`.
        """
        if not hasattr(self, "purchases_"):
            raise NotFittedError(f"{type(self).__name__}: call fit before finalise")
        names, users = self.fields, len(state)
        found = {name: np.full(users, np.nan) for name in names}
        if as_of is not None and len(self.purchases_):
            days = DaySummary.of(state, as_of)
            rows = np.flatnonzero(_complete(days, state))
            values = self._values(days, state, rows)
            for name, column in zip(names, values, strict=True):
                found[name][rows] = column
        return pa.table({name: pa.array(v, mask=~np.isfinite(v)) for name, v in found.items()})

    def check_params(self) -> None:
        """Refuse parameters out of range, and what is no list of columns or model: ValueError."""
        check_positive(self, "horizon_days")
        check_positive(self, "penalty", zero=True)
        check_per_user(self, "discount", "margin")
        if isinstance(self.covariates, str) or not all(
            isinstance(name, str) for name in self.covariates
        ):
            raise ValueError(f"{shown(self, 'covariates')}: must be a list of columns")
        check_rates(self)
        check_choice(self, "model", tuple(_MODELS))

    def purchase_model(self) -> PurchaseModel:
        """Return the fitted model of purchases, its time in days."""
        model = _MODELS[self.model](self.penalty)
        model.params_ = model.params_type(*self.purchases_.tolist())
        if len(self.center_):
            model.coefficients_ = self.coefficients_
            model.center_, model.scale_ = self.center_, self.scale_
        return model

    def spend_model(self) -> GammaGamma:
        """Return the fitted model of amounts."""
        model = GammaGamma(self.penalty)
        model.params_ = GammaGammaParams(*self.spend_.tolist())
        return model

    def _learn(self, data: Dataset, as_of: Any) -> None:
        view = data.view(as_of)
        state = self.accumulate(view)
        assert view.as_of is not None  # accumulate asks for timestamps
        days = DaySummary.of(state, view.as_of)
        rows = _complete(days, state)
        none = np.zeros(0)
        self.purchases_ = self.spend_ = self.center_ = self.scale_ = none
        self.coefficients_ = np.zeros((0, 0))
        if not rows.any():
            return
        history = (days.frequency[rows], days.recency[rows], days.age[rows])
        given = state.beside["covariates"][rows] if self.covariates else None
        try:
            model = _MODELS[self.model](self.penalty).fit(*history, given)
            self.purchases_ = np.array(model.params_)
            moved = (model.coefficients_, model.center_, model.scale_)
            self.coefficients_, self.center_, self.scale_ = (
                own if found is None else found
                for own, found in zip((self.coefficients_, none, none), moved, strict=True)
            )
            rows = days.priced > 0
            if rows.any():
                spend = GammaGamma(self.penalty).fit(days.priced[rows], days.mean[rows])
                self.spend_ = np.array(spend.params_)
        except DataError as error:
            raise DataError(f"{type(self).__name__}: {error}") from None

    def _values(
        self, days: DaySummary, state: GroupedSums, rows: Any
    ) -> tuple[Floats, Floats, Floats]:
        model = self.purchase_model()
        history = (days.frequency[rows], days.recency[rows], days.age[rows])
        given = state.beside["covariates"][rows] if len(self.center_) else None
        alive = model.p_alive(*history, given)
        purchases = model.expected_purchases(self.horizon_days, *history, given)
        value = np.full(len(rows), np.nan)
        if not len(self.spend_):
            return alive, purchases, value
        annual, margin = (state.beside[name][rows] for name in ("discount", "margin"))
        p, q, _ = self.spend_
        finite = p * days.priced[rows] + q > 1
        known = np.flatnonzero(~np.isnan(annual) & ~np.isnan(margin) & finite)
        mine, rate = rows[known], np.log1p(annual[known]) / _YEAR
        amount = self.spend_model().expected_value(days.priced[mine], days.mean[mine])
        history = (days.frequency[mine], days.recency[mine], days.age[mine])
        given = None if given is None else given[known]
        worth = model.expected_purchases(self.horizon_days, *history, given, rate)
        with np.errstate(over="ignore"):
            value[known] = margin[known] * worth * amount
        return alive, purchases, value


def _complete(days: DaySummary, state: GroupedSums) -> Any:
    """Return who bought and has every covariate: bool (users,)."""
    return days.bought & ~np.isnan(state.beside["covariates"]).any(axis=1)
