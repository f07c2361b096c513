"""Margins in words: by how much a rule is passed."""

import math
from typing import Any

from suitably.suitability.messages import LANGUAGES, show_formatted, show_value
from suitably.suitability.messages.formats import decimal

__all__ = ["explain_margin"]

_FORMS = {"money": "money", "share": "percent", "percent": "percent", "days": "date"}


def explain_margin(
    rule: str,
    spare: float,
    unit: str,
    sides: tuple[Any, Any],
    language: str,
    currency: str | None = None,
) -> str:
    """Say by how much a rule is passed.

    Args:
        rule: Its id.
        spare: The distance to its limit, 0 or more.
        unit: What that counts, as in `Margin`.
        sides: What the rule compares, left and right.
        language: Such as `"en"`.
        currency: Of money.

    Example:
        >>> explain_margin("risk-level", 1.0, "level", ("R2", "C3"), "en")
        'risk-level, with one level to spare: R2 against C3'
        >>> explain_margin("dear", 0.0, "money", (5e4, 5e4), "en", "CNY")
        'dear, right at its limit: CNY 50,000 against CNY 50,000'
    """
    said = LANGUAGES[language]
    left, right = (_written(side, unit, language, currency) for side in sides)
    if not spare:
        return said.at_limit.format(rule=rule, left=left, right=right)
    span = _span(spare, unit, language, currency)
    return said.spare.format(rule=rule, spare=span, left=left, right=right)


def _written(value: Any, unit: str, language: str, currency: str | None) -> str:
    if unit in _FORMS:
        return show_formatted(value, _FORMS[unit], language, currency, unit == "percent")
    return show_value(value, language)


def _span(spare: float, unit: str, language: str, currency: str | None) -> str:
    """Write a distance; of days whole ones only, so that it is never said to be more than it is."""
    if unit == "money":
        return _written(spare, unit, language, currency)
    if unit in ("share", "percent"):
        unit, spare = "points", spare * 100 if unit == "share" else spare
    count = decimal(math.floor(spare) if unit == "days" else spare)
    one, several = LANGUAGES[language].spans.get(unit, ("{count}", "{count}"))
    return (one if count == "1" else several).format(count=count)
