"""Monitor: whether what was true of a pipeline's answers when it went live still holds."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from suitably.data.columns import Columns
from suitably.data.frames import write_frame
from suitably.errors import ArtifactError, DataError
from suitably.monitoring.alarm import Alarm
from suitably.monitoring.answer_days import AnswerDays
from suitably.monitoring.counting import AnswerCounter
from suitably.monitoring.days import day_said
from suitably.monitoring.event_days import users_by_day
from suitably.monitoring.figures import concentration_table, series_table
from suitably.monitoring.given import baseline_of_frame, check_answers
from suitably.monitoring.probe import probe
from suitably.monitoring.series import Days
from suitably.monitoring.shown import counted_in_words, drift_of, gauges_of, line_of, page_of
from suitably.monitoring.table import SeriesTable
from suitably.monitoring.watch_state import WatchState
from suitably.pipeline.pipeline import Pipeline
from suitably.recommendations import Recommendations
from suitably.report import Report
from suitably.utils.files import replacing
from suitably.utils.fork import ForkLock
from suitably.utils.params import check_no_text, check_positive_int

__all__ = ["Monitor"]

_DATED = {"questionnaire_date": 365.0}


class Monitor:
    """Watches what a pipeline answers, and says what has changed and since when.

    A series is a figure between 0 and 1 of every user answered: of every rule, the share of the
    catalogue that it keeps from them (`exclusion:…`); the share of the list that is missing
    (`abstention`), and whether it is `empty`; whether the user is an `unknown-user`, `opted-out` or
    one for whom the fallback `stood-in`; the share of the list whose scores are in a bin
    (`score:…`). Of a sample of users also the bins of their fields (`field:…`), whether a date is
    `missing:…` or `stale:…`, and how much rules bar of what would be listed without them
    (`unfiltered-violation`). Of what happened since, the rates of rejections and complaints
    (`event:…`).

    Each series is held against its baseline. Days differ for real, so a mean may go beyond what the
    baseline's days were by `tolerance`; the chance that anything is ever called a change while
    nothing goes further is at most `alpha`, over all series and all days together.

    What is kept are sums by day, as many numbers for a million users as for ten. They add up:
    monitors of several processes can be merged. Nothing in it tells of a single user.

    Args:
        pipeline: The fitted pipeline that is watched; None: only audit trails are.
        baseline: What it is held against: answers, or a list of them; a monitor, all days of which
            count; or a frame as `to_frame` gives. None: the first `baseline_days` days observed.
        baseline_days: How many.
        alpha: The chance of any false alarm, ever.
        tolerance: By how much a mean may move beyond its baseline without being a change.
        sample: Of how many users rules and scores are watched, of those who are answered alike on a
            day until somebody asks, chosen by a salted hash; fields and dates of 4 in 10 of them,
            and what would be listed without rules of 1 in 50, if they are among 250 of the model's.
        fields: The users' fields that are watched; None: those that policies read and those of
            profiles, but dates and lists.
        dated: Date fields, and how many days each may be old.
        events: Kinds of event whose rates are watched; None: the pipeline's `rejected_events`, and
            `"complaint"`.
        salt: What the choice of the sample depends on beside the user.
        keep_days: How many days are kept.

    Raises:
        NotFittedError: The pipeline is not fitted.
        ValueError: A parameter out of its range.
        DataError: A baseline that cannot be read.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=400, products=60)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> monitor = Monitor(pipeline, baseline=pipeline.recommend())
        >>> monitor.observe(pipeline.recommend(as_of="2026-06-01"))  # nobody has been asked since
        >>> monitor
        Monitor(34 series, 1 day, 4 alarms)
        >>> monitor.alarms()[0].series
        'empty'
    """

    _columns: Columns | None

    def __init__(
        self,
        pipeline: Pipeline | None = None,
        baseline: Any = None,
        *,
        baseline_days: int = 7,
        alpha: float = 0.05,
        tolerance: float = 0.02,
        sample: int = 2500,
        fields: Sequence[str] | None = None,
        dated: Mapping[str, float] | None = None,
        events: Sequence[str] | None = None,
        salt: str = "",
        keep_days: int = 400,
    ) -> None:
        self.sample: int = sample
        self.fields: Sequence[str] | None = fields
        self.events: Sequence[str] | None = events
        check_positive_int(self, "sample")
        check_no_text(self, "events", "fields")
        table = SeriesTable(alpha, tolerance, baseline_days, keep_days)
        table.check()
        state = WatchState(table, sample, salt, dict(_DATED if dated is None else dated))
        self._begin(state, pipeline)
        if events is not None:
            state.events = tuple(events)
        if pipeline is not None:
            found = probe(pipeline, fields)
            state.kind, state.field_bins = found.kind, found.field_bins
            state.score_bins = found.score_bins
            self._columns = found.columns
            if events is None:
                state.events = tuple(dict.fromkeys([*found.rejected, *state.events]))
        if baseline is not None:
            table.give(self._given(baseline))

    def _begin(self, state: WatchState, pipeline: Pipeline | None) -> None:
        self.pipeline = pipeline
        self._state, self._lock = state, ForkLock()
        self._answers = AnswerCounter(state, pipeline, self._lock)
        self._columns = None
        self._days = AnswerDays()

    def observe(self, recs: Recommendations | Iterable[Recommendations], at: Any = None) -> None:
        """Take in answers: a batch of them, or those of several calls.

        They are counted once they are asked for, or once there are many, so that single answers
        cost next to nothing. Several threads may observe, and others ask meanwhile; a service may
        also keep the answers of some seconds and give them all at once. The same answers to the
        same users on the same day count once.

        Args:
            recs: The answers.
            at: The day on which they were given: a date, time or ISO 8601 text. None: the day of
                their `as_of`; without one, today.

        Warns:
            SuitabilityWarning: The day is before one that was observed: the clock went back.

        Raises:
            DataError: These are no answers, or `at` is no day; nothing is counted then.
        """
        if not isinstance(recs, Recommendations):
            for one in check_answers(recs, "observe: expected Recommendations"):
                self.observe(one, at)
            return
        day = self._days.of(recs.generator) if at is None else day_said(at)
        self._answers.observe(day, recs)

    def observe_events(self, events: Any, at: Any = None) -> None:
        """Take in what users did since: rejections, complaints.

        A rate is that of users who did, among the users answered that day; the same user counts
        once in a frame and day.

        Args:
            events: A frame of user_id, event and timestamp, called as the pipeline's data are.
                Other kinds than those watched are left out.
            at: The day of all of them, for frames without timestamps.

        Raises:
            DataError: A column is missing, or a time that is none.
        """
        if self._columns is None and self.pipeline is not None:
            self._columns = probe(self.pipeline, ()).columns
        when = None if at is None else day_said(at)
        found = users_by_day(events, self._state.events, self._columns, when)
        with self._counted() as state:
            for (day, kind), users in found.items():
                state.count_events(day, kind, users)

    def observe_audit(self, trail: Any, by: str = "as_of") -> int:
        """Take in the decisions of an audit trail that it has not seen yet.

        A trail keeps how many pairs each rule kept out of a block of users and not of each, so its
        exclusions are weighed as if they varied as much as they can: an alarm takes longer, and is
        as certain.

        Args:
            trail: An `AuditTrail`, its file, or the address of its database.
            by: The day that counts: `"as_of"` of the decisions, or `"recorded"`, in UTC.

        Returns:
            How many decisions were new.

        Raises:
            ArtifactError: It is no audit trail, or cannot be read.
        """
        from suitably.monitoring.audit import count_decisions

        if by not in ("as_of", "recorded"):
            raise ValueError(f'by={by!r}: must be "as_of" or "recorded"')
        with self._lock:
            return count_decisions(self._state, trail, by)

    def alarms(self) -> list[Alarm]:
        """Return what has changed, what was raised first first; until it is accepted it stays.

        An empty list: nothing has, or there is no baseline yet.
        """
        with self._counted() as state:
            return state.alarms(state.table.weigh())

    def accept(self, series: str) -> None:
        """Take a series as it is from the next day on: its next days are its new baseline.

        Args:
            series: Its name, as an alarm or `to_frame` has it.

        Raises:
            DataError: There is no such series.
        """
        with self._counted() as state:
            state.table.accept(series, -1 if state.latest is None else state.latest)

    def to_frame(self) -> Any:
        """Return all series, day by day.

        Returns:
            series, day, users, mean, baseline (its mean), low and high – between which a mean is no
            change –, e_value – the greater of both sides – and alarm, whether it is one by then. Of
            days of a baseline all but the first four are missing.
        """
        with self._counted() as state:
            return write_frame(series_table(state.table, state.table.weigh()), state.kind)

    def drift(self) -> Any:
        """Return how far the last seven days' distributions are from those of the baseline.

        Returns:
            figure – `score`, or a field –, psi, and wasserstein in the figure's own unit, missing
            for categories. Fields are those of the sample. Figures, no alarms: what is told by
            chance and what not is told by the series of the bins.
        """
        with self._counted() as state:
            return write_frame(drift_of(state), state.kind)

    def concentration(self) -> Any:
        """Return how widely products are listed on each of the last seven days.

        Returns:
            day, products of the catalogue, coverage – the share that is in any list –, gini of
            list places over products, and top_tenth, the share of places that the most listed
            tenth has.
        """
        with self._counted() as state:
            return write_frame(concentration_table(state.listed), state.kind)

    def report(self, title: str = "The watch") -> Report:
        """Return a page: alarms first, then the figures; no user is in it.

        `report().write(path)` writes it.
        """
        with self._counted() as state:
            page = page_of(state)
        return Report(title).add_result(page, "State")

    def to_prometheus(self) -> str:
        """Return gauges in Prometheus' text format, for the page that it scrapes."""
        with self._counted() as state:
            return gauges_of(state)

    def summary(self) -> str:
        """Say in a line how many series are watched, on how many days, with how many alarms."""
        with self._counted() as state:
            return line_of(state)

    @property
    def repeated(self) -> int:
        """How many batches had been observed before, and were not counted again."""
        with self._counted() as state:
            return state.repeated

    @property
    def set_aside(self) -> int:
        """How many answers and events came too late: their day's baseline was complete."""
        with self._counted() as state:
            return state.set_aside

    def merge(self, other: Self) -> Self:
        """Add what another monitor saw, such as another process's; return this one.

        Raises:
            DataError: It is this one, or watches by other parameters, bins or baselines.
        """
        if other is self:
            raise DataError("merge: this is the same monitor, whose users would count twice")
        first, second = sorted((self, other), key=id)  # two that merge each other do not wait
        with first._lock, second._lock:
            self._answers.count()
            other._answers.count()
            self._state.merge(other._state)
        return self

    def state(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them; no user is in it."""
        with self._counted() as state:
            return state.state()

    @classmethod
    def from_state(cls, state: Mapping[str, Any], pipeline: Pipeline | None = None) -> Self:
        """Take back what `state` gave.

        Args:
            state: From `state`, perhaps by way of JSON.
            pipeline: What it goes on watching; None: audit trails alone.

        Raises:
            ArtifactError: It is no such state, or one of a later version.
        """
        made = cls.__new__(cls)
        made._begin(WatchState.from_state(state), pipeline)
        return made

    def save(self, path: str | Path) -> None:
        """Write the state as JSON; what is there is replaced at once."""
        state = json.dumps(self.state())
        with replacing(Path(path)) as partial:
            partial.write_text(state)

    @classmethod
    def load(cls, path: str | Path, pipeline: Pipeline | None = None) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: It is no such file.
            OSError: It cannot be read.
        """
        try:
            state = json.loads(Path(path).read_bytes())
        except ValueError:
            raise ArtifactError(f"{path}: is not the state of a monitor") from None
        return cls.from_state(state, pipeline)

    @contextmanager
    def _counted(self) -> Iterator[WatchState]:
        """Yield the state, in which all that was observed is counted, while nobody changes it."""
        with self._lock:
            self._answers.count()
            yield self._state

    def _given(self, baseline: Any) -> dict[str, Days]:
        """Return the sums by day of every series of a baseline."""
        if isinstance(baseline, Recommendations):
            baseline = [baseline]
        if isinstance(baseline, Monitor):
            with baseline._counted() as theirs:
                return self._state.take_over(theirs)
        if not isinstance(baseline, list | tuple):
            return baseline_of_frame(baseline)
        return self._answers.baseline(check_answers(baseline, "baseline: expected answers"))

    def __len__(self) -> int:
        return len(self._state.table.series)

    def __repr__(self) -> str:
        with self._counted() as state:
            weighed = state.table.weigh()
            counts = (len(weighed.days), "day"), (len(state.alarms(weighed)), "alarm")
            shown = (f"{len(self)} series", *(counted_in_words(*one) for one in counts))
        return f"Monitor({', '.join(shown)})"
