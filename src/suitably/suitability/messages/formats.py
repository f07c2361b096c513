"""Values as people write them: percentages, money, dates."""

from datetime import date, datetime
from typing import Any

from suitably.suitability.messages.sentences import Sentences

__all__ = ["decimal", "format_value"]


def format_value(
    value: Any, form: str, said: Sentences, currency: str | None = None, percent: bool = False
) -> str | None:
    """Write a value in a format; None where it is of another type.

    Args:
        value: Not missing.
        form: `"percent"`, `"money"` or `"date"`.
        said: The language.
        currency: Which money it is, None where nothing says.
        percent: Whether a number counts percent already, and is no share of 1.
    """
    if form == "date":
        return _date(value, said)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if form == "percent":
        return f"{decimal(value if percent else value * 100)}%"
    amount = f"{value:,.2f}".removesuffix(".00")
    if currency is None:
        return amount
    pattern = said.currencies.get(currency, said.money)
    return pattern.format(amount=amount, currency=currency)


def decimal(number: float) -> str:
    """Write a number with at most two decimals, none of them a last zero."""
    written = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _date(value: Any, said: Sentences) -> str | None:
    if isinstance(value, str):  # a moment that is text already
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, date):
        return None
    return said.date.format(year=value.year, month=value.month, day=value.day)
