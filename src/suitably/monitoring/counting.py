"""Answer counter: gathers answers, and counts those together that were given alike."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from suitably.monitoring.bins import number_bins
from suitably.monitoring.measures import (
    Answers,
    Sums,
    fields_of,
    list_sums,
    rule_sums,
    score_sums,
    stale_sums,
)
from suitably.monitoring.sampling import UserSample
from suitably.monitoring.series import Days
from suitably.monitoring.unfiltered import Unfiltered
from suitably.monitoring.versions import versions_of
from suitably.monitoring.watch_state import WatchState
from suitably.pipeline.pipeline import Pipeline
from suitably.recommendations import Recommendations

__all__ = ["AnswerCounter", "batch_digest"]

_TOGETHER = 2**14
_DIGESTED = 2**12
_PARTS = (0.4, 0.02)  # of the sample: those whose fields are watched, and their unfiltered lists


class AnswerCounter:
    """Counts answers once there are many of them, so that each costs little.

    Args:
        state: What they are counted in.
        pipeline: What answers; None: what it would list without rules is not asked.
    """

    def __init__(self, state: WatchState, pipeline: Pipeline | None) -> None:
        self._state = state
        self._users = UserSample(state.salt)
        self._unfiltered = None if pipeline is None else Unfiltered(pipeline)
        self._pending: list[tuple[int, Recommendations]] = []
        self._waiting = 0

    def add(self, day: int, recs: Recommendations) -> None:
        """Take in answers of a day."""
        self._pending.append((day, recs))
        self._waiting += len(recs)
        if self._waiting >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
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
            self._state.count(day, self._sums(answers), len(answers.rows))
            self._state.versions.add(day, versions_of(answers.generator))
            self._state.listed.add_lists(day, answers)

    def baseline(self, batches: Sequence[Recommendations]) -> dict[str, Days]:
        """Return the sums of every series over some batches, each as a day of its own."""
        found: dict[str, Days] = {}
        for place, recs in enumerate(batches):
            answers = Answers.of([recs])
            self._state.versions.add_before(versions_of(answers.generator))
            for name, sums in (self._sums(answers) if len(recs) else {}).items():
                found.setdefault(name, {})[place] = sums
        return found

    def _sums(self, answers: Answers) -> Sums:
        state = self._state
        if state.score_bins is None:  # without a pipeline to take them from
            state.score_bins = number_bins(answers.lists.scores[answers.lists.filled])
        chosen = self._users.of(answers.generator.state.users, answers.rows)
        share = min(1.0, state.sample / len(answers.rows))
        some, fewer, fewest = (
            answers.take(np.flatnonzero(chosen < share * part)) for part in (1, *_PARTS)
        )
        found = {**list_sums(answers), **rule_sums(some), **score_sums(some, state.score_bins)}
        found |= fields_of(fewer, state.field_bins) | stale_sums(fewer, state.dated)
        if self._unfiltered is not None and len(fewest.rows):
            found |= self._unfiltered.sums(fewest)
        return found


def batch_digest(recs: Recommendations) -> bytes:
    """Return what tells a batch from others of its day: who was asked, and what they got."""
    lists, rows = recs.lists, recs.rows
    if len(recs) == 1:  # of which there are many, and which are not saved
        return rows.tobytes() + lists.products.tobytes()
    step = 1 + len(recs) // _DIGESTED  # of many, some and their sums tell enough
    digest = blake2b(digest_size=8)
    digest.update(f"{recs.k} {len(recs)} {rows.sum()} {lists.lengths.sum()}".encode())
    for part in (rows, lists.lengths, lists.products):
        digest.update(part[::step].tobytes())
    return digest.digest()
