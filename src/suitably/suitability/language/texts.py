"""What a policy says to people: texts with placeholders, for two audiences, and labels."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from suitably.suitability.language.nodes import Field, Node, fields_of
from suitably.suitability.language.places import Place
from suitably.suitability.language.toml import known_keys, read_languages
from suitably.suitability.language.types import Declaration, Domain, Scale
from suitably.suitability.language.units import kind_of, unit_of
from suitably.suitability.messages import LANGUAGES

__all__ = ["FORMATS", "Labels", "Placeholder", "Texts", "check_formats", "placeholders"]
__all__ += ["check_braces", "fill", "mentioned_in", "read_because", "read_labels", "terms_in"]
__all__ += ["texts_of"]

FORMATS = ("percent", "money", "date")
Labels = Mapping[str, Mapping[str, Mapping[str, str]]]  # by field, code and language
PLACEHOLDER = re.compile(r"\{(?:(user|product|term)\.(\w+)|(as_of))(?::(\w+))?\}")
_UNITS = {"percent": ("share", "percent"), "money": ("money",), "date": ()}


@dataclass(frozen=True)
class Placeholder:
    """A place in a text for a value.

    Attributes:
        name: Whose value, such as `user.age`, `term.loss` or `as_of`.
        format: How to write it, None for as it is.
    """

    name: str
    format: str | None = None

    @property
    def field(self) -> Field | None:
        """The field, None where it is none."""
        side, _, name = self.name.partition(".")
        return Field(side, name) if side in ("user", "product") else None  # type: ignore[arg-type]

    @property
    def term(self) -> str | None:
        """The term, None where it is none."""
        side, _, name = self.name.partition(".")
        return name if side == "term" else None


def placeholders(text: str) -> list[Placeholder]:
    """List the places of a text."""
    return [_placeholder(match) for match in PLACEHOLDER.finditer(text)]


def _placeholder(match: re.Match[str]) -> Placeholder:
    return Placeholder(match[3] or f"{match[1]}.{match[2]}", match[4])


def terms_in(text: str, terms: Mapping[str, Node]) -> dict[str, Node]:
    """Return the terms that a text names."""
    return {place.term: terms[place.term] for place in placeholders(text) if place.term is not None}


def mentioned_in(texts: Iterable[str], terms: Mapping[str, Node]) -> tuple[Field, ...]:
    """Return the fields that texts name, by themselves or in a term, each once."""
    named: list[Field] = []
    for text in texts:
        for place in placeholders(text):
            if place.field is not None:
                named.append(place.field)
            if place.term is not None:
                named += fields_of(terms[place.term])
    return tuple(dict.fromkeys(named))


def fill(text: str, write: Callable[[Placeholder], str]) -> str:
    """Return a text with what `write` makes of every place."""
    return PLACEHOLDER.sub(lambda match: write(_placeholder(match)), text)


@dataclass(frozen=True)
class Texts:
    """What is said of a failure, by language.

    Attributes:
        user: To the customer.
        adviser: To the adviser.
        apart: Whether one of them has a text that the other must not see.
    """

    user: MappingProxyType[str, str]
    adviser: MappingProxyType[str, str]
    apart: bool = False

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.user.values(), *self.adviser.values())))


def read_because(table: dict[str, Any], where: Place) -> Texts:
    """Read the texts of a rule: for all, or for customer and adviser apart.

    A text for all serves whoever has none of their own. What is for the adviser alone is never the
    customer's; an adviser may read the customer's.

    Raises:
        PolicyError: Not texts by language, or a placeholder that does not exist.
    """
    because = table.get("because", {})
    own = {}
    if isinstance(because, dict):
        own = {name: because[name] for name in ("customer", "adviser") if name in because}
        known_keys(because, {*LANGUAGES, "customer", "adviser"}, where.at("because"))
        because = {name: text for name, text in because.items() if name not in own}
    plain = read_languages({"because": because}, "because", where)
    customer = read_languages(own, "customer", where.at("because"))
    adviser = read_languages(own, "adviser", where.at("because"))
    for text, place in texts_of(table, where):
        check_braces(text, place)
    user = {**plain, **customer}
    return Texts(
        user=MappingProxyType(user),
        adviser=MappingProxyType({**user, **plain, **adviser}),
        apart=bool(own),
    )


def texts_of(table: Mapping[str, Any], where: Place) -> Iterator[tuple[str, Place]]:
    """Iterate the texts of a rule with their places, once they are known to be texts."""
    waiting = [(table.get("because", {}), where.at("because"))]
    while waiting:
        said, place = waiting.pop(0)
        if isinstance(said, str):
            yield said, place
        else:
            waiting += [(said[key], place.at(key, words=str(place))) for key in said]


def check_braces(text: str, where: Place) -> None:
    """Refuse braces that hold something else than a field, a term or `as_of`.

    Raises:
        PolicyError: There are some.
    """
    # What fits is blanked, so that what is left stands where it is written.
    rest = PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)
    stray = re.search("[{}]", rest)
    if stray:
        problem = "only {user.x}, {product.x}, {term.x} and {as_of} in braces"
        raise where.error_in_text(problem, stray.start())


def check_formats(
    text: str, terms: Mapping[str, Node], declared: Mapping[str, Declaration], where: Place
) -> None:
    """Refuse places of terms that are not there, and formats that do not fit what is declared.

    Raises:
        PolicyError: There is one.
    """
    for match in PLACEHOLDER.finditer(text):
        place = _placeholder(match)
        node: Node | None = place.field
        if place.term is not None:
            if place.term not in terms:
                there = ", ".join(terms) or "none at all"
                problem = f"unknown term {place.term!r}; there are {there}"
                raise where.error_in_text(problem, match.start())
            node = terms[place.term]
        if place.format is None:
            continue
        problem = _misfit(place.format, node, declared)
        if problem:
            raise where.error_in_text(f"{match[0]}: {problem}", match.start())


def _misfit(form: str, node: Node | None, declared: Mapping[str, Declaration]) -> str:
    if form not in FORMATS:
        return f"unknown format; there are {', '.join(FORMATS)}"
    wanted = "date" if form == "date" else "number"
    kind = "date" if node is None else kind_of(node, declared)
    if kind not in (None, wanted):
        return f"is for a {wanted}, not for a {kind}"
    unit = None if node is None else unit_of(node, declared)
    if unit is not None and unit.name not in _UNITS[form]:
        return f"is for {' or '.join(_UNITS[form]) or 'dates'}, not for {unit.name}"
    return ""


def read_labels(
    tables: Mapping[str, Any], declared: Mapping[str, Declaration], where: Place
) -> Labels:
    """Read how codes are called, by language.

    Raises:
        PolicyError: Not a field, not texts by language, or a code that the field cannot hold.
    """
    found: dict[str, Mapping[str, Mapping[str, str]]] = {}
    for name, table in tables.items():
        place = where.at("labels", name)
        if not re.fullmatch(r"(user|product)\.\w+", name):
            raise where.at("labels").error(f"{name!r} must be user.x or product.x", name)
        if not isinstance(table, dict) or not table:
            raise place.error("must be a table such as { R4 = { en = 'high' } }")
        codes = _codes(declared.get(name))
        stray = [code for code in table if codes is not None and code not in codes]
        if stray:
            raise place.error(f"{stray} are none of {codes}", stray[0])
        found[name] = MappingProxyType({code: read_languages(table, code, place) for code in table})
    return MappingProxyType(found)


def _codes(declared: Declaration) -> list[str] | None:
    """List what a field may hold, None where nothing says."""
    if isinstance(declared, Scale):
        return list(map(str, declared.levels))
    if isinstance(declared, Domain) and declared.values:
        return [value if isinstance(value, str) else f"{value:.15g}" for value in declared.values]
    return ["true", "false"] if declared == "boolean" else None
