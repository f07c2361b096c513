"""A client without a network, and what every problem must look like."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from suitably.serving import Settings, create_app
from suitably.serving.tokens import new_token

__all__ = ["asking", "problem", "token_file"]


@contextmanager
def asking(source: Any, settings: Settings | None = None, **limits: Any) -> Iterator[TestClient]:
    """Yield a client of an application, which is started and ended."""
    app = create_app(source, settings, **limits)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def problem(reply: Any, status: int) -> dict[str, Any]:
    """Check that an answer is a problem as RFC 9457 has it, and return it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = reply.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(said)
    assert said["status"] == status
    assert "Traceback" not in reply.text
    assert ".py" not in reply.text
    return said


def token_file(path: Path, **roles: str) -> dict[str, str]:
    """Write a file of tokens; return each one's header by name."""
    made = {name: new_token(text.split(","), name) for name, text in roles.items()}
    path.write_text("# who may ask\n" + "".join(f"{token.line}\n" for _, token in made.values()))
    return {name: f"Bearer {secret}" for name, (secret, _) in made.items()}
