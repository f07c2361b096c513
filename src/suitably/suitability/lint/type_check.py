"""Type checking without data: a sentence is evaluated on an example of every declared type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from suitably.data.clock import Clock
from suitably.errors import PolicyError
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.nodes import Field, Node
from suitably.suitability.language.parser import error_in
from suitably.suitability.language.types import (
    ANY,
    DATE,
    NUMBER,
    TEXT,
    Column,
    Declaration,
    Kleene,
    MapColumn,
    Scale,
    StringPool,
    Type,
    Values,
    type_name,
)

__all__ = ["type_error"]


def type_error(node: Node, text: str, where: str, types: Mapping[str, Declaration]) -> str | None:
    """Return where the types of a condition do not go together.

    Args:
        node: The condition, as parsed.
        text: As written.
        where: What it is, for the message.
        types: A scale or type for some of the fields; the others fit everywhere.

    Returns:
        The message with line and column, None where all is well.
    """
    try:
        condition(node, _ExampleScope(where, text, types))
    except PolicyError as error:
        told: str = error.args[0]  # which knows how every language says it
        return told
    return None


@dataclass(frozen=True)
class _ExampleScope:
    """A scope with one user and one product, made up."""

    where: str
    text: str
    types: Mapping[str, Declaration]
    texts: StringPool = field(default_factory=StringPool)
    as_of: int = 0
    clock: Clock = field(default_factory=Clock)

    def read(self, node: Field) -> Column:
        return _example(self.types.get(str(node)), self.texts)

    def day(self, node: Field) -> Column:
        return self.read(node)

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        return make()

    def refuse(self, node: Node, problem: str) -> NoReturn:
        raise error_in(self.where, self.text, node, problem)


def _example(declared: Declaration, texts: StringPool) -> Column:
    known, zero = np.ones((1, 1), bool), np.zeros((1, 1), np.int64)
    if isinstance(declared, Scale):
        return Values(Type("level", declared), zero, known)
    match type_name(declared):
        case "number":
            return Values(NUMBER, zero.astype(np.float64), known)
        case "text":
            return Values(TEXT, zero + texts.code(""), known)
        case "date":
            return Values(DATE, zero, known)
        case "boolean":
            return Kleene(known, ~known)
        case "list":
            return Values(Type("list", element="any"), zero, known, (frozenset(),))
        case "map":
            nothing = np.zeros(0, np.int64)
            empty = MapColumn(np.zeros(2, np.int64), nothing, nothing * 1.0, nothing > 0)
            return Values(Type("map"), zero, known, empty)
    return Values(ANY, zero, ~known)
