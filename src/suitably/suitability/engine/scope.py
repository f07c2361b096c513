"""What a rule looks at: some users, the products, and the moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scalars import Cell, Scalar
from suitably.suitability.language.nodes import Field, Node
from suitably.suitability.language.types import Column, Declaration, StringPool, Values

__all__ = ["EvalScope", "Rows", "UserBatch", "UserSide"]

Rows = NDArray[np.int64]


class UserSide(Protocol):
    """The users' side of a pair: a table of many, or one raw row."""

    texts: StringPool

    def __len__(self) -> int:
        """How many users there are."""
        ...

    def column(self, name: str, declared: Declaration) -> Column:
        """Return a field of all of them, one-dimensional."""
        ...

    def day(self, name: str, declared: Declaration) -> Column:
        """Return a field of dates as days in their own time zone; another field, as it is."""
        ...

    def scalar(self, cell: Cell, row: int) -> Scalar:
        """Return one value as a Python scalar."""
        ...

    def cell(self, name: str, row: int) -> Any:
        """Return one value as a Python object, None where missing."""
        ...


@dataclass(frozen=True)
class UserBatch:
    """Who is looked at, and when.

    Attributes:
        users: The users' fields.
        as_of: The decision's instant in microseconds; None where nothing is dated.
        rows: The users in sight; None for all of them.
        scopes: What was opened for them already, by policy.
    """

    users: UserSide
    as_of: int | None
    rows: Rows | None = None
    scopes: dict[int, "EvalScope"] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.users) if self.rows is None else len(self.rows)


@dataclass(frozen=True)
class EvalScope:
    """The scope of a policy's sentences.

    Attributes:
        users: The users' fields; before there are any, only their types count.
        products: The products' fields.
        declared: What the policy says of its fields.
        refusal: Raises at a node: names the policy and rule, with line and column.
        as_of: The decision's instant in microseconds, None where nothing is dated.
        rows: The users in sight; None for all of them.
        columns: The products in sight; None for all of them.
        dry: Only types, no rows: how a policy is checked before any row is read.
        memo: What sentences made of the users in sight already; None: nothing is kept.
    """

    users: UserSide
    products: Fields
    declared: Mapping[str, Declaration]
    refusal: Callable[[Node, str], NoReturn]
    as_of: int | None = None
    rows: Rows | None = None
    columns: Rows | None = None
    dry: bool = False
    memo: dict[Node, Column] | None = None

    def without_rows(self) -> "EvalScope":
        """Return the same scope with types only."""
        return replace(self, dry=True)

    def of(self, batch: UserBatch, columns: Rows | None = None) -> "EvalScope":
        """Return the same scope for some users, at their moment."""
        found = batch.scopes.get(id(self)) if columns is None else None
        if found is None:
            found = EvalScope(
                batch.users,
                self.products,
                self.declared,
                self.refusal,
                batch.as_of,
                batch.rows,
                columns,
                memo={},
            )
            if columns is None:
                batch.scopes[id(self)] = found
        return found

    @property
    def texts(self) -> StringPool:
        """The codes that both sides share."""
        return self.products.texts

    @property
    def clock(self) -> Clock:
        """The convention of the moments, whose calendar is asked."""
        return self.products.clock

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Return what was made for an equal node before, or make it."""
        if self.memo is None:
            return make()
        found = self.memo.get(node)
        if found is None:
            found = self.memo[node] = make()
        return found

    def read(self, node: Field) -> Column:
        """Return a field along its side: users down, products across."""
        column = self.remember(node, lambda: self._read(node))
        dated = isinstance(column, Values) and "date" in (column.type.name, column.type.element)
        if self.clock.asks and dated:
            self._refuse_midnight(node)
        return column

    def day(self, node: Field) -> Column:
        """Return a field along its side, dates as the days that their own time zone says."""
        return self._read(node, by_day=True)

    def _refuse_midnight(self, node: Field) -> None:
        side: Any = self.products if node.side == "product" else self.users
        if isinstance(side, Fields) and side.is_bare(node.name):
            self.refuse(node, f"the midnight of {node} depends on a time zone: {self.clock.asks}")

    def _read(self, node: Field, by_day: bool = False) -> Column:
        declared = self.declared.get(str(node))
        if node.side == "product":
            if self.dry:
                return self.products.schema(node.name, declared).along(1)
            side: UserSide | Fields = self.products
            taken = self.columns
        elif self.dry and isinstance(self.users, Fields):
            return self.users.schema(node.name, declared).along(0)
        else:
            side, taken = self.users, self.rows
        read = side.day if by_day else side.column
        column = read(node.name, declared)
        axis = 0 if node.side == "user" else 1
        return (column if taken is None else column.take(taken)).along(axis)

    def cell(self, node: Field) -> Any:
        """Return a field of the first user or product in sight as a Python object."""
        if node.side == "product":
            return self.products.cell(node.name, 0 if self.columns is None else self.columns[0])
        return self.users.cell(node.name, 0 if self.rows is None else self.rows[0])

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        self.refusal(node, problem)
