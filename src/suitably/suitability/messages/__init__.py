"""Sentences for people: what is the same in every language, which has a file in `languages`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from suitably.suitability.messages.formats import format_value
from suitably.suitability.messages.languages import read_languages
from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["LANGUAGES", "Months", "explain_reason", "explain_verdict"]
__all__ += ["show_formatted", "show_value"]

LANGUAGES: Mapping[str, Sentences] = read_languages()


class Months(int):
    """A span of so many calendar months."""


def explain_verdict(
    rule: str,
    verdict: str,
    inputs: Mapping[str, Any],
    language: str,
    overflows: Sequence[str] = (),
    flag: bool = False,
) -> str:
    """Say what a rule makes of its inputs, `"pass"`, `"fail"` or `"unknown"`; and overflows.

    Args:
        rule: Its id.
        verdict: What it comes to.
        inputs: What it read.
        language: Such as `"en"`.
        overflows: What is unknown for its size, as written.
        flag: Whether it only flags what it does not pass.
    """
    said = LANGUAGES[language]
    facts = said.between_facts.join(
        f"{name}{said.lacks}"
        if _is_missing(value)
        else f"{name}{said.equals}{show_value(value, language)}"
        for name, value in inputs.items()
    )
    barred = {"pass": said.passes, "fail": said.fails, "unknown": said.unknown}
    flagged = {"fail": said.flagged, "unknown": said.flag_unknown}
    sentence = (flagged if flag else barred)[verdict]
    text = sentence.format(rule=rule, facts=f"{said.introduces}{facts}" if facts else "")
    return text + _too_large(overflows, language)


def explain_reason(
    reason: Reason, facts: Mapping[str, str], language: str, overflows: Sequence[str] = ()
) -> str:
    """Say one of the library's own reasons, and what of it overflows."""
    return LANGUAGES[language].reasons[reason].format(**facts) + _too_large(overflows, language)


def _too_large(overflows: Sequence[str], language: str) -> str:
    said = LANGUAGES[language]
    if not overflows:
        return ""
    return said.overflows.format(expressions=said.between_facts.join(overflows))


def _is_missing(value: Any) -> bool:
    return value is None or bool(value != value)


def show_value(value: Any, language: str) -> str:
    """Write a value as a person would, in a language such as English (`"en"`).

    Example:
        >>> show_value([True, 2.0, None], "en")
        'yes, 2, missing'
    """
    said = LANGUAGES[language]
    if _is_missing(value):
        return said.missing
    if isinstance(value, bool):
        return said.yes if value else said.no
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return said.days.format(count=show_value(value / timedelta(days=1), language))
    if isinstance(value, Months):
        return said.months.format(count=int(value))
    if isinstance(value, list):
        return said.between_items.join(show_value(item, language) for item in value) or "-"
    if isinstance(value, dict):
        items = (f"{key}: {show_value(item, language)}" for key, item in value.items())
        return ", ".join(items) or "-"
    return str(value)


def show_formatted(
    value: Any, form: str, language: str, currency: str | None = None, percent: bool = False
) -> str:
    """Write a value in a format, `"percent"`, `"money"` or `"date"`, as a person would.

    Args:
        value: What is written; missing and of another type, as without a format.
        form: The format.
        language: Such as `"en"`.
        currency: Of money.
        percent: Whether a number counts percent already, and is no share of 1.

    Example:
        >>> show_formatted(0.125, "percent", "en"), show_formatted(5e4, "money", "en", "CNY")
        ('12.5%', 'CNY 50,000')
    """
    if value is None or value != value:
        return LANGUAGES[language].missing
    written = format_value(value, form, LANGUAGES[language], currency, percent)
    return show_value(value, language) if written is None else written
