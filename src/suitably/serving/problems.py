"""Problems: what goes wrong, as a client is told."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

__all__ = ["MEDIA_TYPE", "Problem"]

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:suitably:problem"


class Problem(Exception):  # noqa: N818 – what is told is called so by RFC 9457
    """What is answered instead of what was asked for; it shows nothing of how it came about.

    Args:
        status: The HTTP status.
        detail: What was wrong, where, and what to do; at most three ids.
        name: What clients tell it by, such as `"too-large"`; None: the status says it all.
        title: The same in words; None: the status's.
        headers: Beside the usual ones.
        more: Further members.

    Source:
        RFC 9457, "Problem Details for HTTP APIs".

    Example:
        >>> Problem(422, "k=0: must be from 1 to 100", "bad-field").to_dict("/v1/trace#1")["title"]
        'Unprocessable Entity'
    """

    def __init__(
        self,
        status: int,
        detail: str,
        name: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status: int = status
        self.detail: str = detail
        self.type: str = "about:blank" if name is None else f"{_TYPE}:{name}"
        self.title: str = HTTPStatus(status).phrase if title is None else title
        self.headers: dict[str, str] = dict(headers or {})
        self.more: dict[str, Any] = dict(more or {})

    def to_dict(self, instance: str) -> dict[str, Any]:
        """Return the problem's members; `instance` is where it happened."""
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            **self.more,
        }

    def body(self, instance: str) -> bytes:
        """Return the same as JSON."""
        return json.dumps(self.to_dict(instance)).encode("ascii")
