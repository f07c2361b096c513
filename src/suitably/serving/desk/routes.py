"""The desk's routes: from requests of the web framework to `Desk`, and back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from suitably.serving.desk.desk import MOST_BYTES, Desk
from suitably.serving.desk.exchange import Answer, Asking
from suitably.serving.desk.sessions import Sessions
from suitably.serving.gate import HANDLED
from suitably.serving.service import Service

__all__ = ["routes_of"]

_MOST_FIELDS = 20
_PAGES = frozenset(
    {"", "customer", "find", "policy", "sign-in", "sign-out", "switches", "try", "watch"}
)
_PAGES |= {"desk.css", "desk.js"}
_THREADS = 4  # people read slowly, and lists come first


def routes_of(
    service: Service, prefix: str = "/desk", sessions: Sessions | None = None
) -> APIRouter:
    """Return the routes of the desk, to be included in an application.

    Args:
        service: What answers.
        prefix: Where it is.
        sessions: Who has signed in; None: nobody yet.
    """
    desk, routes = Desk(service, sessions), APIRouter()
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="suitably-desk")
    seconds = service.settings.limits.body_seconds

    async def page(request: Request) -> Response:
        asking = _asking(request, prefix)
        try:
            async with asyncio.timeout(seconds):
                octets = await _body(request)
        except TimeoutError:
            return Response("", 408, {"Connection": "close"})
        if octets is None:
            return _response(request, asking, desk.refuse_length(asking))
        form = _pairs(octets.decode("utf-8", "replace")) if asking.method == "POST" else {}
        asking = replace(asking, form=form)
        loop = asyncio.get_running_loop()
        return _response(request, asking, await loop.run_in_executor(pool, desk.answer, asking))

    for path in (prefix, f"{prefix}/{{path:path}}"):
        # A plain route: its parameters are the desk's own matter, and no schema has it.
        routes.add_route(path, page, methods=["GET", "POST"], include_in_schema=False)
    return routes


async def _body(request: Request) -> bytes | None:
    """Return what was sent, None where it is too long."""
    octets = bytearray()
    async for part in request.stream():
        octets += part
        if len(octets) > MOST_BYTES:
            return None
    return bytes(octets)


def _asking(request: Request, prefix: str) -> Asking:
    base = request.scope.get("root_path", "").rstrip("/") + prefix
    path = request.scope["path"]
    return Asking(
        method=request.method,
        path=path.removeprefix(base if path.startswith(base) else prefix),
        query=_pairs(request.scope.get("query_string", b"").decode("latin-1")),
        headers=dict(request.headers.items()),
        base=base,
        # A proxy in between may say so; who only claims it gets a stricter cookie.
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )


def _pairs(text: str) -> dict[str, str]:
    """Read names and values as browsers write them; of a name given twice the first counts."""
    try:
        found = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # too many
        return {}
    return dict(reversed(found))


def _route(path: str) -> str:
    """Return what the log calls a page: never a name that a client made up."""
    page = path.strip("/").partition("/")[0]
    return f"/desk/{page if page in _PAGES else 'unknown'}".rstrip("/")


def _response(request: Request, asking: Asking, answer: Answer) -> Response:
    handled = request.scope.get(HANDLED)
    if handled is not None:  # the log says what was read, and never as the address has it
        handled.route = _route(asking.path)
        for name, said in answer.about.items():
            setattr(handled, name, said)
        handled.users = 1 if "user" in answer.about else None
    made = Response(answer.body.encode("utf-8", "replace"), answer.status)
    for name, value in answer.headers(asking):
        made.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    return made
