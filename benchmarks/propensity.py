"""How probabilities of purchase are calibrated later, and how long a million customers take."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import suitably as st
from benchmarks.runner import Row
from suitably.decisions import Calibration, Propensity
from suitably.utils.parallel import cores, one_blas_thread, parallel

USERS, PRODUCTS = 10_000, 300
HORIZON = 90
MILLION, BLOCK = 1_000_000, 4096
DATA = Path(os.environ.get("SUITABLY_DATA", Path(__file__).parents[2] / "shared" / "data"))
BANK = ("2024-01-05", "2024-04-04", "2024-07-03", "2024-10-01")
FAR_TRANS = (
    *("2020-08-31", "2020-11-29", "2021-02-27", "2021-05-28", "2021-08-26", "2021-11-24"),
    "2022-02-22",
)


def run() -> list[Row]:
    bank = st.data.simulate_bank(USERS, PRODUCTS)
    free = st.Policy.unrestricted()
    rows = [figures("simulated bank, cn-csrc-amac", bank, "cn-csrc-amac", BANK)]
    rows.append(figures("simulated bank, unrestricted", bank, free, BANK))
    if (DATA / "far_trans").is_dir():
        data = st.data.far_trans(DATA / "far_trans")
        rows += [figures("FAR-Trans", data, free, [moment]) for moment in FAR_TRANS]
    return [*rows, million(bank)]


def figures(world: str, data: st.Dataset, policy: st.Policy | str, moments: Sequence[str]) -> Row:
    """Fit as of each moment on what lies before it, and pool the horizons after them."""
    pipeline = st.Pipeline(policy=policy, ranker=st.ranking.EASE())
    found = Propensity(pipeline, HORIZON).calibration(data, moments)
    return row(world, " to ".join(dict.fromkeys((moments[0], moments[-1]))), found)


def row(world: str, moments: str, found: Calibration) -> Row:
    ratios = [one.ratio for one in found.bins]
    inside = sum(0.8 <= ratio <= 1.25 for ratio in ratios)
    note = (
        f"{found.observed:,} bought, slope {found.slope:.2f}, {inside} of {len(ratios)} bins "
        f"within [.8, 1.25], {min(ratios):.2f} to {max(ratios):.2f}"
    )
    name = f"propensity, {world}, {HORIZON} days from {moments}"
    return Row(name, None, found.ratio, "bought over expected", None, note)


def million(bank: st.Dataset) -> Row:
    """Time the probabilities of a million customers' whole lists, scores given."""
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE())
    made = Propensity(pipeline, HORIZON, windows=2).fit(bank, BANK[0])
    candidates = made.pipeline_.candidates(made.pipeline_.user_ids[:BLOCK])
    told = made.probabilities(candidates)
    blocks = list(candidates.map(lambda places, part: (places, part)))
    pairs = sum(part.lists.scores.size for _, (_, part) in blocks)
    times = round(MILLION * PRODUCTS / pairs)
    start = time.perf_counter()
    work = [block for _, block in blocks] * times
    with one_blas_thread():
        total = sum(parallel(lambda block: float(np.sum(told(*block))), work))
    spent = time.perf_counter() - start
    assert total > 0
    return Row(
        f"propensity, {MILLION:,} customers x {PRODUCTS} products",
        None,
        spent,
        "s",
        None,
        f"{times * pairs / 1e6:.0f} million pairs, {cores()} cores; scores and lists given",
    )
