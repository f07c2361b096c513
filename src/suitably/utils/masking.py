"""Masking: fields that identify a person are not shown on pages, but for what must be known."""

from datetime import date
from typing import Any

__all__ = ["DIRECT_IDENTIFIERS", "masked"]

DIRECT_IDENTIFIERS = frozenset(
    {"name", "first_name", "last_name", "full_name", "email", "phone", "mobile"}
    | {"address", "street", "postcode", "postal_code", "device_id", "ip_address"}
    | {"id_number", "national_id", "passport", "passport_number", "social_security_number", "ssn"}
    | {"tax_id", "tax_number", "account", "account_number", "iban", "card_number"}
)
"""Fields of users that say by themselves who somebody is."""

_BORN = "birth_date"
_HIDDEN = "withheld"


def masked(field: str, value: Any) -> Any:
    """Return a user's field as a page may show it.

    Direct identifiers are withheld, of a date of birth the decade is left: with a few other facts a
    full one tells most people apart.

    Source:
        Sweeney, "Simple Demographics Often Identify People Uniquely", Carnegie Mellon University
        2000, on dates of birth.

    Example:
        >>> from datetime import date
        >>> masked("email", "ann@example.org"), masked("birth_date", date(1984, 5, 17))
        ('withheld', '1980s')
        >>> masked("risk_level", "C3")
        'C3'
    """
    if value is None:
        return None
    if field.lower() in DIRECT_IDENTIFIERS:
        return _HIDDEN
    if field.lower() == _BORN:
        return f"{value.year // 10 * 10}s" if isinstance(value, date) else _HIDDEN
    return value
