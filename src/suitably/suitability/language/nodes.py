"""The syntax tree of a rule: a few immutable nodes, each of which knows its place in the text."""

from dataclasses import dataclass, field
from typing import Any, Literal

from suitably.suitability.language.places import Place
from suitably.suitability.language.types import LevelTable

__all__ = [
    "And",
    "Arithmetic",
    "AsOf",
    "Call",
    "Compare",
    "Constant",
    "Field",
    "Membership",
    "Negative",
    "Node",
    "Not",
    "Or",
    "Side",
    "Source",
    "Table",
    "column_name",
    "fields_of",
    "sides",
    "walk",
    "written",
]

Side = Literal["user", "product"]


@dataclass(frozen=True)
class Source:
    """Where an expression is written that rules only name.

    Attributes:
        where: What it is, and where in the policy.
        text: As written.
    """

    where: Place
    text: str


@dataclass(frozen=True)
class Node:
    """A piece of a rule; `start` and `end` are its place in the text.

    The text is the rule's own, or that of the `source` which the rule names.
    """

    start: int = field(compare=False, kw_only=True, default=0)
    end: int = field(compare=False, kw_only=True, default=0)
    source: Source | None = field(compare=False, kw_only=True, default=None, repr=False)

    @property
    def place(self) -> dict[str, Any]:
        """Where it is written, for a piece that stands in for it."""
        return {"start": self.start, "end": self.end, "source": self.source}

    @property
    def children(self) -> tuple["Node", ...]:
        """The pieces that this one is made of."""
        return ()


@dataclass(frozen=True)
class Constant(Node):
    """A number, text or boolean as written."""

    value: float | str | bool


@dataclass(frozen=True)
class Table(Node):
    """A map of the policy, by its name, with what it says."""

    name: str
    table: LevelTable


@dataclass(frozen=True)
class Field(Node):
    """A field of the user or the product.

    A name that ends in `?` may lack its column, and one that ends in `$` is read as text: what
    functions make of a field, and nobody writes.
    """

    side: Side
    name: str

    def __str__(self) -> str:
        return f"{self.side}.{column_name(self.name)}"


def column_name(name: str) -> str:
    """Return the column that a field's name stands for: without the marks behind it."""
    return name.rstrip("?$")


@dataclass(frozen=True)
class AsOf(Node):
    """The moment of the decision."""


@dataclass(frozen=True)
class Negative(Node):
    """Unary minus."""

    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """The operand."""
        return (self.operand,)


@dataclass(frozen=True)
class _Binary(Node):
    operator: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """Both operands."""
        return (self.left, self.right)


@dataclass(frozen=True)
class Arithmetic(_Binary):
    """One of + - * /."""


@dataclass(frozen=True)
class Compare(_Binary):
    """One of == != < <= > >=."""


@dataclass(frozen=True)
class Membership(Node):
    """`item in (a, b, ...)`."""

    item: Node
    choices: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The item, then the choices."""
        return (self.item, *self.choices)


@dataclass(frozen=True)
class Not(Node):
    """Negation."""

    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """The operand."""
        return (self.operand,)


@dataclass(frozen=True)
class _Several(Node):
    operands: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The operands."""
        return self.operands


@dataclass(frozen=True)
class And(_Several):
    """All of several conditions."""


@dataclass(frozen=True)
class Or(_Several):
    """Any of several conditions."""


@dataclass(frozen=True)
class Call(Node):
    """One of the language's functions."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The arguments."""
        return self.arguments


def walk(node: Node) -> list[Node]:
    """Return a node and everything below it, from left to right."""
    return [node, *(found for child in node.children for found in walk(child))]


def written(node: Node, text: str) -> str:
    """Return a piece of a rule as it is written, in the rule's text or in what it names."""
    return (text if node.source is None else node.source.text)[node.start : node.end]


def fields_of(*nodes: Node | None) -> tuple[Field, ...]:
    """Return the fields that expressions name, each once, in the order in which they do."""
    parts = (part for node in nodes if node is not None for part in walk(node))
    return tuple(dict.fromkeys(part for part in parts if isinstance(part, Field)))


def sides(node: Node) -> set[Side]:
    """Return which sides an expression names."""
    return {found.side for found in fields_of(node)}
