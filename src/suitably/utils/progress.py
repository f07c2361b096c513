"""What long work says of itself: a logger, and a bar once it has taken two seconds.

Everything is logged under `suitably`, silent unless the caller configures logging. No record
holds an id: counts and durations only.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

__all__ = ["is_progress_shown", "logged", "logger", "progress", "show_progress"]

T = TypeVar("T")

_VARIABLE = "SUITABLY_PROGRESS"
_DELAY = 2.0
_wanted: bool | None = None

logging.getLogger("suitably").addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """Return the logger of a module, `suitably` or below it."""
    return logging.getLogger(name if name.split(".")[0] == "suitably" else f"suitably.{name}")


def show_progress(wanted: bool | None) -> None:
    """Switch progress bars on or off for this process.

    Args:
        wanted: Whether to show them; None, as it is at first: in a terminal and in a notebook,
            unless the environment says `SUITABLY_PROGRESS=0`, or 1 for everywhere.
    """
    global _wanted
    _wanted = wanted


def progress(
    items: Iterable[T], what: str, total: int | None = None, unit: str = "it"
) -> Iterator[T]:
    """Yield items as they are, with a bar on stderr for those that take over two seconds.

    Args:
        items: What is gone through.
        what: What is being done, such as `"recommend"`.
        total: How many items there are, where they cannot say.
        unit: What one item is.
    """
    if not is_progress_shown():
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, what, total, leave=False, unit=unit, delay=_DELAY)


def logged(
    log: logging.Logger, what: str, level: int = logging.INFO, **counts: object
) -> AbstractContextManager[Callable[..., None]]:
    """Log what was done, how long it took and how much of it there was, or that it failed.

    Args:
        log: Where to.
        what: What is done, such as `"fit"`.
        level: Of the record; that it begins is always DEBUG.
        counts: Numbers known beforehand; never an id.

    Returns:
        What to enter, for a function that takes further counts by name.

    Example:
        >>> log = logger("example")
        >>> with logged(log, "fit", users=7) as count:
        ...     count(products=3)  # a record "fit: 0.00 s, users=7, products=3"
    """
    return _Logged(log, what, level, counts)


class _Logged:
    """A class of its own: a generator made a context takes as long as a fifth of a list."""

    __slots__ = ("_counts", "_level", "_log", "_start", "_what")

    def __init__(
        self, log: logging.Logger, what: str, level: int, counts: dict[str, object]
    ) -> None:
        self._log, self._what, self._level, self._counts = log, what, level, counts

    def __enter__(self) -> Callable[..., None]:
        self._log.debug("%s: begins", self._what)
        self._start = time.perf_counter()
        return self._counts.update

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._log.isEnabledFor(self._level):
            return
        took = time.perf_counter() - self._start
        done = "" if kind is None else "failed after "
        facts = "".join(f", {name}={_number(value)}" for name, value in self._counts.items())
        self._log.log(self._level, "%s: %s%.2f s%s", self._what, done, took, facts)


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def is_progress_shown() -> bool:
    """Return whether somebody looks: as `show_progress` or the environment has it, or a screen."""
    if _wanted is not None:
        return _wanted
    asked = os.environ.get(_VARIABLE, "").strip().lower()
    if asked:
        return asked not in ("0", "no", "off", "false")
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config
