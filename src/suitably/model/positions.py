"""Money held and bought, by fields of the products: what `held` and `bought` in rules ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock, Dataset, View
from suitably.data.clock import MICROSECOND, Instant, Instants, months_later
from suitably.data.values import as_text, readable
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.currency import one_currency
from suitably.profiles.exact_sums import ExactSums
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.trades import Trades
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.functions.money import money_field
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["Positions", "PositionsState", "positions_for"]

_COLUMNS = ("users", "products", "times", "disposed", "whole", "billionths", "missing")
_UNDATED = np.datetime64("NaT", "us")
_LENGTH = {"hours": 3_600_000_000, "days": 86_400_000_000}


@dataclass(frozen=True)
class PositionsState:
    """Money by user, product, instant and direction, rows in that order.

    Attributes:
        count: int64 (1,), how many users there are.
        zone: Text (2,), the time zone of the data's calendar and whether it is stated.
        users: int64 (rows,).
        products: int64 (rows,).
        times: datetime64[us] (rows,), NaT where no window asks for it.
        disposed: bool (rows,), whether it was disposed of; else acquired.
        whole: int64 (rows,), whole units of money.
        billionths: int64 (rows,), the rest.
        missing: bool (rows,), whether an amount is missing.
        groups: Text (fields, products), by which sums go; `missing` where `there` is false.
        there: bool (fields, products).
        doubtful: int64, users of whom rows of the log were set aside: nothing of them is known.
        currency: Text (1,), what all amounts are in; empty where that is not said.
    """

    count: NDArray[np.int64]
    zone: NDArray[np.str_]
    users: NDArray[np.int64]
    products: NDArray[np.int64]
    times: Instants
    disposed: NDArray[np.bool_]
    whole: NDArray[np.int64]
    billionths: NDArray[np.int64]
    missing: NDArray[np.bool_]
    groups: NDArray[np.str_]
    there: NDArray[np.bool_]
    doubtful: NDArray[np.int64]
    currency: NDArray[np.str_]

    def __len__(self) -> int:
        return int(self.count[0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        return cls(**arrays)


class Positions(ParameterizedBuilder):
    """Sum up what each user holds and bought, by what the products' fields hold.

    Held is acquired less disposed of, product by product and never below 0; the sign of what was
    disposed of is ignored. A sum is unknown where an amount that belongs to it is missing; where
    the group of a product that is held is not known, so are the sums of all groups; where rows of
    a user's log were set aside, so are all sums of that user. Products that have left the catalogue
    count by their last fields.

    Where no window is asked for, only sums by user and product are kept; else the amounts and
    instants of acquisitions, and nothing else of them.

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
    state_type: ClassVar[type[PositionsState]] = PositionsState

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

    def accumulate(self, view: View) -> PositionsState:
        """Add up the amounts of a view.

        Raises:
            DataError: No such field of the products, or one by which nothing can be summed up, or
                amounts in several currencies.
        """
        self.check_params()
        trades = Trades.of(view)
        rows = _events(trades, any(unit for _, unit, _ in self._asked))
        texts = [_column(view, name) for name in self._columns]
        there = [~text.is_null().to_numpy(zero_copy_only=False) for text in texts]
        shape = (len(texts), len(view.products))
        named = [np.array(text.fill_null("").to_pylist(), np.str_) for text in texts]
        return _reduced(
            PositionsState(
                count=np.array([len(view.users)]),
                zone=np.array([view.clock.zone or "", "stated" if view.clock.stated else ""]),
                groups=np.stack(named) if texts else np.zeros(shape, np.str_),
                there=np.stack(there) if texts else np.zeros(shape, bool),
                doubtful=view.doubtful,
                currency=np.array([trades.currency]),
                **rows,
            )
        )

    def merge(self, a: PositionsState, b: PositionsState) -> PositionsState:
        """Join two states of disjoint events; products are grouped as the later one has them."""
        joint = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in _COLUMNS}
        later = b if b.groups.shape[1] >= a.groups.shape[1] else a
        return _reduced(
            PositionsState(
                count=np.maximum(a.count, b.count),
                zone=b.zone,
                groups=later.groups,
                there=later.there,
                doubtful=np.union1d(a.doubtful, b.doubtful),
                currency=np.array([one_currency(*a.currency, *b.currency)]),
                **joint,
            )
        )

    def also_bought(
        self,
        state: PositionsState,
        users: NDArray[np.int64],
        products: NDArray[np.int64],
        money: NDArray[np.float64],
        as_of: Instant | None,
    ) -> PositionsState:
        """Return the state in which users also bought products just before a moment.

        Args:
            state: As accumulated or merged.
            users: int64 (rows,), positions of users.
            products: int64 (rows,), positions of products.
            money: float64 (rows,), NaN where it is not known.
            as_of: The moment.
        """
        windows = as_of is not None and any(unit for _, unit, _ in self._asked)
        moment = as_of - MICROSECOND if windows and as_of is not None else _UNDATED
        times, disposed = np.full(len(users), moment), np.zeros(len(users), bool)
        new = _rows(users, products, times, disposed, money)
        joint = {name: np.concatenate([getattr(state, name), new[name]]) for name in new}
        return _reduced(replace(state, **joint))

    def finalise(self, state: PositionsState, as_of: Instant | None) -> pa.Table:
        """Return the sums as of a moment; what a window asks of undated data is null."""
        held = _held(state)
        columns = {}
        for name, (column, unit, length) in zip(self.sums, self._asked, strict=True):
            if not column:
                columns[name] = _totals(state, held)
                continue
            place = self._columns.index(column)
            rows = held
            if unit and as_of is not None:
                start = _start(state, as_of, unit, length)
                rows = _pairs(state, ~state.disposed & (state.times >= start))
            undated = bool(unit) and as_of is None
            columns[name] = _maps(state, rows, state.groups[place], state.there[place], undated)
        return pa.table(columns)


def positions_for(policies: Sequence[PolicyDocument], data: Dataset, as_of: Any) -> list[Positions]:
    """Return the builder of what policies ask of money held and bought; none where they do not."""
    fields = (field for policy in policies for field in policy.reads if field.side == "user")
    sums = sorted({field.name for field in fields if money_field(field.name) is not None})
    return [Positions(sums).fit(data, as_of)] if sums else []


@dataclass(frozen=True)
class _Pairs:
    """Money by user and product, as whole units and billionths of one.

    Sums are added as integers: the same in any order of products.
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    whole: NDArray[np.int64]
    billionths: NDArray[np.int64]
    missing: NDArray[np.bool_]

    def sums(self, codes: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Add up by codes: float64 (count,)."""
        whole, billionths = np.zeros((2, count), np.int64)
        np.add.at(whole, codes, self.whole)
        np.add.at(billionths, codes, self.billionths)
        return ExactSums.carrying(whole, billionths).floats()

    def unknown(self, codes: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
        """Return in which sums an amount is missing: bool (count,)."""
        lacking: NDArray[np.bool_] = np.bincount(codes, self.missing, minlength=count) > 0
        return lacking

    def take(self, rows: NDArray[np.bool_]) -> "_Pairs":
        """Return some of the pairs."""
        return _Pairs(*(column[rows] for column in vars(self).values()))


def _held(state: PositionsState) -> _Pairs:
    """Return what is left of each product, which is never less than nothing."""
    pairs = _pairs(state, np.ones(len(state.users), bool))
    left = (pairs.whole > 0) | ((pairs.whole == 0) & (pairs.billionths > 0))
    return pairs.take(left | pairs.missing)


def _pairs(state: PositionsState, rows: NDArray[np.bool_]) -> _Pairs:
    users, products = state.users[rows], state.products[rows]
    first = run_starts(users, products)
    sign = np.where(state.disposed[rows], -1, 1)
    sums = ExactSums.carrying(
        reduce_runs(np.add, sign * state.whole[rows], first),
        reduce_runs(np.add, sign * state.billionths[rows], first),
    )
    missing = reduce_runs(np.logical_or, state.missing[rows], first)
    return _Pairs(users[first], products[first], sums.whole, sums.billionths, missing)


def _totals(state: PositionsState, held: _Pairs) -> pa.Array:
    unknown = held.unknown(held.users, len(state)) | _doubted(state)
    return pa.array(held.sums(held.users, len(state)), mask=unknown)


def _doubted(state: PositionsState) -> NDArray[np.bool_]:
    doubted = np.zeros(len(state), bool)
    doubted[state.doubtful] = True
    return doubted


def _maps(
    state: PositionsState,
    pairs: _Pairs,
    groups: NDArray[np.str_],
    there: NDArray[np.bool_],
    undated: bool,
) -> pa.Array:
    count = len(state)
    known = there[pairs.products]
    strange = np.bincount(pairs.users, ~known, minlength=count) > 0
    named = pairs.take(known)
    names, codes = np.unique(groups, return_inverse=True)
    width = max(len(names), 1)
    cells, place = np.unique(named.users * width + codes[named.products], return_inverse=True)
    offsets = np.searchsorted(cells // width, np.arange(count + 1)).astype(np.int32)
    texts = pa.array(names[cells % width].tolist() if len(cells) else [], pa.string())
    sums, missing = named.sums(place, len(cells)), named.unknown(place, len(cells))
    maps = pa.MapArray.from_arrays(pa.array(offsets), texts, pa.array(sums, mask=missing))
    unknown = strange | _doubted(state) | undated
    return maps.take(pa.array(np.arange(count), mask=unknown))


def _column(view: View, name: str) -> pa.Array:
    if name == view.columns.product:
        return as_text(view.products.ids.array, f"products.{name}")
    there = view.product_fields.column_names
    if name not in there:
        raise DataError(f"products: no column {name!r}, by which rules sum up; it has {there}")
    where = f"products.{name}"
    return as_text(readable(view.product_fields[name].combine_chunks(), where), where)


def _events(trades: Trades, dated: bool) -> dict[str, NDArray[Any]]:
    """Return a row per acquisition and per disposal, with its instant where that is asked for."""
    undated = np.full(len(trades), _UNDATED)
    times = trades.times if dated and trades.times is not None else undated
    users, products = (ids.astype(np.int64) for ids in (trades.users, trades.products))
    return _rows(users, products, times, trades.disposed, trades.money)


def _rows(
    users: NDArray[np.int64],
    products: NDArray[np.int64],
    times: Instants,
    disposed: NDArray[np.bool_],
    money: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    """Return the columns of rows of a state, by name; NaN in `money` is missing."""
    missing = np.isnan(money)
    places = np.arange(len(money), dtype=np.int32)
    sums = ExactSums.of(places, np.where(missing, 0.0, money), len(money))
    columns = (users, products, times, disposed, sums.whole, sums.billionths, missing)
    return dict(zip(_COLUMNS, columns, strict=True))


def _reduced(state: PositionsState) -> PositionsState:
    """Put rows in order, and add up those of one user, product, instant and direction."""
    order = np.lexsort((state.disposed, state.times.view(np.int64), state.products, state.users))
    rows = {name: getattr(state, name)[order] for name in _COLUMNS}
    first = run_starts(
        *(rows[name] for name in ("users", "products", "disposed")), rows["times"].view(np.int64)
    )
    sums = ExactSums.carrying(
        reduce_runs(np.add, rows["whole"], first), reduce_runs(np.add, rows["billionths"], first)
    )
    missing = reduce_runs(np.logical_or, rows["missing"], first)
    firsts = {name: column[first] for name, column in rows.items()}
    added = {"whole": sums.whole, "billionths": sums.billionths, "missing": missing}
    return replace(state, **(firsts | added))


def _start(state: PositionsState, as_of: Instant, unit: str, length: int) -> Instant:
    if unit in _LENGTH:
        return as_of - np.timedelta64(length * _LENGTH[unit], "us")
    months = length * (12 if unit == "years" else 1)
    clock = Clock(str(state.zone[0]) or None, bool(state.zone[1]))
    moved: Instants = months_later(np.array([as_of], "datetime64[us]"), -months, clock)
    start: Instant = moved[0]
    return start
