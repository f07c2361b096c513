"""Alarms in words: what has changed, since when, from what to what, and what to look at."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.told import Told, texts_of

__all__ = ["explain_alarm", "look_at", "since_told"]


def explain_alarm(
    series: str,
    before: float,
    now: float,
    since: date,
    users: int,
    bounds: tuple[float, float],
    over: bool,
    changes: Sequence[Any],
    language: str,
) -> str:
    """Say an alarm in a sentence or two.

    Args:
        series: What has changed.
        before: The mean in the baseline, a share.
        now: The mean since the change.
        since: Its first day.
        users: How many users that rests on.
        bounds: The least and the greatest mean that would be no change.
        over: Whether the latest day is back within these.
        changes: What else was new then.
        language: Such as `"en"`.
    """
    said = LANGUAGES[language]
    low, high = bounds
    told = said.alarm.format(
        series=series,
        before=_percent(before),
        now=_percent(now),
        since=since,
        users=users,
        low=_percent(low),
        high=_percent(high),
        over=said.alarm_over if over else "",
    )
    if not changes:
        return told + said.alarm_look.format(look_at=look_at(series, language))
    new = said.between_margins.join(str(texts_of(one).get(language, one)) for one in changes)
    return told + said.alarm_look_first.format(changes=new, look_at=look_at(series, language))


def look_at(series: str, language: str) -> str:
    """Say where the cause of an alarm may be."""
    places = LANGUAGES[language].look_at
    return places.get(series.partition(":")[0], places[""])


def since_told(what: str, day: date) -> Told:
    """Say from when there is something.

    Example:
        >>> since_told("policy house 2", date(2026, 3, 4))
        'policy house 2 since 2026-03-04'
    """
    return Told({code: said.since.format(what=what, day=day) for code, said in LANGUAGES.items()})


def _percent(share: float) -> str:
    return f"{100 * share:.{1 if abs(share) >= 0.01 or not share else 3}f} %"
