"""A policy read word by word: types, texts, declarations, and names that may be slips."""

import difflib
from collections.abc import Iterator

from suitably.suitability.expressions import Call, Compare, Constant, Field, Node, walk
from suitably.suitability.policy import Policy
from suitably.suitability.review.finding import Finding
from suitably.suitability.review.rehearsal import misfit
from suitably.suitability.review.vocabulary import LEVEL, VOCABULARY
from suitably.suitability.values import Scale

__all__ = ["check_declarations", "check_names", "check_texts", "check_types"]

_LANGUAGES = {"en": "English", "zh": "Chinese"}
_CLOSE = 0.75  # how like a name of the vocabulary an unknown one must be to pass for a slip


def check_types(policy: Policy) -> Iterator[Finding]:
    """Find sentences whose types do not go together, as declared or by the vocabulary."""
    assumed = {name: "text" if kind == LEVEL else kind for name, kind in VOCABULARY.items()}
    usual = {name: kind or None for name, kind in assumed.items()} | policy.fields
    for rule, key, text, node in _sentences(policy):
        problem = misfit(node, text, key, policy.fields) or _unordered(policy, text, key, node)
        if problem:
            yield Finding("error", "type", problem, rule, policy.id)
            continue
        problem = misfit(node, text, key, usual)
        if problem:
            hint = "if the fields are of their usual types"
            yield Finding("warning", "type", f"{problem}, {hint}", rule, policy.id)
        yield from _lengths(policy, rule, node)


def _unordered(policy: Policy, text: str, key: str, node: Node) -> str | None:
    """Find a level that is ranked or ordered without a scale."""
    for part in walk(node):
        if isinstance(part, Call) and part.function == "rank":
            inside = part.arguments[0]
            if isinstance(inside, Field) and str(inside) not in policy.fields:
                return f"{key}: rank({inside}) needs a scale: declare {inside} in [fields]"
        if isinstance(part, Compare) and part.operator not in ("==", "!="):
            for field, other in ((part.left, part.right), (part.right, part.left)):
                literal = isinstance(other, Constant) and isinstance(other.value, str)
                if literal and isinstance(field, Field) and str(field) not in policy.fields:
                    written = text[part.start : part.end]
                    return f"{key}: {written!r} orders text: declare a scale for {field}"
    return None


def _lengths(policy: Policy, rule: str, node: Node) -> Iterator[Finding]:
    for part in walk(node):
        if not isinstance(part, Compare):
            continue
        scales = [s for s in (_ranked(policy, part.left), _ranked(policy, part.right)) if s]
        if len({len(scale.levels) for scale in scales}) > 1:
            text = " and ".join(f"{s.name!r} of {len(s.levels)} levels" for s in scales)
            text = f"compares positions on scales of different length: {text}"
            yield Finding("warning", "scale-lengths", text, rule, policy.id)


def _ranked(policy: Policy, node: Node) -> Scale | None:
    if isinstance(node, Call) and node.function == "rank" and isinstance(node.arguments[0], Field):
        declared = policy.fields.get(str(node.arguments[0]))
        return declared if isinstance(declared, Scale) else None
    return None


def check_texts(policy: Policy) -> Iterator[Finding]:
    """Find what a user or an examiner would miss."""
    lacking = [name for language, name in _LANGUAGES.items() if language not in policy.title]
    if lacking:
        text = f"has no title in {' or '.join(lacking)}"
        yield Finding("note", "missing-text", text, "", policy.id)
    if not policy.version.strip():
        text = "has no version: name one, so that evidence can"
        yield Finding("warning", "missing-version", text, "", policy.id)
    for rule in policy.rules:
        lacking = [
            name
            for language, name in _LANGUAGES.items()
            if not rule.because.get(language, "").strip()
        ]
        if lacking:
            text = f"has no `because` in {' or '.join(lacking)}: a failure gets a generated text"
            yield Finding("warning", "missing-text", text, rule.id, policy.id)
        if not rule.article.strip():
            text = "names no article: say where it comes from"
            yield Finding("warning", "missing-article", text, rule.id, policy.id)


def check_declarations(policy: Policy) -> Iterator[Finding]:
    """Find scales and fields that are declared and not used, and levels used as mere text."""
    used = set(map(str, policy.reads))
    for name in policy.fields:
        if name not in used:
            text = f"declares {name}, which no rule reads"
            yield Finding("note", "unused", text, "", policy.id)
    for name, scale in policy.scales.items():
        if scale not in policy.fields.values():
            text = f"has a scale {name!r} that no field is on"
            yield Finding("note", "unused", text, "", policy.id)
    for rule, _, _, node in _sentences(policy):
        for field in dict.fromkeys(part for part in walk(node) if isinstance(part, Field)):
            if VOCABULARY.get(str(field)) == LEVEL and str(field) not in policy.fields:
                text = (
                    f"{field} is usually a level: declare its scale in [fields], "
                    "or values off the scale are not refused"
                )
                yield Finding("warning", "undeclared-scale", text, rule, policy.id)


def check_names(policy: Policy) -> Iterator[Finding]:
    """Find fields that are not in the vocabulary: slips, or a firm's own."""
    for field in policy.reads:
        if str(field) in VOCABULARY:
            continue
        reader = next((r.id for r in policy.rules if field in (*r.fields, *r.mentioned)), "")
        other = f"{'product' if field.side == 'user' else 'user'}.{field.name}"
        known = [name for name in VOCABULARY if name.startswith(f"{field.side}.")]
        near = difflib.get_close_matches(str(field), known, n=3, cutoff=_CLOSE)
        near = [other] if other in VOCABULARY else near
        slip = str(field) not in policy.fields
        if near and slip:
            text = f"{field} is not in the vocabulary of fields: did you mean {' or '.join(near)}?"
            yield Finding("warning", "unknown-field", text, reader, policy.id)
        else:
            text = f"{field} is not in the vocabulary of fields: the data must have such a column"
            yield Finding("note", "unknown-field", text, reader, policy.id)


def _sentences(policy: Policy) -> Iterator[tuple[str, str, str, Node]]:
    """Return every sentence: the rule's id, the key, the text and its tree."""
    if policy.governs_node is not None:
        yield "", "governs", policy.governs or "", policy.governs_node
    for rule in policy.rules:
        if rule.applies_node is not None:
            yield rule.id, "applies", rule.applies or "", rule.applies_node
        yield rule.id, "require", rule.require, rule.require_node
