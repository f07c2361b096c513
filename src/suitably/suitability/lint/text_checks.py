"""A policy read word by word: types, texts, declarations, and names that may be slips."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from suitably.suitability.field_names import FIELD_NAMES, LEVEL
from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.functions import called
from suitably.suitability.language.functions.money import money_field
from suitably.suitability.language.functions.peers import peers_of
from suitably.suitability.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    Field,
    Node,
    Table,
    fields_of,
    walk,
    written,
)
from suitably.suitability.language.types import Scale
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.sentences import sentences
from suitably.suitability.lint.type_check import type_error
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, languages_told, listed, say

__all__ = ["check_declarations", "check_languages", "check_names", "check_never", "check_texts"]
__all__ += ["check_types"]

_SPANS = ("days", "months", "years")
_END = re.compile(r"(^|_)(to|until|till|thru|through|end|ends|expiry|expires|expiration)(_|$)")
_CLOSE = 0.75  # how like a name of the vocabulary an unknown one must be to pass for a slip


def check_types(policy: PolicyDocument) -> Iterator[Finding]:
    """Find sentences whose types do not go together, as declared or by the vocabulary."""
    assumed = {name: "text" if kind == LEVEL else kind for name, kind in FIELD_NAMES.items()}
    usual = {name: kind or None for name, kind in assumed.items()} | policy.fields
    for rule, key, text, node in sentences(policy):
        problem = type_error(node, text, key, policy.fields) or _unordered(policy, text, key, node)
        if problem:
            yield Finding("error", "type", problem, rule, policy.id)
            continue
        problem = type_error(node, text, key, usual)
        if problem:
            told = say(Remark.IF_USUAL, problem=problem)
            yield Finding("warning", "type", told, rule, policy.id)
        yield from _lengths(policy, rule, node)


def _unordered(policy: PolicyDocument, text: str, key: str, node: Node) -> str | None:
    """Find a level that is ranked or ordered without a scale."""
    for part in walk(node):
        for inside in _levels(part):
            if isinstance(inside, Field) and str(inside) not in policy.fields:
                said = written(part, text)
                return say(Remark.NEEDS_SCALE, key=key, sentence=said, field=inside)
        if isinstance(part, Compare) and part.operator not in ("==", "!="):
            for field, other in ((part.left, part.right), (part.right, part.left)):
                literal = isinstance(other, Constant) and isinstance(other.value, str)
                if literal and isinstance(field, Field) and str(field) not in policy.fields:
                    said = repr(written(part, text))
                    return say(Remark.ORDERS_TEXT, key=key, sentence=said, field=field)
    return None


def _lengths(policy: PolicyDocument, rule: str, node: Node) -> Iterator[Finding]:
    for part in walk(node):
        if not isinstance(part, Compare):
            continue
        scales = [s for s in (_ranked(policy, part.left), _ranked(policy, part.right)) if s]
        if len({len(scale.levels) for scale in scales}) > 1:
            said = [say(Remark.SCALE_OF, scale=repr(s.name), count=len(s.levels)) for s in scales]
            text = say(Remark.SCALE_LENGTHS, scales=listed(said, "and_"))
            yield Finding("warning", "scale-lengths", text, rule, policy.id)


def _ranked(policy: PolicyDocument, node: Node) -> Scale | None:
    """Return the scale of a level whose position a node is."""
    for level in _levels(node):
        declared = policy.fields.get(str(level)) if isinstance(level, Field) else None
        return declared if isinstance(declared, Scale) else None
    return None


def check_never(policy: PolicyDocument) -> Iterator[Finding]:
    """Find ends that are put off: 9999-12-31, which stands for never, overflows."""
    for rule, _, text, node in sentences(policy):
        for part in walk(node):
            if not isinstance(part, Arithmetic) or part.operator != "+":
                continue
            for end, span in ((part.left, part.right), (part.right, part.left)):
                if _is_end(end) and isinstance(span, Call) and span.function in _SPANS:
                    told = say(
                        Remark.NEVER_EXPIRES,
                        sum=written(part, text),
                        end=end,
                        span=span.function,
                    )
                    yield Finding("warning", "never-expires", told, rule, policy.id)


def _is_end(node: Node) -> bool:
    return isinstance(node, Field) and bool(_END.search(node.name))


def _levels(node: Node) -> list[Node]:
    """List the arguments of a call that must be levels."""
    function = called(node)
    if function is None or not isinstance(node, Call):
        return []
    places = enumerate(node.arguments)
    return [part for place, part in places if function.parameter(place).kind == "level"]


def check_texts(policy: PolicyDocument) -> Iterator[Finding]:
    """Find what a user or an examiner would miss."""
    yield from _titles(policy)
    if not policy.version.strip():
        text = say(Remark.NO_VERSION)
        yield Finding("warning", "missing-version", text, "", policy.id)
    for rule in policy.rules:
        yield from _because(policy, rule)
        if not rule.article.strip():
            text = say(Remark.NO_ARTICLE)
            yield Finding("warning", "missing-article", text, rule.id, policy.id)


def check_languages(policy: PolicyDocument, languages: Sequence[str]) -> list[Finding]:
    """Find texts that a language lacks: whoever asks for it cannot do without.

    Args:
        policy: The policy.
        languages: Their codes, such as `"en"` and `"zh"`.

    Returns:
        An error for each title and each `because` that is missing, in the policy's order.

    Example:
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... title = "Of age"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= 18"
        ... because = { en = "Not of age.", zh = "未成年。" }
        ... ''')
        >>> for finding in check_languages(policy, ["en", "zh"]):
        ...     print(finding)
        error: adults: has no `title` in zh
    """
    texts = [("", "title", policy.title)]
    texts += [(rule.id, "because", rule.because) for rule in policy.rules]
    return [
        Finding(
            "error",
            "missing-language",
            say(Remark.NO_LANGUAGE, key=key, language=language),
            rule,
            policy.id,
        )
        for rule, key, text in texts
        for language in languages
        if not text.get(language, "").strip()
    ]


def _titles(policy: PolicyDocument) -> Iterator[Finding]:
    lacking = _lacking(policy.title)
    if lacking:
        text = say(Remark.NO_TITLE, languages=lacking)
        yield Finding("note", "missing-text", text, "", policy.id)


def _because(policy: PolicyDocument, rule: Rule) -> Iterator[Finding]:
    lacking = _lacking(rule.because)
    if lacking:
        what = say(Remark.A_FLAG if rule.effect == "flag" else Remark.A_FAILURE)
        text = say(Remark.NO_BECAUSE, languages=lacking, what=what)
        yield Finding("warning", "missing-text", text, rule.id, policy.id)


def _lacking(texts: Mapping[str, str]) -> Told:
    return languages_told(code for code in LANGUAGES if not texts.get(code, "").strip())


def check_declarations(policy: PolicyDocument) -> Iterator[Finding]:
    """Find scales and fields that are declared and not used, and levels used as mere text."""
    used = set(map(str, policy.reads))
    for name in policy.fields:
        if name not in used:
            text = say(Remark.UNUSED_FIELD, field=name)
            yield Finding("note", "unused", text, "", policy.id)
    on_maps = {scale for table in policy.maps.values() for scale in (table.source, table.target)}
    for name, scale in policy.scales.items():
        if scale not in policy.fields.values() and scale not in on_maps:
            text = say(Remark.UNUSED_SCALE, name=repr(name))
            yield Finding("note", "unused", text, "", policy.id)
    yield from _unused_definitions(policy)
    for name, fact in policy.changeable.items():
        # A date may decide whether what is stated counts, without being named.
        if name not in used and not name.endswith("_date"):
            text = say(Remark.UNUSED_CHANGE, field=name)
            yield Finding("note", "unused", text, "", policy.id)
        lacking = _lacking(fact.texts)
        if lacking:
            text = say(Remark.NO_CHANGE, languages=lacking, field=name)
            yield Finding("warning", "missing-text", text, "", policy.id)
    for rule, _, _, node in sentences(policy):
        for field in fields_of(node):
            if FIELD_NAMES.get(str(field)) == LEVEL and str(field) not in policy.fields:
                text = say(Remark.UNDECLARED_SCALE, field=field)
                yield Finding("warning", "undeclared-scale", text, rule, policy.id)


def _unused_definitions(policy: PolicyDocument) -> Iterator[Finding]:
    """Find terms, maps and labels that nothing uses."""
    nodes = [*policy.term_nodes.values(), *(node for *_, node in sentences(policy))]
    tables = {part.name for node in nodes for part in walk(node) if isinstance(part, Table)}
    written = " ".join([*policy.terms.values(), *(text for _, _, text, _ in sentences(policy))])
    said = set(re.findall(r"\bterm\.(\w+)", written))
    said |= {name for rule in policy.rules for name in rule.terms}
    said |= {name for fact in policy.changeable.values() for name in fact.terms}
    shown = set(map(str, policy.reads))
    for remark, names, used in (
        (Remark.UNUSED_TERM, policy.terms, said),
        (Remark.UNUSED_MAP, policy.maps, tables),
        (Remark.UNUSED_LABEL, policy.labels, shown),
    ):
        for name in names:
            if name not in used:
                text = say(remark, name=repr(name))
                yield Finding("note", "unused", text, "", policy.id)


def check_names(policy: PolicyDocument) -> Iterator[Finding]:
    """Find fields that are not in the vocabulary: slips, or a firm's own."""
    for field in policy.reads:
        if str(field) in FIELD_NAMES or money_field(field.name) or peers_of(field.name):
            continue
        reader = next((r.id for r in policy.rules if field in (*r.fields, *r.mentioned)), "")
        other = f"{'product' if field.side == 'user' else 'user'}.{field.name}"
        known = [name for name in FIELD_NAMES if name.startswith(f"{field.side}.")]
        near = difflib.get_close_matches(str(field), known, n=3, cutoff=_CLOSE)
        near = [other] if other in FIELD_NAMES else near
        slip = str(field) not in policy.fields
        if near and slip:
            text = say(Remark.LIKE_A_FIELD, field=field, near=listed(near, "or_"))
            yield Finding("warning", "unknown-field", text, reader, policy.id)
        else:
            text = say(Remark.UNKNOWN_FIELD, field=field)
            yield Finding("note", "unknown-field", text, reader, policy.id)
