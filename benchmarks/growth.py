"""What each room costs as customers, products and events grow: processor time, memory, disk.

A process for each size, in which the rooms follow one another; memory is each room's alone, since
what is no longer used goes back and the peak begins anew. `python -m benchmarks growth` measures
all of them; `SUITABLY_BENCH_ROOMS=data,lists`, `SUITABLY_BENCH_AXES=customers` and
`SUITABLY_BENCH_MOST=1000000` (customers) choose some. Figures are written to `docs/scale.csv` too,
from which the picture and the tables of `docs/scale.md` are made; those of what is not run stay as
they are. `sizes` has how rankers grow where users and products grow together.
"""

import contextlib
import csv
import ctypes
import gc
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

import suitably as st
from benchmarks.growth_rooms import ROOMS, Point
from benchmarks.runner import Row
from benchmarks.sizes import _chosen, _rounded, resident

AXES: dict[str, list[tuple[int, int, int]]] = {
    "customers": [(10**n, 1_000, 3 * 10**n) for n in (4, 5, 6, 7)],
    "products": [(10_000, 10**n, 100_000) for n in (3, 4, 5, 6)],
    "events": [(100_000, 1_000, 100_000 * each) for each in (3, 10, 30)],
}
SMALL = (10_000, 500, 20_000)  # what warms up
ROUNDS, ENOUGH = 5, 5.0
CSV = Path(__file__).parents[1] / "docs" / "scale.csv"
KEY = ("axis", "room", "customers", "products", "events")
FIELDS = (*KEY, "asked", "cpu_s", "wall_s", "before_mb", "peak_mb", "kept_mb", "disk", "refused")


def run() -> list[Row]:
    rooms = _chosen("SUITABLY_BENCH_ROOMS", tuple(ROOMS), str)
    axes = _chosen("SUITABLY_BENCH_AXES", tuple(AXES), str)
    [most] = _chosen("SUITABLY_BENCH_MOST", (10**7,), int)
    for axis in axes:
        for size in AXES[axis]:
            if size[0] <= most:
                for one in _in_a_process(size, rooms):
                    print(f"  {axis} {size} {one['room']}", file=sys.stderr, flush=True)
                    _write({"axis": axis, **dict(zip(KEY[2:], size, strict=True)), **one})
    return [row for one in read() for row in _rows(one)]


def read() -> list[dict[str, Any]]:
    """Return what is in the file, numbers as numbers."""
    if not CSV.exists():
        return []
    texts = ("axis", "room", "refused")
    with CSV.open(newline="") as file:
        return [
            {name: v if name in texts or not v else float(v) for name, v in row.items()}
            for row in csv.DictReader(file)
        ]


def exponent(points: list[tuple[float, float]]) -> float:
    """Return the slope of cost against size on logarithmic scales, by least squares."""
    size, cost = np.log(np.array(points)).T
    return float(np.polyfit(size, cost, 1)[0])


def measured(room: str, point: Point) -> Iterator[dict[str, Any]]:
    """Measure what a room does, one call after the other, and say what each took.

    Times are the least of up to five calls, those of the processor with all cores added up. Memory
    is that of the first: how far it rose above what was there, and what was left of it while what
    the call returned was held.
    """
    for name, asked, call in ROOMS[room](point):
        before, disk = _settled(), _weight(point.folder)
        times: list[tuple[float, float]] = []
        while len(times) < ROUNDS and sum(cpu for cpu, _ in times) < ENOUGH:
            wall, cpu = time.perf_counter(), time.process_time()
            result = call()
            times.append((time.process_time() - cpu, time.perf_counter() - wall))
            if len(times) == 1:
                peak = resident("VmHWM")
                kept, grown = _settled(), _weight(point.folder) - disk
            del result
        cpu, wall = (min(column) for column in zip(*times, strict=True))
        yield {
            "room": name,
            "asked": asked,
            "cpu_s": cpu,
            "wall_s": wall,
            "before_mb": before / 1e6,
            "peak_mb": max(0.0, peak - before) / 1e6,
            "kept_mb": max(0.0, kept - before) / 1e6,
            "disk": grown,
        }


def _measure(rooms: list[str], size: tuple[int, ...], folder: Path) -> None:
    """Measure rooms in turn, a line of JSON for each call; what is refused does not end it."""
    small, point = Point(*SMALL, folder), Point(*size, folder)
    for room in rooms:
        for _, _, call in ROOMS[room](small):
            call()
    small.let_go()
    for room in rooms:
        try:
            for one in measured(room, point):
                print(json.dumps(one), flush=True)
        except (st.SuitablyError, MemoryError) as error:
            print(json.dumps({"room": room, "refused": str(error)}), flush=True)


def _in_a_process(size: tuple[int, int, int], rooms: list[str]) -> Iterator[dict[str, Any]]:
    with TemporaryDirectory(prefix="growth-") as folder:
        command = [sys.executable, "-m", "benchmarks.growth", ",".join(rooms), *map(str, size)]
        with subprocess.Popen([*command, folder], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield from map(json.loads, process.stdout)
    if process.returncode:
        yield {"room": "all that follow", "refused": f"the process ended: {process.returncode}"}


def _write(found: dict[str, Any]) -> None:
    """Put a figure into the file in place of what it had of it."""
    rows = read()
    there = [place for place, one in enumerate(rows) if _key(one) == _key(found)]
    first = there[0] if there else len(rows)
    rows[first : first + 1] = [found]
    axes = list(AXES)
    rows.sort(key=lambda one: (axes.index(one["axis"]), *(float(one[key]) for key in KEY[2:])))
    with CSV.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows({name: _shown(name, value) for name, value in row.items()} for row in rows)


def _key(one: dict[str, Any]) -> tuple[Any, ...]:
    return (one["axis"], one["room"], *(float(one[name]) for name in KEY[2:]))


def _shown(name: str, value: Any) -> Any:
    whole = (*KEY[2:], "asked", "disk")
    return int(value) if name in whole and value != "" else _rounded(value)


def _rows(one: dict[str, Any]) -> list[Row]:
    sizes = " x ".join(f"{int(one[name]):,}" for name in KEY[2:4])
    name = f"{one['room']}, {sizes}, {int(one['events']):,} events"
    if one["refused"]:
        return [Row(name, None, math.nan, "", None, one["refused"])]
    note = f"wall {one['wall_s']:.3g} s; memory {one['peak_mb']:.0f} MB more at the peak"
    return [Row(name, None, one["cpu_s"], "s of processor", None, note)]


def _settled() -> float:
    """Give back what is no longer used, begin the peak anew, and say how much is held: bytes."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    # Where there is no such thing, as outside Linux, memory says less.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def _weight(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    _measure(sys.argv[1].split(","), tuple(map(int, sys.argv[2:5])), Path(sys.argv[5]))
