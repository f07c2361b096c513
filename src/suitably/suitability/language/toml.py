"""Tables of a policy's TOML, read key by key; what is wrong is named with its place."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from suitably.suitability.language.places import Place
from suitably.suitability.messages import LANGUAGES

__all__ = ["known_keys", "order", "read_dates", "read_languages", "read_table", "read_text"]

_EXAMPLE = "{ en = '...', zh = '...' }"


def known_keys(table: Mapping[str, Any], allowed: set[str], where: Place) -> None:
    """Refuse keys that mean nothing here.

    Raises:
        PolicyError: There are some.
    """
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise where.error(f"unknown keys {unknown}; there are {sorted(allowed)}", unknown[0])


def read_table(
    document: Mapping[str, Any], key: str, where: Place, default: Any = None
) -> dict[str, Any]:
    """Return a table of a table.

    Raises:
        PolicyError: There is none and no default, or something else.
    """
    table = document.get(key, default)
    if not isinstance(table, dict):
        raise where.error(f"has no table [{key}]: write one", key)
    return table


def read_text(table: Mapping[str, Any], key: str, where: Place, *default: Any) -> Any:
    """Return a text of a table, which must say something where there is no default.

    Raises:
        PolicyError: It is no text.
    """
    if key not in table and default:
        return default[0]
    value = table.get(key)
    if not isinstance(value, str) or (not value.strip() and not default):
        raise where.error(f"{key} must be text, got {value!r}", key)
    return value


def read_languages(
    table: Mapping[str, Any], key: str, where: Place, default: Any = MappingProxyType({})
) -> MappingProxyType[str, str]:
    """Return texts by language; a bare text is English, and one that says nothing is none.

    Raises:
        PolicyError: Neither text nor texts by language.
    """
    texts = table.get(key, default)
    if isinstance(texts, str):
        texts = {"en": texts}
    problem = f"{key} must be text, or texts by language such as {_EXAMPLE}"
    if not isinstance(texts, Mapping):
        raise where.error(problem, key)
    for language, text in texts.items():
        if not isinstance(text, str):
            raise where.error(f"{problem}, got {text!r:.60}", key, language)
    known_keys(texts, set(LANGUAGES), where.at(key))
    return MappingProxyType({language: text for language, text in texts.items() if text.strip()})


def read_dates(table: Mapping[str, Any], where: Place) -> Sequence[date | None]:
    """Return from when and until when something is in force.

    Raises:
        PolicyError: They are no dates, or the wrong way round.
    """
    found = [table.get("effective"), table.get("expires")]
    for key, moment in zip(("effective", "expires"), found, strict=True):
        if moment is not None and not isinstance(moment, date):
            problem = f"{key} must be a date such as 2026-03-01, without quotes, got {moment!r}"
            raise where.error(problem, key)
    effective, expires = found
    if effective and expires and order(effective) >= order(expires):
        raise where.error("expires must be after effective", "expires")
    return found


def order(moment: date) -> datetime:
    """Order dates and times, what has no time zone as in UTC."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, datetime.min.time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
