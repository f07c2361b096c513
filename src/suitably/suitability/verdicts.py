"""Evidence: what a rule says of one pair, its inputs, and a sentence made from facts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.messages import (
    LANGUAGES,
    explain_reason,
    explain_verdict,
    show_value,
)
from suitably.suitability.reasons import Reason
from suitably.utils.record import Record

__all__ = ["RuleVerdict", "Verdict", "explain_rule", "pseudo_verdict"]

Verdict = Literal["pass", "fail", "unknown"]
_PLACEHOLDER = re.compile(r"\{(\w+(?:\.\w+)?)\}")


@dataclass(frozen=True, repr=False)
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
        flag: Whether a rule that never bars flags the pair; its verdict is `"pass"`.
        unknown: Whether it cannot be judged: the verdict is `"unknown"`, or so is the flag.

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
) -> RuleVerdict:
    """Put a rule's verdict into words; what a rule that never bars does not pass is flagged.

    Args:
        policy: Whose rule it is.
        rule: The rule.
        verdict: What its sentences say.
        values: Every field that the rule or its texts name.
        as_of: The moment, as text.
        overflows: What is unknown for its size, as written in the rule.
    """
    inputs = {str(field): values[str(field)] for field in rule.fields}
    flag = rule.effect == "flag" and verdict != "pass"
    texts = {
        language: explain_verdict(rule.id, verdict, inputs, language, overflows, flag)
        for language in LANGUAGES
    }
    if verdict == "fail":
        for language, because in rule.because.items():
            texts[language] = _filled(because, {**values, "as_of": as_of}, language)
    return RuleVerdict(
        rule=rule.id,
        verdict="pass" if flag else verdict,
        article=rule.article,
        inputs=MappingProxyType(inputs),
        text=MappingProxyType(texts),
        policy=policy.id,
        version=policy.version,
        fingerprint=policy.fingerprint,
        flag=flag,
        unknown=verdict == "unknown",
    )


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
        policy=policy.id if policy else "",
        version=policy.version if policy else "",
        fingerprint=policy.fingerprint if policy else "",
        unknown=verdict == "unknown",
    )


def _filled(text: str, values: Mapping[str, Any], language: str) -> str:
    return _PLACEHOLDER.sub(lambda place: show_value(values[place[1]], language), text)
