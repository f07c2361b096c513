"""Sessions of visits that follow each other closely, and the paths that they take over pages."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.utils.runs import run_starts

__all__ = ["Paths", "session_starts", "walk"]

Users = NDArray[np.int32]
Pages = NDArray[np.int32]


class Paths(NamedTuple):
    """Where sessions began and ended, and how they went from page to page.

    Attributes:
        users: int32 (sessions,), whose session it was; sessions without a page are left out.
        entry: int32 (sessions,), the first page.
        exit: int32 (sessions,), the last page.
        entered: datetime64[us] (sessions,), when the first page was seen.
        left: datetime64[us] (sessions,), when the last page was seen.
        movers: int32 (transitions,), who went from one page to another within a session.
        origin: int32 (transitions,), from where.
        target: int32 (transitions,), where to.
        moved: datetime64[us] (transitions,), when the latter was seen.
    """

    users: Users
    entry: Pages
    exit: Pages
    entered: Instants
    left: Instants
    movers: Users
    origin: Pages
    target: Pages
    moved: Instants


def session_starts(users: Users, times: Instants, gap: np.timedelta64) -> NDArray[np.bool_]:
    """Return which visits begin a session: the first, and those after more than a gap.

    Args:
        users: int32 (n,), ascending.
        times: datetime64[us] (n,), ascending within each user.
        gap: The longest pause within a session.

    Returns:
        bool (n,).

    Example:
        >>> times = np.array(["2024-01-01T09:00", "2024-01-01T09:30", "2024-01-01T10:01"], "M8[us]")
        >>> session_starts(np.zeros(3, np.int32), times, np.timedelta64(30, "m"))
        array([ True, False,  True])
    """
    new = np.ones(len(users), bool)
    new[1:] = (users[1:] != users[:-1]) | (times[1:] - times[:-1] > gap)
    return new


def walk(users: Users, times: Instants, pages: Pages, gap: np.timedelta64) -> Paths:
    """Return the paths of sessions; a page that is seen again at once is no step.

    Args:
        users: int32 (n,), ascending.
        times: datetime64[us] (n,), ascending within each user.
        pages: int32 (n,), −1 for none: such a visit keeps a session going and is no page of it.
        gap: The longest pause within a session.

    Example:
        >>> times = np.array(["2024-01-01T09:00", "2024-01-01T09:05", "2024-01-02T09:00"], "M8[us]")
        >>> paths = walk(np.zeros(3, np.int32), times, np.array([4, 7, 7]), np.timedelta64(30, "m"))
        >>> paths.entry, paths.exit, paths.origin, paths.target
        (array([4, 7]), array([7, 7]), array([4]), array([7]))
    """
    sessions = np.cumsum(session_starts(users, times, gap))
    seen = pages >= 0
    sessions, users, times, pages = sessions[seen], users[seen], times[seen], pages[seen]
    first = run_starts(sessions)
    last = np.append(first[1:], len(sessions))[: len(first)] - 1
    step = np.flatnonzero((sessions[1:] == sessions[:-1]) & (pages[1:] != pages[:-1]))
    return Paths(
        users=users[first],
        entry=pages[first],
        exit=pages[last],
        entered=times[first],
        left=times[last],
        movers=users[step],
        origin=pages[step],
        target=pages[step + 1],
        moved=times[step + 1],
    )
