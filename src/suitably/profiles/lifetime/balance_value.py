"""What is a balance worth that earns a margin for as long as the customer stays?"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.per_user import (
    check_per_user,
    columns_among,
    per_user,
)
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.user_columns import user_numbers
from suitably.utils.params import check_positive_int, shown

__all__ = ["BalanceValue"]

_GIVEN = ("margin", "retention", "discount")


@dataclass(eq=False, repr=False)
class BalanceValue(ParameterizedBuilder):
    """Value deposits and assets under management: margin × balance × retention, discounted.

    The margin of each year is earned at its end by those who have stayed: after t years a share
    retention^t, worth retention^t / (1 + discount)^t of today's money. With ρ = retention /
    (1 + discount), n years add up to margin × balance × ρ (1 − ρⁿ) / (1 − ρ), and all years to
    margin × balance × retention / (1 + discount − retention). The balance stays as it is; let the
    retention say how it shrinks or grows along with who leaves. Nothing is estimated here, so the
    field is `derived`. Purchases without a contract are valued by `LifetimeValue`.

    Args:
        balance: Column of the users frame with what is held, in the frame's currency; below 0, an
            overdraft, it counts as 0.
        margin: What a balance earns in a year, as a share of it; a number, or the name of a column.
        retention: Share of customers, or of balances, that stay another year; likewise.
        discount: Annual rate; likewise.
        years: Whole years that count; None: all of them.

    Fields:
        balance_value: Money, not below 0; null where one of the four is missing, and where all
            years count and nothing fades (a retention of 1 at a discount of 0).

    Source:
        S. Gupta and D. R. Lehmann, Customers as Assets, Journal of Interactive Marketing 17 (2003):
        margin × r / (1 + i − r) without an end.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> users = pd.DataFrame({"user_id": [1, 2], "balance": [10_000.0, None]})
        >>> log = pd.DataFrame({"user_id": [1], "product_id": ["savings"]})
        >>> builder = BalanceValue(margin=0.01, retention=0.9, discount=0.05)
        >>> builder.fit(Dataset(users, None, log)).transform(Dataset(users, None, log))
           user_id  balance_value
        0        1          600.0
        1        2            NaN
    """

    balance: str = "balance"
    margin: float | str = 0.01
    retention: float | str = 0.9
    discount: float | str = 0.1
    years: int | None = None

    state_type: ClassVar[type[GroupedSums]] = GroupedSums
    per_user: ClassVar[tuple[str, ...]] = ("balance", "margin", "retention", "discount")

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of the field."""
        sources = tuple(f"users.{name}" for name in self.reads)
        return {"balance_value": FieldInfo("derived", "money", sources)}

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame: the balance, and what else is given by column."""
        return columns_among(self.balance, self.margin, self.retention, self.discount)

    def accumulate(self, view: View) -> GroupedSums:
        """Read the balances and what they earn, as they stand in a view.

        Raises:
            DataError: A column is missing, or holds something else than numbers in range.
            ValueError: A parameter out of range.
        """
        self.check_params()
        numbers = {
            "balance": np.maximum(user_numbers(view, self.balance, "BalanceValue"), 0.0),
            "margin": per_user(view, self.margin),
            "retention": per_user(view, self.retention, most=1.0),
            "discount": per_user(view, self.discount),
        }
        return GroupedSums.of(len(view.users), {"users": np.zeros(0, np.int32)}, {}, beside=numbers)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Return the later state: it was read from the fields of every user, as they stand."""
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the field; time does not change it."""
        balance = state.beside["balance"]
        margin, retention, discount = (state.beside[name] for name in _GIVEN)
        with np.errstate(over="ignore", invalid="ignore"):
            value = margin * balance * _earning_years(retention, discount, self.years)
        return pa.table({"balance_value": pa.array(value, mask=~np.isfinite(value))})

    def check_params(self) -> None:
        """Refuse what is no column, share, rate or number of years: ValueError."""
        if not isinstance(self.balance, str):
            raise ValueError(f"{shown(self, 'balance')}: must be the name of a column")
        check_per_user(self, "margin", "discount")
        check_per_user(self, "retention", share=True)
        if self.years is not None:
            check_positive_int(self, "years")
        if self.years is None and self.retention == 1 and self.discount == 0:
            raise ValueError(
                f"{shown(self, 'retention')}: with discount=0 and years=None the value has no end"
            )

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.accumulate(data.view(as_of))


def _earning_years(retention: Floats, discount: Floats, years: int | None) -> Floats:
    """Return ρ + ρ² + … + ρⁿ for ρ = retention / (1 + discount), infinite where it has no end."""
    share = retention / (1 + discount)
    gap = (discount + (1 - retention)) / (1 + discount)  # 1 − ρ, exact near 0
    whole = np.divide(share, gap, out=np.full_like(gap, np.inf), where=gap > 0)
    if years is None:
        return whole
    with np.errstate(divide="ignore"):
        fading = -np.expm1(years * np.log1p(-gap))
    total: Floats = np.where(gap > 0, whole * fading, float(years))
    return total
