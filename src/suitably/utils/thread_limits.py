"""Limits on the threads of BLAS and OpenMP, by one look at the libraries until others load.

To look which libraries are there takes milliseconds, and a list for one user not much more. Where
the loader counts what it loads, which costs microseconds to ask, the last look is kept for as long
as the count stays; elsewhere every limit looks anew.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["limited"]

_Count = tuple[int, int]
_seen: tuple[_Count, ThreadpoolController] | None = None


def limited(number: int, user_api: str) -> Any:
    """Limit the threads of every loaded library of a kind, of the whole process, from here on.

    Args:
        number: How many threads each may use.
        user_api: `"blas"` or `"openmp"`.

    Returns:
        A context manager that lifts the limit at its end; `restore_original_limits()` does too.
    """
    return _controller().limit(limits=number, user_api=user_api)


def _controller() -> ThreadpoolController:
    global _seen
    count, seen = _loaded(), _seen
    if count is None:
        return ThreadpoolController()
    if seen is None or seen[0] != count:
        # Counted before the look: what loads in between is counted, and looked for next time.
        _seen = seen = count, ThreadpoolController()
    return seen[1]


def _loaded() -> _Count | None:
    """Return how many libraries have been loaded and unloaded so far, None where nobody counts."""
    ask = _asker()
    return None if ask is None else ask()


class _Info(ctypes.Structure):
    """`struct dl_phdr_info` of `link.h`."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.c_void_p),
        ("header_count", ctypes.c_uint16),
        ("loaded", ctypes.c_ulonglong),
        ("unloaded", ctypes.c_ulonglong),
    )


@cache
def _asker() -> Callable[[], _Count | None] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        # The interpreter's lock is held throughout: to wait for it inside the loader's own lock
        # could wait for a thread that holds the one and wants the other.
        walk = ctypes.PyDLL(None).dl_iterate_phdr
    except (AttributeError, OSError):
        return None
    kind = ctypes.PYFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(_Info), ctypes.c_size_t, ctypes.POINTER(ctypes.c_ulonglong)
    )
    enough = _Info.unloaded.offset + _Info.unloaded.size

    def first(info: Any, size: int, into: Any) -> int:
        if size >= enough:
            into[0], into[1], into[2] = 1, info.contents.loaded, info.contents.unloaded
        return 1  # the counts are the same for all: the first will do

    call = kind(first)

    def ask() -> _Count | None:
        told = (ctypes.c_ulonglong * 3)()
        walk(call, told)
        return (told[1], told[2]) if told[0] else None

    return ask
