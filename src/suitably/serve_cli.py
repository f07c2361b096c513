"""The command line for the service: `suitably serve MODELS`, and tokens for it."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from suitably.errors import DataError
from suitably.utils.arguments import add_trust, positive_int

__all__ = ["add_serve_command", "run_serve_command"]


def add_serve_command(commands: Any) -> None:
    """Add the parser of the command."""
    serve = commands.add_parser(
        "serve",
        help="answer over HTTP from a folder of versions, or from one saved model",
        description="Answers from the current version and follows it: see `suitably models`. "
        "Without a file of tokens it answers on this machine alone.",
    )
    serve.add_argument(
        "models", type=Path, metavar="MODELS", nargs="?", help="a folder of versions or a model"
    )
    serve.add_argument("--config", type=Path, metavar="FILE", help="settings, as TOML")
    serve.add_argument("--host", metavar="ADDRESS", help="default: 127.0.0.1")
    serve.add_argument("--port", type=_port, metavar="N", help="default: 8000")
    serve.add_argument("--workers", type=positive_int, metavar="N", help="processes (default: 1)")
    serve.add_argument("--tokens", type=Path, metavar="FILE", help="names, roles and hashes")
    add_trust(serve)
    serve.add_argument(
        "--new-token",
        metavar="ROLES",
        help="print a new token, once, and the line for the file of tokens; roles such as "
        "recommend,explain",
    )
    serve.add_argument("--name", metavar="NAME", help="whose the new token is")


def run_serve_command(asked: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    if asked.new_token is not None:
        return _new_token(asked.new_token, asked.name or "unnamed")
    if asked.models is None:
        raise DataError("serve: name a folder of versions, or a saved model")
    from suitably.serving.running import serve
    from suitably.serving.settings import Settings

    settings = Settings() if asked.config is None else Settings.load(asked.config)
    given = {
        name: getattr(asked, name)
        for name in ("host", "port", "workers")
        if getattr(asked, name) is not None
    }
    if asked.trust:
        given["trusted"] = (*settings.service.trusted, *asked.trust)
    settings = settings.with_service(**given)
    if asked.tokens is not None:
        settings = replace(settings, tokens=replace(settings.tokens, file=asked.tokens))
    serve(asked.models, settings, asked.config)
    return 0


def _new_token(roles: str, name: str) -> int:
    from suitably.serving.tokens import new_token, read_roles

    secret, token = new_token(read_roles(roles), name)
    print(f"token, shown once:      {secret}")
    print(f"line for the file:      {token.line}")
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"{text}: must be a port, from 0 to 65535")
    return int(text)
