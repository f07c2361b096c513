"""Gathering: answers that wait, until there are enough that were given alike."""

from collections import deque
from collections.abc import Callable

import numpy as np

from suitably.monitoring.answers import Answers
from suitably.monitoring.digests import batch_digest, single_digests
from suitably.monitoring.watch_state import WatchState
from suitably.recommendations import Recommendations

__all__ = ["Gathering", "Kind"]

_ENOUGH = 2**13

Kind = tuple[int, int, int, bool, bytes | None]
"""What answers that were given alike have in common, while any of them is held: first the day."""


class Gathering:
    """Hands on answers in parts that are worth it, and leaves repeated ones out.

    Args:
        state: What knows the answers of the last days.
        take: What is given the parts.

    Attributes:
        single: Answers to single users as they came, with their days. Any thread may append some;
            whatever else is done here is one thread's at a time.
    """

    def __init__(self, state: WatchState, take: Callable[[Kind, Answers], None]) -> None:
        self._state, self._take = state, take
        self.single: deque[tuple[int, Recommendations]] = deque()
        self._waiting: dict[Kind, list[Answers]] = {}

    def add(self, day: int, recs: Recommendations) -> None:
        """Add a batch, unless it is known."""
        if self._state.is_new(day, batch_digest(recs)):
            self._put(_kind(day, recs), Answers.of([recs]))

    def collect(self) -> None:
        """Put the answers to single users with those that are alike."""
        kinds: dict[Kind, list[Recommendations]] = {}
        for _ in range(len(self.single)):
            day, recs = self.single.popleft()
            kinds.setdefault(_kind(day, recs), []).append(recs)
        for kind, made in kinds.items():
            answers = Answers.of(made)
            new = self._state.new_singles(kind[0], single_digests(made, answers))
            if new:
                all_new = len(new) == len(made)
                self._put(kind, answers if all_new else answers.take(np.array(new)))

    def clear(self) -> None:
        """Hand on all that waits."""
        self.collect()
        waiting, self._waiting = self._waiting, {}
        for kind, parts in waiting.items():
            self._take(kind, Answers.stack(parts))

    def __len__(self) -> int:
        """Return how many kinds of answers wait."""
        return len(self._waiting)

    def _put(self, kind: Kind, answers: Answers) -> None:
        parts = self._waiting.setdefault(kind, [])
        parts.append(answers)
        if sum(map(len, parts)) >= _ENOUGH:
            del self._waiting[kind]
            self._take(kind, Answers.stack(parts))


def _kind(day: int, recs: Recommendations) -> Kind:
    generator = recs.generator
    asked = generator.candidates
    among = None if asked is None else asked.tobytes()
    return day, generator.k, id(generator.snapshot), generator.exclude_owned, among
