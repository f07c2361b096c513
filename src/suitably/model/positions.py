"""Money held and bought, by fields of the products: what `held` and `bought` in rules ask."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.calendar import EARLIEST
from suitably.data.clock import MICROSECOND, Instant, Instants, months_later
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.holdings.money_held import (
    doubted,
    followed,
    grouped,
    map_of,
    money_sums,
    named,
    net,
    positive,
)
from suitably.profiles.kept_clock import clock_of, kept_clock
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.trades import Trades
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.functions.money import money_field

__all__ = ["Positions", "positions_for"]

_UNDATED = np.datetime64("NaT", "us")
_LENGTH = {"hours": 3_600_000_000, "days": 86_400_000_000}


class Positions(ParameterizedBuilder):
    """Sum up what each user holds and bought, by what the products' fields hold.

    Held is acquired less disposed of, product by product and never below 0; the sign of what was
    disposed of is ignored. A sum is unknown where an amount that belongs to it is missing; where
    the group of a product that is held is not known, so are the sums of all groups; where rows of
    a user's log were set aside, so are all sums of that user. Products that have left the catalogue
    count by their last fields.

    Where no window is asked for, only sums by user and product are kept; else the amounts and
    instants of acquisitions too, and nothing else of them. The state has a row per user, product
    and direction, and per instant where a window asks; beside them the groups of the products, the
    data's calendar, and of whom nothing is known.

    Args:
        sums: What to sum up, as rules name it: `"portfolio()"`, `"held(issuer)"`,
            `"bought(regime, months(12))"`.

    Fields:
        portfolio(): Money in all that is held.
        held(x): A map from what field x of the products holds to the money in these.
        bought(x, span): Likewise for what was acquired at or after `as_of` less the span.

    Example:
        >>> import pyarrow as pa
        >>> from suitably.data import Dataset
        >>> log = pa.table({"user_id": [1, 1], "product_id": ["a", "b"], "value": [10.0, 5.0]})
        >>> products = pa.table({"product_id": ["a", "b"], "issuer": ["X", "X"]})
        >>> builder = Positions(["held(issuer)", "portfolio()"])
        >>> data = Dataset(None, products, log)
        >>> builder.fit(data).transform(data).drop_columns("user_id").to_pylist()
        [{'held(issuer)': [('X', 15.0)], 'portfolio()': 15.0}]
    """

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[GroupedSums]] = GroupedSums

    def __init__(self, sums: Iterable[str] = ("portfolio()",)) -> None:
        self.sums = sums

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        sources = ("interactions.value",)
        return {name: FieldInfo("observed", "money", sources) for name in self.sums}

    def check_params(self) -> None:
        """Refuse what is no sum: ValueError."""
        for name in self.sums:
            if not isinstance(name, str) or money_field(name) is None:
                raise ValueError(
                    f"{type(self).__name__}(sums=...): {name!r} is neither portfolio(), nor "
                    f"held(x), nor bought(x, months(n))"
                )

    @property
    def _asked(self) -> list[tuple[str, str, int]]:
        return [asked for asked in map(money_field, self.sums) if asked is not None]

    @property
    def _columns(self) -> list[str]:
        return list(dict.fromkeys(column for column, _, _ in self._asked if column))

    def _keys(self, trades: Trades) -> dict[str, NDArray[Any]]:
        """Return what tells sums apart: the instant only where a window asks for it."""
        keys: dict[str, NDArray[Any]] = {
            "users": trades.users,
            "products": trades.products,
            "disposed": trades.disposed,
        }
        if any(unit for _, unit, _ in self._asked):
            undated = np.full(len(trades), _UNDATED)
            keys["times"] = undated if trades.times is None else trades.times
        return keys

    def accumulate(self, view: View) -> GroupedSums:
        """Add up the amounts of a view.

        Raises:
            DataError: No such field of the products, or one by which nothing can be summed up, or
                amounts in several currencies.
        """
        self.check_params()
        trades = Trades.of(view)
        beside = {
            "zone": kept_clock(view.clock),
            "doubtful": view.doubtful,
            "currency": np.array([trades.currency]),
        }
        for column in self._columns:
            beside |= _groups(view, column)
        return GroupedSums.of(
            len(view.users), self._keys(trades), money_sums(trades), beside=beside
        )

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join two states of disjoint events; products are grouped as the later one has them."""
        return followed(a, b)

    def also_bought(
        self,
        state: GroupedSums,
        users: NDArray[np.int64],
        products: NDArray[np.int64],
        money: NDArray[np.float64],
        as_of: Instant | None,
    ) -> GroupedSums:
        """Return the state in which users also bought products just before a moment.

        Args:
            state: As accumulated or merged.
            users: int64 (rows,), positions of users.
            products: int64 (rows,), positions of products.
            money: float64 (rows,), NaN where it is not known.
            as_of: The moment.
        """
        codes = (users.astype(np.int32), products.astype(np.int32))
        times = None if as_of is None else np.full(len(users), as_of - MICROSECOND)
        trades = Trades(*codes, times, money, None, np.zeros(len(users), bool))
        sums = money_sums(trades)
        return state.plus(GroupedSums.of(len(state), self._keys(trades), sums, beside=state.beside))

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the sums as of a moment; what a window asks of undated data is null."""
        pairs = net(state)
        held = pairs.take(positive(pairs, "money") | (pairs.sums["missing"] > 0))
        unknown = doubted(state)
        columns = {}
        for name, (column, unit, length) in zip(self.sums, self._asked, strict=True):
            if not column:
                columns[name] = _totals(held, unknown)
                continue
            rows = held
            if unit and as_of is not None:
                start = _start(state, as_of, unit, length)
                rows = net(state.take(~state.keys["disposed"] & (state.keys["times"] >= start)))
            sums, strange = grouped(rows, column, state.beside)
            nothing = unknown | strange | (bool(unit) and as_of is None)
            columns[name] = map_of(sums, sums.money("money"), sums.sums["missing"] > 0, nothing)
        return pa.table(columns)


def positions_for(policies: Sequence[PolicyDocument], data: Dataset, as_of: Any) -> list[Positions]:
    """Return the builder of what policies ask of money held and bought; none where they do not."""
    fields = (field for policy in policies for field in policy.reads if field.side == "user")
    sums = sorted({field.name for field in fields if money_field(field.name) is not None})
    return [Positions(sums).fit(data, as_of)] if sums else []


def _totals(held: GroupedSums, unknown: NDArray[np.bool_]) -> pa.Array:
    sums = held.by()
    money = np.zeros(len(held))
    money[sums.users] = sums.money("money")
    lacking = np.bincount(held.users, held.sums["missing"], minlength=len(held)) > 0
    return pa.array(money, mask=lacking | unknown)


def _groups(view: View, column: str) -> dict[str, NDArray[Any]]:
    there = view.product_fields.column_names
    if column != view.columns.product and column not in there:
        raise DataError(f"products: no column {column!r}, by which rules sum up; it has {there}")
    return named(view, column)


def _start(state: GroupedSums, as_of: Instant, unit: str, length: int) -> Instant:
    if unit in _LENGTH:
        return as_of - np.timedelta64(length * _LENGTH[unit], "us")
    months = length * (12 if unit == "years" else 1)
    clock = clock_of(state.beside["zone"])
    moved: Instants = months_later(np.array([as_of], "datetime64[us]"), -months, clock)
    # A window that opens before the calendar does holds whatever was ever bought.
    start: Instant = np.datetime64(EARLIEST, "us") if np.isnat(moved[0]) else moved[0]
    return start
