"""The document of a policy: rules as data, read from TOML and checked without any data."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from suitably.data.clock import Clock, Instant
from suitably.errors import DataError, PolicyError
from suitably.suitability.language.changeable import Changeable, read_changeable
from suitably.suitability.language.declarations import FieldKind, read_field, read_map, read_scale
from suitably.suitability.language.definitions import Definitions
from suitably.suitability.language.nodes import Call, Field, Node, Table, fields_of, walk
from suitably.suitability.language.parser import error_in, parse, parse_term
from suitably.suitability.language.places import Place, Written, line_and_column
from suitably.suitability.language.rules import Rule, read_rules
from suitably.suitability.language.texts import Labels, read_labels
from suitably.suitability.language.toml import (
    known_keys,
    order,
    read_dates,
    read_languages,
    read_table,
    read_text,
)
from suitably.suitability.language.toml_index import MAX_DEPTH, too_deep
from suitably.suitability.language.types import Domain, LevelTable, Scale
from suitably.suitability.language.units import clash_of
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, say

__all__ = ["PolicyDocument", "Rule", "dates_in_words", "in_force"]

_POLICY_KEYS = {"id", "version", "governs", "title", "effective", "expires", "note"}
_TABLES = {"policy", "scales", "fields", "terms", "maps", "labels", "changeable", "rules"}


class PolicyDocument:
    """A policy as it is written: all that can be said of it without users and products.

    Attributes:
        text: The TOML it was read from.
        id: Its name.
        version: Its version.
        title: Its title, by language.
        rules: Its rules, in order.
        scales: Its ordered levels, by name.
        fields: What it declares of fields: a `Scale`, the name of a type, or a `Domain`.
        terms: Its named expressions, as written.
        maps: Its maps, by name.
        labels: What to call codes, by field, code and language.
        changeable: The facts that may be suggested to change, by name.
        effective: From when it is in force.
        expires: From when it is no longer.
        governs: Which pairs it governs, as written; None for all.
        note: What it approximates.

    Args:
        text: The TOML.
        file: Its file, for messages.
    """

    def __init__(self, text: str, file: str | None = None) -> None:
        self.text = text
        self._written = Written(text, file)
        self._document = document = _read_toml(self._written)
        nameless = Place("policy", self._written)
        known_keys(document, _TABLES, nameless)
        head = read_table(document, "policy", nameless)
        self.id: str = read_text(head, "id", nameless.at("policy", words="policy"))
        where = self.place()
        at_head = where.at("policy", words=str(where))
        known_keys(head, _POLICY_KEYS, at_head)
        self.version: str = read_text(head, "version", at_head, "")
        self.title: Mapping[str, str] = read_languages(head, "title", at_head)
        self.note: str = read_text(head, "note", at_head, "")
        self.effective: date | None
        self.expires: date | None
        self.effective, self.expires = read_dates(head, at_head)
        self.scales: dict[str, Scale] = {
            name: read_scale(name, levels, where)
            for name, levels in read_table(document, "scales", where, {}).items()
        }
        self.fields: dict[str, FieldKind] = {
            name: read_field(name, declared, self.scales, where)
            for name, declared in read_table(document, "fields", where, {}).items()
        }
        self.maps: Mapping[str, LevelTable] = MappingProxyType(
            {
                name: read_map(name, table, self.scales, where)
                for name, table in read_table(document, "maps", where, {}).items()
            }
        )
        terms = read_table(document, "terms", where, {})
        self.terms: Mapping[str, str] = MappingProxyType(
            {name: read_text(terms, name, where.at("terms")) for name in terms}
        )
        definitions = Definitions(self.terms, self.maps, where)
        self.term_nodes: Mapping[str, Node] = MappingProxyType(
            {name: definitions.term(name, parse_term) for name in self.terms}
        )
        self.labels: Labels = read_labels(
            read_table(document, "labels", where, {}), self.fields, where
        )
        self.changeable: Mapping[str, Changeable] = MappingProxyType(
            read_changeable(
                read_table(document, "changeable", where, {}), self.term_nodes, self.fields, where
            )
        )
        self.governs: str | None = read_text(head, "governs", at_head, None)
        self.governs_node: Node | None = (
            None
            if self.governs is None
            else parse(self.governs, at_head.at("governs"), definitions)
        )
        self.rules: tuple[Rule, ...] = read_rules(
            document, definitions, self.term_nodes, self.fields, where
        )
        _check_sentences(self)

    def place(self, key: str = "", rule: Rule | None = None) -> Place:
        """Return where it says something, for messages.

        Args:
            key: `governs`, or a key of a rule; without, the policy or rule itself.
            rule: The rule.
        """
        place = Place(f"policy {self.id!r}", self._written)
        if rule is not None:
            number = self.rules.index(rule)
            place = place.at("rules", number, words=f"{place}, rule {rule.id!r}")
        elif key:
            place = place.at("policy", words=str(place))
        return place.at(key) if key else place

    @cached_property
    def reads(self) -> tuple[Field, ...]:
        """The fields that its rules and texts read, each once."""
        found = [*fields_of(self.governs_node)]
        for rule in self.rules:
            found += [*rule.fields, *rule.mentioned]
        for fact in self.changeable.values():
            found += fact.mentioned
        return tuple(dict.fromkeys(found))

    @cached_property
    def named(self) -> Mapping[str, str]:
        """What its terms, maps, fields, labels and [changeable] say, in a line each, to be read."""
        ranges = {f"field {n}": str(d) for n, d in self.fields.items() if isinstance(d, Domain)}
        terms = {f"term {name}": text for name, text in self.terms.items()}
        maps = {f"map {name}": str(table) for name, table in self.maps.items()}
        labels = {f"labels {name}": _in_a_line(codes) for name, codes in self.labels.items()}
        facts = {
            f"changeable {name}": " / ".join(fact.texts.values())
            for name, fact in self.changeable.items()
        }
        return {**ranges, **terms, **maps, **labels, **facts}

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyDocument) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def in_force(
    policy: PolicyDocument, rule: Rule | None, as_of: Instant | None, clock: Clock
) -> bool | None:
    """Return whether a moment lies in `[effective, expires)`; a bare date is midnight.

    Args:
        policy: The policy whose dates are asked.
        rule: Its rule whose dates are asked instead.
        as_of: The moment.
        clock: Its convention.

    Returns:
        None where there are dates but no moment to judge them by: that is unknown, never a pass.

    Raises:
        PolicyError: A bare date, whose midnight depends on a time zone, and none is stated.
        DataError: The dates and the moment differ in time-zone awareness.
    """
    part = policy if rule is None else rule
    if part.effective is None and part.expires is None:
        return True
    if as_of is None:
        return None
    begun = part.effective is None or _instant(policy, rule, "effective", clock) <= as_of
    ended = part.expires is not None and _instant(policy, rule, "expires", clock) <= as_of
    return bool(begun and not ended)


def _instant(policy: PolicyDocument, rule: Rule | None, key: str, clock: Clock) -> Instant:
    """Return when a date of a policy or rule begins; an error says where it is written."""
    date = getattr(policy if rule is None else rule, key)
    place = policy.place(key, rule)
    if clock.asks and not isinstance(date, datetime):
        raise place.error(f"a date begins at midnight in a time zone, but {clock.asks}")
    try:
        return clock.instant(date, str(place))
    except DataError as error:
        raise DataError(f"{error}{place.found}") from None


def dates_in_words(*parts: PolicyDocument | Rule) -> Told:
    """Say when all of them are in force, for a sentence."""
    begins = [part.effective for part in parts if part.effective is not None]
    ends = [part.expires for part in parts if part.expires is not None]
    start = max(begins, key=order) if begins else None
    end = min(ends, key=order) if ends else None
    match start, end:
        case None, None:
            return say(Remark.ALWAYS)
        case _, None:
            return say(Remark.FROM_DAY, start=start)
        case None, _:
            return say(Remark.BEFORE_DAY, end=end)
    return say(Remark.FROM_DAY_BEFORE_DAY, start=start, end=end)


def _in_a_line(labels: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(f"{code}: {' / '.join(texts.values())}" for code, texts in labels.items())


def _read_toml(written: Written) -> dict[str, Any]:
    """Read the text as TOML.

    Raises:
        PolicyError: It is none, or goes deeper than any policy does.
    """
    called = f"policy {written.file}" if written.file else "policy"
    place = too_deep(written.text)
    if place is not None:
        line, column = line_and_column(written.text, place)
        raise PolicyError(
            f"{called}: line {line}, column {column}: nested more than {MAX_DEPTH} deep; the "
            f"deepest that a policy goes is because = {{ customer = {{ en = '...' }} }}"
        )
    try:
        return tomllib.loads(written.text)
    except tomllib.TOMLDecodeError as error:
        line, column = line_and_column(written.text, len(written.text))
        said = str(error).replace("at end of document", f"at line {line}, column {column}")
        raise PolicyError(f"{called}: is not TOML: {said}") from None


def _check_sentences(policy: PolicyDocument) -> None:
    """Refuse a map of texts that lacks a value which its argument may have, and mixed units.

    Raises:
        PolicyError: There is such a map, or what is compared or added is not declared in one unit.
    """
    sentences = [(policy.place(), "", node) for node in policy.term_nodes.values()]
    if policy.governs_node is not None:
        sentences.append((policy.place("governs"), policy.governs or "", policy.governs_node))
    for rule in policy.rules:
        sentences.append((policy.place("require", rule), rule.require, rule.require_node))
        if rule.applies_node is not None:
            applies = (policy.place("applies", rule), rule.applies or "", rule.applies_node)
            sentences.append(applies)
    for place, text, node in sentences:
        for part in walk(node):
            units = clash_of(part, policy.fields)
            if units is not None:
                problem = (
                    f"{units[0]} beside {units[1]}: bring both to one unit, with a factor that is "
                    f"written out or in a column of their own"
                )
                raise error_in(place, text, part, problem)
            match part:
                case Call(arguments=(Table(table=table), Field() as field)):
                    declared = policy.fields.get(str(field))
                    values = declared.values if isinstance(declared, Domain) else ()
                    hole = [value for value in values if value not in dict(table.entries)]
                    if hole and table.source is None:
                        problem = f"this map has no entry for {hole} of {field}"
                        raise error_in(place, text, part, problem)
