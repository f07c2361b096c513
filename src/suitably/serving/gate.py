"""Gate: what every request passes on its way in and out: the log, the metrics, and problems."""

import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from time import perf_counter
from typing import Any

from suitably.serving.metrics import Metrics
from suitably.serving.problems import MEDIA_TYPE, Problem
from suitably.serving.request_log import Handled, RequestLog

__all__ = ["HANDLED", "Gate", "Send", "send_bytes", "send_problem"]

HANDLED = "suitably"
"""Where the scope of a request holds what is said of it."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
_LIBRARY = Path(__file__).parents[1]


class Gate:
    """Wraps an application (ASGI): whatever happens inside, something is answered and said of it.

    Args:
        app: What it wraps.
        log: Of requests.
        metrics: Of requests.
    """

    def __init__(self, app: Any, log: RequestLog, metrics: Metrics) -> None:
        self._app, self._log, self._metrics = app, log, metrics

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        scope[HANDLED] = handled = self._log.begin()

        async def noticed(message: Message) -> None:
            if message["type"] == "http.response.start":
                handled.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except Problem as problem:
            await send_problem(problem, handled, noticed)
        except Exception as error:  # nothing of it is shown, and of the log nothing but where
            handled.error = _place(error)
            if not handled.status:
                await send_problem(_UNFORESEEN, handled, noticed)
        finally:
            seconds = perf_counter() - begun
            self._metrics.count(handled.route, handled.status, seconds)
            self._log.write(handled, seconds)


_UNFORESEEN = Problem(
    500, "something went wrong here, and nothing was answered; the log has where, by the instance"
)


async def send_bytes(
    send: Send, body: bytes, status: int = 200, kind: bytes = b"application/json"
) -> None:
    """Send an answer; it is the caller's alone, so nothing on the way keeps it."""
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(problem: Problem, handled: Handled, send: Send) -> None:
    """Send a problem, which is named as the log names the request."""
    body = problem.body(f"urn:suitably:request:{handled.id}")
    headers = [
        (b"content-type", MEDIA_TYPE.encode("ascii")),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *(
            (name.encode("latin-1"), text.encode("latin-1"))
            for name, text in problem.headers.items()
        ),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _place(error: Exception) -> str:
    """Return the kind of an error and where it came from: its message may hold an id."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(_LIBRARY))]
    last = (ours or list(frames))[-1:]
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"{type(error).__name__}{where}"
