"""A policy on a terminal: a plain table that fits its width, with what a check found."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from suitably.suitability.language.document import PolicyDocument, Rule, dates_in_words
from suitably.suitability.lint.finding import SEVERITIES, Finding
from suitably.suitability.messages import LANGUAGES

__all__ = ["list_findings", "list_policy", "wrap"]

_LEAST, _MOST = 40, 120  # columns: narrower is not readable, and wider neither
_LABEL = 10
_GAP = "  "
_PIECES = re.compile(r"\s+|[\u2e80-\uffef][，。；：、！？）》」』]*|[^\s\u2e80-\uffef]+")


def list_policy(policy: PolicyDocument, width: int = 100) -> str:
    """Lay out a policy as text: what it is, then its rules.

    Args:
        policy: The policy.
        width: Columns of the terminal; from 40 to 120 are used.
    """
    width = min(max(width, _LEAST), _MOST)
    lines = [*wrap(f"{policy.id} {policy.version}", width)]
    facts = [(language, title) for language, title in policy.title.items()]
    facts += [("in force", dates_in_words(policy)), ("governs", policy.governs or "every pair")]
    for scale in policy.scales.values():
        fields = [name for name, declared in policy.fields.items() if declared == scale]
        levels = " < ".join(map(str, scale.levels))
        facts.append(("scale", f"{scale.name}: {levels} ({', '.join(fields) or 'unused'})"))
    facts += [
        (name.partition(" ")[0], f"{name.partition(' ')[2]}: {said}")
        for name, said in policy.named.items()
    ]
    facts.append(("sha256", policy.fingerprint))
    lines += _facts(facts, width)
    left = min(max([_columns("rule"), *(_columns(_clean(r.id)) for r in policy.rules)]), width // 3)
    right = width - left - len(_GAP)
    lines += ["", f"{_pad('rule', left)}{_GAP}what it says", f"{'-' * left}{_GAP}{'-' * right}"]
    for rule in policy.rules:
        name = wrap(rule.id, left)
        said = [*_facts(_rule(rule), right), ""]
        for row in range(max(len(name), len(said))):
            cells = (name[row] if row < len(name) else "", said[row] if row < len(said) else "")
            lines.append(f"{_pad(cells[0], left)}{_GAP}{cells[1]}".rstrip())
    if not policy.rules:
        lines.append("none: it bars nothing")
    return "\n".join(lines).rstrip()


def list_findings(findings: Sequence[Finding], width: int = 100, language: str = "en") -> str:
    """Lay out findings as text, and count them.

    Args:
        findings: What a check found.
        width: Columns of the terminal; from 40 to 120 are used.
        language: Such as `"zh"`.
    """
    said = LANGUAGES[language]
    width = min(max(width, _LEAST), _MOST)
    lines = []
    for finding in findings:
        told = finding.texts.get(language, finding.text)
        text = wrap(f"{finding.rule or finding.policy}: {told}", width - _LABEL)
        lines += [f"{_pad(said.severities[finding.severity][0], _LABEL)}{text[0]}"]
        lines += [" " * _LABEL + line for line in text[1:]]
    total = []
    for severity in SEVERITIES:
        count = sum(finding.severity == severity for finding in findings)
        _, one, several = said.severities[severity]
        total.append((one if count == 1 else several).format(count=count))
    return "\n".join([*lines, said.between_items.join(total) if findings else said.nothing_found])


def _rule(rule: Rule) -> list[tuple[str, str]]:
    facts = [("effect", "flags what it does not pass, and bars nothing")] * (rule.effect == "flag")
    facts += [("applies", rule.applies or "to every pair"), ("requires", rule.require)]
    facts.append(("article", rule.article or "none"))
    if rule.effective or rule.expires:
        facts.append(("in force", dates_in_words(rule)))
    if rule.note:
        facts.append(("note", rule.note))
    apart = "; others for the adviser" * rule.texts.apart
    return [*facts, ("texts", (", ".join(rule.because) or "none") + apart)]


def _facts(facts: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    for name, text in facts:
        first, *rest = wrap(text, width - _LABEL)
        yield f"{_pad(name, _LABEL)}{first}"
        yield from (" " * _LABEL + line for line in rest)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of so many columns, at spaces and between Chinese characters.

    What a terminal would obey rather than show is replaced, so that a policy can only be read.

    Example:
        >>> wrap("rank(a) <= rank(b) 适当性", 10)
        ['rank(a) <=', 'rank(b) 适', '当性']
    """
    lines = [""]
    for piece in _PIECES.findall(_clean(text)):
        if piece.isspace():
            lines[-1] += " " * bool(lines[-1])
            continue
        while piece:
            room = width - _columns(lines[-1])
            if _columns(piece) <= room:
                lines[-1] += piece
                break
            if lines[-1].strip():
                lines.append("")
                continue
            fits = next(
                n for n in range(len(piece), 0, -1) if n == 1 or _columns(piece[:n]) <= room
            )
            lines[-1], piece = piece[:fits], piece[fits:]
            lines += [""] * bool(piece)
    return [line.rstrip() for line in lines]


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text)


def _columns(text: str) -> int:
    """Count terminal columns: Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, width: int) -> str:
    return text + " " * max(width - _columns(text), 0)
