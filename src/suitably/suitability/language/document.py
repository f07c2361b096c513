"""The document of a policy: rules as data, read from TOML and checked without any data."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from suitably.data.clock import Clock, Instant
from suitably.errors import PolicyError
from suitably.suitability.language.nodes import Field, Node, fields_of
from suitably.suitability.language.parser import parse
from suitably.suitability.language.types import MAX_INTEGER, Scale
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.reasons import RESERVED

__all__ = ["PolicyDocument", "Rule", "dates_in_words", "in_force"]

TYPES = ("number", "text", "date", "boolean", "list", "map")
_POLICY_KEYS = {"id", "version", "governs", "title", "effective", "expires", "note"}
_RULE_KEYS = {"id", "article", "applies", "require", "because", "note"}
_RULE_KEYS |= {"effective", "expires", "effect"}
_EFFECTS = ("bar", "flag")
_PLACEHOLDER = re.compile(r"\{(?:(user|product)\.(\w+)|(as_of))\}")


@dataclass(frozen=True, repr=False)
class Rule:
    """One sentence of a policy.

    Attributes:
        id: Its name, unique in the policy.
        require: What must hold, as written.
        applies: To which pairs it applies, as written; None for all.
        article: Where it comes from.
        because: What to say when it fails, by language.
        effective: From when it is in force.
        expires: From when it is no longer.
        note: What it approximates.
        effect: `"bar"` where it keeps pairs out, `"flag"` where it only flags them.

    Example:
        >>> (rule,) = PolicyDocument('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... article = "House rule 1"
        ... require = "age(user.birth_date) >= 18"
        ... ''').rules
        >>> rule
        Rule('age')
        >>> rule.article, [str(field) for field in rule.fields]
        ('House rule 1', ['user.birth_date'])
    """

    id: str
    require: str
    applies: str | None = None
    article: str = ""
    because: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    effective: date | None = None
    expires: date | None = None
    note: str = ""
    effect: Literal["bar", "flag"] = "bar"
    require_node: Node = field(repr=False, compare=False, kw_only=True)
    applies_node: Node | None = field(repr=False, compare=False, kw_only=True, default=None)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the rule reads, each once, in the order in which it names them."""
        return fields_of(self.applies_node, self.require_node)

    @cached_property
    def mentioned(self) -> tuple[Field, ...]:
        """The fields that the rule's texts name."""
        places = (m for text in self.because.values() for m in _PLACEHOLDER.finditer(text))
        named = (Field(m[1], m[2]) for m in places if m[1])  # type: ignore[arg-type]
        return tuple(dict.fromkeys(named))

    def __repr__(self) -> str:
        return f"Rule({self.id!r})"


class PolicyDocument:
    """A policy as it is written: all that can be said of it without users and products.

    Attributes:
        text: The TOML it was read from.
        id: Its name.
        version: Its version.
        title: Its title, by language.
        rules: Its rules, in order.
        scales: Its ordered levels, by name.
        fields: What it declares of fields: a `Scale` or the name of a type.
        effective: From when it is in force.
        expires: From when it is no longer.
        governs: Which pairs it governs, as written; None for all.
        note: What it approximates.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"policy: is not TOML: {error}") from None
        except RecursionError:
            raise PolicyError("policy: is not TOML: nested too deeply") from None
        document = self._document
        _known_keys(document, {"policy", "scales", "fields", "rules"}, "policy")
        head = _table(document, "policy", "policy")
        self.id: str = _text(head, "id", "policy")
        where = f"policy {self.id!r}"
        _known_keys(head, _POLICY_KEYS, where)
        self.version: str = _text(head, "version", where, "")
        self.title: Mapping[str, str] = _languages(head, "title", where)
        self.note: str = _text(head, "note", where, "")
        self.effective: date | None
        self.expires: date | None
        self.effective, self.expires = _dates(head, where)
        self.governs: str | None = _text(head, "governs", where, None)
        self.governs_node: Node | None = (
            parse(self.governs, f"{where}: governs") if self.governs is not None else None
        )
        self.scales: dict[str, Scale] = {
            name: _scale(name, levels, where)
            for name, levels in _table(document, "scales", where, {}).items()
        }
        self.fields: dict[str, Scale | str] = {
            name: self._declaration(name, declared, where)
            for name, declared in _table(document, "fields", where, {}).items()
        }
        self.rules: tuple[Rule, ...] = _rules(document, where)

    @cached_property
    def reads(self) -> tuple[Field, ...]:
        """The fields that its rules and their texts read, each once."""
        found = [*fields_of(self.governs_node)]
        for rule in self.rules:
            found += [*rule.fields, *rule.mentioned]
        return tuple(dict.fromkeys(found))

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of the parsed TOML as JSON: sorted keys, UTF-8, ISO dates, no white space."""
        canonical = json.dumps(
            self._document,
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
            default=lambda moment: moment.isoformat(),
        )
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def _declaration(self, name: str, declared: Any, where: str) -> Scale | str:
        if not re.fullmatch(r"(user|product)\.\w+", name):
            raise PolicyError(f"{where}: fields: {name!r} must be user.x or product.x")
        if declared in self.scales:
            return self.scales[declared]
        if declared in TYPES:
            return str(declared)
        raise PolicyError(
            f"{where}: fields: {name} = {declared!r} is neither a scale "
            f"{sorted(self.scales)} nor a type {list(TYPES)}"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyDocument) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def in_force(part: PolicyDocument | Rule, as_of: Instant | None, clock: Clock) -> bool | None:
    """Return whether a moment lies in `[effective, expires)`; a bare date is midnight.

    Returns:
        None where there are dates but no moment to judge them by: that is unknown, never a pass.

    Raises:
        PolicyError: A bare date, whose midnight depends on a time zone, and none is stated.
        DataError: The dates and the moment differ in time-zone awareness.
    """
    if part.effective is None and part.expires is None:
        return True
    if as_of is None:
        return None
    where = f"{'rule' if isinstance(part, Rule) else 'policy'} {part.id!r}"
    if clock.asks and not all(
        moment is None or isinstance(moment, datetime) for moment in (part.effective, part.expires)
    ):
        raise PolicyError(f"{where}: a date begins at midnight in a time zone, but {clock.asks}")
    begun = part.effective is None or clock.instant(part.effective, f"{where}: effective") <= as_of
    ended = part.expires is not None and clock.instant(part.expires, f"{where}: expires") <= as_of
    return bool(begun and not ended)


def dates_in_words(*parts: PolicyDocument | Rule) -> str:
    """Say when all of them are in force, for a sentence."""
    begins = [part.effective for part in parts if part.effective is not None]
    ends = [part.expires for part in parts if part.expires is not None]
    words = [f"from {max(begins, key=_order)}"] if begins else []
    words += [f"before {min(ends, key=_order)}"] if ends else []
    return " ".join(words) or "at all times"


def _rules(document: dict[str, Any], where: str) -> tuple[Rule, ...]:
    tables = document.get("rules")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PolicyError(f"{where}: has no [[rules]]; one without any says rules = []")
    rules = tuple(_rule(table, where) for table in tables)
    ids = [rule.id for rule in rules]
    reserved = sorted(rule_id for rule_id in ids if ":" in rule_id or rule_id in RESERVED)
    if reserved:
        raise PolicyError(f"{where}: rule ids {reserved} are the library's own reasons")
    repeated = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if repeated:
        raise PolicyError(f"{where}: rule ids must be unique, repeated: {repeated}")
    return rules


def _rule(table: dict[str, Any], policy: str) -> Rule:
    rule_id = _text(table, "id", f"{policy}, a rule")
    where = f"{policy}, rule {rule_id!r}"
    _known_keys(table, _RULE_KEYS, where)
    effective, expires = _dates(table, where)
    require = _text(table, "require", where)
    applies = _text(table, "applies", where, None)
    because = _languages(table, "because", where)
    for text in because.values():
        if "{" in _PLACEHOLDER.sub("", text) or "}" in _PLACEHOLDER.sub("", text):
            raise PolicyError(f"{where}: because: only {{user.x}}, {{product.x}} and {{as_of}}")
    return Rule(
        id=rule_id,
        require=require,
        applies=applies,
        article=_text(table, "article", where, ""),
        because=because,
        effective=effective,
        expires=expires,
        note=_text(table, "note", where, ""),
        effect=_effect(table, where),
        require_node=parse(require, f"{where}: require"),
        applies_node=parse(applies, f"{where}: applies") if applies is not None else None,
    )


def _effect(table: dict[str, Any], where: str) -> Any:
    effect = table.get("effect", "bar")
    if effect not in _EFFECTS:
        raise PolicyError(f"{where}: effect must be 'bar' or 'flag', got {effect!r}")
    return effect


def _known_keys(table: dict[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise PolicyError(f"{where}: unknown keys {unknown}; there are {sorted(allowed)}")


def _table(document: dict[str, Any], key: str, where: str, default: Any = None) -> dict[str, Any]:
    table = document.get(key, default)
    if not isinstance(table, dict):
        raise PolicyError(f"{where}: has no table [{key}]")
    return table


def _text(table: dict[str, Any], key: str, where: str, *default: Any) -> Any:
    if key not in table and default:
        return default[0]
    value = table.get(key)
    if not isinstance(value, str) or (not value.strip() and not default):
        raise PolicyError(f"{where}: {key} must be text, got {value!r}")
    return value


def _languages(table: dict[str, Any], key: str, where: str) -> MappingProxyType[str, str]:
    texts = table.get(key, {})
    if isinstance(texts, str):
        texts = {"en": texts}
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise PolicyError(f"{where}: {key} must be text, or texts by language")
    _known_keys(texts, set(LANGUAGES), f"{where}: {key}")
    return MappingProxyType(dict(texts))


def _dates(table: dict[str, Any], where: str) -> Sequence[date | None]:
    found = [table.get("effective"), table.get("expires")]
    for moment in found:
        if moment is not None and not isinstance(moment, date):
            raise PolicyError(f"{where}: effective and expires must be dates, got {moment!r}")
    effective, expires = found
    if effective and expires and _order(effective) >= _order(expires):
        raise PolicyError(f"{where}: expires must be after effective")
    return found


def _order(moment: date) -> datetime:
    """Order dates and times, what has no time zone as in UTC."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, datetime.min.time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _scale(name: str, levels: Any, where: str) -> Scale:
    same = (
        isinstance(levels, list)
        and levels
        and all(type(level) is type(levels[0]) and isinstance(level, str | int) for level in levels)
    )
    if not same or isinstance(levels[0], bool) or len(set(levels)) < len(levels):
        raise PolicyError(f"{where}: scale {name!r} must list distinct levels, lowest first")
    if name in TYPES:
        raise PolicyError(f"{where}: scale {name!r} has the name of a type")
    if any(isinstance(level, int) and abs(level) > MAX_INTEGER for level in levels):
        raise PolicyError(f"{where}: scale {name!r}: levels beyond 2**53 cannot be told apart")
    return Scale(name, tuple(levels))
