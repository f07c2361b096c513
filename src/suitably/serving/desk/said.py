"""Verdicts and explanations for whoever sits at the desk: the adviser's texts, and what is told."""

from collections.abc import Mapping
from typing import Any

from suitably.serving.desk.parts import code, link, stacked, tag
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.visit import Visit
from suitably.suitability.messages import show_value
from suitably.suitability.verdicts import RuleVerdict
from suitably.utils.html import Markup, element
from suitably.utils.masking import DIRECT_IDENTIFIERS

__all__ = ["rule_name", "shown_inputs", "shown_text", "verdict_tag"]

_TONES = {"pass": "good", "fail": "bad", "unknown": "open"}


def rule_name(visit: Visit, rule: str, policy: str = "") -> Markup:
    """Return a rule's name, linked to where the policy says it; the library's own in words."""
    own = visit.texts.reasons.get(rule)
    if own is not None:
        return element("span", own)
    if ":" in rule or not policy:
        return code(rule)
    return link(code(rule), visit.url("policy") + f"#{anchor(policy, rule)}")


def anchor(policy: str, rule: str) -> str:
    """Return the fragment of a rule on the page of policies."""
    return f"rule-{policy.encode().hex()}-{rule.encode().hex()}"


def verdict_tag(visit: Visit, verdict: RuleVerdict) -> Markup:
    """Return a verdict as a word with its colour, and whether it flags."""
    texts = visit.texts
    if verdict.flag:
        word = texts.flag_unknown if verdict.unknown else texts.flagged
        return tag(f"⚑ {word}", "open")
    sign = {"pass": "✓", "fail": "✗", "unknown": "?"}[verdict.verdict]
    return tag(f"{sign} {texts.verdicts[verdict.verdict]}", _TONES[verdict.verdict])


def shown_text(visit: Visit, reading: Reading, verdict: RuleVerdict) -> Markup:
    """Return what a rule says of a pair: to the adviser, and to the customer if that differs."""
    texts = visit.texts
    if _withheld(visit, reading, verdict):
        return element("span", texts.withheld_text)
    adviser = verdict.texts_for("adviser").get(visit.language, "")
    customer = verdict.texts_for("customer").get(visit.language, "")
    told = element("small", f"{texts.told_customer} {customer}") if customer != adviser else ""
    spare = "" if verdict.margin is None else verdict.margin.text.get(visit.language, "")
    closest = element("small", f"{texts.spare} {spare}") if spare else ""
    return stacked(adviser, told, closest)


def shown_inputs(visit: Visit, reading: Reading, verdict: RuleVerdict) -> Markup:
    """Return what a rule read, field by field."""
    if _withheld(visit, reading, verdict):
        return element("span", visit.texts.withheld)
    return stacked(
        *(
            element("span", code(name), " ", show_value(_plain(value), visit.language))
            for name, value in verdict.inputs.items()
        )
    )


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _withheld(visit: Visit, reading: Reading, verdict: RuleVerdict) -> bool:
    """Return whether a verdict names the customer to somebody who may not know their name."""
    if visit.may("identify"):
        return False
    read = {name.partition(".")[2].lower() for name in verdict.inputs if name.startswith("user.")}
    return bool(read & DIRECT_IDENTIFIERS) or reading.names_users(verdict.rule, verdict.policy)
