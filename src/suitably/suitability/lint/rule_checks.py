"""Rules that are weaker than they look: what they leave out, and when they step aside."""

import re
from collections.abc import Iterator

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import Compare, Field, Node, fields_of, walk, written
from suitably.suitability.language.types import Domain
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.widening import narrows_less, widening_fields, widening_lookups
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["check_rules"]

_MEANS = re.compile(r"(liquid_assets|financial_assets|net_worth|net_assets|income)")
_OWN = re.compile(r"house|demonstration", re.IGNORECASE)
# Numbers that are no article: how long, how much, and the year of a law.
_NO_ARTICLE = re.compile(
    r"\d[\d.,]*\s*(hours?|days?|months?|years?|%|per cent|million|个月|年|天|日|万|亿)"
    r"|\b(19|20)\d\d\b(?!/)",
    re.IGNORECASE,
)


def check_rules(policy: PolicyDocument) -> Iterator[Finding]:
    """Find rules that let through what they were written to keep out."""
    for field in narrows_less(policy):
        if not _named(policy.note, field):
            text = say(Remark.GOVERNS_LESS, field=field)
            yield Finding("note", "widens", text, "", policy.id)
    for rule in policy.rules:
        if rule.effect == "bar":
            yield from _minimum_alone(policy, rule)
            yield from _widens(policy, rule)
        article = rule.article.strip()
        cited = re.search(r"\d", _NO_ARTICLE.sub("", article))
        if article and not cited and not _OWN.search(article):
            text = say(Remark.CITES_NO_ARTICLE, article=repr(rule.article))
            yield Finding("warning", "missing-article", text, rule.id, policy.id)


def _minimum_alone(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find what a customer has compared with the minimum: all of it in one product passes."""
    for part in walk(rule.require_node):
        if not isinstance(part, Compare):
            continue
        named = fields_of(part)
        least = any(f.side == "product" and f.name == "min_amount" for f in named)
        means = [f for f in named if f.side == "user" and _is_money(policy, f)]
        if least and means:
            text = say(Remark.MINIMUM_ALONE, field=means[0])
            yield Finding("warning", "minimum-alone", text, rule.id, policy.id)
            return


def _is_money(policy: PolicyDocument, field: Field) -> bool:
    declared = policy.fields.get(str(field))
    unit = declared.unit if isinstance(declared, Domain) else None
    return unit == "money" or _MEANS.search(field.name) is not None


def _widens(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find rules that let more pass where something is missing; a note that names it says why."""
    for field, aside in widening_fields(policy, rule):
        if not _named(rule.note, field):
            text = say(Remark.STEPS_ASIDE if aside else Remark.PASSES_MISSING, field=field)
            yield Finding("warning", "widens", text, rule.id, policy.id)
    for call in widening_lookups(policy, rule):
        if not any(_named(rule.note, field) for field in fields_of(call)):
            text = say(Remark.PASSES_BY_DEFAULT, lookup=_shown(call, rule))
            yield Finding("warning", "widens", text, rule.id, policy.id)


def _named(note: str, field: Field) -> bool:
    """Return whether a note speaks of a field, by its name alone or with its side."""
    return re.search(rf"(?<!\w){re.escape(field.name)}(?!\w)", note, re.ASCII) is not None


def _shown(node: Node, rule: Rule) -> str:
    key = rule.require if node in walk(rule.require_node) else rule.applies or ""
    return written(node, key)
