"""What a policy declares before its rules: scales, fields, and maps between scales."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from suitably.errors import PolicyError
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


def read_scale(name: str, levels: Any, where: str) -> Scale:
    """Read a scale: its levels, lowest first.

    Raises:
        PolicyError: Not distinct texts or whole numbers, or a name that a type has.
    """
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


def read_field(name: str, declared: Any, scales: Mapping[str, Scale], where: str) -> FieldKind:
    """Read what is declared of a field: a scale, a type, or a table with what it may hold.

    Raises:
        PolicyError: A name that is no field, or a declaration that means nothing.
    """
    if not re.fullmatch(r"(user|product)\.\w+", name):
        raise PolicyError(f"{where}: fields: {name!r} must be user.x or product.x")
    place = f"{where}: fields: {name}"
    if isinstance(declared, dict):
        return _read_table(declared, scales, place)
    if isinstance(declared, str) and declared in scales:
        return scales[declared]
    if declared in TYPES:
        return str(declared)
    raise PolicyError(
        f"{place} = {declared!r} is neither a scale {sorted(scales)} nor a type {list(TYPES)}"
    )


def _read_table(table: dict[str, Any], scales: Mapping[str, Scale], place: str) -> FieldKind:
    known_keys(table, _DOMAIN_KEYS, place)
    if "scale" in table:
        if len(table) > 1:
            raise PolicyError(f"{place}: a field on a scale has no {sorted({*table} - {'scale'})}")
        scale = scales.get(table["scale"]) if isinstance(table["scale"], str) else None
        if scale is None:
            raise PolicyError(f"{place}: {table['scale']!r} is no scale; there are {[*scales]}")
        return scale
    kind = table.get("type")
    if kind not in TYPES:
        raise PolicyError(f"{place}: type must be one of {list(TYPES)}, got {kind!r}")
    for keys, kinds in (
        (("min", "max"), _WITH_ENDS),
        (("values",), _WITH_VALUES),
        (("unit", "currency"), _WITH_UNIT),
    ):
        wrong = [key for key in keys if key in table and kind not in kinds]
        if wrong:
            raise PolicyError(f"{place}: {wrong[0]} is for {', '.join(kinds)}, not for {kind}")
    if "values" in table and {"min", "max"} & {*table}:
        raise PolicyError(f"{place}: give values, or min and max, not both")
    least, most = (_end(table[key], key, kind, place) if key in table else None for key in _ENDS)
    if least is not None and most is not None and least > most:  # type: ignore[operator]
        raise PolicyError(
            f"{place}: the range is upside down: min {table['min']} is above max "
            f"{table['max']}; swap them"
        )
    values = _values(table["values"], kind, place) if "values" in table else ()
    unit, currency = _unit(table, place)
    found = Domain(kind, least, most, values, unit, currency)
    return found if found != Domain(kind) else str(kind)


_ENDS = ("min", "max")


def _end(value: Any, key: str, kind: str, place: str) -> float | date:
    if kind == "date":
        if not isinstance(value, date) or isinstance(value, datetime):
            raise PolicyError(f"{place}: {key} must be a date without a time, got {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PolicyError(f"{place}: {key} must be a number, got {value!r}")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise PolicyError(f"{place}: {key}: whole numbers beyond 2**53 cannot be told apart")
    return float(value)


def _values(values: Any, kind: str, place: str) -> tuple[str | float, ...]:
    allowed = (str,) if kind == "text" else (str, int, float)
    if not isinstance(values, list) or not values:
        raise PolicyError(f"{place}: values must be a list of what is allowed, got {values!r}")
    texts = isinstance(values[0], str)
    for value in values:
        fits = isinstance(value, allowed) and not isinstance(value, bool)
        if not fits or isinstance(value, str) != texts or not (texts or math.isfinite(value)):
            what = "texts" if kind == "text" else "texts, or numbers"
            raise PolicyError(f"{place}: values must be {what}, got {value!r}")
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise PolicyError(f"{place}: values: {value} is beyond 2**53: not to be told apart")
    repeated = [value for place_, value in enumerate(values) if value in values[:place_]]
    if repeated:
        raise PolicyError(f"{place}: values must be distinct, repeated: {repeated}")
    return tuple(value if texts else float(value) for value in values)


def _unit(table: dict[str, Any], place: str) -> tuple[str | None, str | None]:
    unit, currency = table.get("unit"), table.get("currency")
    if unit is not None and unit not in UNITS:
        raise PolicyError(f"{place}: unknown unit {unit!r}; there are {', '.join(UNITS)}")
    if currency is not None and unit != "money":
        raise PolicyError(f'{place}: a currency is of money: add unit = "money"')
    if currency is not None and not (
        isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)
    ):
        raise PolicyError(f"{place}: currency must be a code such as 'CNY', got {currency!r}")
    return unit, currency


def read_map(name: str, table: Any, scales: Mapping[str, Scale], where: str) -> LevelTable:
    """Read a map: what every level of a scale, or a text, stands for.

    Raises:
        PolicyError: A hole, something off its scale, or scales that cannot be told.
    """
    place = f"{where}: maps: {name}"
    if not isinstance(table, dict) or not table:
        raise PolicyError(f"{place}: must be a table such as {{ C1 = 'R1', C2 = 'R2' }}")
    source = target = None
    levels = table
    if isinstance(table.get("levels"), dict):
        known_keys(table, {"from", "to", "levels"}, place)
        levels, source, target = table["levels"], table.get("from"), table.get("to")
    values = list(levels.values())
    numbers = all(_is_number(value) for value in values)
    if not values or not (numbers or all(isinstance(value, str) for value in values)):
        raise PolicyError(f"{place}: gives levels, texts or numbers, all of one kind")
    if numbers and any(isinstance(n, int) and abs(n) > MAX_INTEGER for n in values):
        raise PolicyError(f"{place}: whole numbers beyond 2**53 cannot be told apart")
    from_scale = _source(levels, source, scales, place)
    to_scale = _target(values, target, scales, place)
    if from_scale is None:
        return LevelTable(None, to_scale, tuple(levels.items()))
    by_name = {str(level): level for level in from_scale.levels}
    hole = [level for level in by_name if level not in levels]
    stray = [key for key in levels if key not in by_name]
    if hole:
        raise PolicyError(f"{place}: has no entry for {hole} of scale {from_scale.name!r}")
    if stray:
        raise PolicyError(
            f"{place}: {stray} are not on scale {from_scale.name!r} {list(from_scale.levels)}"
        )
    return LevelTable(from_scale, to_scale, tuple((by_name[key], levels[key]) for key in by_name))


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _source(
    keys: Collection[str], said: Any, scales: Mapping[str, Scale], place: str
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


def _target(values: list[Any], said: Any, scales: Mapping[str, Scale], place: str) -> Scale | None:
    """Tell the scale that a map is to: that which has all its values, as numbers or texts."""
    numbers = not isinstance(values[0], str)
    if said is not None:
        scale = _named(said, "to", ("number",) if numbers else ("text",), scales, place)
        off = [] if scale is None else [value for value in values if value not in scale.levels]
        if scale is not None and off:
            raise PolicyError(
                f"{place}: {off} are not on scale {scale.name!r} {list(scale.levels)}"
            )
        return scale
    found = [scale for scale in scales.values() if all(v in scale.levels for v in values)]
    if len(found) > 1:
        _ambiguous("to", found, place)
    if found or numbers:
        return found[0] if found else None
    near = [scale for scale in scales.values() if any(v in scale.levels for v in values)]
    off = [value for value in values if not near or value not in near[0].levels]
    on = f"scale {near[0].name!r} {list(near[0].levels)}" if near else f"any scale {[*scales]}"
    raise PolicyError(f'{place}: {off} are not on {on}; for mere text say to = "text"')


def _named(
    said: Any, key: str, kinds: tuple[str, ...], scales: Mapping[str, Scale], place: str
) -> Scale | None:
    if isinstance(said, str) and said in scales:
        return scales[said]
    if said in kinds:
        return None
    raise PolicyError(f"{place}: {key} = {said!r} is neither a scale {[*scales]} nor {kinds[0]!r}")


def _ambiguous(key: str, scales: list[Scale], place: str) -> NoReturn:
    names = [scale.name for scale in scales]
    raise PolicyError(f"{place}: may be {key} any of {names}: say {{ {key} = ..., levels = ... }}")
