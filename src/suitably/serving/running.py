"""Running: the server of `suitably serve`, in one process or in several that share the port."""

import gc
import json
import logging
import os
import secrets
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from suitably.errors import DataError
from suitably.persistence.named import named_parts
from suitably.serving.settings import Settings, SwitchSettings
from suitably.utils.extras import import_extra
from suitably.utils.pseudonym import KEY_VARIABLE

__all__ = ["application", "serve", "settle"]

_VARIABLE = "SUITABLY_SERVE"
_SHARED = "SUITABLY_SERVE_SHARED"
_METRICS = "PROMETHEUS_MULTIPROC_DIR"


def serve(models: Path, settings: Settings, config: Path | None) -> None:
    """Answer until the process is told to end.

    Args:
        models: A folder of versions, or a saved pipeline.
        settings: What it goes by, with what the command line said.
        config: The file that they came from; processes that share the port read it again.

    Raises:
        DataError: There is no such folder, or no tokens are asked for beyond this machine.
        ImportError: The extra `serve` is not installed.
    """
    uvicorn = import_extra("uvicorn", "suitably serve", "uvicorn", "serve")
    import_extra("fastapi", "suitably serve", "fastapi", "serve")
    import_extra("prometheus_client", "suitably serve", "prometheus-client", "serve")
    if not models.is_dir():
        raise DataError(f"{models}: no such folder")
    said, limits = settings.service, settings.limits
    if settings.tokens.file is None and not _is_loopback(said.host):
        raise DataError(
            f"host={said.host}: without tokens the service answers on this machine alone; make one "
            f"with `suitably serve --new-token recommend`, and name their file as --tokens FILE"
        )
    from suitably.serving.protocol import Protocol

    given = {"host": said.host, "port": said.port, "workers": said.workers}
    named_parts(said.trusted)  # what is not there is told before anything listens
    tokens = settings.tokens.file
    os.environ[_VARIABLE] = json.dumps(
        {
            "models": str(models.absolute()),
            "config": None if config is None else str(config.absolute()),
            "service": given,
            "trusted": said.trusted,
            "tokens": None if tokens is None else str(tokens.absolute()),
        }
    )
    with tempfile.TemporaryDirectory(prefix="suitably-") as shared:
        if said.workers > 1:
            _share(Path(shared))
        uvicorn.run(
            "suitably.serving.running:application",
            factory=True,
            **given,
            http=Protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=limits.connections,
            timeout_keep_alive=limits.keep_alive_seconds,
            timeout_graceful_shutdown=limits.drain_seconds,
        )


def _share(folder: Path) -> None:
    """Tell the processes where they share what each would else have by itself."""
    for name in ("metrics", "desk"):
        (folder / name).mkdir(mode=0o700)
    os.environ.setdefault(_METRICS, str(folder / "metrics"))
    os.environ[_SHARED] = str(folder)
    os.environ.setdefault(KEY_VARIABLE, secrets.token_hex(32))


def application() -> Any:
    """Return the application of this process, by what `serve` was called with."""
    from suitably.serving import Service
    from suitably.serving.app import app_of
    from suitably.serving.desk.shared_sessions import SharedSessions
    from suitably.serving.protocol import Protocol

    said = json.loads(os.environ[_VARIABLE])
    settings = Settings() if said["config"] is None else Settings.load(said["config"])
    settings = settings.with_service(**said["service"], trusted=said["trusted"])
    if said["tokens"] is not None:
        settings = replace(settings, tokens=replace(settings.tokens, file=Path(said["tokens"])))
    shared = os.environ.get(_SHARED) if settings.service.workers > 1 else None
    alone = (Path(said["models"]) / "manifest.json").exists()  # no folder that has a file of them
    if shared is not None and settings.switches.path is None and alone:
        switches = SwitchSettings(Path(shared, "switches.json"))
        settings = replace(settings, switches=switches)
    Protocol.seconds = settings.limits.body_seconds
    log_to_stderr()
    service = Service(Path(said["models"]), settings)
    where = f"http://{_in_url(settings.service.host)}:{settings.service.port}"
    answers = f"version {service.served().version}" if service.ready else "no version yet"
    who = "" if service.asks_tokens else "; no tokens are asked for, so on this machine alone"
    logging.getLogger(__name__).info("serve: %s answers on %s%s", answers, where, who)
    for problem in service.problems:
        logging.getLogger(__name__).error("serve: %s", problem)
    app = app_of(service, None if shared is None else SharedSessions(Path(shared, "desk")))
    settle()
    return app


def settle() -> None:
    """Keep the background, and the collector of garbage, from keeping anybody waiting.

    What is there when a process begins to answer is looked through no more, and a list leaves
    nothing that needs the collector; a version in the background takes turns of a millisecond.
    """
    sys.setswitchinterval(0.001)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def log_to_stderr() -> None:
    """Write what the library and the server log as lines of JSON, without stack traces."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.captureWarnings(True)
    for name in ("suitably", "uvicorn", "py.warnings"):
        log = logging.getLogger(name)
        log.setLevel(logging.INFO)
        log.handlers = [handler]
        log.propagate = False


class _Lines(logging.Formatter):
    """A line of JSON for each record; the request log's are that already."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = record.getMessage()
        if record.name == "suitably.serving.request_log":
            return text
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": text,
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = record.exc_info[0].__name__
        return json.dumps(said)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
