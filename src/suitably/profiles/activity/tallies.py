"""Tallies: how often a user met each word, and when last; the commonest, and the shares of all."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.profiles.grouped_sums import GroupedSums
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["commonest", "commonest_word", "counts", "occurrences", "share_maps"]


def occurrences(
    count: int,
    users: NDArray[np.int32],
    codes: NDArray[np.int32],
    times: Instants | None,
    words: NDArray[np.str_],
) -> GroupedSums:
    """Return what happened as sums by user, word and time, NaT in data without timestamps.

    Args:
        count: How many users there are.
        users: int32 (n,), whose each occurrence is.
        codes: int32 (n,), positions in `words`; −1, which is none, is left out.
        times: datetime64[us] (n,).
        words: The words, sorted.
    """
    there = codes >= 0
    if times is None:
        times = np.full(len(users), np.datetime64("NaT", "us"), "datetime64[us]")
    keys = {"users": users[there], "word": codes[there], "times": times[there]}
    ones = np.ones(len(keys["users"]), np.int64)
    return GroupedSums.of(count, keys, {"events": ones}, {"word": words})


def counts(table: GroupedSums) -> NDArray[np.int64]:
    """Return how many events of a table each user has: int64 (users,)."""
    total = np.zeros(len(table), np.int64)
    first = run_starts(table.users)
    total[table.users[first]] = reduce_runs(np.add, table.sums["events"], first)
    return total


def commonest(tally: GroupedSums) -> NDArray[np.int64]:
    """Return the row of each user's commonest word, −1 without one: int64 (users,).

    Of several, the one met last; of several met at the same moment, the first of the alphabet.

    Args:
        tally: Sums by user and word, with the latest of the times.

    Example:
        >>> day = np.array(["2024-01-01", "2024-01-02", "2024-01-01"], "M8[us]")
        >>> channels = np.array([0, 1, 1], np.int32)
        >>> words = np.array(["app", "branch"])
        >>> tally = occurrences(2, np.zeros(3, np.int32), channels, day, words).latest("times")
        >>> commonest(tally).tolist(), tally.texts("word").to_pylist()
        ([1, -1], ['app', 'branch'])
    """
    rows = np.arange(len(tally.users))
    for values in (tally.sums["events"], tally.keys["times"].view(np.int64)):
        first = run_starts(tally.users[rows])
        most = reduce_runs(np.maximum, values[rows], first)
        runs = np.diff(np.append(first, len(rows)))
        rows = rows[values[rows] == np.repeat(most, runs)]
    rows = rows[run_starts(tally.users[rows])]
    out = np.full(len(tally), -1)
    out[tally.users[rows]] = rows
    return out


def commonest_word(tally: GroupedSums) -> pa.Array:
    """Return each user's commonest word as text, null without one."""
    rows = commonest(tally)
    return tally.texts("word").take(pa.array(rows, mask=rows < 0))


def share_maps(tally: GroupedSums) -> pa.Array:
    """Return what share of a user's events each word has: maps from text to float64.

    Null for a user without any.
    """
    events, starts = tally.sums["events"], tally.starts
    shares = events / np.repeat(counts(tally), np.diff(starts))
    none = np.append(starts[1:] == starts[:-1], False)
    offsets = pa.array(starts.astype(np.int32), mask=none)
    return pa.MapArray.from_arrays(offsets, tally.texts("word"), pa.array(shares))
