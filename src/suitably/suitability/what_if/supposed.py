"""A pair as it would be: facts with several values each, along axes of their own.

The evaluator of rules computes by broadcasting. So a fact that may change is laid along an axis,
its present value first, and a rule comes out as its truth for every combination at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.suitability.engine.atoms import Atom
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.nodes import Field, Node, column_name
from suitably.suitability.language.types import Column, Kleene, StringPool, Values
from suitably.utils.bitset import ONES, TruthBits

__all__ = ["Derived", "Options", "Supposed", "SupposedScope"]


@dataclass(frozen=True)
class Derived:
    """Fields that follow from others, so that they change with them.

    Attributes:
        sources: By field, the fields that it follows from.
        derive: Makes them from a table of values of some sources, a row per supposition; the
            others are as they are.
    """

    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    derive: Callable[[pa.Table], pa.Table] = lambda table: table


@dataclass(frozen=True)
class Options:
    """The values that facts may take.

    Attributes:
        arrays: By field, its values; the first is the present one.
        derived: What follows from them.
        texts: The codes of texts.
        clock: The convention of moments.
    """

    arrays: Mapping[str, pa.Array]
    derived: Derived
    texts: StringPool
    clock: Clock
    _read: dict[Any, Column] = field(default_factory=dict, repr=False)
    _derived: dict[tuple[str, ...], pa.Table] = field(default_factory=dict, repr=False)

    def sources(self, name: str) -> tuple[str, ...]:
        """Return the facts that a field of the user follows from: itself, or others."""
        if name in self.arrays:
            return (name,)
        return tuple(n for n in self.derived.sources.get(name, ()) if n in self.arrays)

    def changing(self, fields: Iterable[Field]) -> frozenset[str]:
        """Return the facts that fields follow from."""
        names = {column_name(one.name) for one in fields if one.side == "user"}
        return frozenset(source for name in names for source in self.sources(name))

    def column(self, node: Field, sources: tuple[str, ...], declared: Any, by_day: bool) -> Column:
        """Return a field for all combinations of its sources, the last running fastest."""
        key = (node.name, sources, declared, by_day)
        if key not in self._read:
            name = column_name(node.name)
            fields = Fields("user", self._table(name, sources), self.texts, self.clock)
            read = fields.day if by_day else fields.column
            self._read[key] = read(node.name, declared)
        return self._read[key]

    def take(self, name: str, places: Sequence[int]) -> "Options":
        """Return some of the values of a fact and all of the others, without reading them again."""
        rows = np.array(places, np.int64)
        arrays = {**self.arrays, name: self.arrays[name].take(pa.array(rows))}
        read = {
            key: column.take(rows) if key[1] == (name,) else column
            for key, column in self._read.items()
            if key[1] == (name,) or name not in key[1]
        }
        return Options(arrays, self.derived, self.texts, self.clock, read)

    def only(self, names: Sequence[str]) -> "Options":
        """Return the values of some facts; the others are as they are."""
        if len(names) == len(self.arrays):
            return self
        arrays = {name: self.arrays[name] for name in names}
        read = {key: column for key, column in self._read.items() if {*key[1]} <= {*names}}
        return Options(arrays, self.derived, self.texts, self.clock, read)

    def _table(self, name: str, sources: tuple[str, ...]) -> pa.Table:
        if sources == (name,):
            return pa.table({name: self.arrays[name]})
        if sources not in self._derived:
            places = np.indices([len(self.arrays[source]) for source in sources])
            chosen = zip(sources, places, strict=True)
            table = {one: self.arrays[one].take(pa.array(at.ravel())) for one, at in chosen}
            self._derived[sources] = self.derived.derive(pa.table(table))
        return self._derived[sources].select([name])


class Supposed:
    """Some facts along axes, in the order of their names.

    Args:
        options: The values of all facts.
        names: Which are supposed; the others are as they are.
        scope_of: Narrows a policy's scope to the pair.
    """

    def __init__(
        self,
        options: Options,
        names: Iterable[str],
        scope_of: Callable[[EvalScope], EvalScope],
    ) -> None:
        self.options = options
        self.names: Sequence[str] = sorted(names)
        self._scope_of = scope_of
        self._scopes: dict[int, SupposedScope] = {}
        self._found: dict[int, TruthBits] = {}

    def scope(self, policy: EvalScope) -> "SupposedScope":
        """Return a policy's scope of the supposed pair."""
        if id(policy) not in self._scopes:
            self._scopes[id(policy)] = SupposedScope(self._scope_of(policy), self)
        return self._scopes[id(policy)]

    def read(self, atom: Atom) -> TruthBits:
        """Return where an atom is true and where false: words of ones or zeros."""
        found = self._found.get(id(atom))
        if found is None:
            truth = condition(atom.node, self.scope(atom.scope))
            found = self._found[id(atom)] = (truth.true * ONES, truth.false * ONES)
        return found

    def shape(self, names: Iterable[str]) -> tuple[int, ...]:
        """Return the shape of what runs along the axes of some of the facts."""
        along = set(names)
        sizes = (len(self.options.arrays[n]) if n in along else 1 for n in self.names)
        return (*sizes, 1, 1)

    def lay(self, column: Column, names: tuple[str, ...]) -> Column:
        """Lay a column of all combinations of some facts along their axes."""
        order = [names.index(name) for name in self.names if name in names]
        own = [len(self.options.arrays[name]) for name in names]

        def laid(values: NDArray[Any]) -> NDArray[Any]:
            return values.reshape(own).transpose(order).reshape(self.shape(names))

        if isinstance(column, Kleene):
            return Kleene(laid(column.true), laid(column.false))
        return Values(column.type, laid(column.data), laid(column.known), column.extra)

    def truth(self, words: Any, products: int) -> NDArray[np.bool_]:
        """Return words of one user and some products as truth along the axes, products last."""
        whole = getattr(words, "whole", None)
        bits = np.full((1, 1), whole) if whole is not None else np.asarray(words) != 0
        shape = self.shape(self.names)[:-2]
        return np.broadcast_to(bits, (*shape, 1, products))[..., 0, :]


class SupposedScope:
    """What a rule sees of a supposed pair.

    Args:
        pair: The pair as it is.
        supposed: What is supposed of it.
    """

    def __init__(self, pair: EvalScope, supposed: Supposed) -> None:
        self._pair, self._supposed = pair, supposed
        self._memo: dict[Any, Column] = {}

    @property
    def texts(self) -> StringPool:
        """The codes that both sides share."""
        return self._pair.texts

    @property
    def as_of(self) -> int | None:
        """The moment."""
        return self._pair.as_of

    @property
    def clock(self) -> Clock:
        """The convention of the moments."""
        return self._pair.clock

    def read(self, node: Field) -> Column:
        """Return a field, along the axes of what it follows from."""
        return self.remember((node, False), lambda: self._laid(node, False))

    def day(self, node: Field) -> Column:
        """Return it likewise, dates as days."""
        return self.remember((node, True), lambda: self._laid(node, True))

    def _laid(self, node: Field, by_day: bool) -> Column:
        sources: tuple[str, ...] = ()
        if node.side == "user":
            known = self._supposed.options.sources(column_name(node.name))
            sources = tuple(name for name in known if name in self._supposed.names)
        if not sources:
            return self._pair.day(node) if by_day else self._pair.read(node)
        declared = self._pair.declared.get(str(node))
        column = self._supposed.options.column(node, sources, declared, by_day)
        return self._supposed.lay(column, sources)

    def remember(self, node: Any, make: Callable[[], Column]) -> Column:
        """Return what was made for an equal node before, or make it."""
        if node not in self._memo:
            self._memo[node] = make()
        return self._memo[node]

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        self._pair.refuse(node, problem)
