"""Profile fields as people read them: rounded, with their unit."""

from collections.abc import Mapping
from datetime import date, datetime
from numbers import Real
from typing import Any

__all__ = ["shown_value"]

_LISTED = 3


def shown_value(value: Any, unit: str = "") -> str:
    """Return a value as a reader wants it: few digits, its unit, the largest parts of a map.

    Args:
        value: A number, text, date, boolean, list, map or None.
        unit: As in `FieldInfo.unit`: `"share"` is shown as a percentage, `"money"` without cents.

    Example:
        >>> shown_value(0.12345, "share"), shown_value(1234.5, "money"), shown_value(31.2, "days")
        ('12.3 %', '1,234', '31 days')
        >>> shown_value({"bond": 0.25, "etf": 0.75}, "share"), shown_value(None)
        ('etf 75.0 %, bond 25.0 %', '–')
    """
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _shown_parts(value, unit)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(shown_value(one, unit) for one in value) or "none"
    return _shown_number(float(value), unit) if isinstance(value, Real) else str(value)


def _shown_parts(value: Mapping[Any, Any], unit: str) -> str:
    parts = sorted(value.items(), key=lambda item: (-(item[1] or 0), str(item[0])))
    written = [f"{name} {shown_value(part, unit)}" for name, part in parts[:_LISTED]]
    rest = len(parts) - len(written)
    return ", ".join([*written, *([f"{rest} more"] if rest else [])]) or "none"


def _shown_number(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.1%}".replace("%", " %")
    if unit == "money":
        return f"{value:,.0f}"
    if value == int(value) or abs(value) >= 100 or unit in ("days", "months"):
        written = f"{value:,.0f}"
    else:
        written = f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.2g}"
    return f"{written} {unit}".rstrip()
