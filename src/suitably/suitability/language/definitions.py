"""Names that a policy gives to expressions and tables, for its rules to use."""

import keyword
from collections.abc import Callable, Mapping
from types import MappingProxyType

from suitably.suitability.language.nodes import Node
from suitably.suitability.language.places import Place
from suitably.suitability.language.types import LevelTable

__all__ = ["NOTHING", "Definitions", "UndefinedError"]


_NOWHERE = Place("policy")


class UndefinedError(Exception):
    """A name stands for nothing; the parser says where."""


class Definitions:
    """The terms and maps of a policy.

    Args:
        terms: Expressions by name, as written.
        maps: Tables by name.
        where: The policy, for messages.

    Raises:
        PolicyError: A term's name that no rule can spell.
    """

    def __init__(
        self,
        terms: Mapping[str, str] = MappingProxyType({}),
        maps: Mapping[str, LevelTable] = MappingProxyType({}),
        where: Place = _NOWHERE,
    ) -> None:
        for name in terms:
            if not name.isidentifier() or keyword.iskeyword(name):
                problem = f"{name!r} cannot be written as term.{name}: use letters, digits and _"
                raise where.at("terms").error(problem, name)
        self._texts, self._maps, self._where = terms, maps, where
        self._nodes: dict[str, Node] = {}
        self._reading: list[str] = []

    def term(self, name: str, read: Callable[[str, Place, "Definitions"], Node]) -> Node:
        """Return what a term stands for, read once.

        Args:
            name: The term.
            read: Reads an expression, with its place and what it may name.

        Raises:
            UndefinedError: No such term, or one that is made of itself.
            PolicyError: Its expression cannot be read.
        """
        if name in self._nodes:
            return self._nodes[name]
        if name in self._reading:
            circle = [*self._reading[self._reading.index(name) :], name]
            raise UndefinedError(
                f"term {name!r} is made of itself ({' -> '.join(circle)}): name fields instead"
            )
        if name not in self._texts:
            there = ", ".join(self._texts) or "none at all"
            raise UndefinedError(f"unknown term {name!r}; there are {there}")
        self._reading.append(name)
        try:
            where = self._where.at("terms", name, words=f"{self._where}: term {name!r}")
            self._nodes[name] = read(self._texts[name], where, self)
        finally:
            self._reading.pop()
        return self._nodes[name]

    def table(self, name: str) -> LevelTable:
        """Return a map.

        Raises:
            UndefinedError: There is no such map.
        """
        if name not in self._maps:
            there = ", ".join(map(repr, self._maps)) or "none at all"
            raise UndefinedError(f"unknown map {name!r}; there are {there}")
        return self._maps[name]


NOTHING = Definitions()
