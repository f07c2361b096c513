"""What may be asked: fields by name, how each is checked, and what the OpenAPI page says of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suitably.serving.problems import Problem
from suitably.serving.settings import Limits
from suitably.utils.suggest import nearest

__all__ = ["FIELDS", "Field", "bad_field", "read_asked"]

Check = Callable[[str, Any, Limits], Any]


@dataclass(frozen=True)
class Field:
    """A field of a request.

    Attributes:
        check: Returns its value, or raises a `Problem`.
        schema: What JSON Schema says of it, by the limits.
        about: What it means.
    """

    check: Check
    schema: Callable[[Limits], dict[str, Any]]
    about: str


def read_asked(
    said: Mapping[str, Any], known: Mapping[str, Any], required: Sequence[str], limits: Limits
) -> dict[str, Any]:
    """Return what a request asks for; what it leaves out, or has null for, as by default.

    Args:
        said: Its body.
        known: The fields that it may have, with their defaults.
        required: Which of them it must have.
        limits: How much may be asked for.

    Raises:
        Problem: A field that there is not, one that is missing, or a value that does not fit.
    """
    asked = dict(known)
    for name, value in said.items():
        if name not in known:
            short = name if len(name) <= 40 else f"{name[:37]}..."
            raise bad_field(f"no field {short!r}{nearest(short, known)}")
        if value is not None:
            asked[name] = FIELDS[name].check(name, value, limits)
    for name in required:
        if asked[name] is None:
            raise bad_field(f"{name}: is required")
    return asked


def bad_field(detail: str) -> Problem:
    """Return what is answered where a value does not fit."""
    return Problem(422, detail, "bad-field")


def _id(name: str, value: Any, limits: Limits) -> Any:
    kind = type(value)
    if kind is int and -(2**63) <= value < 2**64:
        return value
    if kind is not str:
        raise bad_field(f"{name}: must be text or a whole number of 64 bits")
    if not 0 < len(value) <= limits.id_length:
        raise bad_field(f"{name}: must have from 1 to {limits.id_length} characters")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise bad_field(f"{name}: holds half a character") from None
    return value


def _ids(most: str) -> Check:
    def check(name: str, value: Any, limits: Limits) -> list[Any]:
        if type(value) is not list or not value:
            raise bad_field(f"{name}: must be a list of ids, one at least")
        number = getattr(limits, most)
        if len(value) > number:
            raise bad_field(f"{name}: has {len(value):,} ids, and may have {number:,}")
        ids = [_id(name, one, limits) for one in value]
        if len(set(map(type, ids))) > 1:
            raise bad_field(f"{name}: mixes text and numbers; use one type of id")
        return ids

    return check


def _k(name: str, value: Any, limits: Limits) -> int:
    if type(value) is not int or not 1 <= value <= limits.k:
        raise bad_field(f"{name}: must be a whole number from 1 to {limits.k}")
    return value


def _bool(name: str, value: Any, limits: Limits) -> bool:
    if type(value) is not bool:
        raise bad_field(f"{name}: must be true or false")
    return value


def _number(name: str, value: Any, limits: Limits) -> float:
    if type(value) not in (int, float) or abs(value) > 1e15 or not math.isfinite(value):
        raise bad_field(f"{name}: must be a number up to 1e15")
    return float(value)


def _text(name: str, value: Any, limits: Limits) -> str:
    if type(value) is not str or not 0 < len(value) <= 40 or not value.isascii():
        raise bad_field(f"{name}: must be a moment as ISO 8601 has it, such as 2026-06-01")
    return value


def _audience(name: str, value: Any, limits: Limits) -> str:
    if value not in ("customer", "adviser"):
        raise bad_field(f"{name}: must be customer or adviser")
    return str(value)


_KINDS = ("user", "product", "policy", "everything")


def _kind(name: str, value: Any, limits: Limits) -> str:
    if value not in _KINDS:
        raise bad_field(f"{name}: must be one of {', '.join(_KINDS)}")
    return str(value)


def _reason(name: str, value: Any, limits: Limits) -> str:
    if type(value) is not str or not value.strip() or len(value) > 500:
        raise bad_field(f"{name}: must say why, in up to 500 characters")
    return value


def _id_schema(limits: Limits) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": limits.id_length}
    return {"anyOf": [text, {"type": "integer"}]}


def _ids_schema(most: str) -> Callable[[Limits], dict[str, Any]]:
    return lambda limits: {
        "type": "array",
        "items": _id_schema(limits),
        "minItems": 1,
        "maxItems": getattr(limits, most),
    }


FIELDS = {
    "user_id": Field(_id, _id_schema, "The customer."),
    "user_ids": Field(_ids("users"), _ids_schema("users"), "Several customers, each once."),
    "product_id": Field(_id, _id_schema, "The product."),
    "product_ids": Field(
        _ids("products"), _ids_schema("products"), "Narrows the catalogue, never widens it."
    ),
    "k": Field(
        _k,
        lambda limits: {"type": "integer", "minimum": 1, "maximum": limits.k},
        "The most products of a list.",
    ),
    "as_of": Field(
        _text,
        lambda limits: {"type": "string", "maxLength": 40},
        "The moment, not before the one that the model is fitted as of.",
    ),
    "exclude_owned": Field(
        _bool, lambda limits: {"type": "boolean"}, "Whether what a customer owns is left out."
    ),
    "amount": Field(
        _number, lambda limits: {"type": "number"}, "What would be invested, for rules that ask."
    ),
    "audience": Field(
        _audience,
        lambda limits: {"type": "string", "enum": ["customer", "adviser"]},
        "Who reads it: texts for the other one are left out. Absent: all texts.",
    ),
    "kind": Field(
        _kind,
        lambda limits: {"type": "string", "enum": list(_KINDS)},
        "What is turned off or on.",
    ),
    "id": Field(_id, _id_schema, "Which; absent for everything."),
    "reason": Field(
        _reason,
        lambda limits: {"type": "string", "minLength": 1, "maxLength": 500},
        "Why; it stands in the audit trail as it is, so it should name nobody.",
    ),
}
"""Every field of every request, by name."""
