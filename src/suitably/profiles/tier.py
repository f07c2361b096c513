"""Tiers of service by assets: named levels, each from a threshold on."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.currency import check_rates
from suitably.profiles.grouped_sums import GroupedSums, money_parts
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.trades import Trades
from suitably.profiles.user_columns import user_numbers
from suitably.utils.params import shown

__all__ = ["Tier"]


@dataclass(eq=False, repr=False)
class Tier(ParameterizedBuilder):
    """Put users into tiers by their assets.

    A tier begins at its threshold, which belongs to it, and ends where the next one begins. Assets
    are what a column of the users frame says, or what the log says is held, or the sum of both.
    Net assets below 0 count as 0. Whose assets are not known has no tier, and no tier either has
    whoever is below the first threshold.

    What is held is money acquired less money disposed of, product by product and never below 0, as
    `portfolio()` has it in rules; it is not known where an amount is missing.

    Args:
        tiers: Names and thresholds, lowest first, in the frame's currency. The defaults belong to
            no market: give those of your house.
        assets: Column of the users frame; None: only what is held counts.
        held: Whether what is held counts.
        rates: What one unit of each currency of the log is worth in that of the frame; None: all
            amounts are in one.

    Fields:
        tier: Name of the tier; null where there is none.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> users = pd.DataFrame({"user_id": [1, 2, 3], "financial_assets": [99.0, 100.0, -7.0]})
        >>> log = pd.DataFrame({"user_id": [1], "product_id": ["a"], "value": [900.0]})
        >>> data = Dataset(users, None, log)
        >>> tiers = [("basic", 0), ("plus", 100), ("private", 999)]
        >>> Tier(tiers).fit(data).transform(data)["tier"].tolist()
        ['basic', 'plus', 'basic']
        >>> Tier(tiers, held=True).fit(data).transform(data)["tier"].tolist()
        ['private', 'plus', 'basic']
    """

    tiers: Any = (("standard", 0), ("premium", 100_000), ("private", 1_000_000))
    assets: str | None = "financial_assets"
    held: bool = False
    rates: dict[str, float] | None = None

    state_type: ClassVar[type[GroupedSums]] = GroupedSums
    per_user: ClassVar[tuple[str, ...]] = ("assets",)

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of the field."""
        sources = [f"users.{name}" for name in self.reads] + ["interactions.value"] * self.held
        return {"tier": FieldInfo("derived", sources=tuple(sources))}

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of the users frame, if one counts."""
        return () if self.assets is None else (self.assets,)

    def accumulate(self, view: View) -> GroupedSums:
        """Read the column as it stands in a view, and add up what was acquired and disposed of.

        Raises:
            DataError: The column is missing or holds no finite numbers, the log has no values, or
                values in several currencies.
            ValueError: Tiers that are none, or no assets to go by.
        """
        self.check_params()
        beside: dict[str, NDArray[Any]] = {}
        if self.assets is not None:
            beside["assets"] = user_numbers(view, self.assets, "Tier")
        users, products = np.zeros(0, np.int32), np.zeros(0, np.int32)
        money, missing = np.zeros(0), np.zeros(0, bool)
        if self.held:
            trades = Trades.of(view, self.rates)
            if view.events.values is None and len(trades):
                raise DataError("interactions: no values for Tier, so no money is known to be held")
            beside["currency"] = np.array([trades.currency])
            # Of a user some of whose rows were set aside it is not known what is held.
            doubtful = view.doubtful.astype(np.int32)
            users = np.append(trades.users, doubtful)
            products = np.append(trades.products, np.full(len(doubtful), -1, np.int32))
            signed = np.where(trades.disposed, -trades.money, trades.money)
            money = np.append(signed, np.full(len(doubtful), np.nan))
            missing = np.isnan(money)
        keys = {"users": users, "products": products}
        sums = {**money_parts("held", money), "missing": missing.astype(np.int64)}
        return GroupedSums.of(len(view.users), keys, sums, beside=beside)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join two states of disjoint events; the column is taken from the later one.

        Raises:
            DataError: `b` knows fewer users than `a`, or amounts are in two currencies.
        """
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the tiers; they do not depend on the moment."""
        total = np.zeros(len(state)) if self.assets is None else state.beside["assets"].copy()
        held = state.take(state.sums["held.whole"] >= 0).by("users")
        total[held.users] += held.money("held")
        total[state.users[state.sums["missing"] > 0]] = np.nan
        thresholds = np.array([threshold for _, threshold in self.tiers], np.float64)
        places = np.searchsorted(thresholds, np.maximum(total, 0), side="right") - 1
        names = pa.array([name for name, _ in self.tiers], pa.string())
        nowhere = np.isnan(total) | (places < 0)
        return pa.table({"tier": names.take(pa.array(places, mask=nowhere))})

    def check_params(self) -> None:
        """Refuse tiers that are no ascending thresholds by distinct names, or no assets at all."""
        name = type(self).__name__
        if not isinstance(self.tiers, list | tuple) or not self.tiers:
            raise ValueError(f"{shown(self, 'tiers')}: must be a list of names and thresholds")
        before = -1.0
        for tier in self.tiers:
            if not _is_tier(tier):
                raise ValueError(
                    f"{name}(tiers=[… {tier!r:.60} …]): must be a name and a threshold, which is a "
                    f"finite number, 0 or more"
                )
            if tier[1] <= before:
                raise ValueError(f"{shown(self, 'tiers')}: thresholds must ascend")
            before = tier[1]
        if len({tier[0] for tier in self.tiers}) < len(self.tiers):
            raise ValueError(f"{shown(self, 'tiers')}: two have one name")
        if not isinstance(self.held, bool):
            raise ValueError(f"{shown(self, 'held')}: must be True or False")
        if self.assets is not None and not isinstance(self.assets, str):
            raise ValueError(f"{shown(self, 'assets')}: must be the name of a column, or None")
        if self.assets is None and not self.held:
            raise ValueError(f"{name}(assets=None, held=False): nothing to go by; give one of them")
        check_rates(self)

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.accumulate(data.view(as_of))


def _is_tier(tier: Any) -> bool:
    if not isinstance(tier, list | tuple) or len(tier) != 2:
        return False
    name, threshold = tier
    number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    return isinstance(name, str) and bool(name) and number and 0 <= threshold < np.inf
