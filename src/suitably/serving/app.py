"""The application: every endpoint in its place, behind one gate."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.routing import Route

import suitably
from suitably.serving.admin import ADMIN, AdminEndpoint
from suitably.serving.answers import as_json
from suitably.serving.desk.routes import routes_of as desk_routes
from suitably.serving.desk.sessions import Sessions
from suitably.serving.endpoints import QUESTIONS, QuestionEndpoint, RecommendationEndpoint
from suitably.serving.gate import HANDLED, Gate, send_bytes
from suitably.serving.metrics import Metrics
from suitably.serving.openapi import docs_page, openapi
from suitably.serving.problems import MEDIA_TYPE, Problem
from suitably.serving.request_log import RequestLog
from suitably.serving.service import Service
from suitably.serving.workers import Workers

__all__ = ["app_of"]


def app_of(service: Service, sessions: Sessions | None = None) -> FastAPI:
    """Return the application that answers by a service.

    Args:
        service: What answers.
        sessions: Who has signed in at the desk, by what all processes that share a port know; None:
            this process knows it alone, so that there is a desk only where there is no other.
    """
    metrics, workers = Metrics(service), Workers(service.settings.limits)
    pool = ThreadPoolExecutor(1, thread_name_prefix="suitably-admin")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        workers.close()
        pool.shutdown(wait=False, cancel_futures=True)
        service.close()

    app = FastAPI(
        title="Suitably",
        version=suitably.__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.add_middleware(Gate, log=RequestLog(service), metrics=metrics)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _field_problem)
    answered: list[QuestionEndpoint] = [
        RecommendationEndpoint(service, workers, metrics),
        *(QuestionEndpoint(one, service, workers) for one in QUESTIONS),
    ]
    routes = app.router.routes
    routes += [Route(one.question.path, one, methods=["POST"]) for one in answered]
    for method, path, _, act, fields, required in ADMIN:
        endpoint = AdminEndpoint(path, act, fields, required, service, pool)
        routes.append(Route(path, endpoint, methods=[method]))
    for path, told in _open(service, metrics).items():
        routes.append(Route(path, told, methods=["GET"]))
    said = service.settings.service
    if said.desk and (said.workers == 1 or sessions is not None):
        app.include_router(desk_routes(service, sessions=sessions))
    return app


def _open(service: Service, metrics: Metrics) -> dict[str, Any]:
    """Return what needs no token, by path."""
    limits = service.settings.limits
    described = as_json(openapi(limits, suitably.__version__, service.asks_tokens))
    page = docs_page(limits, service.asks_tokens).encode("utf-8")
    return {
        "/healthz": _Told(lambda: (200, b'{"status":"ok"}', b"application/json")),
        "/readyz": _Told(lambda: _readiness(service)),
        "/metrics": _Told(lambda: (200, metrics.text(), CONTENT_TYPE_LATEST.encode("ascii"))),
        "/openapi.json": _Told(lambda: (200, described, b"application/json")),
        "/docs": _Told(lambda: (200, page, b"text/html; charset=utf-8")),
    }


class _Told:
    """Answers with what is there (ASGI)."""

    def __init__(self, told: Any) -> None:
        self._told = told

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[HANDLED].route = scope["path"].removeprefix(scope.get("root_path", ""))
        status, body, kind = self._told()
        await send_bytes(send, body, status, kind)


def _readiness(service: Service) -> tuple[int, bytes, bytes]:
    said: dict[str, Any] = {"ready": service.ready, "detail": service.problems}
    if service.ready:
        served = service.served()
        said |= {
            "version": served.version,
            "model": served.model,
            "since": served.since.isoformat(),
        }
    return 200 if service.ready else 503, as_json(said), b"application/json"


def _http_problem(request: Request, error: Exception) -> Response:
    """Tell what the router or a page of the desk says as a problem."""
    assert isinstance(error, HTTPException)
    details = {404: "there is nothing here: /docs has what there is", 405: _allowed(error)}
    detail = details.get(error.status_code, str(error.detail))
    return _response(request, Problem(error.status_code, detail, headers=error.headers))


def _allowed(error: HTTPException) -> str:
    return f"this takes {(error.headers or {}).get('Allow', 'another method')}"


def _field_problem(request: Request, error: Exception) -> Response:
    """Tell which fields of a page's request do not fit, and not what they held."""
    assert isinstance(error, RequestValidationError)
    where = [".".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors()[:3]]
    return _response(request, Problem(422, "; ".join(where), "bad-field"))


def _response(request: Request, problem: Problem) -> Response:
    body = problem.body(f"urn:suitably:request:{request.scope[HANDLED].id}")
    headers = {**problem.headers, "Cache-Control": "no-store"}
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)
