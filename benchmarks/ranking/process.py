"""A contender seen from outside: a process that is told to run, and waited for."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.ranking.world import Lists

__all__ = ["ROOT", "Contender"]

ROOT = Path(__file__).parents[2]


class Contender:
    """Starts the process and waits until it is ready.

    Args:
        name: As `contender.prepare` knows it.
        folder: Where the world is; also where lists are exchanged.
        python: The interpreter of its environment.

    Attributes:
        missing: The module that its environment lacks; None: it is ready.
        note: What it is and how it was set up.
        took: Seconds by name, and other figures.
    """

    def __init__(self, name: str, folder: Path, python: str = sys.executable) -> None:
        self._name = name
        self._folder = folder
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.ranking.contender", name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        told = self._hear()
        self.missing: str | None = told.get("missing")
        self.note: str = told.get("note", "")
        self.took: dict[str, float] = told.get("took", {})

    def run(self) -> None:
        """Do the work once."""
        self._ask("run")

    def lists(self) -> Lists:
        """Give the lists of the last run."""
        path = self._folder / f"{self._name.replace(' ', '-')}.npz"
        self._ask(str(path))
        return Lists.load(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the contender {self._name!r} has died: see what it wrote above")
        told: dict[str, Any] = json.loads(line)
        return told
