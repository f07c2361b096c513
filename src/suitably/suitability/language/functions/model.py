"""What a function of the rule language is: what it takes and gives, and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np

from suitably.data.clock import Clock
from suitably.suitability.language.nodes import Call, Node
from suitably.suitability.language.types import Column, StringPool

__all__ = ["Context", "Function", "Kind", "Parameter", "Refuse", "takes"]

Kind = Literal[
    "any",  # a value or a condition
    "boolean",
    "number",
    "date",
    "duration",
    "period",
    "level",
    "list",
    "map",
    "table",  # a map of the policy, by its name
    "entry",  # what such a map gives
    "element",  # what a list of the same call may hold
    "key",  # of a map: text, or a level that has a name
    "ordered",  # numbers, dates or levels of one scale: the same for every argument and the result
    "value",  # what a map of the same call holds, number or date, and the result
    "span",  # a duration or a period
    "field",  # the name of a field, whatever it holds
    "product field",  # likewise, of the product
]
Refuse = Callable[[Node, str], NoReturn]
MANY = 99


@dataclass(frozen=True)
class Parameter:
    """What a function takes in one place."""

    name: str
    kind: Kind


@dataclass(slots=True)
class Context:
    """What a call may see besides its arguments.

    Attributes:
        texts: The codes of texts.
        refuse: Raises a `PolicyError` at the call.
        moment: The instant of the decision in microseconds; None where nothing is dated, or the
            function is not.
        clock: The convention of the moments, whose calendar is asked.
        dated: Whether the function may read the moment.
    """

    texts: StringPool
    refuse: Callable[[str], NoReturn]
    moment: int | None
    clock: Clock
    dated: bool

    @property
    def as_of(self) -> int | None:
        """The moment, for functions that are registered as dated.

        Raises:
            TypeError: This one is not: its answers would be kept from one moment to another.
        """
        if not self.dated:
            raise TypeError("a function that reads the moment must be registered with dated=True")
        return self.moment


def _never(*_: object) -> NoReturn:
    raise TypeError("a call that is written by other nodes has nothing to compute")


@dataclass(frozen=True)
class Function:
    """A function of the rule language.

    Attributes:
        name: How rules call it.
        parameters: What it takes; where `variadic`, the last may be repeated.
        result: What it gives.
        meaning: What it says, for the documentation.
        compute: Gives the column from those of the arguments, which broadcast against each other.
        dated: Whether it reads the moment of the decision.
        by_day: Whether it takes dates as times on the wall: a field's in its own time zone.
        variadic: Whether there may be more arguments than parameters.
        optional: How many of the last parameters may be left out.
        named: Whether the last parameter is given by its name, as in `f(x, by=y)`.
        bare: Whether it is a name alone, without parentheses, as `as_of` is.
        expand: Writes a call by other nodes when the rule is read; `compute` is then not asked.
        total: Whether it is known even where an argument is missing.
        least: The least number that it gives.
        whole: Whether it gives whole numbers only.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    meaning: str
    compute: Callable[..., Column] = _never
    dated: bool = False
    by_day: bool = False
    variadic: bool = False
    optional: int = 0
    named: bool = False
    bare: bool = False
    expand: Callable[[Call, Refuse], Node] | None = None
    total: bool = False
    least: float = -np.inf
    whole: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        """The least and the most arguments."""
        most = MANY if self.variadic else len(self.parameters)
        return len(self.parameters) - self.optional, most

    def parameter(self, place: int) -> Parameter:
        """Return what is taken in a place."""
        return self.parameters[min(place, len(self.parameters) - 1)]

    def __str__(self) -> str:
        if self.bare:
            return self.name
        names = [parameter.name for parameter in self.parameters] + ["..."] * self.variadic
        for place in range(len(names) - self.optional - self.variadic, len(self.parameters)):
            names[place] = f"[{names[place]}]"
        if self.named:
            names[-1] = f"{names[-1]}=..."
        return f"{self.name}({', '.join(names)})"


def takes(**kinds: Kind) -> tuple[Parameter, ...]:
    """Return parameters by name and kind."""
    return tuple(Parameter(name, kind) for name, kind in kinds.items())
