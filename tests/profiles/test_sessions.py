"""Sessions and paths: by hand, and against a loop over visits."""

import itertools
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as any_

from suitably.profiles.activity.sessions import session_starts, walk

START = np.datetime64("2024-01-01", "us")
MINUTE = np.timedelta64(1, "m")
VISITS = any_.lists(
    any_.tuples(any_.integers(0, 3), any_.integers(0, 300), any_.integers(-1, 3)), max_size=40
)


def loop(visits: list, gap: int) -> tuple[list, list, list]:
    """Return sessions, their ends and their steps, one visit after the other."""
    starts, ends, steps = [], [], []
    per = defaultdict(list)
    for user, minute, page in sorted(visits):
        per[user].append((minute, page))
    for user, own in sorted(per.items()):
        sessions: list[list] = []
        before = None
        for minute, page in own:
            new = before is None or minute - before > gap
            starts.append(new)
            if new:
                sessions.append([])
            if page >= 0:
                sessions[-1].append((minute, page))
            before = minute
        for pages in filter(None, sessions):
            ends.append((user, pages[0], pages[-1]))
            steps += [
                (user, a, b, minute) for (_, a), (minute, b) in itertools.pairwise(pages) if a != b
            ]
    return starts, ends, steps


@given(VISITS, any_.sampled_from([1, 30, 100]))
def test_as_a_loop_does(visits: list, gap: int) -> None:
    visits = sorted(visits)
    users = np.array([visit[0] for visit in visits], np.int32)
    minutes = np.array([visit[1] for visit in visits], np.int64)
    pages = np.array([visit[2] for visit in visits], np.int32)
    times = START + minutes * MINUTE
    starts, ends, steps = loop(visits, gap)
    assert session_starts(users, times, gap * MINUTE).tolist() == starts
    found = walk(users, times, pages, gap * MINUTE)
    minute = {
        name: (getattr(found, name) - START) // MINUTE for name in ("entered", "left", "moved")
    }
    first = zip(minute["entered"].tolist(), found.entry.tolist(), strict=True)
    last = zip(minute["left"].tolist(), found.exit.tolist(), strict=True)
    assert list(zip(found.users.tolist(), first, last, strict=True)) == ends
    columns = (found.movers, found.origin, found.target, minute["moved"])
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == steps


def test_a_pause_as_long_as_the_gap_ends_nothing() -> None:
    times = START + np.array([0, 30, 61]) * MINUTE
    begun = session_starts(np.zeros(3, np.int32), times, 30 * MINUTE)
    assert begun.tolist() == [True, False, True]
    times[1] += np.timedelta64(1, "us")
    begun = session_starts(np.zeros(3, np.int32), times, 30 * MINUTE)
    assert begun.tolist() == [True, True, True]


def test_another_user_is_another_session() -> None:
    times = START + np.zeros(2) * MINUTE
    assert session_starts(np.array([0, 1], np.int32), times, 30 * MINUTE).all()


def test_no_visits() -> None:
    nobody, never = np.zeros(0, np.int32), np.zeros(0, "datetime64[us]")
    assert session_starts(nobody, never, MINUTE).tolist() == []
    assert [len(column) for column in walk(nobody, never, nobody, MINUTE)] == [0] * 9


def test_visits_without_pages_keep_a_session_going() -> None:
    times = START + np.array([0, 20, 40]) * MINUTE
    found = walk(np.zeros(3, np.int32), times, np.array([2, -1, 5], np.int32), 30 * MINUTE)
    assert (found.entry.tolist(), found.exit.tolist()) == ([2], [5])
    assert (found.origin.tolist(), found.target.tolist()) == ([2], [5])
