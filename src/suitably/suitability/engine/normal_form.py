"""A condition as an AND of ORs of its atoms' rows, found by letting it compute with symbols."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, cast

from suitably.suitability.engine.atoms import Atom
from suitably.suitability.engine.clauses import Condition
from suitably.utils.bitset import ALL, NOTHING, BitRows

__all__ = ["Literal", "normal_form"]

_MOST = 8


@dataclass(frozen=True)
class Literal:
    """The rows of an atom.

    Attributes:
        atom: Its place among those of the condition.
        side: 0 for where it is true, 1 for where it is false.
        negated: Whether the complement is meant.
    """

    atom: int
    side: int
    negated: bool = False


class _TooLargeError(Exception):
    """There is a normal form, but not a short one."""


class _Formula:
    """An AND of ORs of literals, which takes the operators that arrays of words take."""

    __array_ufunc__ = None  # arrays leave the operator to this side

    def __init__(self, clauses: Iterable[frozenset[Literal]]) -> None:
        found = set(clauses)
        self.clauses = [one for one in found if not any(other < one for other in found)]
        if len(self.clauses) > _MOST:
            raise _TooLargeError

    def __and__(self, other: "_Formula | BitRows") -> "_Formula":
        return _Formula([*self.clauses, *_formula(other).clauses])

    def __or__(self, other: "_Formula | BitRows") -> "_Formula":
        return _Formula(a | b for a, b in product(self.clauses, _formula(other).clauses))

    def __invert__(self) -> "_Formula":
        sides = [[Literal(x.atom, x.side, not x.negated) for x in one] for one in self.clauses]
        if prod(map(len, sides)) > _MOST**2:
            raise _TooLargeError
        return _Formula(map(frozenset, product(*sides)))

    __rand__ = __and__
    __ror__ = __or__


def _formula(value: "_Formula | BitRows") -> _Formula:
    if isinstance(value, _Formula):
        return value
    # Nothing at all is asked for everything; an OR of nothing is never true.
    if value is not ALL and value is not NOTHING:
        raise _TooLargeError
    return _Formula([] if value is ALL else [frozenset()])


def normal_form(condition: Condition) -> list[list[Literal]] | None:
    """Return ORs of literals that all hold where a condition does; None where they are many."""
    places = {id(atom): place for place, atom in enumerate(condition.atoms)}

    def read(atom: Atom) -> tuple[_Formula, _Formula]:
        place = places[id(atom)]
        true, false = (_Formula([frozenset([Literal(place, side)])]) for side in (0, 1))
        return true, false

    try:
        found: Any = condition.holds(cast(Any, read))
    except _TooLargeError:
        return None
    if not isinstance(found, _Formula):
        return None
    return [sorted(one, key=lambda x: (x.atom, x.side, x.negated)) for one in found.clauses]
