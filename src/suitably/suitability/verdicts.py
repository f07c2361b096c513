"""Evidence: what a rule says of one pair, its inputs, and a sentence made from facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal

from suitably.suitability.policy import Policy, Rule
from suitably.utils.record import Record

__all__ = ["RuleVerdict", "Verdict", "explain_rule", "pseudo_verdict", "show_value"]

Verdict = Literal["pass", "fail", "unknown"]
_PLACEHOLDER = re.compile(r"\{(\w+(?:\.\w+)?)\}")
_MISSING = {"en": "missing", "zh": "缺失"}
_SENTENCES = {
    "pass": {"en": "The rule {rule} is met{facts}.", "zh": "符合规则{rule}{facts}。"},
    "fail": {"en": "The rule {rule} is not met{facts}.", "zh": "不符合规则{rule}{facts}。"},
    "unknown": {
        "en": "The rule {rule} cannot be judged{facts}.",
        "zh": "无法判断规则{rule}{facts}。",
    },
}
PSEUDO_RULES = {
    "policy:governs": {
        "en": "No policy is known to govern this product for this customer.",
        "zh": "没有可确认适用于该客户与该产品的适当性政策。",
    },
    "policy:effective": {
        "en": "The policy {policy} is not known to be in force on {as_of}.",
        "zh": "无法确认政策{policy}在{as_of}有效。",
    },
    "pipeline:owned": {
        "en": "The customer already owns this product.",
        "zh": "客户已持有该产品。",
    },
    "pipeline:no-score": {
        "en": "The product may be offered, but the ranker knows too little to place it.",
        "zh": "该产品可以推荐，但排序模型缺少相关信息，无法排名。",
    },
    "pipeline:ranked-below-k": {
        "en": "The product may be offered, but is not among the first {k}.",
        "zh": "该产品可以推荐，但未进入前{k}名。",
    },
}


@dataclass(frozen=True)
class RuleVerdict(Record):
    """What one rule says of one user and one product.

    Attributes:
        rule: The rule's id; ids with a colon are the library's own.
        verdict: `"pass"`, `"fail"` or `"unknown"`.
        article: Where the rule comes from.
        inputs: The fields that it read, such as `{"user.risk_level": "C2"}`; None is missing.
        text: A sentence in English (`"en"`) and Chinese (`"zh"`).
        policy: The policy's id.
        version: The policy's version.
        fingerprint: The policy's sha256.
    """

    rule: str
    verdict: Verdict
    article: str
    inputs: Mapping[str, Any]
    text: Mapping[str, str]
    policy: str = ""
    version: str = ""
    fingerprint: str = ""


def explain_rule(
    policy: Policy, rule: Rule, verdict: Verdict, values: Mapping[str, Any], as_of: str
) -> RuleVerdict:
    """Put a rule's verdict into words.

    Args:
        policy: Whose rule it is.
        rule: The rule.
        verdict: What it says.
        values: Every field that the rule or its texts name.
        as_of: The moment, as text.
    """
    inputs = {str(field): values[str(field)] for field in rule.fields}
    texts = {language: _generated(rule.id, verdict, inputs, language) for language in _MISSING}
    if verdict == "fail":
        for language, because in rule.because.items():
            texts[language] = _filled(because, {**values, "as_of": as_of}, language)
    return RuleVerdict(
        rule=rule.id,
        verdict=verdict,
        article=rule.article,
        inputs=MappingProxyType(inputs),
        text=MappingProxyType(texts),
        policy=policy.id,
        version=policy.version,
        fingerprint=policy.fingerprint,
    )


def pseudo_verdict(
    rule: str, verdict: Verdict, policy: Policy | None = None, **facts: str
) -> RuleVerdict:
    """Put one of the library's own reasons into words."""
    about = {"policy": policy.id if policy else "", **facts}
    texts = {language: text.format(**about) for language, text in PSEUDO_RULES[rule].items()}
    return RuleVerdict(
        rule=rule,
        verdict=verdict,
        article="",
        inputs=MappingProxyType({}),
        text=MappingProxyType(texts),
        policy=policy.id if policy else "",
        version=policy.version if policy else "",
        fingerprint=policy.fingerprint if policy else "",
    )


def _generated(rule: str, verdict: Verdict, inputs: Mapping[str, Any], language: str) -> str:
    comma, equals = (", ", " = ") if language == "en" else ("，", "为")
    facts = comma.join(f"{name}{equals}{show_value(v, language)}" for name, v in inputs.items())
    around = (": {}" if language == "en" else "：{}").format(facts) if facts else ""
    return _SENTENCES[verdict][language].format(rule=rule, facts=around)


def _filled(text: str, values: Mapping[str, Any], language: str) -> str:
    return _PLACEHOLDER.sub(lambda place: show_value(values[place[1]], language), text)


def show_value(value: Any, language: str) -> str:
    """Write a value as a person would, in English (`"en"`) or Chinese (`"zh"`)."""
    if value is None or value != value:
        return _MISSING[language]
    if isinstance(value, bool):
        return {"en": ("no", "yes"), "zh": ("否", "是")}[language][value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        comma = "、" if language == "zh" else ", "
        return comma.join(show_value(item, language) for item in value) or "-"
    if isinstance(value, dict):
        return (
            ", ".join(f"{key}: {show_value(item, language)}" for key, item in value.items()) or "-"
        )
    return str(value)
