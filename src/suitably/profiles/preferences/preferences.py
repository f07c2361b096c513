"""Preferences: what users choose by category, term, channel, size and cost, lately most."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.data.values import as_text
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.currency import check_rates
from suitably.profiles.exact_sums import ExactSums
from suitably.profiles.grouped_sums import GroupedSums, coded, money_parts
from suitably.profiles.later_events import refuse_later_events
from suitably.profiles.preferences.product_traits import cheapness, number_trait, text_trait
from suitably.profiles.preferences.weighted_shares import by_user, decay, share_maps, weighted_means
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.steady_sums import steady_sums
from suitably.profiles.trades import Trades
from suitably.utils.params import check_choice, check_positive, check_positive_int, shown
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["Preferences"]

_DAY = 86_400_000_000  # microseconds
_TERMS = np.array(["long", "medium", "short"])
_REFUND, _NO_AMOUNT, _AMOUNT = -1, 0, 1
_USUAL = {"category": "category", "term": "term_months", "fee": "fee_rate"}


@dataclass(eq=False, repr=False)
class Preferences(ParameterizedBuilder):
    """Summarise what users choose: shares, a preferred term, an appetite for what is new.

    Only acquisitions count, as the products' fields stand at the moment; what was disposed of was
    chosen once. An acquisition weighs 1, or its money, times `2^(−age / half_life_days)`. Its age
    is `period_days` times the number of periods between its own and that of the user's latest
    acquisition, where periods are whole days of 24 hours counted from 1970 (UTC): so events can be
    added up exactly, whatever the parts they come in. Against any other moment all weights of a
    user would change by one factor, which no share notices. A refund, which is an acquisition of an
    amount below 0, is not one more: it lessens the weight of what the user acquired of that product
    by the share of the money that went back. What is unknown of a product counts for no share of
    that kind, and shares are of what is known.

    A column under its usual name may be lacking in the products, and what is made from it is null
    then; any other name must be there. Fields that nobody asks for, by None, are not made. Data
    without timestamps are taken to be of one age.

    Args:
        category: Column of the products with the category.
        term: Column of the products with the term in months.
        fee: Column of the products with the fee, as a share.
        channel: Column of the log with the channel.
        sustainability: Column of the products that says which are sustainable: a boolean, or a
            number from 0 to 1.
        novelty: What is new to a user: a `product` or a `category` not acquired before.
        term_limits: Terms of up to the first number of months are short, up to the second medium,
            beyond it long.
        weight: What an acquisition weighs: by `count` 1, by `money` its amount.
        half_life_days: After how many days an acquisition weighs half; None: it never ages.
        period_days: Whole days in whose steps age is counted.
        rates: What one unit of each currency is worth in the currency of the frame; None: all
            amounts are in one.

    Fields:
        category_share: Map from category to its share of the weights.
        term_share: Map from `short`, `medium` and `long` to their shares.
        preferred_term: The one of the largest share; of equal ones the shorter.
        fee_sensitivity: Weighted mean of `(m − f) / s`, f the fee of what was acquired, m and s
            mean and standard deviation of the fees of the catalogue in its category: above 0 if it
            cost less than is usual there. Null where all fees of a category are alike.
        novelty_appetite: Share of what was new to the user among the acquisitions, the first left
            out. With w the decay of an acquisition: `(Σ w of first ones − w of the very first) /
            (Σ w − w of the very first)`. Null with fewer than two.
        ticket_size: Mean amount of an acquisition, refunds left out, each by its decay.
        acquisition_channel_share: Map from channel to its share; `Activity` has `channel_share`,
            that of all events.
        sustainability_share: Share of what is sustainable.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> products = pd.DataFrame({"product_id": ["a", "b", "c"], "term_months": [6, 6, 24],
        ...                          "category": ["fund", "fund", "bond"]})
        >>> log = pd.DataFrame({"user_id": [1, 1, 1, 2], "product_id": ["a", "c", "c", "b"],
        ...                     "value": [40.0, 70.0, 70.0, 5.0],
        ...      "timestamp": ["2024-01-01", "2024-06-01", "2024-06-02", "2024-02-01"]})
        >>> builder = Preferences(fee=None, half_life_days=150).fit(Dataset(None, products, log))
        >>> found = builder.transform(Dataset(None, products, log))
        >>> found[["preferred_term", "novelty_appetite", "ticket_size"]]
          preferred_term  novelty_appetite  ticket_size
        0         medium               0.5         64.0
        1          short               NaN          5.0
        >>> found.category_share[0]
        [('bond', 0.8), ('fund', 0.2)]
    """

    category: str | None = "category"
    term: str | None = "term_months"
    fee: str | None = "fee_rate"
    channel: str | None = None
    sustainability: str | None = None
    novelty: str = "product"
    term_limits: tuple[float, float] | list[float] = (12, 60)
    weight: str = "count"
    half_life_days: float | None = 365
    period_days: int = 30
    rates: dict[str, float] | None = None

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[GroupedSums]] = GroupedSums

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field that is asked for."""
        log, value = "interactions", "interactions.value"
        weighed = (value,) if self.weight == "money" else (log,)
        category, term, fee = (f"products.{n}" for n in (self.category, self.term, self.fee))
        fields: dict[str, FieldInfo] = {}
        if self.category is not None:
            fields["category_share"] = FieldInfo("derived", "share", (*weighed, category))
        if self.term is not None:
            fields["term_share"] = FieldInfo("derived", "share", (*weighed, term))
            fields["preferred_term"] = FieldInfo("derived", sources=(*weighed, term))
        if self.fee is not None:
            sources = (*weighed, fee) if self.category is None else (*weighed, fee, category)
            fields["fee_sensitivity"] = FieldInfo("derived", "standard deviations", sources)
        new = (log, category) if self.novelty == "category" else (log,)
        fields["novelty_appetite"] = FieldInfo("derived", "share", new)
        fields["ticket_size"] = FieldInfo("derived", "money", (value,))
        if self.channel is not None:
            sources = (*weighed, f"interactions.{self.channel}")
            fields["acquisition_channel_share"] = FieldInfo("derived", "share", sources)
        if self.sustainability is not None:
            sources = (*weighed, f"products.{self.sustainability}")
            fields["sustainability_share"] = FieldInfo("derived", "share", sources)
        return fields

    def accumulate(self, view: View) -> GroupedSums:
        """Count and add up the acquisitions of a view, by user, product and period.

        Raises:
            DataError: A column is missing or of another type, or amounts are missing or in several
                currencies.
            ValueError: A parameter out of range.
        """
        self.check_params()
        self._check_amounts(view.events.values, len(view.acquisitions))
        trades, gained = Trades.of(view, self.rates), view.acquisitions
        money = trades.money[: len(gained)]  # acquisitions come first
        periods = np.zeros(len(gained), np.int32)
        if gained.times is not None:
            length = _DAY * self.period_days
            periods = (gained.times.astype(np.int64) // length).astype(np.int32)
        amount = np.where(np.isnan(money), _NO_AMOUNT, np.where(money < 0, _REFUND, _AMOUNT))
        keys: dict[str, NDArray[Any]] = {
            "users": gained.users,
            "products": gained.products,
            "period": periods,
            "amount": amount.astype(np.int8),
        }
        words = {}
        if self.channel is not None:
            texts = as_text(gained.column(self.channel), f"interactions.{self.channel}")
            keys["channel"], words["channel"] = coded(texts)
        sums = {"acquisitions": np.ones(len(gained), np.int64), **money_parts("money", money)}
        beside = {"currency": np.array([trades.currency]), **self._traits(view)}
        return GroupedSums.of(len(view.users), keys, sums, words, beside)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join a state with a later one, whose fields of products count.

        Raises:
            DataError: The states are swapped, or amounts are in several currencies.
        """
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the fields as of a moment.

        Raises:
            DataError: `as_of` is not after every event in the state.
        """
        if as_of is not None:
            begun = state.keys["period"].astype(np.int64) * (self.period_days * _DAY)
            refuse_later_events(begun >= as_of.astype(np.int64), as_of)
        kept = _kept(state)[state.keys["amount"] != _REFUND]
        rows = state.take(state.keys["amount"] != _REFUND)
        lasting = decay(rows.users, rows.keys["period"], self.period_days, self.half_life_days)
        times, money = rows.sums["acquisitions"], rows.money("money")
        weights = lasting * kept * (money if self.weight == "money" else times)
        users, products, count = rows.users, rows.keys["products"], len(state)
        category = state.beside["category"][products]
        months = state.beside["term"][products]
        first, second = self.term_limits
        terms = np.where(months <= first, 2, np.where(months <= second, 1, 0)).astype(np.int32)
        terms[np.isnan(months)] = -1
        columns: dict[str, pa.Array] = {
            "category_share": share_maps(
                count, users, category, weights, state.beside["category_words"]
            ),
            "term_share": share_maps(count, users, terms, weights, _TERMS),
            "preferred_term": _preferred(count, users, terms, weights),
            "novelty_appetite": _nullable(
                _novelty(rows, lasting, category if self.novelty == "category" else products)
            ),
        }
        priced = np.where(rows.keys["amount"] == _AMOUNT, money / times, np.nan)
        columns["ticket_size"] = _nullable(weighted_means(count, users, priced, lasting * times))
        for field in ("fee_sensitivity", "sustainability_share"):
            values = state.beside[field][products]
            columns[field] = _nullable(weighted_means(count, users, values, weights))
        if self.channel is not None:
            codes, words = rows.keys["channel"], state.words["channel"]
            columns["acquisition_channel_share"] = share_maps(count, users, codes, weights, words)
        return pa.table({name: columns[name] for name in self.fields})

    def check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""
        check_choice(self, "novelty", ("product", "category"))
        check_choice(self, "weight", ("count", "money"))
        check_positive(self, "half_life_days", optional=True)
        check_positive_int(self, "period_days")
        check_rates(self)
        for name in (*_USUAL, "channel", "sustainability"):
            column = getattr(self, name)
            if column is not None and not (isinstance(column, str) and column):
                raise ValueError(f"{shown(self, name)}: must be the name of a column, or None")
        if self.novelty == "category" and self.category is None:
            raise ValueError(f"{shown(self, 'novelty')}: needs the column of the category")
        limits = self.term_limits
        numbers = isinstance(limits, tuple | list) and all(
            isinstance(one, int | float | np.number) and not isinstance(one, bool) for one in limits
        )
        if not numbers or len(limits) != 2 or not 0 < limits[0] < limits[1] < np.inf:
            raise ValueError(
                f"{shown(self, 'term_limits')}: must be two numbers of months, above 0 and "
                f"ascending"
            )

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self._check_amounts(data.events.values, len(data.events))
        if self.channel is not None:
            as_text(data.events.column(self.channel), f"interactions.{self.channel}")
        self._traits(data.view(as_of))

    def _check_amounts(self, values: Any, events: int) -> None:
        if self.weight == "money" and values is None and events:
            raise DataError(
                f"interactions: have no values, by which {shown(self, 'weight')} would weigh"
            )

    def _traits(self, view: View) -> dict[str, NDArray[Any]]:
        """Read what is told of every product, as it stands."""
        needed = {name: getattr(self, name) != usual for name, usual in _USUAL.items()}
        name = type(self).__name__
        category, words = text_trait(view, self.category, needed["category"], name)
        fees = number_trait(view, self.fee, needed["fee"], name)
        sustainable = number_trait(view, self.sustainability, True, name, boolean=True)
        outside = int(((sustainable < 0) | (sustainable > 1)).sum())
        if outside:
            raise DataError(
                f"products.{self.sustainability}: {outside} values are not from 0 to 1, as shares "
                f"for {name} are"
            )
        peers = np.zeros(len(fees), np.int32) if self.category is None else category
        return {
            "category": category,
            "category_words": words,
            "term": number_trait(view, self.term, needed["term"], name),
            "fee_sensitivity": cheapness(fees, peers, view.listed),
            "sustainability_share": sustainable,
        }


def _kept(state: GroupedSums) -> NDArray[np.float64]:
    """Return what refunds left of the money spent on each row's product: from 0 to 1, (rows,)."""
    refunded = state.keys["amount"] == _REFUND
    if not refunded.any():
        return np.ones(len(refunded))
    starts = run_starts(state.users, state.keys["products"])

    def total(counted: Any) -> NDArray[np.float64]:
        parts = (state.sums["money.whole"], state.sums["money.billionths"])
        whole, billionths = (
            reduce_runs(np.add, np.where(counted, part, 0), starts) for part in parts
        )
        return ExactSums.carrying(whole, billionths).floats()

    spent, net = total(~refunded), total(True)
    left = np.divide(net, spent, out=np.ones(len(net)), where=spent > 0)
    sizes = np.diff(np.append(starts, len(refunded)))
    return np.repeat(np.clip(left, 0, 1), sizes)


def _preferred(
    count: int, users: NDArray[np.int32], terms: NDArray[np.int32], weights: NDArray[np.float64]
) -> pa.Array:
    known, width = np.flatnonzero(terms >= 0), len(_TERMS)
    known = known[by_user(users[known], terms[known])]
    slots = users[known].astype(np.int64) * width + terms[known]
    sums = steady_sums(count * width, slots, weights[known]).reshape(count, width)
    best = width - 1 - sums[:, ::-1].argmax(axis=1)  # of equal ones the shorter
    names = pa.array(_TERMS.tolist(), pa.string())
    return names.take(pa.array(best, pa.int64(), mask=sums.max(axis=1, initial=0) <= 0))


def _novelty(
    rows: GroupedSums, lasting: NDArray[np.float64], things: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the share of acquisitions of what was new: float64 (users,), NaN with fewer than two.

    Args:
        rows: Acquisitions.
        lasting: float64 (rows,), their decay.
        things: int32 (rows,), what may be new; −1 for unknown.
    """
    count, known = len(rows), np.flatnonzero(things >= 0)
    known = known[by_user(rows.users[known], things[known])]
    users, weight = rows.users[known], lasting[known]
    times = rows.sums["acquisitions"][known]
    firsts, starts = run_starts(users, things[known]), run_starts(users)
    very_first = np.zeros(count)
    # What is left of a weight grows with time: the earliest acquisition has the least.
    very_first[users[starts]] = reduce_runs(np.minimum, weight, starts)
    new = steady_sums(count, users[firsts], reduce_runs(np.minimum, weight, firsts))
    things_known = np.bincount(users[firsts], minlength=count)
    every = steady_sums(count, users, weight * times)
    acquired = np.bincount(users, times, minlength=count)
    several = acquired > 1
    share = np.full(count, np.nan)
    told = several & (every > very_first)
    np.divide(new - very_first, every - very_first, out=share, where=told)
    share[several & (things_known == 1)] = 0  # nothing was new after the first, to the last digit
    return share.clip(0, 1)


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
