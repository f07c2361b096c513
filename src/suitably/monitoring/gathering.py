"""Gathering: answers that wait, until there are enough that were given alike."""

from collections import deque
from collections.abc import Callable

import numpy as np

from suitably.monitoring.answers import Answers, Kind, kind_of
from suitably.monitoring.digests import batch_digest, single_digests
from suitably.monitoring.singles import Single, together
from suitably.monitoring.watch_state import WatchState
from suitably.recommendations import Recommendations

__all__ = ["Gathering"]

_ENOUGH = 2**13


class Gathering:
    """Hands on answers in parts that are worth it, and leaves repeated ones out.

    Args:
        state: What knows the answers of the last days.
        take: What is given the parts.

    Attributes:
        single: Answers to single users as they came. Any thread may append some; whatever else is
            done here is one thread's at a time.
    """

    def __init__(self, state: WatchState, take: Callable[[Kind, Answers], None]) -> None:
        self._state, self._take = state, take
        self.single: deque[Single] = deque()
        self._waiting: dict[Kind, list[Answers]] = {}

    def add(self, day: int, recs: Recommendations) -> None:
        """Add a batch, unless it is known."""
        if self._state.is_new(day, batch_digest(recs)):
            self._put(kind_of(day, recs), Answers.of(recs))

    def collect(self) -> None:
        """Put the answers to single users with those that are alike."""
        kinds: dict[Kind, list[Single]] = {}
        for _ in range(len(self.single)):
            one = self.single.popleft()
            kinds.setdefault(one[0], []).append(one)
        for kind, some in kinds.items():
            answers = together(some)
            new = self._state.new_singles(kind[0], single_digests(some, answers))
            if new:
                all_new = len(new) == len(some)
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
