"""Values outside what a policy declares of their field: which rows have one, and which they are."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.suitability.language.types import (
    Column,
    Domain,
    MapColumn,
    StringPool,
    Values,
)

__all__ = ["outside", "outside_in_words"]

Bools = NDArray[np.bool_]
_EXAMPLES = 3


def outside(
    column: Column, domain: Domain, texts: StringPool, days: Callable[[], Instants]
) -> tuple[Bools, list[Any]]:
    """Find the values that are not in a domain.

    Args:
        column: A field as read, one-dimensional, of the domain's type.
        domain: What it may hold.
        texts: The codes of texts.
        days: Returns the field as times on the wall, where it holds dates.

    Returns:
        Which rows have such a value, and the distinct values in order of appearance.
    """
    if not isinstance(column, Values) or not len(column.known):
        return np.zeros(len(column.known), bool), []
    if column.type.element == "date":
        return _of_dates(column, domain)
    if column.type.name == "list":
        return _in_lists(column, domain)
    if isinstance(column.extra, MapColumn):
        return _in_maps(column, domain)
    if domain.type == "date":
        return _dates(days(), domain)
    if domain.type == "text":
        codes = np.unique(column.data[column.known])
        off = [code for code in codes if texts.text(int(code)) not in domain.values]
        rows = column.known & np.isin(column.data, off)
        return rows, [texts.text(int(code)) for code in _distinct(column.data[rows])]
    rows = column.known & _beyond(column.data, domain)
    return rows, _distinct(column.data[rows])


def outside_in_words(domain: Domain, rows: Bools, found: list[Any]) -> str:
    """Say how many rows have a value outside a domain, and what some of them are."""
    if domain.values:
        are = f"none of {[_plain(value) for value in domain.values]}"
    elif domain.least is None or domain.most is None:
        end, at = ("min", domain.least) if domain.most is None else ("max", domain.most)
        are = f"outside the range ({end} {_plain(at)})"
    else:
        are = f"outside the range {_plain(domain.least)} to {_plain(domain.most)}"
    shown = [_plain(value) for value in found[:_EXAMPLES]]
    return f"{int(rows.sum())} values are {are}, such as {shown}"


def _beyond(numbers: NDArray[np.float64], domain: Domain) -> Bools:
    least = -np.inf if domain.least is None else domain.least
    most = np.inf if domain.most is None else domain.most
    return (numbers < least) | (numbers > most)  # type: ignore[operator]


def _dates(days: Instants, domain: Domain) -> tuple[Bools, list[Any]]:
    rows = np.zeros(len(days), bool)
    if domain.least is not None:
        rows |= days < np.datetime64(domain.least, "us")  # type: ignore[call-overload]
    if domain.most is not None:  # the whole of its last day
        rows |= days >= np.datetime64(domain.most, "D") + 1  # type: ignore[call-overload]
    return rows, [str(day.astype("datetime64[D]")) for day in _distinct(days[rows])]


def _of_dates(column: Values, domain: Domain) -> tuple[Bools, list[Any]]:
    """Refuse dates in lists and maps: what is declared of them is about numbers or texts."""
    known = column.extra.known if isinstance(column.extra, MapColumn) else column.extra
    held = bool(np.any(known)) and domain != Domain(domain.type)
    return column.known & held, ["a date"] * held


def _in_lists(column: Values, domain: Domain) -> tuple[Bools, list[Any]]:
    strays: list[list[Any]] = []
    for members in column.extra or ():
        items = sorted((item for item in members if item is not None), key=str)
        strays.append([item for item in items if not _holds(item, domain)])
    if not strays:
        return np.zeros(len(column.known), bool), []
    off = np.array([bool(stray) for stray in strays])
    rows = column.known & off[column.data]
    found = [item for code in _distinct(column.data[rows]) for item in strays[int(code)]]
    return rows, list(dict.fromkeys(found))


def _holds(item: Any, domain: Domain) -> bool:
    if domain.values:
        return item in domain.values
    if isinstance(item, str):
        return domain.least is None and domain.most is None
    return not _beyond(np.array([item], np.float64), domain).any()


def _in_maps(column: Values, domain: Domain) -> tuple[Bools, list[Any]]:
    offsets, numbers = column.extra.offsets, column.extra.values
    off = np.flatnonzero(column.extra.known & _beyond(numbers, domain))
    entries = np.zeros(len(offsets) - 1, bool)
    entries[np.searchsorted(offsets, off, side="right") - 1] = True
    return column.known & entries[column.data], _distinct(numbers[off])


def _distinct(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "M":
        return [*np.unique(values)]
    return list(dict.fromkeys(values.tolist()))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value.isoformat() if isinstance(value, date) else value
