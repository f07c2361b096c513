"""Monitor: whether what was true of a pipeline's answers when it went live still holds."""

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from suitably.data.frames import write_frame
from suitably.errors import ArtifactError, DataError, SuitabilityWarning
from suitably.monitoring.alarm import Alarm
from suitably.monitoring.bins import Bins, number_bins
from suitably.monitoring.event_days import users_by_day
from suitably.monitoring.figures import concentration_table, drift_table, series_table
from suitably.monitoring.gauges import prometheus_text
from suitably.monitoring.given import baseline_of_frame
from suitably.monitoring.listed import ListedProducts
from suitably.monitoring.measures import (
    Answers,
    Sums,
    fields_of,
    list_sums,
    rule_sums,
    score_sums,
    stale_sums,
)
from suitably.monitoring.page import MonitorPage
from suitably.monitoring.probe import probe
from suitably.monitoring.sampling import UserSample
from suitably.monitoring.series import Days
from suitably.monitoring.table import SeriesTable, Weighed, day_number, day_of
from suitably.monitoring.unfiltered import Unfiltered
from suitably.monitoring.versions import Versions, versions_of
from suitably.pipeline.pipeline import Pipeline
from suitably.recommendations import Recommendations
from suitably.report import Report
from suitably.utils.files import replacing
from suitably.utils.fork import ForkLock
from suitably.utils.params import check_fraction, check_no_text, check_positive_int

__all__ = ["Monitor"]

_SCHEMA = 1
_TOGETHER = 2**14
_PARTS = (0.4, 0.02)


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
        sample: Of how many users of a batch rules and scores are watched, chosen by a salted hash;
            fields and dates of 4 in 10 of them, and what would be listed without rules of 1 in 50.
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
        self.pipeline = pipeline
        self.baseline_days, self.keep_days = baseline_days, keep_days
        self.alpha, self.tolerance, self.sample, self.salt = alpha, tolerance, sample, salt
        check_positive_int(self, "baseline_days", "keep_days", "sample")
        check_fraction(self, "alpha", zero=False, one=False)
        check_fraction(self, "tolerance")
        self.events, self.fields = events, fields
        self.dated = {"questionnaire_date": 365.0} if dated is None else dict(dated)
        check_no_text(self, "events", "fields")
        self._table = SeriesTable(alpha, tolerance, baseline_days, keep_days)
        self._bins: dict[str, Bins] = {}
        self._score_bins: Bins | None = None
        self._events = ("complaint",) if events is None else tuple(events)
        self._kind = "pandas"
        self._prepare()
        if pipeline is not None:
            found = probe(pipeline, fields)
            self._kind, self._score_bins = found.kind, found.score_bins
            self._bins = found.field_bins
            if events is None:
                self._events = tuple(dict.fromkeys([*found.rejected, "complaint"]))
        if baseline is not None:
            self._table.give(self._given(baseline))

    def _prepare(self) -> None:
        """Set up what a monitor needs besides what it was told."""
        self._versions, self._listed = Versions(), ListedProducts()
        self._users = UserSample(self.salt)
        self._unfiltered = None if self.pipeline is None else Unfiltered(self.pipeline)
        self._pending: list[tuple[int, Recommendations]] = []
        self._waiting = 0
        self._seen: dict[int, set[bytes]] = {}
        self._read: dict[str, int] = {}
        self._latest: int | None = None
        self.repeated = 0
        self.set_aside = 0
        self._lock = ForkLock()

    def observe(self, recs: Recommendations, at: Any = None) -> None:
        """Take in a batch of answers.

        It is counted once it is asked for, or once there are many, so that single answers cost next
        to nothing. The same answers to the same users on the same day count once.

        Args:
            recs: The answers.
            at: The day on which they were given: a date, time or ISO 8601 text. None: the day of
                their `as_of`; without one, today.

        Warns:
            SuitabilityWarning: The day is before one that was observed: the clock went back.

        Raises:
            DataError: These are no answers, or `at` is no day.
        """
        if not isinstance(recs, Recommendations):
            raise DataError(f"observe: expected Recommendations, got {type(recs).__name__}")
        day = _day(recs.as_of if at is None else at)
        if not len(recs):
            return
        with self._lock:
            if not self._is_new(day, recs):
                self.repeated += 1
                return
            self._notice(day)
            self._pending.append((day, recs))
            self._waiting += len(recs)
            if self._waiting >= _TOGETHER:
                self._flush()

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
        columns = None if self.pipeline is None else probe(self.pipeline, ()).columns
        when = None if at is None else _day(at)
        for (day, kind), users in users_by_day(events, self._events, columns, when).items():
            counted = np.array([0.0, users, users])
            with self._lock:
                self._flush()
                self.set_aside += users * self._table.add(day, {f"event:{kind}": counted})

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
        from suitably.monitoring.audit import read_decisions

        if by not in ("as_of", "recorded"):
            raise ValueError(f'by={by!r}: must be "as_of" or "recorded"')
        count = 0
        with self._lock:
            for block in read_decisions(trail, self._read, by):
                day = day_number(block.day)
                if self._score_bins is None:
                    self._score_bins = number_bins(block.scores)
                self._notice(day)
                self._count(day, block.sums(self._score_bins), len(block))
                self._versions.add(day, block.versions)
                self._listed.add(day, block.product_ids, block.counts)
                count += len(block)
        return count

    def alarms(self) -> list[Alarm]:
        """Return what has changed, what was raised first first; until it is accepted it stays.

        An empty list: nothing has, or there is no baseline yet.
        """
        return self._alarms(self._weighed())

    def _alarms(self, weighed: Weighed) -> list[Alarm]:
        return self._table.alarms(weighed, self._versions.between)

    def accept(self, series: str) -> None:
        """Take a series as it is from the next day on: its next days are its new baseline.

        Args:
            series: Its name, as an alarm or `to_frame` has it.

        Raises:
            DataError: There is no such series.
        """
        with self._lock:
            self._flush()
            self._table.accept(series, -1 if self._latest is None else self._latest)

    def to_frame(self) -> Any:
        """Return all series, day by day.

        Returns:
            series, day, users, mean, baseline (its mean), low and high – between which a mean is no
            change –, e_value – the greater of both sides – and alarm, whether it is one by then. Of
            days of a baseline all but the first four are missing.
        """
        return write_frame(series_table(self._table, self._weighed()), self._kind)

    def drift(self) -> Any:
        """Return how far the last seven days' distributions are from those of the baseline.

        Returns:
            figure – `score`, or a field –, psi, and wasserstein in the figure's own unit, missing
            for categories. Fields are those of the sample. Figures, no alarms: what is told by
            chance and what not is told by the series of the bins.
        """
        self._weighed()
        return write_frame(drift_table(self._table, self._score_bins, self._bins), self._kind)

    def concentration(self) -> Any:
        """Return how widely products are listed on each of the last seven days.

        Returns:
            day, products of the catalogue, coverage – the share that is in any list –, gini of
            list places over products, and top_tenth, the share of places that the most listed
            tenth has.
        """
        self._weighed()
        return write_frame(concentration_table(self._listed), self._kind)

    def report(self, title: str = "The watch") -> Report:
        """Return a page: alarms first, then the figures; no user is in it.

        `report().write(path)` writes it.
        """
        weighed = self._weighed()
        page = MonitorPage(
            self._alarms(weighed),
            weighed,
            sum(one.is_learning for one in self._table.series.values()),
            drift_table(self._table, self._score_bins, self._bins),
            concentration_table(self._listed),
            {
                "false alarms, ever": f"at most {100 * self._table.alpha:g} %",
                "tolerance": f"{100 * self._table.tolerance:g} percentage points",
                "days of a learned baseline": self._table.baseline_days,
                "users of a batch looked at closely": self.sample,
                "batches repeated": self.repeated,
                "answers set aside": self.set_aside,
            },
        )
        return Report(title).add_result(page, "State")

    def to_prometheus(self) -> str:
        """Return gauges in Prometheus' text format, for the page that it scrapes."""
        weighed = self._weighed()
        counters = {"batches_repeated": self.repeated, "answers_set_aside": self.set_aside}
        made_of = (weighed, self._alarms(weighed), self._listed, counters)
        return prometheus_text(self._table, *made_of)

    def merge(self, other: Self) -> Self:
        """Add what another monitor saw, such as another process's; return this one.

        Raises:
            DataError: It is this one, or watches by other parameters, bins or baselines.
        """
        if other is self:
            raise DataError("merge: this is the same monitor, whose users would count twice")
        with self._lock, other._lock:
            self._flush()
            other._flush()
            mine, theirs = self._description(), other._description()
            for name, value in mine.items():
                if theirs[name] != value:
                    raise DataError(f"merge: the other monitor has other {name}")
            self._table.merge(other._table)
            self._versions.merge(other._versions)
            self._listed.merge(other._listed)
            for day, digests in other._seen.items():
                self._seen.setdefault(day, set()).update(digests)
            for trail, seq in other._read.items():
                self._read[trail] = max(seq, self._read.get(trail, 0))
            self._forget_seen()
            days = [day for day in (self._latest, other._latest) if day is not None]
            self._latest = max(days, default=None)
            self.repeated += other.repeated
            self.set_aside += other.set_aside
        return self

    def state(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them; no user is in it."""
        with self._lock:
            self._flush()
            return {
                "schema": _SCHEMA,
                **self._description(),
                "table": self._table.state(),
                "versions": self._versions.state(),
                "listed": self._listed.state(),
                "seen": {
                    str(day): sorted(one.hex() for one in some) for day, some in self._seen.items()
                },
                "read": self._read,
                "latest": self._latest,
                "repeated": self.repeated,
                "set_aside": self.set_aside,
                "kind": self._kind,
            }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], pipeline: Pipeline | None = None) -> Self:
        """Take back what `state` gave.

        Args:
            state: From `state`, perhaps by way of JSON.
            pipeline: What it goes on watching; None: audit trails alone.

        Raises:
            ArtifactError: It is no such state, or one of a later version.
        """
        try:
            if state["schema"] != _SCHEMA:
                raise ArtifactError(
                    f"monitor: is of schema {state['schema']}, this version reads {_SCHEMA}"
                )
            made = cls.__new__(cls)
            made.pipeline = pipeline
            made.sample, made.salt = int(state["sample"]), str(state["salt"])
            made.dated = dict(state["dated"])
            made._kind = state["kind"]
            made._events = tuple(state["events"])
            made._bins = {k: Bins.from_state(v) for k, v in state["field bins"].items()}
            score = state["score bins"]
            made._score_bins = None if score is None else Bins.from_state(score)
            made._table = SeriesTable.from_state(state["table"])
            made._prepare()
            made._versions = Versions.from_state(state["versions"])
            made._listed = ListedProducts.from_state(state["listed"])
            seen = {int(day): set(map(bytes.fromhex, d)) for day, d in state["seen"].items()}
            made._seen, made._read = seen, dict(state["read"])
            made._latest = state["latest"]
            made.repeated, made.set_aside = int(state["repeated"]), int(state["set_aside"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"monitor: cannot be read: {error!r:.100}") from None
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

    def _weighed(self) -> Weighed:
        with self._lock:
            self._flush()
            return self._table.weigh()

    def _description(self) -> dict[str, Any]:
        score = self._score_bins
        return {
            "sample": self.sample,
            "salt": self.salt,
            "dated": self.dated,
            "events": list(self._events),
            "field bins": {name: bins.state() for name, bins in self._bins.items()},
            "score bins": None if score is None else score.state(),
        }

    def _is_new(self, day: int, recs: Recommendations) -> bool:
        digest = blake2b(digest_size=8)
        digest.update(f"{recs.k} {len(recs)}".encode())
        digest.update(recs.rows.tobytes())
        digest.update(recs.lists.lengths.tobytes())
        if len(recs) == 1:
            digest.update(recs.lists.products.tobytes())
        seen = self._seen.setdefault(day, set())
        key = digest.digest()
        if key in seen:
            return False
        seen.add(key)
        self._forget_seen()
        return True

    def _forget_seen(self) -> None:
        while len(self._seen) > 2:
            del self._seen[min(self._seen)]

    def _notice(self, day: int) -> None:
        """Remember the latest day, and say where one is before it."""
        if self._latest is not None and day < self._latest:
            warnings.warn(
                f"answers of {day_of(day)} after those of {day_of(self._latest)}: the clock went "
                f"back, or they are late; they count on their own day where that is still open",
                SuitabilityWarning,
                stacklevel=3,
            )
        self._latest = day if self._latest is None else max(day, self._latest)

    def _flush(self) -> None:
        """Count what waits, those together that were answered alike."""
        pending, self._pending, self._waiting = self._pending, [], 0
        groups: dict[Any, list[Recommendations]] = {}
        for day, recs in pending:
            generator = recs.generator
            alone = generator.opt_out is not None or generator.candidates is not None
            alike = id(generator) if alone else id(generator.snapshot.eligibility)
            groups.setdefault((day, recs.k, alike), []).append(recs)
        for (day, *_), made in groups.items():
            answers = Answers.of(made)
            self._count(day, self._sums(answers), len(answers.rows))
            self._versions.add(day, versions_of(answers.generator))
            self._listed.add_lists(day, answers)

    def _count(self, day: int, sums: Sums, users: int) -> None:
        served = sums["abstention"][0]
        nothing = {f"event:{kind}": np.array([served, 0.0, 0.0]) for kind in self._events}
        if self._table.add(day, {**sums, **nothing}):
            self.set_aside += users

    def _sums(self, answers: Answers) -> Sums:
        assert self._score_bins is not None
        chosen = self._users.of(answers.generator.state.users, answers.rows)
        share = min(1.0, self.sample / len(answers.rows))
        some, fewer, fewest = (
            answers.take(np.flatnonzero(chosen < share * part)) for part in (1, *_PARTS)
        )
        found = {**list_sums(answers), **rule_sums(some), **score_sums(some, self._score_bins)}
        found |= fields_of(fewer, self._bins) | stale_sums(fewer, self.dated)
        if self._unfiltered is not None and len(fewest.rows):
            found |= self._unfiltered.sums(fewest)
        return found

    def _given(self, baseline: Any) -> dict[str, Days]:
        if isinstance(baseline, Recommendations):
            baseline = [baseline]
        if isinstance(baseline, Monitor):
            with baseline._lock:
                baseline._flush()
                for name in ("_bins", "_score_bins"):  # else shares of bins would not compare
                    setattr(self, name, getattr(baseline, name))
                return {
                    name: {**one.baseline, **one.days}
                    for name, one in baseline._table.series.items()
                }
        if isinstance(baseline, list | tuple):
            table = SeriesTable(0.05, 0.02, max(1, len(baseline)), 1)
            for place, recs in enumerate(baseline):
                if not isinstance(recs, Recommendations):
                    raise DataError(f"baseline: expected answers, got {type(recs).__name__}")
                if len(recs):
                    answers = Answers.of([recs])
                    table.add(place, self._sums(answers))
                    self._versions.add(_day(recs.as_of), versions_of(answers.generator))
            return {name: one.baseline for name, one in table.series.items()}
        return baseline_of_frame(baseline)

    def summary(self) -> str:
        """Say in a line how many series are watched, on how many days, with how many alarms."""
        weighed = self._weighed()
        learning = sum(one.is_learning for one in self._table.series.values())
        alarms, days = len(self._alarms(weighed)), len(weighed.days)
        more = f", {learning} series are learning their baseline" if learning else ""
        return (
            f"{len(weighed.names)} series watched on {days} day{'s' * (days != 1)}{more}: "
            f"{alarms or 'no'} alarm{'s' * (alarms != 1)}"
        )

    def __len__(self) -> int:
        return len(self._table.series)

    def __repr__(self) -> str:
        weighed = self._weighed()
        alarms = len(self._alarms(weighed))
        days, series = len(weighed.days), len(self)
        return (
            f"Monitor({series} series, {days} day{'s' * (days != 1)}, "
            f"{alarms} alarm{'s' * (alarms != 1)})"
        )


def _day(moment: Any) -> int:
    """Return the day of a moment, or today."""
    if moment is None:
        return day_number(date.today())
    try:
        stamp = pd.Timestamp(moment)
        if pd.isna(stamp):
            raise ValueError
    except (TypeError, ValueError):
        raise DataError(f"at={moment!r:.60}: must be a date, a time or ISO 8601 text") from None
    return day_number(stamp.date())
