"""Request log: one line of JSON for each request, with pseudonyms only."""

import itertools
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from suitably.governance.audit_trail import AuditTrail
from suitably.serving.service import Service
from suitably.utils.progress import logger
from suitably.utils.pseudonym import pseudonym

__all__ = ["Handled", "RequestLog"]

_log = logger(__name__)


class Handled:
    """What is said of a request once it is answered.

    Attributes:
        id: What the log and a problem's `instance` name it by.
        route: The path as the application has it, never as the client wrote it.
        status: The HTTP status.
        version: Which version answered.
        users: How many customers it was about.
        user: The only customer's id, of which a pseudonym is written.
        by: The name of the token that was shown.
        error: Where an unforeseen error came from.
    """

    __slots__ = ("by", "error", "id", "route", "status", "user", "users", "version")

    def __init__(self, name: str) -> None:
        self.id: str = name
        self.route: str = "unknown"
        self.status: int = 0
        self.version: str | None = None
        self.users: int | None = None
        self.user: Any = None
        self.by: str | None = None
        self.error: str | None = None


class RequestLog:
    """Writes to the logger `suitably.serving.request_log`, which is silent unless configured.

    A customer is written as the audit trail has them, under its key; without one as reports do, by
    the key of `set_pseudonym_key`. Neither ids nor bodies are written.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._names = itertools.count(1)
        self._own = secrets.token_hex(4)

    def begin(self) -> Handled:
        """Return what a new request is known by."""
        return Handled(f"{self._own}-{next(self._names)}")

    def write(self, handled: Handled, seconds: float) -> None:
        """Write the line of a request that has been answered."""
        level = 40 if handled.status >= 500 else 20
        if not _log.isEnabledFor(level):
            return
        said = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": handled.id,
            "route": handled.route,
            "status": handled.status,
            "ms": round(1000 * seconds, 3),
            "version": handled.version,
            "users": handled.users,
            "user": None if handled.user is None else self._named(handled.user),
            "token": handled.by,
        }
        if handled.error is not None:
            said["error"] = handled.error
        _log.log(level, "%s", json.dumps(said))

    def _named(self, user: Any) -> str:
        audit = self._service.audit
        return audit.subject(user) if isinstance(audit, AuditTrail) else pseudonym(user)
