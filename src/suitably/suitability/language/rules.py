"""The rules of a policy, each with its sentences parsed and its texts checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from suitably.suitability.language.definitions import Definitions
from suitably.suitability.language.nodes import Field, Node, fields_of
from suitably.suitability.language.parser import parse
from suitably.suitability.language.places import Place
from suitably.suitability.language.texts import (
    Texts,
    check_formats,
    mentioned_in,
    read_because,
    terms_in,
    texts_of,
)
from suitably.suitability.language.toml import known_keys, read_dates, read_text
from suitably.suitability.language.types import Declaration
from suitably.suitability.reasons import RESERVED

__all__ = ["Rule", "read_rules"]

_RULE_KEYS = {"id", "article", "applies", "require", "because", "note"}
_RULE_KEYS |= {"effective", "expires", "effect"}
_EFFECTS = ("bar", "flag")
_NO_TEXTS = Texts(MappingProxyType({}), MappingProxyType({}))


@dataclass(frozen=True, repr=False)
class Rule:
    """One sentence of a policy.

    Attributes:
        id: Its name, unique in the policy.
        require: What must hold, as written.
        applies: To which pairs it applies, as written; None for all.
        article: Where it comes from.
        because: What to say to the customer when it fails, by language.
        effective: From when it is in force.
        expires: From when it is no longer.
        note: What it approximates.
        effect: `"bar"` where it keeps pairs out, `"flag"` where it only flags them.
        texts: What to say to the customer and to the adviser.
        terms: The terms that its texts name.

    Example:
        >>> from suitably.suitability.policy import Policy
        >>> (rule,) = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... article = "House rule 1"
        ... require = "age(user.birth_date) >= 18"
        ... ''').rules
        >>> rule
        Rule('age')
        >>> rule.article, [str(field) for field in rule.fields]
        ('House rule 1', ['user.birth_date'])
    """

    id: str
    require: str
    applies: str | None = None
    article: str = ""
    effective: date | None = None
    expires: date | None = None
    note: str = ""
    effect: Literal["bar", "flag"] = "bar"
    texts: Texts = _NO_TEXTS
    terms: Mapping[str, Node] = field(default_factory=dict, repr=False, compare=False)
    require_node: Node = field(repr=False, compare=False, kw_only=True)
    applies_node: Node | None = field(repr=False, compare=False, kw_only=True, default=None)

    @property
    def because(self) -> MappingProxyType[str, str]:
        """What to say to the customer when it fails, by language."""
        return self.texts.user

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the rule reads, each once, in the order in which it names them."""
        return fields_of(self.applies_node, self.require_node)

    @cached_property
    def mentioned(self) -> tuple[Field, ...]:
        """The fields that the rule's texts name, by themselves or in a term."""
        return mentioned_in(self.texts, self.terms)

    def __repr__(self) -> str:
        return f"Rule({self.id!r})"


def read_rules(
    document: Mapping[str, Any],
    definitions: Definitions,
    terms: Mapping[str, Node],
    declared: Mapping[str, Declaration],
    where: Place,
) -> tuple[Rule, ...]:
    """Read the rules of a policy.

    Raises:
        PolicyError: None at all, an id twice, or a rule that cannot be read.
    """
    tables = document.get("rules")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise where.error("has no [[rules]]; one without any says rules = []", "rules")
    rules = tuple(
        _rule(table, definitions, terms, declared, where.at("rules", place, words=str(where)))
        for place, table in enumerate(tables)
    )
    ids: list[str] = []
    for place, rule in enumerate(rules):
        if ":" in rule.id or rule.id in RESERVED:
            problem = f"rule ids {[rule.id]} are the library's own reasons: choose another"
            raise where.error(problem, "rules", place, "id")
        if rule.id in ids:
            problem = f"rule ids must be unique, repeated: {[rule.id]}"
            raise where.error(problem, "rules", place, "id")
        ids.append(rule.id)
    return rules


def _rule(
    table: dict[str, Any],
    definitions: Definitions,
    terms: Mapping[str, Node],
    declared: Mapping[str, Declaration],
    where: Place,
) -> Rule:
    rule_id = read_text(table, "id", where.called(f"{where}, a rule"))
    where = where.called(f"{where}, rule {rule_id!r}")
    known_keys(table, _RULE_KEYS, where)
    effective, expires = read_dates(table, where)
    require = read_text(table, "require", where)
    applies = read_text(table, "applies", where, None)
    texts = read_because(table, where)
    named = {}
    for text, place in texts_of(table, where):
        check_formats(text, terms, declared, place)
        named.update(terms_in(text, terms))
    return Rule(
        id=rule_id,
        require=require,
        applies=applies,
        article=read_text(table, "article", where, ""),
        effective=effective,
        expires=expires,
        note=read_text(table, "note", where, ""),
        effect=_effect(table, where),
        texts=texts,
        terms=MappingProxyType(named),
        require_node=parse(require, where.at("require"), definitions),
        applies_node=(
            None if applies is None else parse(applies, where.at("applies"), definitions)
        ),
    )


def _effect(table: dict[str, Any], where: Place) -> Any:
    effect = table.get("effect", "bar")
    if effect not in _EFFECTS:
        raise where.error(f"effect must be 'bar' or 'flag', got {effect!r}", "effect")
    return effect
