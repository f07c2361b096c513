"""What a policy declares before its rules: scales, fields, and maps between scales."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from suitably.errors import PolicyError
from suitably.suitability.language.places import Place
from suitably.suitability.language.toml import known_keys
from suitably.suitability.language.types import MAX_INTEGER, Domain, LevelTable, Scale

__all__ = ["TYPES", "UNITS", "FieldKind", "read_field", "read_map", "read_scale"]

TYPES = ("number", "text", "date", "boolean", "list", "map")
UNITS = ("share", "percent", "months", "years", "days", "count", "money")
FieldKind = Scale | Domain | str
_DOMAIN_KEYS = {"type", "scale", "min", "max", "values", "unit", "currency"}
_WITH_ENDS = ("number", "date", "list", "map")
_WITH_UNIT = ("number", "list", "map")
_WITH_VALUES = ("text", "list")


def read_scale(name: str, levels: Any, where: Place) -> Scale:
    """Read a scale: its levels, lowest first.

    Raises:
        PolicyError: Not distinct texts or whole numbers, or a name that a type has.
    """
    place = where.at("scales", name, words=f"{where}: scale {name!r}")
    same = (
        isinstance(levels, list)
        and levels
        and all(type(level) is type(levels[0]) and isinstance(level, str | int) for level in levels)
    )
    if not same or isinstance(levels[0], bool) or len(set(levels)) < len(levels):
        raise place.error("must list distinct levels, texts or whole numbers, lowest first")
    if name in TYPES:
        raise place.error("has the name of a type: choose another")
    if any(isinstance(level, int) and abs(level) > MAX_INTEGER for level in levels):
        raise place.error("levels beyond 2**53 cannot be told apart: write them as text")
    return Scale(name, tuple(levels))


def read_field(name: str, declared: Any, scales: Mapping[str, Scale], where: Place) -> FieldKind:
    """Read what is declared of a field: a scale, a type, or a table with what it may hold.

    Raises:
        PolicyError: A name that is no field, or a declaration that means nothing.
    """
    if not re.fullmatch(r"(user|product)\.\w+", name):
        raise where.at("fields").error(f"{name!r} must be user.x or product.x", name)
    place = where.at("fields", name)
    if isinstance(declared, dict):
        return _read_table(declared, scales, place)
    if isinstance(declared, str) and declared in scales:
        return scales[declared]
    if declared in TYPES:
        return str(declared)
    raise place.error(f"{declared!r} is neither a scale {sorted(scales)} nor a type {list(TYPES)}")


def _read_table(table: dict[str, Any], scales: Mapping[str, Scale], place: Place) -> FieldKind:
    known_keys(table, _DOMAIN_KEYS, place)
    if "scale" in table:
        if len(table) > 1:
            more = sorted({*table} - {"scale"})
            raise place.error(f"a field on a scale has no {more}: leave it out", more[0])
        scale = scales.get(table["scale"]) if isinstance(table["scale"], str) else None
        if scale is None:
            raise place.error(f"{table['scale']!r} is no scale; there are {[*scales]}", "scale")
        return scale
    kind = table.get("type")
    if kind not in TYPES:
        raise place.error(f"type must be one of {list(TYPES)}, got {kind!r}", "type")
    for keys, kinds in (
        (("min", "max"), _WITH_ENDS),
        (("values",), _WITH_VALUES),
        (("unit", "currency"), _WITH_UNIT),
    ):
        wrong = [key for key in keys if key in table and kind not in kinds]
        if wrong:
            problem = f"{wrong[0]} is for {', '.join(kinds)}, not for {kind}"
            raise place.error(problem, wrong[0])
    if "values" in table and {"min", "max"} & {*table}:
        raise place.error("give values, or min and max, not both", "values")
    least, most = (_end(table[key], key, kind, place) if key in table else None for key in _ENDS)
    if least is not None and most is not None and least > most:  # type: ignore[operator]
        raise place.error(
            f"the range is upside down: min {table['min']} is above max {table['max']}; swap them",
            "min",
        )
    values = _values(table["values"], kind, place) if "values" in table else ()
    unit, currency = _unit(table, place)
    found = Domain(kind, least, most, values, unit, currency)
    return found if found != Domain(kind) else str(kind)


_ENDS = ("min", "max")


def _end(value: Any, key: str, kind: str, place: Place) -> float | date:
    if kind == "date":
        if not isinstance(value, date) or isinstance(value, datetime):
            raise place.error(f"{key} must be a date without a time, got {value!r}", key)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise place.error(f"{key} must be a number, got {value!r}", key)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise place.error(f"{key}: whole numbers beyond 2**53 cannot be told apart", key)
    return float(value)


def _values(values: Any, kind: str, place: Place) -> tuple[str | float, ...]:
    allowed = (str,) if kind == "text" else (str, int, float)
    if not isinstance(values, list) or not values:
        raise place.error(f"values must be a list of what is allowed, got {values!r}", "values")
    texts = isinstance(values[0], str)
    for count, value in enumerate(values):
        fits = isinstance(value, allowed) and not isinstance(value, bool)
        if not fits or isinstance(value, str) != texts or not (texts or math.isfinite(value)):
            what = "texts" if kind == "text" else "texts, or numbers"
            raise place.error(f"values must be {what}, got {value!r}", "values", count)
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            problem = f"values: {value} is beyond 2**53: not to be told apart"
            raise place.error(problem, "values", count)
        if value in values[:count]:
            problem = f"values must be distinct, repeated: {[value]}"
            raise place.error(problem, "values", count)
    return tuple(value if texts else float(value) for value in values)


def _unit(table: dict[str, Any], place: Place) -> tuple[str | None, str | None]:
    unit, currency = table.get("unit"), table.get("currency")
    if unit is not None and unit not in UNITS:
        raise place.error(f"unknown unit {unit!r}; there are {', '.join(UNITS)}", "unit")
    if currency is not None and unit != "money":
        raise place.error('a currency is of money: add unit = "money"', "currency")
    if currency is not None and not (
        isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)
    ):
        problem = f"currency must be a code such as 'CNY', got {currency!r}"
        raise place.error(problem, "currency")
    return unit, currency


def read_map(name: str, table: Any, scales: Mapping[str, Scale], where: Place) -> LevelTable:
    """Read a map: what every level of a scale, or a text, stands for.

    Raises:
        PolicyError: A hole, something off its scale, or scales that cannot be told.
    """
    place = where.at("maps", name)
    if not isinstance(table, dict) or not table:
        raise place.error("must be a table such as { C1 = 'R1', C2 = 'R2' }")
    source = target = None
    levels = table
    if isinstance(table.get("levels"), dict):
        known_keys(table, {"from", "to", "levels"}, place)
        levels, source, target = table["levels"], table.get("from"), table.get("to")
    inner = ("levels",) if levels is not table else ()
    values = list(levels.values())
    numbers = all(_is_number(value) for value in values)
    if not values or not (numbers or all(isinstance(value, str) for value in values)):
        raise place.error("gives levels, texts or numbers, all of one kind", *inner)
    for key, number in levels.items():
        if isinstance(number, int) and abs(number) > MAX_INTEGER:
            raise place.error("whole numbers beyond 2**53 cannot be told apart", *inner, key)
    from_scale = _source(levels, source, scales, place)
    to_scale = _target(levels, target, scales, place, inner)
    if from_scale is None:
        return LevelTable(None, to_scale, tuple(levels.items()))
    by_name = {str(level): level for level in from_scale.levels}
    hole = [level for level in by_name if level not in levels]
    stray = [key for key in levels if key not in by_name]
    if hole:
        problem = f"has no entry for {hole} of scale {from_scale.name!r}: add what each stands for"
        raise place.error(problem, *inner)
    if stray:
        problem = f"{stray} are not on scale {from_scale.name!r} {list(from_scale.levels)}"
        raise place.error(problem, *inner, stray[0])
    return LevelTable(from_scale, to_scale, tuple((by_name[key], levels[key]) for key in by_name))


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _source(
    keys: Collection[str], said: Any, scales: Mapping[str, Scale], place: Place
) -> Scale | None:
    """Tell the scale that a map is from: that of its keys."""
    if said is not None:
        return _named(said, "from", ("text",), scales, place)
    names = {scale: set(map(str, scale.levels)) for scale in scales.values()}
    exact = [scale for scale, levels in names.items() if levels == set(keys)]
    if len(exact) > 1:
        _ambiguous("from", exact, place)
    if exact:
        return exact[0]
    shared = {scale: len(levels & set(keys)) for scale, levels in names.items()}
    if not any(shared.values()):
        return None
    return max(shared, key=lambda scale: shared[scale])


def _target(
    table: Mapping[str, Any],
    said: Any,
    scales: Mapping[str, Scale],
    place: Place,
    inner: tuple[str, ...],
) -> Scale | None:
    """Tell the scale that a map is to: that which has all its values, as numbers or texts."""
    values = list(table.values())

    def off_scale(problem: str, levels: Collection[Any]) -> PolicyError:
        stray = [(key, value) for key, value in table.items() if value not in levels]
        words = f"{[value for _, value in stray]} are not on {problem}"
        return place.error(words, *inner, stray[0][0])

    numbers = not isinstance(values[0], str)
    if said is not None:
        scale = _named(said, "to", ("number",) if numbers else ("text",), scales, place)
        if scale is not None and not {*values} <= {*scale.levels}:
            raise off_scale(f"scale {scale.name!r} {list(scale.levels)}", scale.levels)
        return scale
    found = [scale for scale in scales.values() if all(v in scale.levels for v in values)]
    if len(found) > 1:
        _ambiguous("to", found, place)
    if found or numbers:
        return found[0] if found else None
    near = [scale for scale in scales.values() if any(v in scale.levels for v in values)]
    levels = near[0].levels if near else ()
    on = f"scale {near[0].name!r} {list(levels)}" if near else f"any scale {[*scales]}"
    raise off_scale(f'{on}; for mere text say to = "text"', levels)


def _named(
    said: Any, key: str, kinds: tuple[str, ...], scales: Mapping[str, Scale], place: Place
) -> Scale | None:
    if isinstance(said, str) and said in scales:
        return scales[said]
    if said in kinds:
        return None
    problem = f"{key} = {said!r} is neither a scale {[*scales]} nor {kinds[0]!r}"
    raise place.error(problem, key)


def _ambiguous(key: str, scales: list[Scale], place: Place) -> NoReturn:
    names = [scale.name for scale in scales]
    raise place.error(f"may be {key} any of {names}: say {{ {key} = ..., levels = ... }}")
