"""Rules that are weaker than they look: what they leave out, and when they step aside."""

import re
from collections.abc import Iterator

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import (
    And,
    Call,
    Compare,
    Field,
    Node,
    Not,
    Or,
    fields_of,
    walk,
)
from suitably.suitability.language.types import Domain
from suitably.suitability.lint.finding import Finding

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
    for rule in policy.rules:
        if rule.effect == "bar":
            yield from _minimum_alone(policy, rule)
            yield from _widens(policy, rule)
        article = rule.article.strip()
        cited = re.search(r"\d", _NO_ARTICLE.sub("", article))
        if article and not cited and not _OWN.search(article):
            text = f"cites {rule.article!r} without an article: name it, or say House limit"
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
            text = (
                f"compares {means[0]} with the minimum amount alone, so that all of it in one "
                f"product passes: compare what would be invested, `amount`"
            )
            yield Finding("warning", "minimum-alone", text, rule.id, policy.id)
            return


def _is_money(policy: PolicyDocument, field: Field) -> bool:
    declared = policy.fields.get(str(field))
    unit = declared.unit if isinstance(declared, Domain) else None
    return unit == "money" or _MEANS.search(field.name) is not None


def _widens(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find rules that step aside where a field goes missing; a note of the rule says why."""
    if rule.note.strip():
        return
    for name in _let_through(rule.require_node):
        text = (
            f"passes where {name} is missing: unknown is no pass; if it is meant, say why in note"
        )
        yield Finding("warning", "widens", text, rule.id, policy.id)
    if rule.applies_node is not None:
        for name in _asked_to_be_there(rule.applies_node):
            text = (
                f"does not apply where {name} is missing, so that nothing is asked then; if "
                f"another rule asks, say so in note"
            )
            yield Finding("warning", "widens", text, rule.id, policy.id)


def _let_through(node: Node) -> list[Node]:
    """Return what a condition accepts to be missing beside another condition."""
    if not isinstance(node, And | Or):
        return []
    found = [name for part in node.operands for name in _let_through(part)]
    if isinstance(node, Or):
        found += [part.arguments[0] for part in node.operands if _is_missing(part)]  # type: ignore[attr-defined]
    return found


def _asked_to_be_there(node: Node) -> list[Node]:
    parts = node.operands if isinstance(node, And) else (node,)
    return [
        part.operand.arguments[0]  # type: ignore[attr-defined]
        for part in parts
        if isinstance(part, Not) and _is_missing(part.operand)
    ]


def _is_missing(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "missing"
