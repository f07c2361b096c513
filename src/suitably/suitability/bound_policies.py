"""Policies bound to users, products and a moment: what all answers about them go by."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant, micros
from suitably.data.entities import Entities
from suitably.errors import DataError
from suitably.suitability.amounts import with_amounts
from suitably.suitability.engine.atoms import AtomReader, batch_reader, one_reader
from suitably.suitability.engine.binding import BoundPolicy, bind
from suitably.suitability.engine.clauses import (
    Condition,
    Governed,
)
from suitably.suitability.engine.fields import Fields, with_ids
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.suitability.engine.tables import atoms_of
from suitably.suitability.engine.timeline import Timeline
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.types import StringPool
from suitably.suitability.messages import show_value
from suitably.typing import IdLike, IdsLike
from suitably.utils import bitset
from suitably.utils.bitset import EVERY, NONE, BitRows

__all__ = ["BoundPolicies"]

_TIMELESS = (
    "policies",
    "_users",
    "_products",
    "_clock",
    "_kind",
    "_user_fields",
    "_product_fields",
    "_timeline",
    "_width",
    "_valid",
)


class BoundPolicies:
    """Policies, users and products, and the conditions that hold between them at a moment.

    Args:
        policies: The policies, all of which bind.
        users: The users, with their fields.
        products: The catalogue, with its fields.
        as_of: The moment of the decision, None in data without timestamps.
        clock: The convention of `as_of`.
        kind: The kind of frame for `counts`.

    Raises:
        PolicyError: A rule does not fit the fields.
        DataError: A value off its scale, or of another type than declared.
    """

    def __init__(
        self,
        policies: Sequence[PolicyDocument],
        users: Entities,
        products: Entities,
        as_of: Instant | None,
        clock: Clock,
        kind: str = "pandas",
    ) -> None:
        self.policies: tuple[PolicyDocument, ...] = tuple(policies)
        self._users, self._products = users, products
        self._clock = clock
        self._kind = kind
        texts = StringPool()
        self._user_fields = Fields("user", with_ids(users), texts, clock)
        self._product_fields = Fields("product", with_ids(products), texts, clock)
        bound = bind(self.policies, self._user_fields, self._product_fields)
        self._timeline = Timeline(bound, clock)
        self._width = bitset.words_for(len(products))
        self._valid = bitset.pack(np.ones((1, len(products)), bool))
        self._set_moment(as_of)

    def _set_moment(self, as_of: Instant | None) -> None:
        self.as_of = as_of
        self._micros = micros(as_of)
        self._clauses, self._conditions = self._timeline.at(as_of)
        self._prepare(self._conditions, self._micros)

    def _prepare(self, conditions: Sequence[Condition], as_of: int | None) -> None:
        """Work out what is the products' alone, so that the first user need not wait for it."""
        nobody = UserBatch(self._user_fields, as_of, np.zeros(0, np.int64))
        for atom in atoms_of(conditions):
            atom.prepare(nobody)

    def at(self, as_of: Instant | None) -> Self:
        """Return the same users and products, judged anew at another moment."""
        other = object.__new__(type(self))
        # By name: whatever else was worked out may depend on the moment.
        for name in _TIMELESS:
            setattr(other, name, getattr(self, name))
        other._set_moment(as_of)
        return other

    def proposing(self, amounts: NDArray[np.float64] | None) -> Self:
        """Return the same, judged for what would be invested: float64 (users,), NaN for nothing."""
        reads = (field.name for policy in self.policies for field in policy.reads)
        if amounts is None or AMOUNT not in reads:
            return self
        users = with_amounts(self._users, amounts)
        made_of = (self.policies, users, self._products, self.as_of, self._clock, self._kind)
        return type(self)(*made_of)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and send by what it was made of; what was worked out since is worked out again."""
        made_of = (self.policies, self._users, self._products, self.as_of, self._clock, self._kind)
        return type(self), made_of

    @property
    def user_ids(self) -> NDArray[Any]:
        """The users, in order."""
        return self._users.values

    @property
    def users(self) -> Entities:
        """The users, with the fields that rules read: columns, and fields of profiles."""
        return self._users

    @property
    def product_ids(self) -> NDArray[Any]:
        """The catalogue as of the moment, in order."""
        return self._products.values

    @property
    def products(self) -> Entities:
        """The catalogue, with its fields."""
        return self._products

    @property
    def clock(self) -> Clock:
        """The convention of time zones that moments are judged in."""
        return self._clock

    @property
    def kind(self) -> str:
        """The kind of frame that it was made of."""
        return self._kind

    @property
    def moment(self) -> Any:
        """The moment as a timestamp, in the data's time zone if it has one; None without one."""
        return None if self.as_of is None else self._clock.stamp(self.as_of)

    @property
    def as_of_text(self) -> str:
        """The moment, as a person writes it."""
        return "" if self.as_of is None else show_value(self.moment, "en")

    def _batch(self, rows: Rows | None) -> UserBatch:
        return UserBatch(self._user_fields, self._micros, rows)

    def _composed(self, conditions: Sequence[Condition], batch: UserBatch) -> BitRows:
        """AND conditions from the bits of their atoms, for the users asked."""
        if len(batch) == 1:
            return self._of_one(conditions, one_reader(batch)[1])
        read = batch_reader(batch)
        words: BitRows = np.empty((len(batch), self._width), np.uint64)
        words[:] = self._valid
        for condition in conditions:
            words &= condition.holds(read)
            if condition.of_user and not words.any():
                break
        return words

    def _of_one(self, conditions: Sequence[Condition], read: AtomReader) -> BitRows:
        words = self._valid.copy()
        for condition in conditions:
            holds = condition.holds(read)
            if holds is NONE:
                words[:] = 0
                break
            if holds is not EVERY:
                words &= holds
        return words

    @property
    def _bound(self) -> tuple[BoundPolicy, ...]:
        return next(one.policies for one in self._clauses if isinstance(one, Governed))

    def _pair(self, user_id: IdLike, product_id: IdLike) -> tuple[Rows, int]:
        row, column = self._rows([user_id]), self._products.codes_of([product_id], "product_id")
        if column[0] < 0:
            raise DataError(f"product {product_id!r} is not in the catalogue")
        return row, int(column[0])

    def _rows(self, user_ids: IdsLike) -> Rows:
        asked = self._users.ids.read(user_ids, "user_ids")
        codes = self._users.codes(asked)
        strangers = np.flatnonzero(codes < 0)
        if len(strangers):
            examples = asked.take(pa.array(strangers[:3])).to_pylist()
            raise DataError(f"{len(strangers)} user ids are unknown, such as {examples}")
        return codes.astype(np.int64)
