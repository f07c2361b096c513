"""Tables of a policy's TOML, read key by key; what is wrong is named with its place."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from suitably.errors import PolicyError
from suitably.suitability.messages import LANGUAGES

__all__ = ["known_keys", "order", "read_dates", "read_languages", "read_table", "read_text"]


def known_keys(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    """Refuse keys that mean nothing here.

    Raises:
        PolicyError: There are some.
    """
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise PolicyError(f"{where}: unknown keys {unknown}; there are {sorted(allowed)}")


def read_table(
    document: Mapping[str, Any], key: str, where: str, default: Any = None
) -> dict[str, Any]:
    """Return a table of a table.

    Raises:
        PolicyError: There is none and no default, or something else.
    """
    table = document.get(key, default)
    if not isinstance(table, dict):
        raise PolicyError(f"{where}: has no table [{key}]")
    return table


def read_text(table: Mapping[str, Any], key: str, where: str, *default: Any) -> Any:
    """Return a text of a table, which must say something where there is no default.

    Raises:
        PolicyError: It is no text.
    """
    if key not in table and default:
        return default[0]
    value = table.get(key)
    if not isinstance(value, str) or (not value.strip() and not default):
        raise PolicyError(f"{where}: {key} must be text, got {value!r}")
    return value


def read_languages(
    table: Mapping[str, Any], key: str, where: str, default: Any = MappingProxyType({})
) -> MappingProxyType[str, str]:
    """Return texts by language; a bare text is English.

    Raises:
        PolicyError: Neither text nor texts by language.
    """
    texts = table.get(key, default)
    if isinstance(texts, str):
        texts = {"en": texts}
    if not isinstance(texts, Mapping) or not all(isinstance(one, str) for one in texts.values()):
        raise PolicyError(f"{where}: {key} must be text, or texts by language")
    known_keys(texts, set(LANGUAGES), f"{where}: {key}")
    return MappingProxyType(dict(texts))


def read_dates(table: Mapping[str, Any], where: str) -> Sequence[date | None]:
    """Return from when and until when something is in force.

    Raises:
        PolicyError: They are no dates, or the wrong way round.
    """
    found = [table.get("effective"), table.get("expires")]
    for moment in found:
        if moment is not None and not isinstance(moment, date):
            raise PolicyError(f"{where}: effective and expires must be dates, got {moment!r}")
    effective, expires = found
    if effective and expires and order(effective) >= order(expires):
        raise PolicyError(f"{where}: expires must be after effective")
    return found


def order(moment: date) -> datetime:
    """Order dates and times, what has no time zone as in UTC."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, datetime.min.time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
