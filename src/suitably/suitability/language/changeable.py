"""The facts that a policy lets be suggested, with what to do about each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from suitably.suitability.language.nodes import Field, Node
from suitably.suitability.language.places import Place
from suitably.suitability.language.texts import check_braces, check_formats, mentioned_in, terms_in
from suitably.suitability.language.toml import read_languages
from suitably.suitability.language.types import Declaration

__all__ = ["Changeable", "read_changeable"]

_APPETITE = ("risk_level", "objective")


@dataclass(frozen=True)
class Changeable:
    """A fact about the user that may change, and what the user would do for it.

    Attributes:
        name: The fact, such as `user.questionnaire_date`.
        texts: What to do about it, by language.
        terms: The terms that the texts name.
    """

    name: str
    texts: Mapping[str, str]
    terms: Mapping[str, Node] = field(default_factory=dict, repr=False, compare=False)

    @property
    def field(self) -> str:
        """The field, without its side."""
        return self.name.removeprefix("user.")

    @cached_property
    def mentioned(self) -> tuple[Field, ...]:
        """The fields that its texts name, by themselves or in a term."""
        return mentioned_in(self.texts.values(), self.terms)


def read_changeable(
    table: Mapping[str, Any],
    terms: Mapping[str, Node],
    declared: Mapping[str, Declaration],
    where: Place,
) -> dict[str, Changeable]:
    """Read which facts may be suggested.

    Args:
        table: `[changeable]`.
        terms: The policy's terms.
        declared: What the policy says of its fields.
        where: The policy, for messages.

    Raises:
        PolicyError: Not a field of the user, appetite for risk, or a text that cannot be read.
    """
    found = {}
    for name in table:
        at_table = where.at("changeable")
        if not re.fullmatch(r"user\.\w+", name):
            problem = f"{name!r} must be user.x: only facts about the user can be changed"
            raise at_table.error(problem, name)
        if name.removeprefix("user.") in _APPETITE:
            problem = f"{name} is appetite for risk: nobody is asked to restate it; leave it out"
            raise at_table.error(problem, name)
        texts = read_languages(table, name, at_table)
        if not texts:
            raise at_table.error(f"{name} must say what to do about it", name)
        named = {}
        for language, text in texts.items():
            path = (name,) if isinstance(table[name], str) else (name, language)
            place = at_table.at(*path, words=f"{at_table}: {name}")
            check_braces(text, place)
            check_formats(text, terms, declared, place)
            named.update(terms_in(text, terms))
        found[name] = Changeable(name, texts, MappingProxyType(named))
    return found
