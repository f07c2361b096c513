"""The server of the benchmarks: the application, and beside it what it could answer without work.

`python -m benchmarks.serving.server MODEL PORT BYTES [TOML]`
"""

import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.routing import Route

from suitably.serving import Service, Settings, create_app
from suitably.serving.bodies import read_body
from suitably.serving.gate import HANDLED, send_bytes
from suitably.serving.protocol import Protocol
from suitably.serving.running import settle


class _Constant:
    """Reads the body and answers with as many bytes as lists mostly have: the least there is."""

    def __init__(self, size: int, settings: Settings) -> None:
        self._body = b'{"x":"' + b"x" * (size - 8) + b'"}'
        self._limits = settings.limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[HANDLED].route = "/constant"
        await read_body(receive, dict(scope["headers"]), self._limits)
        await send_bytes(send, self._body)


def main(model: str, port: str, size: str, config: str | None = None) -> None:
    settings = Settings() if config is None else Settings.load(config)
    app = create_app(Service(Path(model), settings))
    app.router.routes.insert(
        0, Route("/constant", _Constant(int(size), settings), methods=["POST"])
    )
    settle()
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False, http=Protocol)


if __name__ == "__main__":
    main(*sys.argv[1:])
