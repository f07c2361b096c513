"""The risk level that a user stated, for as long as it counts, and held against what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Clock, Instant
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.holdings.holdings import Holdings
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.risk.reconciliation import (
    REASONS,
    Ranks,
    ranks_on,
    reconciled,
    revealed_ranks,
    withheld,
)
from suitably.profiles.risk.risk_appetite_state import RiskAppetiteState
from suitably.profiles.risk.risk_bounds import (
    bound_ranks,
    check_limits,
    check_scales,
    share_of_wealth,
)
from suitably.profiles.risk.statements import Statement
from suitably.utils.params import check_fraction, check_positive_int, shown

__all__ = ["RiskAppetite"]


@dataclass(eq=False, repr=False)
class RiskAppetite(ParameterizedBuilder):
    """Return the stated risk level while its questionnaire is valid, and never a higher one.

    A level counts if its questionnaire is dated strictly before `as_of`, and `as_of` lies strictly
    before that date plus `valid_months`; a questionnaire without a date does not count. In data
    without timestamps no date can be judged, so that a level with a date is withheld and
    `risk_review` is null.

    Without a `scale` the level is passed on or withheld, and that is all. With one it is held
    against what the user holds, what losses the user can bear, and what the user knows of. Capacity
    and knowledge lower it to what they allow; what is held only asks for a review. Nothing raises
    it. What is asked for and missing asks for a review too.

    Args:
        level: Column of the users frame with the stated level.
        date: Column with the date of the questionnaire (dates or timestamps); None: dates are not
            judged at all, and a stated level counts whenever its row is visible.
        valid_months: Calendar months for which a questionnaire counts, the end clamped to the end
            of the month; None: for ever.
        scale: The levels, lowest first; None: nothing is reconciled.
        held_risk: Column of the products with their risk level; None: what is held has no say.
        product_scale: The levels of products, lowest first, as many as users have: the first is for
            the first, and so on. None: they are called alike.
        revealed_share: The revealed level is the lowest at or below which so large a share lies of
            what is held.
        tolerance: By how many levels the revealed one may lie below the stated one unasked.
        capacity: Column with the capacity for loss: a level of the scale, or a share of assets from
            0 to 1; or two columns, of which the first is divided by the second, such as
            `("liquid_assets", "net_worth")`: 0 where nothing is there, 1 at most.
        capacity_limits: For each level but the lowest, the least share that allows it; None: shares
            lower nothing.
        knowledge: Column with a level of the scale, or a number such as years of experience.
        knowledge_date: Column with the date at which it was stated; None: dates are not judged.
        knowledge_months: Calendar months for which it counts; None: for ever.
        knowledge_limits: For each level but the lowest, the least number that allows it; None:
            numbers lower nothing.
        predicted: Column with a level that a model guessed. It is passed on as imputed, which rules
            take as missing, and has no say in anything else.
        weigh: What shares of what is held are of: `"money"` or `"products"`, as in `Holdings`.
        price: Column of the products with the price of a piece, as in `Holdings`.
        rates: Rates of currencies, as in `Holdings`.

    Fields:
        risk_level: The level as stated, while it counts, or the lower one that was reconciled.
        risk_review: Whether a new questionnaire is due: the level is missing or does not count, or
            something contradicts it.
        risk_review_reason: With a scale, the first that applies: `missing`, `undated`,
            `dated-later`, `expired`, `above-capacity`, `above-knowledge`, `holds-more-risk`,
            `holds-less-risk`, `capacity-missing`, `knowledge-missing`.
        revealed_risk_level: With a scale and `held_risk`, the level of what is held, on the scale
            of users; null where nothing is held, or its shares are not known.
        loss_capacity: With `capacity`, that level or share.
        knowledge_level: With `knowledge`, what is stated, while it counts; called as the column.
        predicted_risk_level: With `predicted`, that level.

    Example:
        >>> from datetime import date
        >>> import pyarrow as pa
        >>> from suitably.data import Dataset
        >>> users = pa.table({"user_id": [1, 2, 3], "risk_level": ["C2", "C4", None],
        ...                   "questionnaire_date": [date(2024, 2, 29), date(2022, 6, 1), None]})
        >>> log = pa.table({"user_id": [1], "product_id": ["a"], "timestamp": [date(2024, 3, 1)]})
        >>> data = Dataset(users, None, log)
        >>> RiskAppetite().fit(data, "2024-06-01").transform(data).to_pydict()
        {'user_id': [1, 2, 3],
         'risk_level': ['C2', None, None],
         'risk_review': [False, True, True]}
    """

    level: str = "risk_level"
    date: str | None = "questionnaire_date"
    valid_months: int | None = 12
    scale: Sequence[Any] | None = None
    held_risk: str | None = "risk_level"
    product_scale: Sequence[Any] | None = None
    revealed_share: float = 0.5
    tolerance: int = 1
    capacity: str | Sequence[str] | None = None
    capacity_limits: Sequence[float] | None = None
    knowledge: str | None = None
    knowledge_date: str | None = None
    knowledge_months: int | None = None
    knowledge_limits: Sequence[float] | None = None
    predicted: str | None = None
    weigh: str = "money"
    price: str | None = None
    rates: dict[str, float] | None = None

    state_type: ClassVar[type[RiskAppetiteState]] = RiskAppetiteState

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        stated = tuple(f"users.{name}" for name in filter(None, (self.level, self.date)))
        until = f"{self.valid_months} months after {self.date}" if self.valid_months else ""
        origin, sources = ("stated", stated) if self.scale is None else ("derived", self._sources)
        made = {
            "risk_level": FieldInfo(origin, sources=sources, expires=until),  # type: ignore[arg-type]
            "risk_review": FieldInfo("derived", sources=sources),
        }
        if self.scale is not None:
            made["risk_review_reason"] = FieldInfo("derived", sources=sources)
            if self.held_risk is not None:
                made["revealed_risk_level"] = FieldInfo("derived", sources=self._held_sources)
        if self.capacity is not None:
            derived = not isinstance(self.capacity, str)
            made["loss_capacity"] = FieldInfo(
                "derived" if derived else "stated",
                "share" if derived else "",
                tuple(f"users.{name}" for name in self._capacity_columns),
            )
        if self.knowledge is not None:
            names = filter(None, (self.knowledge, self.knowledge_date))
            months = f"{self.knowledge_months} months after {self.knowledge_date}"
            made[self.knowledge] = FieldInfo(
                "stated",
                sources=tuple(f"users.{name}" for name in names),
                expires=months if self.knowledge_months else "",
            )
        if self.predicted is not None:
            made["predicted_risk_level"] = FieldInfo(
                "imputed", sources=(f"users.{self.predicted}",)
            )
        return made

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame that are asked for."""
        more = (self.knowledge, self.knowledge_date, self.predicted)
        asked = (self.level, self.date, *self._capacity_columns, *more)
        return tuple(dict.fromkeys(name for name in asked if name is not None))

    @property
    def _capacity_columns(self) -> tuple[str, ...]:
        if self.capacity is None:
            return ()
        return (self.capacity,) if isinstance(self.capacity, str) else tuple(self.capacity)

    @property
    def _sources(self) -> tuple[str, ...]:
        users = tuple(f"users.{name}" for name in self.reads if name != self.predicted)
        return users if self.held_risk is None else (*users, *self._held_sources)

    @property
    def _held_sources(self) -> tuple[str, ...]:
        return self._holdings.described["risk_exposure"].sources

    @property
    def _holdings(self) -> Holdings:
        nothing_else = dict.fromkeys(("issuer", "category", "term", "liquidity"))
        how = {"weigh": self.weigh, "price": self.price, "rates": self.rates}
        return Holdings(risk=self.held_risk, **nothing_else, **how)  # type: ignore[arg-type]

    def accumulate(self, view: View) -> RiskAppetiteState:
        """Read what is stated as it stands in a view, and add up what is held.

        Raises:
            DataError: A column is missing or of another type, a level off its scale, a share
                beyond 0 to 1, or money in several currencies.
            ValueError: A parameter out of range.
        """
        self.check_params()
        said = {"level": Statement.of(view, self.level, self.date, self.valid_months)}
        if isinstance(self.capacity, str):
            said["capacity"] = Statement.of(view, self.capacity)
        elif self.capacity is not None:
            said["capacity"] = share_of_wealth(view, *self.capacity)
        if self.knowledge is not None:
            until = (self.knowledge_date, self.knowledge_months)
            said["knowledge"] = Statement.of(view, self.knowledge, *until)
        if self.predicted is not None:
            said["predicted"] = Statement.of(view, self.predicted)
        held = None
        if self.scale is not None and self.held_risk is not None:
            held = self._holdings.accumulate(view)
        state = RiskAppetiteState(said, held)
        self._check_levels(state)
        return state

    def merge(self, a: RiskAppetiteState, b: RiskAppetiteState) -> RiskAppetiteState:
        """Return what the later state says of every user, as they stand, and what both hold.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        if len(b) < len(a):
            raise DataError(f"{len(b)} users cannot follow {len(a)}: give all users' fields anew")
        if a.held is None or b.held is None:
            return b
        return RiskAppetiteState(b.said, self._holdings.merge(a.held, b.held))

    def finalise(self, state: RiskAppetiteState, as_of: Instant | None) -> pa.Table:
        """Return the fields as of a moment."""
        level = state.said["level"]
        valid = level.counts(as_of)
        untold = np.zeros(len(state), bool)
        if as_of is None and level.dated is not None:
            untold = level.codes >= 0
        columns: dict[str, pa.Array] = {}
        if self.scale is None:
            columns["risk_level"] = level.array(valid)
            columns["risk_review"] = pa.array(~valid, mask=untold)
        else:
            columns |= self._reconciled(state, as_of, valid, untold)
        for part, name in (("capacity", "loss_capacity"), ("predicted", "predicted_risk_level")):
            if part in state.said:
                columns[name] = state.said[part].array()
        if self.knowledge is not None:
            known = state.said["knowledge"]
            columns[self.knowledge] = known.array(known.counts(as_of))
        return pa.table({name: columns[name] for name in self.described})

    @property
    def follows(self) -> Mapping[str, tuple[str, ...]]:
        """By field, the columns of dates that decide whether it counts."""
        dates = [self.date] if self.date is not None else []
        if self.scale is not None and self.knowledge_date is not None:
            dates.append(self.knowledge_date)
        names = ("risk_level", "risk_review", "risk_review_reason")
        found = {name: tuple(dates) for name in names if dates and name in self.described}
        if self.knowledge is not None and self.knowledge_date is not None:
            found[self.knowledge] = (self.knowledge_date,)
        return found

    def supposing(
        self, state: RiskAppetiteState, row: int, dates: pa.Table, clock: Clock
    ) -> RiskAppetiteState:
        """Return the state of one user, had what is stated been stated at other dates.

        Args:
            state: Of all users.
            row: The user.
            dates: Columns of dates by name, a row per supposition.
            clock: The convention of moments.

        Returns:
            The state of a user per supposition; dates that are not given are as they are.
        """
        supposed = state.repeated(row, dates.num_rows)
        said = dict(supposed.said)
        for part, name, months in (
            ("level", self.date, self.valid_months),
            ("knowledge", self.knowledge_date, self.knowledge_months),
        ):
            if name is not None and name in dates.column_names and part in said:
                column = dates[name].combine_chunks()
                said[part] = said[part].dating(column, name, months, clock)
        return RiskAppetiteState(said, supposed.held)

    def check_params(self) -> None:
        """Refuse parameters out of range, or that need another one: ValueError."""
        for date, months in (("date", "valid_months"), ("knowledge_date", "knowledge_months")):
            value = getattr(self, months)
            if value is None:
                continue
            if getattr(self, date) is None:
                raise ValueError(
                    f"{shown(self, months)}: needs a date; without one it must be None"
                )
            check_positive_int(self, months)
        check_fraction(self, "revealed_share", zero=False)
        if isinstance(self.tolerance, bool) or not (
            isinstance(self.tolerance, int | np.integer) and self.tolerance >= 0
        ):
            raise ValueError(f"{shown(self, 'tolerance')}: must be a whole number, 0 or more")
        check_scales(self)
        if not _columns(self.capacity, several=True):
            raise ValueError(f"{shown(self, 'capacity')}: must be a column, or two")
        for name in ("knowledge", "knowledge_date", "predicted", "held_risk"):
            if not _columns(getattr(self, name)):
                raise ValueError(f"{shown(self, name)}: must name a column, or be None")
        levels = None if self.scale is None else len(self.scale)
        for name in ("capacity_limits", "knowledge_limits"):
            check_limits(self, name, levels)
        self._holdings.check_params()

    def _check_levels(self, state: RiskAppetiteState) -> None:
        """Refuse levels that no scale has, and numbers that are none of what is asked."""
        self._bound("capacity", state, None, 1.0)
        self._bound("knowledge", state, None, np.inf)
        if self.scale is not None:
            ranks_on(self.scale, state.said["level"].levels.tolist(), f"users.{self.level}")
        if state.held is not None:
            named = state.held.beside.get(f"by.{self.held_risk}.words", np.zeros(0, np.str_))
            scale = [str(level) for level in self.product_scale or self.scale or ()]
            ranks_on(scale, named.tolist(), f"products.{self.held_risk}")

    def _bound(
        self, part: str, state: RiskAppetiteState, as_of: Instant | None, most: float
    ) -> Ranks | None:
        """Return the highest levels that capacity or knowledge allows; None: it does not bind."""
        if part not in state.said:
            return None
        names = self._capacity_columns if part == "capacity" else (self.knowledge,)
        where = f"users.{' / '.join(map(str, names))}"
        limits = getattr(self, f"{part}_limits")
        return bound_ranks(state.said[part], as_of, self.scale, limits, most, where)

    def _reconciled(
        self,
        state: RiskAppetiteState,
        as_of: Instant | None,
        valid: NDArray[np.bool_],
        untold: NDArray[np.bool_],
    ) -> dict[str, pa.Array]:
        """Return the level that counts, whether and why to ask anew, and what is revealed."""
        assert self.scale is not None
        level = state.said["level"]
        places = np.append(ranks_on(self.scale, level.levels.tolist(), f"users.{self.level}"), -1)
        revealed = None
        if state.held is not None:
            exposure = self._holdings.finalise(state.held, as_of)["risk_exposure"]
            scale = self.product_scale or self.scale
            revealed = revealed_ranks(exposure.combine_chunks(), scale, self.revealed_share)
        capacity = self._bound("capacity", state, as_of, 1.0)
        knowledge = self._bound("knowledge", state, as_of, np.inf)
        stated = np.where(valid, places[level.codes], -1)
        ranks, reasons = reconciled(stated, revealed, capacity, knowledge, self.tolerance)
        reasons = np.where(valid, reasons, withheld(level, as_of))
        names = pa.array(list(self.scale), level.type if len(level.levels) else None)
        columns = {
            "risk_level": names.take(pa.array(ranks, mask=ranks < 0)),
            "risk_review": pa.array(reasons >= 0, mask=untold),
            "risk_review_reason": pa.array(REASONS).take(
                pa.array(reasons, mask=untold | (reasons < 0))
            ),
        }
        if revealed is not None:
            columns["revealed_risk_level"] = names.take(pa.array(revealed, mask=revealed < 0))
        return columns

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.accumulate(data.view(as_of))


def _columns(asked: Any, several: bool = False) -> bool:
    """Return whether it is a column, or None; or two columns."""
    if several and isinstance(asked, list | tuple):
        return len(asked) == 2 and all(isinstance(name, str) for name in asked)
    return asked is None or isinstance(asked, str)
