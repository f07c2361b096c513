"""Answer counter: counts those together that were given alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from suitably.model.state import Snapshot
from suitably.monitoring.answers import Answers, Kind
from suitably.monitoring.bins import number_bins
from suitably.monitoring.gathering import Gathering
from suitably.monitoring.measures import (
    field_sums,
    list_sums,
    rule_sums,
    score_sums,
    stale_sums,
)
from suitably.monitoring.sampling import UserSample
from suitably.monitoring.series import NONE, Days, Sums
from suitably.monitoring.singles import kept
from suitably.monitoring.unfiltered import Unfiltered
from suitably.monitoring.versions import versions_of
from suitably.monitoring.watch_state import WatchState
from suitably.pipeline.pipeline import Pipeline
from suitably.recommendations import Recommendations
from suitably.utils.fork import ForkLock

__all__ = ["AnswerCounter"]

_FIELDS = 0.4  # of the sample: those whose fields are watched
_MOST_KEPT = 2**16
_MOST_SINGLE = 2**10
_MOST_KINDS = 16


@dataclass
class _Taken:
    """Answers that were given alike, of which the lists are counted.

    Attributes:
        users: How many.
        lists: What their lists tell.
        sample: Parts that hold the sample, and perhaps more: the more users there are, the fewer of
            them are in it.
    """

    users: int = 0
    lists: Sums = field(default_factory=dict)
    sample: list[Answers] = field(default_factory=list)


class AnswerCounter:
    """Counts answers: lists as they come, and a sample of users when all are asked for.

    Args:
        state: What they are counted in.
        pipeline: What answers; None: what it would list without rules is not asked.
        lock: Whoever holds it may count; `observe` takes it where it has to.
    """

    def __init__(self, state: WatchState, pipeline: Pipeline | None, lock: ForkLock) -> None:
        self._gathering = Gathering(state, self._take)
        self._single = self._gathering.single
        self._snapshot: Snapshot | None = None  # of the latest single answer
        self._turns = 0  # how often it was another
        self._taken: dict[Kind, _Taken] = {}
        self._state, self._lock = state, lock
        self._asks_consent = pipeline is not None and pipeline.consent is not None
        self._users = UserSample(state.salt)
        self._unfiltered = None if pipeline is None else Unfiltered(pipeline, self._users)

    def observe(self, day: int, recs: Recommendations) -> None:
        """Take in the answers of a call, from any thread; one to a single user needs no lock."""
        users, crowded = recs.rows.size, False
        if users == 1:
            single, snapshot = self._single, recs.generator.snapshot
            single.append(kept(day, recs))
            if snapshot is not self._snapshot:
                self._snapshot, self._turns = snapshot, self._turns + 1
            crowded = len(single) >= _MOST_SINGLE or self._turns > _MOST_KINDS
            if not crowded and day == self._state.latest:
                return
        elif not users:
            return
        with self._lock:
            self._state.notice(day)
            if users > 1:
                self._gathering.add(day, recs)
            elif crowded:
                self._gathering.collect()
                self._turns = 0
            if len(self._gathering) + len(self._taken) > _MOST_KINDS:
                self.count()  # each holds on to a model and how it looked

    def count(self) -> None:
        """Count all that waits."""
        self._gathering.clear()
        for kind in list(self._taken):
            self._count(kind)

    def baseline(self, batches: Sequence[Recommendations]) -> dict[str, Days]:
        """Return the sums of every series over some batches, each as a day of its own."""
        found: dict[str, Days] = {}
        for place, recs in enumerate(batches):
            answers = Answers.of(recs)
            self._state.versions.add_before(versions_of(answers))
            if len(answers):
                sums = list_sums(answers, self._asks_consent)
                for name, mine in (sums | self._sample_sums(answers, len(answers))).items():
                    found.setdefault(name, {})[place] = mine
        return found

    def _take(self, kind: Kind, answers: Answers) -> None:
        taken = self._taken.setdefault(kind, _Taken())
        taken.users += len(answers)
        for name, sums in list_sums(answers, self._asks_consent).items():
            taken.lists[name] = taken.lists.get(name, NONE) + sums
        numbers = self._users.of(answers.state.users, answers.rows)
        taken.sample.append(answers.take(np.flatnonzero(numbers < self._share(taken.users))))
        self._state.versions.add(kind[0], versions_of(answers))
        self._state.listed.add_lists(kind[0], answers)
        if sum(map(len, taken.sample)) >= _MOST_KEPT:
            self._count(kind)

    def _count(self, kind: Kind) -> None:
        taken = self._taken.pop(kind)
        sums = taken.lists | self._sample_sums(Answers.stack(taken.sample), taken.users)
        self._state.count(kind[0], sums, taken.users)

    def _share(self, users: int) -> float:
        return min(1.0, self._state.sample / users)

    def _sample_sums(self, answers: Answers, users: int) -> Sums:
        """Return what is watched of a sample.

        Args:
            answers: Those of the users in it, and perhaps of more.
            users: How many it is taken from.
        """
        state, share = self._state, self._share(users)
        if state.score_bins is None:  # without a pipeline to take them from
            state.score_bins = number_bins(answers.lists.scores[answers.lists.filled])
        numbers = self._users.of(answers.state.users, answers.rows)
        some = np.flatnonzero(numbers < share)
        rows, numbers = answers.rows[some], numbers[some]
        fewer = rows[numbers < _FIELDS * share]
        found = {
            **rule_sums(answers, rows),
            **score_sums(answers, some, state.score_bins),
            **field_sums(answers.snapshot, fewer, state.field_bins),
            **stale_sums(answers.snapshot, fewer, state.dated),
        }
        if self._unfiltered is not None:
            found |= self._unfiltered.sums(answers, rows, numbers, share)
        return found
