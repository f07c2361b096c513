"""What a benchmark gives, how two contenders take turns, and how results are shown."""

import gc
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Row", "in_turns", "machine", "paired", "seconds", "table", "write_json"]

_LIBRARIES = (
    *("suitably", "numpy", "scipy", "pandas", "pyarrow", "narwhals", "duckdb", "implicit"),
    *("numba", "faiss-cpu"),
)


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: What was measured, with its size.
        peer: The peer's figure; None without a peer.
        ours: Our figure.
        unit: Unit of both.
        ratio: Ours over the peer's, the median over pairs; None without a peer.
        note: Who the peer is, and what makes the comparison fair or not.
        roof: What the machine could do at best, in the same unit; None where it is not known.
    """

    name: str
    peer: float | None
    ours: float
    unit: str
    ratio: float | None
    note: str
    roof: float | None = None


def seconds(call: Callable[[], Any]) -> float:
    """Give the wall-clock seconds of one call."""
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def paired(
    name: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any] | None = None,
    note: str = "",
    rounds: int = 5,
) -> Row:
    """Time two contenders in turns, so that whatever slows the machine slows both.

    Figures are medians; the ratio is the median of the rounds' ratios, not that of the medians.
    """
    contenders = [ours] if peer is None else [ours, peer]
    times = in_turns(contenders, rounds)
    if peer is None:
        return Row(name, None, median(times[0]), "s", None, note)
    ratio = median(a / b for a, b in zip(*times, strict=True))
    return Row(name, median(times[1]), median(times[0]), "s", ratio, note)


def in_turns(contenders: Sequence[Callable[[], Any]], rounds: int) -> list[list[float]]:
    """Give each contender's seconds, round by round.

    One call of each warms up. The lead alternates from round to round.
    """
    for contender in contenders:
        contender()
    times: list[list[float]] = [[] for _ in contenders]
    for turn in range(rounds):
        order = range(len(contenders)) if turn % 2 == 0 else reversed(range(len(contenders)))
        for one in order:
            times[one].append(seconds(contenders[one]))
    return times


def machine() -> dict[str, Any]:
    """Tell what the figures were measured on."""
    versions: dict[str, str | None] = {}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = None
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": versions,
    }


def table(rows: list[Row]) -> str:
    """Lay rows out as text."""
    head = ("benchmark", "peer", "ours", "unit", "ratio", "roofline", "note")
    lines = [
        (
            row.name,
            *map(_figure, (row.peer, row.ours)),
            row.unit,
            *map(_figure, (row.ratio, row.roof)),
            row.note,
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    right = {1, 2, 4, 5}

    def show(line: tuple[str, ...]) -> str:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([show(head), "  ".join("-" * width for width in widths), *map(show, lines)])


def write_json(path: Path, results: dict[str, list[Row]]) -> None:
    """Write rows by benchmark, and the machine."""
    rows = {name: [asdict(row) for row in found] for name, found in results.items()}
    path.write_text(json.dumps({"machine": machine(), "results": rows}, indent=2) + "\n")


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"
