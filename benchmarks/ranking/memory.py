"""Peak memory of lists for very many, in a process that only loads a pipeline and asks it."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.ranking.process import ROOT
from benchmarks.ranking.world import K, World
from benchmarks.runner import Row

__all__ = ["memory_row"]

ALLOWANCE = 300e6
PAGE_KB = 1_024


def memory_row(folder: Path, kind: str) -> list[Row]:
    """Fit and save in one process, load and recommend in another."""
    if not Path("/proc/self/status").exists():
        return [Row("peak memory", None, 0, "MB", None, "SKIPPED: this system has no /proc")]
    for step in ("build", "ask"):
        command = [sys.executable, "-m", "benchmarks.ranking.memory", step, kind, str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    found = json.loads(done.stdout)
    size = f"{found['users']:,} x {found['products']:,}, {found['title']}"
    whole = found["factors"] + ALLOWANCE + found["output"]
    growth = ALLOWANCE + found["output"]
    wide = (
        f"peer: the allowance, factors {found['factors'] / 1e6:.0f} + 300 + "
        f"output {found['output'] / 1e6:.0f}; {found['seconds']:.1f} s with the first plan"
    )
    start = (
        f"over the {found['loaded'] / 1e6:.0f} MB held once loaded, of which "
        f"{found['imported'] / 1e6:.0f} are Python and libraries; peer: 300 + output"
    )
    peak, more = found["peak"], found["peak"] - found["loaded"]
    return [
        _row(f"peak memory of the process, {size}", whole, peak, wide),
        _row(f"peak memory of recommend alone, {size}", growth, more, start),
    ]


def _row(name: str, allowed: float, ours: float, note: str) -> Row:
    return Row(name, allowed / 1e6, ours / 1e6, "MB", ours / allowed, note)


def build(kind: str, folder: Path) -> None:
    from benchmarks.ranking.ours import fitted
    from benchmarks.ranking.shelf import shelf

    world = World.load(folder)
    goods = shelf(kind, len(world.users), len(world.products))
    fitted(world, goods).save(folder / "model")


def ask(kind: str, folder: Path) -> None:
    from time import perf_counter

    import suitably as st
    from benchmarks.ranking.ours import GivenFactors
    from benchmarks.ranking.shelf import shelf

    imported = _resident("VmRSS")
    pipeline = st.load(folder / "model", verify="manifest", trusted=[GivenFactors])
    ranker = pipeline.ranker
    ranker.users.sum()  # the factors are mapped: counted only once they are read
    ranker.products.sum()
    loaded = _resident("VmRSS")
    start = perf_counter()
    found = pipeline.recommend(k=K)
    seconds = perf_counter() - start
    lists = found.lists
    print(
        json.dumps(
            {
                "users": len(found),
                "products": len(pipeline.product_ids),
                "title": shelf(kind, 1, len(pipeline.product_ids)).title,
                "imported": imported,
                "loaded": loaded,
                "peak": _resident("VmHWM"),
                "factors": ranker.users.nbytes + ranker.products.nbytes,
                "output": lists.products.nbytes + lists.scores.nbytes + lists.lengths.nbytes,
                "seconds": seconds,
            }
        )
    )


def _resident(name: str) -> float:
    """Read resident memory now (VmRSS) or at its height (VmHWM), in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return float(line.split()[1]) * PAGE_KB


if __name__ == "__main__":
    {"build": build, "ask": ask}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
