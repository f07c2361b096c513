"""Activity: sessions, channels, devices, paths, contacts and the stage of a funnel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from suitably.data import Clock, Dataset, View
from suitably.data.clock import Instant
from suitably.data.events import Events
from suitably.errors import DataError
from suitably.profiles.activity.activity_fields import (
    active_days,
    count_field,
    furthest_stages,
    moment_field,
    path_fields,
    session_counts,
)
from suitably.profiles.activity.activity_state import (
    ActivityState,
    Rule,
    days_before,
    latest_alone,
    since,
    up_to_reached,
    within,
)
from suitably.profiles.activity.activity_tables import (
    dayparts,
    mentions,
    moments,
    newer,
    said,
    steps,
    visits,
)
from suitably.profiles.activity.stages import Stages, read_stages, without_refunds
from suitably.profiles.activity.tallies import commonest_word, counts, share_maps
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.times_of_day import has_times_of_day
from suitably.utils.params import check_positive, shown

__all__ = ["Activity"]

_MONTH, _WEEK = 30, 7
_TIME, _EVENT = "interactions.timestamp", "interactions.event"
_KINDS = ("events", "contact_events", "answered_events", "complaint_events", "refused_events")
_COLUMNS = ("channel", "device", "page")


@dataclass(eq=False, repr=False)
class Activity(ParameterizedBuilder):
    """Tell how users come and what they do there, from every kind of event that is visible.

    Events need not be about a product. Windows are `[as_of − 30 days, as_of)`, in days of 24 hours,
    and move on with the moment asked. A field is there only where its parameters are given. In data
    without timestamps, shares and main channels can be told, and whatever has a date or a window
    is null.

    Of several channels, devices, parts of the day, pages or transitions that are equally common,
    the one seen last is the main one; of several seen at the same moment, the first of the
    alphabet. An event without a channel, device or page says nothing of them.

    Args:
        channel: Column of the interactions with the channel.
        device: Column with the device.
        page: Column with the page or screen.
        session_gap_minutes: The longest pause within a session.
        share_days: How far back channels, devices and parts of the day count; None: all that was
            ever seen, of which the state keeps a sum alone.
        events: Kinds of event that are the user's own activity; None: all but `contact_events`.
        contact_events: Kinds by which the user was contacted.
        answered_events: Kinds by which a user answered a contact.
        complaint_events: Kinds by which a user complained.
        funnel: Stages in order, as `funnel` takes them.
        funnel_days: How far back the events of the funnel count; None: all.
        refused_events: Kinds by which a user turned an offer or all contact down.

    Fields:
        sessions_30d: Number of sessions in the window; one that began before it counts.
        active_days_30d: Number of days of the data's calendar with an event in the window.
        main_daypart: When most events are, by the data's clock: `night` (0 to 6 o'clock),
            `morning` (6 to 12), `afternoon` (12 to 18) or `evening`; null without an event, and
            where the log has bare dates alone, which are midnights and say nothing of the hour.
        channel_share: Share of events by channel, those without one left out; null without any.
        main_channel: The commonest channel.
        main_device: The commonest device.
        entry_page: The page on which most sessions of the window began.
        exit_page: The page on which most of them ended.
        page_transition: The commonest step within them from one page to another: `"home > cards"`.
        contacts_7d, contacts_30d: Number of contacts in windows of 7 and 30 days.
        last_contact: When the latest contact was; null without one.
        contacts_answered_30d: Number of answers in the window.
        last_complaint: When the latest complaint was; null without one.
        last_refusal: When the latest refusal was; null without one.
        funnel_stage: The furthest stage reached, having reached those before it in order; a refund,
            an acquisition of an amount below 0, reaches none. Null before the first.
        funnel_stage_date: When it was reached.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({
        ...     "user_id": [1, 1, 1, 2], "product_id": ["a", None, None, None],
        ...     "event": ["buy", "login", "login", "letter"],
        ...     "channel": ["app", "app", "web", None],
        ...     "timestamp": ["2024-05-01T09:00", "2024-05-01T08:40", "2024-05-02T20:00",
        ...                   "2024-05-03T00:00"]})
        >>> data = Dataset(None, None, log, other_events=["login", "letter"])
        >>> activity = Activity(channel="channel", contact_events=["letter"])
        >>> frame = activity.fit(data, "2024-05-04").transform(data)
        >>> frame[["user_id", "sessions_30d", "main_channel", "contacts_7d"]]
           user_id  sessions_30d main_channel  contacts_7d
        0        1             2          app            0
        1        2             0          NaN            1
    """

    channel: str | None = None
    device: str | None = None
    page: str | None = None
    session_gap_minutes: float = 30
    share_days: float | None = None
    events: Sequence[str] | None = None
    contact_events: Sequence[str] = ()
    answered_events: Sequence[str] = ()
    complaint_events: Sequence[str] = ()
    funnel: Stages | None = None
    funnel_days: float | None = None
    refused_events: Sequence[str] = ()

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[ActivityState]] = ActivityState

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field; those whose parameters are not given are left out."""
        days = "" if self.share_days is None else f"{self.share_days:g} days"
        stage = "" if self.funnel_days is None else f"{self.funnel_days:g} days"
        on = {name: f"interactions.{getattr(self, name)}" for name in _COLUMNS}
        paged, month, kinds = (on["page"], _TIME), "30 days", (_EVENT, _TIME)
        described = {
            "sessions_30d": FieldInfo("observed", "sessions", (_TIME,), month),
            "active_days_30d": FieldInfo("observed", "days", (_TIME,), month),
            "main_daypart": FieldInfo("derived", sources=(_TIME,), expires=days),
        }
        if self.channel is not None:
            described |= {
                "channel_share": FieldInfo("observed", "share", (on["channel"],), days),
                "main_channel": FieldInfo("derived", "", (on["channel"], _TIME), days),
            }
        if self.device is not None:
            described["main_device"] = FieldInfo("derived", "", (on["device"], _TIME), days)
        if self.page is not None:
            names = ("entry_page", "exit_page", "page_transition")
            described |= {name: FieldInfo("derived", "", paged, month) for name in names}
        if self.contact_events:
            described |= {
                "contacts_7d": FieldInfo("observed", "contacts", kinds, "7 days"),
                "contacts_30d": FieldInfo("observed", "contacts", kinds, month),
                "last_contact": FieldInfo("observed", "", kinds),
            }
        if self.answered_events:
            described["contacts_answered_30d"] = FieldInfo("observed", "answers", kinds, month)
        if self.complaint_events:
            described["last_complaint"] = FieldInfo("observed", "", kinds)
        if self.refused_events:
            described["last_refusal"] = FieldInfo("observed", "", kinds)
        if self.funnel is not None:
            described |= {
                "funnel_stage": FieldInfo("derived", "", kinds, stage),
                "funnel_stage_date": FieldInfo("derived", "", kinds, stage),
            }
        return described

    def accumulate(self, view: View) -> ActivityState:
        """Sum up the events of a view by user and moment.

        Raises:
            DataError: A column that is asked for is missing, or no calendar is known.
            ValueError: A parameter out of range.
        """
        self.check_params()
        events, clock = view.events, view.clock
        _ask_calendar(events, clock)
        count, own = len(view.users), self._own(events)
        recent = own if view.as_of is None else newer(own, view.as_of - days_before(_MONTH))
        tables = {
            "visits": visits(recent, count, self.page),
            "daypart": dayparts(own, count, clock),
        }
        for name in [name for name in ("channel", "device") if name in self._columns]:
            tables[name] = mentions(own, count, self._columns[name])
        if self.contact_events:
            tables["contacts"] = moments(events, count, self.contact_events)
            tables["last_contact"] = tables["contacts"]
        if self.answered_events:
            tables["answers"] = moments(events, count, self.answered_events)
        if self.complaint_events:
            tables["complaints"] = moments(events, count, self.complaint_events)
        if self.refused_events:
            tables["refusals"] = moments(events, count, self.refused_events)
        if self.funnel is not None:
            tables["steps"] = steps(without_refunds(view), count, self._stages)
        moment = np.datetime64("NaT", "us") if view.as_of is None else view.as_of
        timed = has_times_of_day(view)
        return ActivityState(count, moment, clock.zone or "", tables, timed).kept(self._rules)

    def merge(self, a: ActivityState, b: ActivityState) -> ActivityState:
        """Join a state with a later one, of disjoint events.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        return a.plus(b).kept(self._rules)

    def finalise(self, state: ActivityState, as_of: Instant | None) -> pa.Table:
        """Return the fields as of a moment.

        Raises:
            DataError: `as_of` is before the state's own moment, of which it has forgotten the past.
        """
        now = state.as_of if as_of is None else as_of
        if now < state.as_of:
            raise DataError(f"as_of={as_of}: the state is of {state.as_of}; build it anew")
        timeless, clock = state.timeless, state.clock
        tables = {
            name: since(table, now, self._windows[name]) if name in self._windows else table
            for name, table in state.tables.items()
        }
        made: dict[str, pa.Array] = {}
        recent, gap = tables["visits"], self._gap
        made["sessions_30d"] = session_counts(recent, gap, timeless)
        made["active_days_30d"] = active_days(recent, clock, timeless)
        made["main_daypart"] = commonest_word(tables["daypart"].latest("times"))
        if not state.timed:
            made["main_daypart"] = pa.nulls(len(state), pa.string())
        if self.page is not None:
            made |= path_fields(recent, gap)
        if self.channel is not None:
            tally = tables["channel"].latest("times")
            made |= {"channel_share": share_maps(tally), "main_channel": commonest_word(tally)}
        if self.device is not None:
            made["main_device"] = commonest_word(tables["device"].latest("times"))
        if self.contact_events:
            made["contacts_7d"] = count_field(
                counts(since(tables["contacts"], now, _WEEK)), timeless
            )
            made["contacts_30d"] = count_field(counts(tables["contacts"]), timeless)
            made["last_contact"] = moment_field(tables["last_contact"], clock)
        if self.answered_events:
            made["contacts_answered_30d"] = count_field(counts(tables["answers"]), timeless)
        if self.complaint_events:
            made["last_complaint"] = moment_field(tables["complaints"], clock)
        if self.refused_events:
            made["last_refusal"] = moment_field(tables["refusals"], clock)
        if self.funnel is not None:
            names = ("funnel_stage", "funnel_stage_date")
            found = furthest_stages(tables["steps"], tuple(self._stages), clock)
            made |= dict(zip(names, found, strict=True))
        return pa.table({name: made[name] for name in self.fields})

    def check_params(self) -> None:
        """Refuse a parameter that is out of range or no list of kinds: ValueError."""
        for name in _COLUMNS:
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"{shown(self, name)}: must be the name of a column, or None")
        for name in _KINDS:
            kinds = getattr(self, name)
            if name == "events" and kinds is None:
                continue
            listed = isinstance(kinds, Sequence) and not isinstance(kinds, str)
            if not listed or not all(isinstance(kind, str) for kind in kinds):
                raise ValueError(f"{shown(self, name)}: must be a list of kinds of event")
        check_positive(self, "session_gap_minutes")
        check_positive(self, "share_days", "funnel_days", optional=True)
        if self.funnel is not None:
            read_stages(self.funnel, shown(self, "funnel"))

    def state(self) -> dict[str, Any]:
        """Return the parameters; the stages as pairs, whose order a file keeps."""
        state = super().state()
        if isinstance(self.funnel, Mapping):
            state["funnel"] = [[name, kinds] for name, kinds in self.funnel.items()]
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it of what `state` gave."""
        funnel = state["funnel"]
        if funnel and not isinstance(funnel[0], str):
            funnel = dict(funnel)
        return super().from_state({**state, "funnel": funnel})

    def _learn(self, data: Dataset, as_of: Any) -> None:
        events = data.events
        _ask_calendar(events, data.clock)
        for column in self._columns.values():
            said(events, column)
        named = [kind for name in _KINDS for kind in getattr(self, name) or ()]
        named += [kind for kinds in self._stages.values() for kind in kinds]
        if named:
            events.of(tuple(named))

    def _own(self, events: Events) -> Events:
        """Return the user's own activity."""
        if self.events is not None:
            return events.take(events.among(self.events))
        contacted = events.among(self.contact_events)
        return events.take(~contacted) if contacted.any() else events

    @property
    def _columns(self) -> dict[str, str]:
        asked = {name: getattr(self, name) for name in _COLUMNS}
        return {name: column for name, column in asked.items() if column is not None}

    @property
    def _stages(self) -> dict[str, tuple[str, ...]]:
        return {} if self.funnel is None else read_stages(self.funnel, shown(self, "funnel"))

    @property
    def _gap(self) -> np.timedelta64:
        return np.timedelta64(round(min(self.session_gap_minutes * 60e6, 2.0**62)), "us")

    @property
    def _windows(self) -> dict[str, float]:
        """How many days back each table is looked at; one that is not there, for ever."""
        windows: dict[str, float] = dict.fromkeys(("visits", "contacts", "answers"), _MONTH)
        if self.share_days is not None:
            windows |= dict.fromkeys(("daypart", "channel", "device"), self.share_days)
        if self.funnel_days is not None:
            windows["steps"] = self.funnel_days
        return windows

    @property
    def _rules(self) -> dict[str, Rule]:
        """What is kept of each table."""
        names = ("daypart", "channel", "device", "last_contact", "complaints", "refusals")
        rules: dict[str, Rule] = dict.fromkeys(names, latest_alone)
        rules["steps"] = up_to_reached(len(self._stages))
        return rules | {name: within(days) for name, days in self._windows.items()}


def _ask_calendar(events: Events, clock: Clock) -> None:
    if events.times is not None and clock.asks:
        raise DataError(f"Activity: counts by days and hours, and {clock.asks}")
