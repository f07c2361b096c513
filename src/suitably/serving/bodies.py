"""Bodies: read within a size and a time, and parsed as JSON and nothing else."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn

from suitably.serving.problems import Problem
from suitably.serving.settings import Limits

__all__ = ["Headers", "Receive", "parse_object", "read_body"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = dict[bytes, bytes]

_CLOSE = {"Connection": "close"}
_JSON = b"application/json"


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """Return a request's body.

    Raises:
        Problem: It is no JSON by its type (415), larger (413) or slower (408) than may be, or the
            client has gone (400).
    """
    kind = headers.get(b"content-type", _JSON)
    if kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON:
        raise Problem(415, "send JSON, with Content-Type: application/json", headers=_CLOSE)
    said = headers.get(b"content-length", b"0")
    if said.isdigit() and (len(said) > 15 or int(said) > limits.body_bytes):
        raise _too_large(limits)
    size = 0
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "the connection was closed before the body was complete")
                part = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    raise _too_large(limits)
                if not message.get("more_body"):
                    return b"".join([*parts, part]) if parts else part
                parts.append(part)
    except TimeoutError:
        raise _too_slow(limits) from None


def _too_large(limits: Limits) -> Problem:
    return Problem(
        413,
        f"the body has more than {limits.body_bytes:,} bytes: ask for fewer at a time",
        "too-large",
        "Content Too Large",
        _CLOSE,
    )


def _too_slow(limits: Limits) -> Problem:
    return Problem(
        408, f"the body took more than {limits.body_seconds:g} seconds to arrive", headers=_CLOSE
    )


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body is.

    Raises:
        Problem: It is no JSON, or no object.
    """
    try:
        found = _decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else _why(error)
        raise Problem(400, f"the body is no JSON: {why}", "no-json") from None
    if not isinstance(found, dict):
        raise Problem(422, "the body must be a JSON object", "bad-field")
    return found


class _NoNumberError(ValueError):
    pass


def _no_number(name: str) -> NoReturn:
    raise _NoNumberError(f"it has {name}, which is no number there")


_decode = json.JSONDecoder(parse_constant=_no_number).decode


def _why(error: ValueError) -> str:
    """Say what is wrong with a text, and nothing of what is in it."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) if isinstance(error, _NoNumberError) else "it has a number that is too long"
