"""Numbers as pages write them: rounded, with one minus sign, and shares as parts of one."""

import math
import re

__all__ = ["ends", "number", "p_value", "typeset"]

_MINUS = "−"
_HYPHEN = re.compile(r"(?<![\w.)-])-(?=\.?\d)")


def number(value: float, sign: bool = False, beside: float = 0.0) -> str:
    """Return a number with four decimals, fewer where it is large; a dash where there is none.

    Args:
        value: The number.
        sign: Whether one above zero has its sign.
        beside: Another that it stands beside, written with as many decimals.

    Example:
        >>> number(-0.25), number(0.5, sign=True), number(12345.678), number(float("nan"))
        ('−0.2500', '+0.5000', '12,346', '–')
    """
    if math.isnan(value):
        return "–"
    size = max(abs(value), abs(beside))
    if 0 < size < 5e-5:
        return f"{value:.1e}".replace("-", _MINUS)
    decimals = 4 if size < 100 else 2 if size < 10_000 else 0
    signed = "+" if sign and value else ""
    return format(value, f"{signed},.{decimals}f").replace("-", _MINUS)


def ends(low: float, high: float) -> str:
    """Return both ends of an interval with their signs; empty where there are none.

    Example:
        >>> ends(-0.25, 0.75)
        '−0.2500 to +0.7500'
    """
    if not math.isfinite(low + high):
        return ""
    return f"{number(low, sign=True, beside=high)} to {number(high, sign=True, beside=low)}"


def p_value(value: float) -> str:
    r"""Return a p-value, none below a ten-thousandth: there the tail of a model says little.

    Example:
        >>> p_value(0.03), p_value(1e-90)
        ('0.0300', '<\xa00.0001')
    """
    return "<\u00a00.0001" if value < 1e-4 else number(value)


def typeset(text: str) -> str:
    """Return a sentence with a minus sign before negative numbers; dates and names stay.

    Example:
        >>> typeset("changes ndcg-like by -0.01 on 2024-01-05")
        'changes ndcg-like by −0.01 on 2024-01-05'
    """
    return _HYPHEN.sub(_MINUS, text)
