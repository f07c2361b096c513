"""Functions of time: lengths, shifts of the calendar, ages, and whether a fact is fresh."""

import numpy as np
from numpy.typing import NDArray

from suitably.data import calendar
from suitably.suitability.language.functions.model import Context, Function, Refuse, takes
from suitably.suitability.language.nodes import And, Arithmetic, AsOf, Call, Compare, Field, Node
from suitably.suitability.language.types import DURATION, NUMBER, PERIOD, Values

__all__ = ["DATES"]

_HOUR = 3_600_000_000
_MOST_MONTHS = 12 * 20_000
_MOST_DAYS = 366 * 20_000
_WHOLE = "another `n`, or one beyond 20,000 years, is unknown"


def _hours(_: Context, number: Values) -> Values:
    count, known = _whole(number, 24 * _MOST_DAYS)
    return Values(DURATION, count * _HOUR, known)


def _days(_: Context, number: Values) -> Values:
    count, known = _whole(number, _MOST_DAYS)
    return Values(DURATION, count * calendar.DAY, known)


def _months(_: Context, number: Values) -> Values:
    return Values(PERIOD, *_whole(number, _MOST_MONTHS))


def _years(_: Context, number: Values) -> Values:
    count, known = _whole(number, _MOST_MONTHS // 12)
    return Values(PERIOD, count * 12, known)


def _whole(number: Values, most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read whole numbers up to a size; others are unknown."""
    whole = (np.floor(number.data) == number.data) & (np.abs(number.data) <= most)
    return np.where(whole, number.data, 0).astype(np.int64), number.known & whole


def _age(context: Context, birth: Values) -> Values:
    as_of = context.as_of
    if as_of is None:
        return Values(NUMBER, np.zeros(birth.data.shape), np.zeros_like(birth.known))
    today = int(context.clock.wall(np.datetime64(as_of, "us")).astype(np.int64))
    ages = calendar.completed_years(birth.data, today)
    return Values(NUMBER, ages, birth.known & (birth.data <= today))


def _fresh(call: Call, refuse: Refuse) -> Node:
    """Write it as a comparison of the moment with the date beside a field that is known."""
    field, span = call.arguments
    if not isinstance(field, Field):
        refuse(field, "fresh takes a field, such as user.annual_income")
    place = call.place
    date, now = Field(field.side, f"{field.name}_date", **place), AsOf(**place)
    end = Arithmetic("+", date, span, **place)
    known = Call("known", (field,), **place)
    return And((known, Compare("<", date, now, **place), Compare("<", now, end, **place)), **place)


DATES = (
    Function(
        "hours",
        takes(n="number"),
        "duration",
        f"whole hours; {_WHOLE}",
        _hours,
    ),
    Function(
        "days",
        takes(n="number"),
        "duration",
        "whole days of 24 hours; another `n`, or one beyond 20,000 years (7,320,000 days), "
        "is unknown",
        _days,
    ),
    Function(
        "months",
        takes(n="number"),
        "period",
        f"whole months of the calendar, which clamp to the end of the month; {_WHOLE}",
        _months,
    ),
    Function(
        "years",
        takes(n="number"),
        "period",
        f"whole years of the calendar, which clamp to the end of the month; {_WHOLE}",
        _years,
    ),
    Function(
        "age",
        takes(date="date"),
        "number",
        "completed years, by the calendar; missing for a date to come",
        _age,
        dated=True,
        by_day=True,
        least=0,
        whole=True,
    ),
    Function(
        "fresh",
        takes(field="field", span="span"),
        "boolean",
        "whether the date in the field of the same name with `_date` behind it lies before "
        "`as_of`, and `as_of` before that date plus a span, such as `months(12)`; unknown where "
        "the field itself is missing",
        expand=_fresh,
    ),
)
