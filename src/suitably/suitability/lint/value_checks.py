"""What a policy believes of values: shares, categories, spellings."""

from collections import defaultdict
from collections.abc import Iterator

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import (
    And,
    Call,
    Compare,
    Constant,
    Field,
    Membership,
    Node,
    Not,
    fields_of,
    walk,
)
from suitably.suitability.language.types import Domain
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.sentences import sentences
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["alike", "check_values"]

_SHARES = ("loss_capacity", "max_loss", "max_ltv", "fee_rate", "fee_sensitivity", "total_cost")


def check_values(policy: PolicyDocument) -> Iterator[Finding]:
    """Find values that are believed, or that no rule meets for how they are spelt."""
    yield from _shares(policy)
    asked = _asked(policy)
    yield from _spellings(policy, asked)
    yield from _categories(policy, asked)


def _shares(policy: PolicyDocument) -> Iterator[Finding]:
    """Find shares that may be below 0: -0.6 makes an affordability rule pass."""
    for field in policy.reads:
        declared = policy.fields.get(str(field))
        unit = declared.unit if isinstance(declared, Domain) else None
        share = unit in ("share", "percent") or field.name in _SHARES
        share |= field.name.endswith("_share") and declared != "map"
        kind = declared if isinstance(declared, str) or declared is None else "number"
        ranged = isinstance(declared, Domain) and declared.least is not None
        if share and not ranged and kind in (None, "number"):
            text = say(Remark.SHARE_WITHOUT_RANGE, field=field)
            yield Finding("warning", "share-without-range", text, "", policy.id)


def _asked(policy: PolicyDocument) -> dict[Field, dict[str, list[tuple[str, str]]]]:
    """Return the texts that fields are compared with, and where: rule and key."""
    found: dict[Field, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for rule, key, _, node in sentences(policy):
        for part in walk(node):
            for field, value in _equalities(part):
                found[field][value].append((rule, key))
    return found


def _equalities(part: Node) -> Iterator[tuple[Field, str]]:
    pairs: list[tuple[Node, Node]]
    if isinstance(part, Membership):
        pairs = [(part.item, choice) for choice in part.choices]
    elif isinstance(part, Compare) and part.operator in ("==", "!="):
        pairs = [(part.left, part.right), (part.right, part.left)]
    else:
        return
    for field, value in pairs:
        if (
            isinstance(field, Field)
            and isinstance(value, Constant)
            and isinstance(value.value, str)
        ):
            yield field, value.value


def _spellings(
    policy: PolicyDocument, asked: dict[Field, dict[str, list[tuple[str, str]]]]
) -> Iterator[Finding]:
    """Find texts that a field never holds, as declared, or that are spelt in two ways."""
    for field, values in asked.items():
        declared = policy.fields.get(str(field))
        known = list(declared.values) if isinstance(declared, Domain) else []
        seen: dict[str, str] = {}
        for value, places in values.items():
            rule = places[0][0]
            if known and value not in known:
                near = [one for one in known if alike(str(one), value)]
                hint = (
                    say(Remark.IS_SPELT, near=repr(near[0]))
                    if near
                    else say(Remark.HOLDS_ONLY, values=known)
                )
                text = say(Remark.NEVER_HELD, field=field, value=repr(value), hint=hint)
                yield Finding("error", "spelling", text, rule, policy.id)
            other = seen.setdefault(_plain(value), value)
            if other != value and not {*values[other]} & {*places}:
                text = say(Remark.TWO_SPELLINGS, field=field, one=repr(other), other=repr(value))
                yield Finding("warning", "spelling", text, rule, policy.id)


def alike(one: str, other: str) -> bool:
    """Return whether two texts differ in case, spaces and signs alone."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _categories(
    policy: PolicyDocument, asked: dict[Field, dict[str, list[tuple[str, str]]]]
) -> Iterator[Finding]:
    """Find fields that decide which rules apply, where another value meets none of them."""
    for field, values in asked.items():
        keys = {key for places in values.values() for _, key in places}
        declared = policy.fields.get(str(field))
        known = list(declared.values) if isinstance(declared, Domain) else []
        left = [one for one in known if one not in values]
        if keys == {"governs"} and left and not _takes_the_rest(policy.governs_node, field):
            text = say(Remark.NOT_GOVERNED, field=field, values=left)
            yield Finding("note", "falls-through", text, "", policy.id)
        if "applies" not in keys or any(_lists(rule, field) for rule in policy.rules):
            continue
        several = sum(any(key == "applies" for _, key in p) for p in values.values()) > 1
        if known and left and several:
            text = say(Remark.NO_RULE_FOR, field=field, values=left)
            yield Finding("warning", "falls-through", text, "", policy.id)
        elif not known and several:
            text = say(Remark.DECIDES_BY_SPELLING, field=field)
            yield Finding("warning", "falls-through", text, "", policy.id)


def _takes_the_rest(node: Node | None, field: Field) -> bool:
    """Return whether a condition may take a field for what it does not hold."""
    for part in [] if node is None else walk(node):
        if isinstance(part, Compare) and part.operator == "!=" and field in part.children:
            return True
        if isinstance(part, Not) and field in fields_of(part):
            return True
    return False


def _lists(rule: Rule, field: Field) -> bool:
    """Return whether a rule for every pair keeps out what it does not list of a field."""
    if rule.applies_node is not None or rule.effect == "flag":
        return False
    node = rule.require_node
    for part in node.operands if isinstance(node, And) else (node,):
        listed = not isinstance(part, Compare) or part.operator == "=="
        if listed and field in [name for name, _ in _equalities(part)]:
            return True
        if isinstance(part, Call) and part.function == "contains" and part.arguments[1] == field:
            return True
    return False
