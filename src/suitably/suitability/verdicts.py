"""Evidence: what a rule says of one pair, its inputs, and a sentence made from facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, get_args

from suitably.suitability.engine.gaps import Gap
from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import Call, Field, Node
from suitably.suitability.language.texts import Placeholder, fill
from suitably.suitability.language.units import scale_of, unit_of
from suitably.suitability.messages import (
    LANGUAGES,
    explain_reason,
    explain_verdict,
    show_formatted,
    show_value,
)
from suitably.suitability.messages.margins import explain_margin
from suitably.suitability.reasons import Reason
from suitably.utils.record import Record

__all__ = ["Audience", "Margin", "RuleVerdict", "Verdict", "check_audience", "explain_rule"]
__all__ += ["pseudo_verdict", "written"]

Verdict = Literal["pass", "fail", "unknown"]


Audience = Literal["customer", "adviser"]


def check_audience(audience: Audience) -> None:
    """Refuse an audience that there is not.

    Raises:
        ValueError: Neither `"customer"` nor `"adviser"`.
    """
    if audience not in get_args(Audience):
        raise ValueError(f"audience: must be one of {[*get_args(Audience)]}, got {audience!r}")


@dataclass(frozen=True, repr=False)
class Margin(Record):
    """By how much a pair passes a rule.

    Attributes:
        rule: The rule's id.
        spare: The distance to where it would fail; 0 right at a limit that is allowed.
        unit: What that counts: `"level"`, `"days"`, what the policy declares of the numbers
            (`"money"`, `"months"`, …), or `""`.
        tightness: The distance by what is usual for its kind, to tell which rule decided: levels by
            the length of their scale, days by a year, numbers by the larger one compared.
        text: A few words for it, by language.
    """

    rule: str
    spare: float
    unit: str
    tightness: float
    text: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Margin({self.rule!r}, {self.spare:.4g}{' ' * bool(self.unit)}{self.unit})"


@dataclass(frozen=True, repr=False)
class RuleVerdict(Record):
    """What one rule says of one user and one product.

    Attributes:
        rule: The rule's id; ids with a colon are the library's own.
        verdict: `"pass"`, `"fail"` or `"unknown"`.
        article: Where the rule comes from.
        inputs: The fields that it read, such as `{"user.risk_level": "C2"}`; None is missing.
        text: A sentence for the customer in English (`"en"`) and Chinese (`"zh"`).
        policy: The policy's id.
        version: The policy's version.
        fingerprint: The policy's sha256.
        flag: Whether a rule that never bars flags the pair; its verdict is `"pass"`.
        unknown: Whether it cannot be judged: the verdict is `"unknown"`, or so is the flag.
        adviser_text: The sentence for the adviser, who may be told what the customer is not.
        margin: By how much a rule that bars is passed; None where that has no distance.

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= 18"
        ... ''')
        >>> users = pd.DataFrame({"user_id": ["a"], "age": [17]})
        >>> products = pd.DataFrame({"product_id": ["x"]})
        >>> (verdict,) = policy.evaluate(users, products, "2026-01-01").verdicts("a", "x")
        >>> verdict
        RuleVerdict('age', 'fail')
        >>> verdict.text["en"]
        'The rule age is not met: user.age = 17.'
        >>> verdict.to_dict()["inputs"]
        {'user.age': 17}
    """

    rule: str
    verdict: Verdict
    article: str
    inputs: Mapping[str, Any]
    text: Mapping[str, str]
    policy: str = ""
    version: str = ""
    fingerprint: str = ""
    flag: bool = False
    unknown: bool = False
    adviser_text: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    margin: Margin | None = None

    @property
    def is_told_apart(self) -> bool:
        """Whether the adviser is told what the customer is not: its facts are the adviser's."""
        return self.text != self.adviser_text

    def texts_for(self, audience: Audience) -> Mapping[str, str]:
        """Return the sentences that somebody may read, by language.

        Raises:
            ValueError: Neither `"customer"` nor `"adviser"`.
        """
        check_audience(audience)
        return self.text if audience == "customer" else self.adviser_text

    def to_dict(self, audience: Audience | None = None) -> dict[str, Any]:
        """Return the fields by name, JSON-ready.

        Args:
            audience: Who reads them. Of a rule that tells customer and adviser apart, the customer
                gets no inputs and no margin, since these say what the text does not; nobody else's
                text is theirs. None: whoever holds the records, all of them.

        Raises:
            ValueError: Neither `"customer"` nor `"adviser"`.
        """
        said = super().to_dict()
        if audience is None:
            return said
        said["text"] = dict(self.texts_for(audience))
        del said["adviser_text"]
        if audience == "customer" and self.is_told_apart:
            said |= {"inputs": {}, "margin": None}
        return said

    def __repr__(self) -> str:
        flag = ", flag=True" * self.flag + ", unknown=True" * (self.flag and self.unknown)
        return f"RuleVerdict({self.rule!r}, {self.verdict!r}{flag})"


def explain_rule(
    policy: PolicyDocument,
    rule: Rule,
    verdict: Verdict,
    values: Mapping[str, Any],
    as_of: str,
    overflows: Sequence[str] = (),
    gap: Gap | None = None,
) -> RuleVerdict:
    """Put a rule's verdict into words; what a rule that never bars does not pass is flagged.

    Args:
        policy: Whose rule it is.
        rule: The rule.
        verdict: What its sentences say.
        values: Every field that the rule or its texts name.
        as_of: The moment, as text.
        overflows: What is unknown for its size, as written in the rule.
        gap: How far it is from failing, where it passes and that has a distance.
    """
    inputs = {str(read): values[str(read)] for read in rule.fields}
    flag = rule.effect == "flag" and verdict != "pass"
    shown = {**values, "as_of": as_of}
    texts, adviser_texts = {}, {}
    for language in LANGUAGES:
        called = {name: _labelled(policy, name, one, language) for name, one in inputs.items()}
        made = explain_verdict(rule.id, verdict, called, language, overflows, flag)
        texts[language] = adviser_texts[language] = made
        if rule.texts.apart:  # facts, too, tell the customer what only the adviser is to be told
            texts[language] = explain_verdict(rule.id, verdict, {}, language, flag=flag)
        if verdict == "fail":
            write = partial(written, policy, rule.terms, shown, language)
            if language in rule.texts.user:
                texts[language] = fill(rule.texts.user[language], write)
            if language in rule.texts.adviser:
                adviser_texts[language] = fill(rule.texts.adviser[language], write)
    return RuleVerdict(
        rule=rule.id,
        verdict="pass" if flag else verdict,
        article=rule.article,
        inputs=MappingProxyType(inputs),
        text=MappingProxyType(texts),
        adviser_text=MappingProxyType(adviser_texts),
        policy=policy.id,
        version=policy.version,
        fingerprint=policy.fingerprint,
        flag=flag,
        unknown=verdict == "unknown",
        margin=None if gap is None else _margin(policy, rule, gap),
    )


def _margin(policy: PolicyDocument, rule: Rule, gap: Gap) -> Margin:
    unit = "" if gap.unit is None else gap.unit.name
    currency = None if gap.unit is None else gap.unit.currency
    codes = [_codes_of(policy, _level_of(node)) for node in (gap.left, gap.right)]
    texts = {}
    for language in LANGUAGES:
        pair = zip(codes, gap.values, strict=True)
        left, right = (_labelled(policy, name, value, language) for name, value in pair)
        texts[language] = explain_margin(
            rule.id, gap.spare, unit, (left, right), language, currency
        )
    return Margin(rule.id, gap.spare, unit, gap.tightness, MappingProxyType(texts))


def _level_of(node: Node) -> Node:
    """Return the level whose rank an expression is, any other as it is."""
    return node.arguments[0] if isinstance(node, Call) and node.function == "rank" else node


def pseudo_verdict(
    rule: str,
    verdict: Verdict,
    policy: PolicyDocument | None = None,
    overflows: Sequence[str] = (),
    **facts: str,
) -> RuleVerdict:
    """Put one of the library's own reasons into words, and what of it overflows."""
    about = {"policy": policy.id if policy else "", **facts}
    texts = {
        language: explain_reason(Reason(rule), about, language, overflows) for language in LANGUAGES
    }
    return RuleVerdict(
        rule=rule,
        verdict=verdict,
        article="",
        inputs=MappingProxyType({}),
        text=MappingProxyType(texts),
        adviser_text=MappingProxyType(texts),
        policy=policy.id if policy else "",
        version=policy.version if policy else "",
        fingerprint=policy.fingerprint if policy else "",
        unknown=verdict == "unknown",
    )


def written(
    policy: PolicyDocument,
    terms: Mapping[str, Node],
    values: Mapping[str, Any],
    language: str,
    place: Placeholder,
) -> str:
    """Write the value that belongs in a place of a text.

    Args:
        policy: Whose text it is.
        terms: The terms that the text names.
        values: What there is to write, by name.
        language: Such as `"en"`.
        place: The place.
    """
    value = values[place.name]
    node = terms[place.term] if place.term is not None else place.field
    if place.format is not None:
        unit = unit_of(node, policy.fields) if node is not None else None
        percent = unit is not None and unit.name == "percent"
        currency = unit.currency if unit is not None else None
        return show_formatted(value, place.format, language, currency, percent)
    return show_value(_labelled(policy, _codes_of(policy, node), value, language), language)


def _codes_of(policy: PolicyDocument, node: Node | None) -> str:
    """Return the field whose labels tell the codes of an expression, empty where none does."""
    if node is None or isinstance(node, Field):
        return str(node or "")
    scale = scale_of(node, policy.fields)
    on_it = (name for name in policy.labels if scale and policy.fields.get(name) == scale)
    return next(on_it, "")


def _labelled(policy: PolicyDocument, name: str, value: Any, language: str) -> Any:
    """Return what the codes of a field are called; a code without a name, as it is."""
    labels = policy.labels.get(name)
    if labels is None or value is None or value != value:
        return value
    if isinstance(value, list):
        return [_labelled(policy, name, item, language) for item in value]
    code = str(value).lower() if isinstance(value, bool) else show_value(value, "en")
    return labels.get(code, {}).get(language, value)
