"""Workers: threads for what takes longer, so many and no more, and for so long and no longer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from suitably.errors import ArtifactError, DataError, NotFittedError, PolicyError
from suitably.serving.problems import Problem
from suitably.serving.settings import Limits

__all__ = ["Workers", "told"]

T = TypeVar("T")


def told(call: Callable[[], T]) -> T:
    """Return what a call gives, and tell what is wrong with what was asked as a problem.

    Raises:
        Problem: What was asked does not fit the version (422), or a decision could not be recorded
            and is not handed out (503).
    """
    try:
        return call()
    except (DataError, PolicyError) as error:
        raise Problem(422, str(error), "not-answerable") from None
    except (ArtifactError, NotFittedError, OSError) as error:
        raise Problem(
            503,
            "the answer could not be recorded or worked out, and is not given",
            "not-recorded",
            headers={"Retry-After": "5"},
        ) from error


class Workers:
    """Threads that work on requests; those that are too many are told to come again.

    Args:
        limits: How many there are, how many requests may wait, and how long an answer may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="suitably-answer")
        self._pending = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Return what a call gives, made in a thread.

        Raises:
            Problem: Too many wait, or it takes too long: then nobody waits for it, and the thread
                is free once it is done.
        """
        limits = self._limits
        if self._pending >= limits.threads + limits.waiting:
            raise _come_again("too many requests are waiting", "busy")
        self._pending += 1
        loop = asyncio.get_running_loop()
        made: Future[T] = self._pool.submit(told, call)
        made.add_done_callback(lambda _: _soon(loop, self._done))
        try:
            waiting = asyncio.wrap_future(made)
            return await asyncio.wait_for(asyncio.shield(waiting), limits.answer_seconds)
        except TimeoutError:
            made.cancel()  # where it has not begun it never will
            waiting.add_done_callback(_forgotten)
            raise _come_again(
                f"the answer takes more than {limits.answer_seconds:g} seconds: ask for fewer "
                f"customers at a time",
                "too-long",
            ) from None

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> None:
        self._pending -= 1


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


def _forgotten(made: "asyncio.Future[Any]") -> None:
    """Look at what nobody waits for, so that asyncio does not complain of it."""
    if not made.cancelled():
        made.exception()


def _come_again(why: str, name: str) -> Problem:
    return Problem(503, why, name, headers={"Retry-After": "1"})
