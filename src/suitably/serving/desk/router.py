"""The desk's routes: from requests of a web framework to `Desk`, and back."""

from typing import Any
from urllib.parse import parse_qsl

from suitably.serving.desk.desk import MOST_BYTES, Desk
from suitably.serving.desk.exchange import Answer, Asking
from suitably.utils.extras import import_extra

__all__ = ["router"]

_MOST_FIELDS = 20


def router(service: Any, prefix: str = "/desk") -> Any:
    """Return the routes of the desk, a `fastapi.APIRouter`, to be included in an application.

    Args:
        service: What answers; a `suitably.serving.Service`.
        prefix: Where it is.

    Raises:
        ImportError: Without the extra `serve`.
    """
    fastapi = import_extra("fastapi", "the desk", "fastapi", "serve")
    run = import_extra("starlette.concurrency", "the desk", "fastapi", "serve").run_in_threadpool
    desk = Desk(service)
    routes = fastapi.APIRouter()

    async def page(request: Any) -> Any:
        asking, octets = _asking(request, prefix), b""
        async for part in request.stream():
            octets += part
            if len(octets) > MOST_BYTES:
                return _response(fastapi, asking, desk.refuse_length(asking))
        form = _pairs(octets.decode("utf-8", "replace")) if asking.method == "POST" else {}
        asking = Asking(**{**vars(asking), "form": form})
        return _response(fastapi, asking, await run(desk.answer, asking))

    for path in (prefix, f"{prefix}/{{path:path}}"):
        # A plain route: its parameters are the desk's own matter, and no schema has it.
        routes.add_route(path, page, methods=["GET", "POST"], include_in_schema=False)
    return routes


def _asking(request: Any, prefix: str) -> Asking:
    base = request.scope.get("root_path", "").rstrip("/") + prefix
    path = request.scope["path"]
    return Asking(
        method=request.method,
        path=(path.removeprefix(base) if path.startswith(base) else path.removeprefix(prefix)),
        query=_pairs(request.scope.get("query_string", b"").decode("latin-1")),
        headers={name.lower(): value for name, value in request.headers.items()},
        base=base,
        secure=request.url.scheme == "https",
    )


def _pairs(text: str) -> dict[str, str]:
    """Read names and values as browsers write them; of a name given twice the first counts."""
    try:
        found = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # too many
        return {}
    return dict(reversed(found))


def _response(fastapi: Any, asking: Asking, answer: Answer) -> Any:
    body = answer.body.encode("utf-8", "replace")
    made = fastapi.Response(content=body, status_code=answer.status)
    for name, value in answer.headers(asking):
        made.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    return made
