"""Tags by user that merge in any order, of which a deleted one leaves no text behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.data.digests import digests
from suitably.profiles.base import padded
from suitably.utils.pieces import recoded, same, shifted, stacked, texts_of
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["TagsState"]

_NEVER = np.iinfo(np.int64).min
_NAT = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class TagsState:
    """What is kept of tags and life events.

    Events may be merged in any order, so that a deletion has to be remembered: an addition before
    it may be still to come. What is remembered is a digest of the text, with the user and the time,
    and not the text. Once the tag is chosen anew the digest is gone too.

    Attributes:
        known: bool (users,), whether a user's tags are known at all.
        clock: Text (2,), the data's calendar as `kept_clock` writes it.
        users: int32 (rows,), whose each tag is, ascending.
        codes: int32 (rows,), positions in `words`, ascending for each user.
        added: int64 (rows,), when last chosen, in microseconds.
        words: The distinct texts of tags that somebody has, sorted.
        gone_users: int32 (deletions,), ascending.
        gone: Digests of what was deleted, 16 bytes each, ascending for each user.
        gone_times: int64 (deletions,), when last.
        life: int32 (users,), position of the latest life event's kind, −1 for none.
        life_times: datetime64[us] (users,), when that was, NaT for none.
    """

    known: NDArray[np.bool_]
    clock: NDArray[np.str_]
    users: NDArray[np.int32]
    codes: NDArray[np.int32]
    added: NDArray[np.int64]
    words: NDArray[np.str_]
    gone_users: NDArray[np.int32]
    gone: NDArray[np.bytes_]
    gone_times: NDArray[np.int64]
    life: NDArray[np.int32]
    life_times: Instants

    def __len__(self) -> int:
        return len(self.known)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        return cls(**arrays)

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
        """Join the arrays of the states of groups of users, one after the other."""
        columns = {name: [part[name] for part in parts] for name in parts[0]}
        before = np.cumsum([0, *map(len, columns["known"])]).tolist()
        words, places = texts_of(columns["words"])
        made: dict[str, Any] = {name: stacked(arrays) for name, arrays in columns.items()}
        return made | {
            "clock": same(columns["clock"], "clock"),
            "users": shifted(columns["users"], before),
            "gone_users": shifted(columns["gone_users"], before),
            "codes": recoded(columns["codes"], places),
            "words": words,
        }

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users alone; texts that none of them has are gone."""
        places = np.cumsum(kept, dtype=np.int32) - 1
        rows, gone = kept[self.users], kept[self.gone_users]
        used = np.unique(self.codes[rows])
        where = np.full(len(self.words) + 1, -1, np.int32)
        where[used] = np.arange(len(used))
        return replace(
            self,
            known=self.known[kept],
            users=places[self.users[rows]],
            codes=where[self.codes[rows]],
            added=self.added[rows],
            words=np.array(self.words[used].tolist(), np.str_),
            gone_users=places[self.gone_users[gone]],
            gone=self.gone[gone],
            gone_times=self.gone_times[gone],
            life=self.life[kept],
            life_times=self.life_times[kept],
        )

    @classmethod
    def of(
        cls,
        known: NDArray[np.bool_],
        clock: NDArray[np.str_],
        rows: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]],
        words: NDArray[np.str_],
        life: tuple[NDArray[np.int32], Instants],
    ) -> Self:
        """Settle what was chosen and what was deleted.

        Args:
            known: As the attribute.
            clock: As the attribute.
            rows: User, position in `words`, time, and whether it is a deletion; in any order.
            words: Distinct texts.
            life: As the attributes `life` and `life_times`.
        """
        users, codes, times, deleted = rows
        marks = digests(words.tolist())[codes]
        added = np.where(deleted, _NEVER, times)
        removed = np.where(deleted, times, _NEVER)
        settled = _settled(users, marks, added, removed, codes, words)
        return cls(known, clock, life=life[0], life_times=life[1], **settled)

    def plus(self, later: "TagsState", listed: bool = False) -> "TagsState":
        """Join two states, of which the later one may know more users.

        Args:
            later: The later state.
            listed: Whether its tags alone count.
        """
        words = np.union1d(self.words, later.words)
        parts = [state._rows(words) for state in ((later,) if listed else (self, later))]
        users, marks, added, removed, codes = map(np.concatenate, zip(*parts, strict=True))
        count = len(later)
        life, times = padded(self.life, count, -1), padded(self.life_times, count, _NAT)
        ours, theirs = _micros(times), _micros(later.life_times)
        newer = (theirs > ours) | ((theirs == ours) & (later.life > life))
        return TagsState(
            later.known,
            later.clock,
            life=np.where(newer, later.life, life),
            life_times=np.where(newer, later.life_times, times),
            **_settled(users, marks, added, removed, codes, words),
        )

    def _rows(self, words: NDArray[np.str_]) -> list[NDArray[Any]]:
        """Return users, digests, times of choice and deletion, and positions in joint words."""
        marks = digests(self.words.tolist())[self.codes]
        never = [np.full(len(users), _NEVER) for users in (self.users, self.gone_users)]
        codes = np.searchsorted(words, self.words).astype(np.int32)[self.codes]
        return [
            np.concatenate([self.users, self.gone_users]),
            np.concatenate([marks, self.gone]),
            np.concatenate([self.added, never[1]]),
            np.concatenate([never[0], self.gone_times]),
            np.concatenate([codes, np.full(len(self.gone), -1, np.int32)]),
        ]


def _micros(times: Instants) -> NDArray[np.int64]:
    return np.where(np.isnat(times), _NEVER, times.astype(np.int64))


def _settled(
    users: NDArray[np.int32],
    marks: NDArray[np.bytes_],
    added: NDArray[np.int64],
    removed: NDArray[np.int64],
    codes: NDArray[np.int32],
    words: NDArray[np.str_],
) -> dict[str, NDArray[Any]]:
    """Return what is there, by user and text, and what is gone, by user and digest.

    What was chosen and deleted at one instant is gone.
    """
    order = np.lexsort((marks, users))
    first = run_starts(users[order], marks[order])
    users, marks = users[order][first], marks[order][first]
    added, removed, codes = (
        reduce_runs(np.maximum, column[order], first) for column in (added, removed, codes)
    )
    there, gone = added > removed, added <= removed
    used, places = np.unique(codes[there], return_inverse=True)
    order = np.lexsort((places, users[there]))
    return {
        "users": users[there][order],
        "codes": places[order].astype(np.int32),
        "added": added[there][order],
        "words": np.array(words[used].tolist(), np.str_),  # no wider than what is left
        "gone_users": users[gone],
        "gone": marks[gone],
        "gone_times": removed[gone],
    }
