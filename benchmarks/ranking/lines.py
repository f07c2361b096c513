"""Which contenders meet, and the rows that come of it."""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.ranking.memory import memory_row
from benchmarks.ranking.one_customer import one_customer_rows
from benchmarks.ranking.oracle import brute_force, check_exact, check_peer, not_owned
from benchmarks.ranking.process import Contender
from benchmarks.ranking.shelf import shelf
from benchmarks.ranking.world import FACTORS, K, World, draw
from benchmarks.runner import Row, in_turns

__all__ = ["EVERY", "KINDS", "USERS", "lines"]

USERS, PRODUCTS = 200_000, 5_000
SAMPLE = 200
MORE_USERS = 5
KINDS = ("classes", "distinct")
FILTERED = ("implicit", "implicit-installed", "rectools", "rectools-installed")
PEERS = (*FILTERED, "implicit-unfiltered", "faiss")
EVERY = (*PEERS, "bare", "memory", "one-customer")
TARGETS = {**dict.fromkeys(FILTERED, 1 / 10), "implicit-unfiltered": 1 / 1.5, "faiss": 1 / 1.5}
WITH_NUMBA, WITHOUT_NUMBA = 2.5, 4.0
RECTOOLS = "SUITABLY_RECTOOLS_PYTHON"
BARE, PLAIN = "bare product", "without-numba"


def lines(
    users: int, only: Sequence[str] = EVERY, kinds: Sequence[str] = KINDS, rounds: int = 3
) -> list[Row]:
    """Measure.

    Args:
        users: How many customers.
        only: Which of `EVERY`.
        kinds: Which of `KINDS` of eligibility.
        rounds: How often everybody takes a turn.
    """
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        _say(f"load average {load:.1f} on {cores} cores: others are at work, figures will not hold")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = draw(users, PRODUCTS)
        world.save(folder)
        rows: list[Row] = []
        if set(only) - {"memory", "one-customer"}:
            rows += _lists_for_everybody(world, folder, only, kinds, rounds)
        if "one-customer" in only:
            rows += one_customer_rows(folder, kinds)
        if "memory" in only:
            more = folder / "more"
            more.mkdir()
            draw(users * MORE_USERS, PRODUCTS).save(more)
            rows += [row for kind in kinds for row in memory_row(more, kind)]
    return rows


def _lists_for_everybody(
    world: World, folder: Path, only: Sequence[str], kinds: Sequence[str], rounds: int
) -> list[Row]:
    names = [f"ours {kind}" for kind in kinds]
    if "bare" in only:
        names += [f"ours {kind} {PLAIN}" for kind in kinds]
    names += [BARE, *(peer for peer in PEERS if peer in only)]
    with ExitStack() as stack:
        contenders: dict[str, Contender] = {}
        for name in names:
            _say(f"preparing {name}")
            python = os.environ.get(RECTOOLS) if "rectools" in name else sys.executable
            if python:
                contenders[name] = stack.enter_context(Contender(name, folder, python))
        there = {name: one for name, one in contenders.items() if one.missing is None}
        _say(f"{rounds} rounds of {len(there)} contenders, one round to warm up")
        times = dict(zip(there, in_turns([one.run for one in there.values()], rounds), strict=True))
        notes = {name: one.note for name, one in there.items()}
        _check_ours(world, kinds, there)
        for peer in TARGETS:
            if peer in there:
                notes[peer] += f"; {_check_peers(world, peer, there[peer]):.1%} same sets"
        took = {name: one.took for name, one in there.items()}

    roof = took[BARE]["roofline"]
    rows = []
    for kind in kinds:
        title = shelf(kind, 1, PRODUCTS).title
        size = f"top {K}, {len(world.users):,} x {PRODUCTS:,} x {FACTORS}, {title}"

        def row(ours: str, peer: str, target: float, size: str = size) -> Row:
            ratio = median(a / b for a, b in zip(times[ours], times[peer], strict=True))
            note = f"{notes[peer]}; target {target:.2g}"
            return Row(size, median(times[peer]), median(times[ours]), "s", ratio, note, roof)

        for peer in PEERS:
            if peer in there:
                rows.append(row(f"ours {kind}", peer, TARGETS[peer]))
            elif peer in only:
                rows.append(_skipped(size, peer, median(times[f"ours {kind}"]), contenders, roof))
        if "bare" in only:
            rows.append(row(f"ours {kind}", BARE, WITH_NUMBA, f"{size}, numba"))
            rows.append(row(f"ours {kind} {PLAIN}", BARE, WITHOUT_NUMBA, f"{size}, NumPy alone"))
        for step, seconds in took[f"ours {kind}"].items():
            rows.append(Row(f"{step}, {title}", None, seconds, "s", None, "one call, not above"))
    note = f"float32 product of {took[BARE]['side']:.0f} squared: the roofline's divisor"
    rows.append(Row("measured peak", None, took[BARE]["peak gflops"], "GFLOP/s", None, note))
    return rows


def _check_ours(world: World, kinds: Sequence[str], there: dict[str, Contender]) -> None:
    for kind in kinds:
        rows = _sample(world)
        goods = shelf(kind, len(world.users), len(world.products))
        truth = brute_force(world, rows, goods.mask(rows) & not_owned(world, rows))
        for name in (f"ours {kind}", f"ours {kind} {PLAIN}"):
            if name in there:
                check_exact(there[name].lists().of(rows), truth, name)


def _check_peers(world: World, peer: str, contender: Contender) -> float:
    rows = _sample(world)
    allowed = not_owned(world, rows)
    if peer not in FILTERED:
        allowed[:] = True
    truth = brute_force(world, rows, allowed)
    return check_peer(contender.lists().of(rows), truth, world, rows)


def _sample(world: World) -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.choice(len(world.users), min(SAMPLE, len(world.users)), replace=False)


def _skipped(
    size: str, peer: str, ours: float, contenders: dict[str, Contender], roof: float
) -> Row:
    if peer in contenders:
        why = f"no module {contenders[peer].missing!r} here"
    else:
        why = f"{RECTOOLS} does not name an interpreter that has it"
    return Row(size, None, ours, "s", None, f"SKIPPED {peer}: {why}", roof)


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
