"""What a fork leaves behind: locks of threads that are gone, and OpenMP without its threads."""

import os
from threading import Lock, get_ident
from types import TracebackType
from weakref import WeakSet

__all__ = ["ForkLock", "is_forked"]

_forked = False
_locks: "WeakSet[ForkLock]" = WeakSet()


class ForkLock:
    """A lock that a forked process finds free, unless the thread that forked holds it.

    The other threads do not survive the fork, so theirs would be held for ever.

    Example:
        >>> with ForkLock():
        ...     pass
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder: int | None = None
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()
        self._holder = get_ident()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holder = None
        self._lock.release()

    def _after_fork(self) -> None:
        if self._holder != get_ident():
            self._lock, self._holder = Lock(), None


def is_forked() -> bool:
    """Return whether this process is the fork of another that had imported the library.

    GNU's OpenMP starts its threads once; a fork has none of them and waits for them for ever, as
    soon as it asks for more than one. Nothing says whether they had been started before.
    """
    return _forked


def _after_fork() -> None:
    global _forked
    _forked = True
    for lock in list(_locks):
        lock._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
