"""Administration: which versions there are and which answers, and the off-switch."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from suitably.errors import ArtifactError, DataError
from suitably.serving.answers import as_json
from suitably.serving.asked import bad_field, read_asked
from suitably.serving.bodies import Headers, parse_object, read_body
from suitably.serving.endpoints import Scope, authorize
from suitably.serving.gate import HANDLED, send_bytes
from suitably.serving.problems import Problem
from suitably.serving.promotions import PromotionRefused
from suitably.serving.service import Service
from suitably.utils.json import jsonable

__all__ = ["ADMIN", "AdminEndpoint"]

_SHOWN = 50


def _models(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    served = service.served()
    said = {"version": served.version, "model": served.model, "since": jsonable(served.since)}
    folder = service.folder
    return {
        **said,
        "versions": [] if folder is None else [one.to_dict() for one in folder.versions()],
        "history": [] if folder is None else [one.to_dict() for one in folder.history()[-_SHOWN:]],
        "problems": service.problems,
    }


def _promote(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    report = service.promote(asked["version"], by)
    return {**_now(service, asked["version"]), "report": report.to_dict()}


def _rollback(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    return _now(service, service.roll_back(by))


def _now(service: Service, name: str) -> dict[str, Any]:
    """Say what answers now: it is another one where the service refuses what is current."""
    served = service.served()
    return {"version": served.version, "model": served.model, "taken": served.version == name}


def _switches(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    switches = service.switches
    entries = [one.to_dict() for one in switches.entries()]
    return {"off": entries, "problem": switches.problem or None}


def _off(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    service.switches.off(**_switch(asked), by=by, audit=service.audit)
    return _switches(service, by, asked)


def _on(service: Service, by: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    service.switches.on(**_switch(asked), by=by, audit=service.audit)
    return _switches(service, by, asked)


def _switch(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in ("kind", "id", "reason")}


_SWITCH = {"kind": None, "id": None, "reason": None}
_REQUIRED = ("kind", "reason")

Act = Callable[[Service, str, Mapping[str, Any]], dict[str, Any]]

ADMIN: tuple[tuple[str, str, str, Act, dict[str, Any], tuple[str, ...]], ...] = (
    ("GET", "/v1/models", "The versions, which one answers, and how it came to.", _models, {}, ()),
    (
        "POST",
        "/v1/models/{version}/promote",
        "Try a version on a few customers and let it answer from now on.",
        _promote,
        {},
        (),
    ),
    (
        "POST",
        "/v1/models/rollback",
        "Go back to the version that was promoted before the present one.",
        _rollback,
        {},
        (),
    ),
    ("GET", "/v1/switches", "What is off, since when, why and by whom.", _switches, {}, ()),
    (
        "PUT",
        "/v1/switches",
        "Turn a customer, a product, a policy or everything off, from the next request on.",
        _off,
        _SWITCH,
        _REQUIRED,
    ),
    ("DELETE", "/v1/switches", "Turn it on again.", _on, _SWITCH, _REQUIRED),
)
"""Method, path, what it does, how, and the fields of its body."""


class AdminEndpoint:
    """Does what an administrator asks for (ASGI), one thing at a time, however long it takes.

    Args:
        path: Where.
        act: What is done.
        fields: The fields of the body, with their defaults; none: it has no body.
        required: Those that must be there.
        service: What answers.
        pool: Who works on it.
    """

    def __init__(
        self,
        path: str,
        act: Act,
        fields: dict[str, Any],
        required: tuple[str, ...],
        service: Service,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._path, self._act = path, act
        self._fields, self._required = fields, required
        self._service, self._pool = service, pool

    async def __call__(
        self, scope: Scope, receive: Any, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        handled, service = scope[HANDLED], self._service
        handled.route = self._path
        headers: Headers = dict(scope["headers"])
        authorize(service, headers, handled, "admin")
        asked: dict[str, Any] = dict(scope.get("path_params", {}))
        if self._fields:
            limits = service.settings.limits
            body = parse_object(await read_body(receive, headers, limits))
            asked |= read_asked(body, self._fields, self._required, limits)
        by = handled.by or "api"
        loop = asyncio.get_running_loop()
        await send_bytes(send, await loop.run_in_executor(self._pool, self._done, by, asked))

    def _done(self, by: str, asked: dict[str, Any]) -> bytes:
        try:
            return as_json(jsonable(self._act(self._service, by, asked)))
        except PromotionRefused as error:
            more = {} if error.report is None else {"report": error.report.to_dict()}
            raise Problem(409, str(error), "refused", "Refused", more=more) from None
        except DataError as error:
            raise bad_field(str(error)) from None
        except ArtifactError as error:
            raise Problem(409, str(error), "refused") from None
        except OSError:
            raise Problem(503, "the folder of versions or the off-switch cannot be written to",
                          "not-written") from None  # fmt: skip
