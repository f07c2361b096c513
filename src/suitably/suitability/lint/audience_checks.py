"""Texts and who reads them: facts that are not the rule's, raw codes, what is nobody's business."""

import re
from collections.abc import Iterator

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import Call, fields_of, walk
from suitably.suitability.language.texts import placeholders
from suitably.suitability.language.types import Domain
from suitably.suitability.lint.finding import Finding
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import listed, say

__all__ = ["check_audiences"]

_PROTECTED = re.compile(
    r"(vulnerab|capacity$|legal_capacity|guardian|lowest_class|health|disab|disease|religio)"
)
_WORDS = re.compile(
    r"(vulnerab|legal capacity|guardian|disab|health|弱势|行为能力|监护|残疾|健康)", re.IGNORECASE
)
_HARMLESS = ("loss_capacity",)
_CODES = {
    "user": ("legal_capacity", "objective", "client_category", "investor_type"),
    "product": ("category", "regime", "purpose"),
}


def check_audiences(policy: PolicyDocument) -> Iterator[Finding]:
    """Find what a customer should not read, or could not understand."""
    for rule in policy.rules:
        yield from _of_others(policy, rule)
        yield from _codes(policy, rule)
        yield from _disclosed(policy, rule)


def _of_others(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find fields in a text that the rule does not use."""
    for field in rule.mentioned:
        if field not in rule.fields:
            text = say(Remark.NAMES_ANOTHER, field=field)
            yield Finding("warning", "text-of-others", text, rule.id, policy.id)
    for node in (rule.applies_node, rule.require_node):
        for part in [] if node is None else walk(node):
            if isinstance(part, Call) and part.function in ("min", "max"):
                yield from _one_of_several(policy, rule, part)


def _one_of_several(policy: PolicyDocument, rule: Rule, call: Call) -> Iterator[Finding]:
    """Find a text that names one of several fields of which the least or greatest decides."""
    among = fields_of(call)
    named = [field for field in among if field in rule.mentioned]
    if named and len(named) < len(among):
        text = say(
            Remark.NAMES_ONE_OF,
            field=named[0],
            function=call.function,
            fields=listed(among, "between_items"),
        )
        yield Finding("warning", "text-of-others", text, rule.id, policy.id)


def _codes(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find texts that show a code of a closed list as it is."""
    for field in rule.mentioned:
        declared = policy.fields.get(str(field))
        closed = isinstance(declared, Domain) and declared.type == "text" and declared.values
        usual = declared in (None, "text") and field.name in _CODES[field.side]
        if (closed or usual) and str(field) not in policy.labels:
            text = say(Remark.RAW_CODE, field=field)
            yield Finding("note", "raw-code", text, rule.id, policy.id)


def _disclosed(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    """Find customers' texts that tell them what is kept of them as persons."""
    shown = {
        place.field for text in rule.because.values() for place in placeholders(text) if place.field
    }
    for field in sorted(shown, key=str):
        kept = field.side == "user" and _PROTECTED.search(field.name)
        if kept and field.name not in _HARMLESS:
            text = say(Remark.DISCLOSES_FIELD, field=field)
            yield Finding("warning", "discloses", text, rule.id, policy.id)
            return
    words = [found[0] for text in rule.because.values() if (found := _WORDS.search(text))]
    if words:
        text = say(Remark.DISCLOSES_WORD, word=repr(words[0]))
        yield Finding("warning", "discloses", text, rule.id, policy.id)
