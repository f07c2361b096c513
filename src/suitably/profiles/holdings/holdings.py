"""What a user holds now: how much, of what, how concentrated, for how long."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.data.values import as_text, readable
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.currency import check_rates, converted, one_currency
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.holdings.held_pairs import held_pairs, joined, pair_sums
from suitably.profiles.holdings.money_held import doubted, grouped, map_of, named
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.steady_sums import steady_sums
from suitably.profiles.trades import Trades
from suitably.profiles.user_columns import numbers_in
from suitably.utils.params import check_choice

__all__ = ["Holdings"]

_MAPS = {"exposure": "issuer", "class_exposure": "category", "risk_exposure": "risk"}
_MEANS = {"held_horizon_months": "term", "held_liquidity_days": "liquidity"}
_MAP = pa.map_(pa.string(), pa.float64())


@dataclass(eq=False, repr=False)
class Holdings(ParameterizedBuilder):
    """Sum up what each user holds: acquisitions less disposals, in pieces or in money.

    Where every row of a user and product says how many pieces, pieces decide whether it is held;
    else money does, where every row has an amount; else the later of acquisition and disposal. The
    money in a product is what it cost less what disposals of it brought in, as `held` in rules has
    it; with `price`, pieces count at their price.

    Shares are shares of money. They are unknown where an amount that belongs to them is missing,
    or where what is still held has brought in as much as it cost, so that only a price could say
    what it is worth. A map is unknown too where one of the products held has no value of the field
    it goes by, and all fields are where rows of the user's log were set aside. Of a user who holds
    nothing maps are empty, and what would divide by nothing is null.

    A column that the products lack makes its field null, if the parameter has its default; a column
    that was asked for by another name must be there. None leaves the field out.

    Args:
        issuer: Column of the products that `exposure` goes by.
        category: Column of the products that `class_exposure` goes by.
        risk: Column of the products that `risk_exposure` goes by.
        term: Column of the products with their term in months.
        liquidity: Column of the products with the days until money can be had.
        price: Column of the products with the price of a piece, as it stands at the moment; None:
            amounts count. Where pieces are not known, amounts count in any case.
        weigh: What shares are of: `"money"`, or `"products"`, where each product held counts one,
            for logs without amounts.
        rates: What one unit of each currency is worth in the frame's; None: all amounts, and all
            prices, are in one.

    Fields:
        held_value: Money in all that is held, in the frame's currency.
        held_products: Number of products held.
        exposure: A map from issuer to its share of what is held, 0 to 1.
        class_exposure: A map from category to its share.
        risk_exposure: A map from risk level, as text, to its share.
        concentration: Sum of the squared shares of products: 1 for a single product, 1 / n for n
            alike.
        held_horizon_months: Mean term of what is held, weighted by the shares; null where a product
            held has none.
        held_liquidity_days: Mean days until money can be had, likewise.

    Source:
        Concentration: O. C. Herfindahl, *Concentration in the Steel Industry* (1950).

    Example:
        >>> import pyarrow as pa
        >>> from suitably.data import Dataset
        >>> log = pa.table({"user_id": [1, 1, 1], "product_id": ["a", "b", "a"],
        ...                 "value": [90.0, 30.0, 60.0], "event": ["buy", "buy", "sell"]})
        >>> products = pa.table({"product_id": ["a", "b"], "issuer": ["X", "Y"]})
        >>> data = Dataset(None, products, log, disposed_events=["sell"])
        >>> Holdings(category=None, risk=None, term=None, liquidity=None).fit(data).transform(
        ...     data).to_pylist()
        [{'user_id': 1, 'held_value': 60.0, 'held_products': 2,
          'exposure': [('X', 0.5), ('Y', 0.5)], 'concentration': 0.5}]
    """

    issuer: str | None = "issuer"
    category: str | None = "category"
    risk: str | None = "risk_level"
    term: str | None = "term_months"
    liquidity: str | None = "liquidity_days"
    price: str | None = None
    weigh: str = "money"
    rates: dict[str, float] | None = None

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[GroupedSums]] = GroupedSums

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        money: tuple[str, ...] = ("interactions.value",)
        if self.price is not None:
            money += ("interactions.quantity", f"products.{self.price}")
        log = ("interactions",) if self.weigh == "products" else money
        made = {
            "held_value": FieldInfo("observed", "money", money),
            "held_products": FieldInfo("observed", "products", ("interactions",)),
        }
        for field, name in self._columns(_MAPS).items():
            made[field] = FieldInfo("derived", "share", (*log, f"products.{name}"))
        made["concentration"] = FieldInfo("derived", "share", log)
        for field, name in self._columns(_MEANS).items():
            unit = field.rpartition("_")[2]
            made[field] = FieldInfo("derived", unit, (*log, f"products.{name}"))
        return made

    def check_params(self) -> None:
        """Refuse what names no column, another weight, and rates that are none: ValueError."""
        for name in (*_MAPS.values(), *_MEANS.values(), "price"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ValueError(
                    f"{type(self).__name__}({name}={value!r:.60}): must name a column, or be None"
                )
        check_choice(self, "weigh", ("money", "products"))
        check_rates(self)

    def accumulate(self, view: View) -> GroupedSums:
        """Add up pieces and money of a view, and read the products' fields as they stand in it.

        Raises:
            DataError: A column that is missing or of another type, a term, a number of days or a
                price below 0, or money in several currencies.
        """
        self.check_params()
        trades = self._with_pieces(view, Trades.of(view, self.rates))
        beside: dict[str, NDArray[Any]] = {"doubtful": view.doubtful}
        for parameter in _MAPS.values():
            if self._there(view, parameter):
                beside |= named(view, getattr(self, parameter))
        for parameter in _MEANS.values():
            if self._there(view, parameter):
                beside[f"{parameter}.number"] = _numbers(view, getattr(self, parameter))
        said = trades.currency
        if self.price is not None and self._there(view, "price"):
            beside["price.number"], currency = self._prices(view, self.price)
            said = one_currency(said, currency)
        return pair_sums(view, trades, {**beside, "currency": np.array([said])})

    def _prices(self, view: View, price: str) -> tuple[NDArray[np.float64], str]:
        """Return prices in one currency; a product's is that of its column `currency`."""
        prices = _numbers(view, price)
        if "currency" not in view.product_fields.column_names:
            return prices, ""
        column = readable(view.product_fields["currency"].combine_chunks(), "products.currency")
        said = as_text(column, "products.currency")
        return converted(prices, said, self.rates, "products")

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join a state with a later one; products are what the later one says of them.

        Raises:
            DataError: `b` knows fewer users, or money is in several currencies.
        """
        return joined(a, b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the fields; they do not age, since nothing in them counts days."""
        held = held_pairs(state, state.beside.get("price.number"))
        doubtful = doubted(state)
        worth, lacking = _totals(held)
        count = np.bincount(held.users, minlength=len(state))
        columns = {
            "held_value": pa.array(worth, mask=lacking | doubtful),
            "held_products": pa.array(count, mask=doubtful),
        }
        if self.weigh == "products":
            held = _alike(held)
        weight, lacking = _totals(held)
        unknown = doubtful | lacking | ((weight == 0) & (count > 0))
        parts = held.money("money")
        squares = steady_sums(len(held), held.users, parts**2)
        columns["concentration"] = pa.array(_ratio(squares, weight**2), mask=unknown | (count == 0))
        for field, name in self._columns(_MAPS).items():
            if f"by.{name}" not in state.beside:
                columns[field] = pa.nulls(len(state), _MAP)
                continue
            sums, strange = grouped(_money(held), name, state.beside)
            shares = _ratio(sums.money("money"), weight[sums.users])
            columns[field] = map_of(sums, shares, np.zeros(len(shares), bool), unknown | strange)
        for field in self._columns(_MEANS):
            numbers = state.beside.get(f"{_MEANS[field]}.number")
            if numbers is None:
                columns[field] = pa.nulls(len(state), pa.float64())
                continue
            weighed = parts * numbers[held.keys["products"]]
            mean = _ratio(steady_sums(len(held), held.users, weighed), weight)
            columns[field] = pa.array(mean, mask=unknown | (count == 0) | np.isnan(mean))
        return pa.table({field: columns[field] for field in self.described})

    def _columns(self, fields: dict[str, str]) -> dict[str, str]:
        """Return the columns of the products that fields go by, of those that are not left out."""
        named = {field: getattr(self, parameter) for field, parameter in fields.items()}
        return {field: name for field, name in named.items() if name is not None}

    def _there(self, view: View, parameter: str) -> bool:
        name, there = getattr(self, parameter), view.product_fields.column_names
        if name is None:
            return False
        if name in there or name == view.columns.product:
            return True
        if name == getattr(type(self), parameter):
            return False
        raise DataError(
            f"products: no column {name!r} for {parameter}= of Holdings; it has {there}"
        )

    def _with_pieces(self, view: View, trades: Trades) -> Trades:
        """Read how many pieces, where prices count them: else only data with disposals are asked.

        Without any, `trades` are the acquisitions.
        """
        if self.price is None or trades.quantities is not None:
            return trades
        name, extra = view.columns.quantity, view.events.extra
        if name is None or extra is None or name not in extra.column_names:
            raise DataError(
                f"interactions: Holdings(price={self.price!r}) counts pieces, and there is no "
                f"column of quantities: name it in Columns(quantity=...)"
            )
        pieces = numbers_in(view.acquisitions.column(name), f"interactions.{name}")
        return replace(trades, quantities=pieces)

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.accumulate(data.view(as_of))


def _numbers(view: View, column: str) -> NDArray[np.float64]:
    where = f"products.{column}"
    numbers = numbers_in(readable(view.product_fields[column].combine_chunks(), where), where)
    below = numbers[numbers < 0]
    if len(below):
        raise DataError(f"{where}: {len(below)} of {len(numbers)} are below 0, as {below[0]:g}")
    return numbers


def _alike(held: GroupedSums) -> GroupedSums:
    """Let each product held weigh one."""
    ones, zeros = np.ones(len(held.users), np.int64), np.zeros(len(held.users), np.int64)
    return replace(held, sums={"money.whole": ones, "money.billionths": zeros, "missing": zeros})


def _money(held: GroupedSums) -> GroupedSums:
    """Leave out what else is summed up, where money alone is asked for."""
    names = ("money.whole", "money.billionths")
    return replace(held, sums={name: held.sums[name] for name in names})


def _totals(held: GroupedSums) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the money of each user, and of whom an amount is missing: both (users,)."""
    sums = _money(held).by()
    money = np.zeros(len(held))
    money[sums.users] = sums.money("money")
    lacking: NDArray[np.bool_] = np.bincount(held.users, held.sums["missing"], len(held)) > 0
    return money, lacking


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, 0 by nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
