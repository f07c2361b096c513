"""A PostgreSQL server of the tests' own, on a socket in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Cluster", "programs", "running"]

_OWNER = "nobody"  # PostgreSQL refuses to run as root


class Cluster:
    """A running server.

    Args:
        folder: Where its socket is; its data is below.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def database(self, name: str) -> str:
        """Make a database; return its address."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.address(name)

    def address(self, name: str, user: str = "trail") -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://{user}:secret@/{name}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as somebody with the server in their hands would; return the last rows."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder), user="trail", dbname=database, autocommit=True
        ) as connection:
            done = connection.execute(statement.encode())
            while done.nextset():
                pass
            return done.fetchall() if done.description else []

    def stop(self) -> None:
        """Stop it, without waiting for its clients."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start it."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        log = self.folder / "log"
        self._control("start", "-w", "-o", options, "-l", str(log))

    def _control(self, *arguments: str) -> None:
        _run([programs() / "pg_ctl", "-D", self.folder / "data", *arguments])


def programs() -> Path:
    """Return the folder of the newest server's programs.

    Raises:
        FileNotFoundError: None is installed.
    """
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")  # which does not put it on the path
    newest = max(debian, key=lambda path: int(path.parts[-3]), default=None)
    elsewhere = shutil.which("initdb")
    if newest is None and elsewhere is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    return Path(newest or str(elsewhere)).resolve().parent


@contextmanager
def running() -> Iterator[Cluster]:
    """Start a server; stop it and remove its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path has 107 bytes at most
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _OWNER)
        cluster = Cluster(folder)
        _run([programs() / "initdb", "-D", folder / "data", "-U", "trail", "-A", "trust",
              "-E", "UTF8", "--no-sync"])  # fmt: skip
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str | Path]) -> None:
    as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_owner, *map(str, command)], cwd="/", capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
