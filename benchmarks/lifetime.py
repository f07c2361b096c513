"""Fitting models of lifetime value to a million customers: seconds, memory, what is recovered."""

import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.runner import Row, seconds
from suitably.profiles import BetaGeo, BetaGeoParams, GammaGamma, GammaGammaParams, LifetimeValue

CUSTOMERS, ROUNDS = 1_000_000, 5
DAYS = 1_000
PURCHASES = BetaGeoParams(0.24, 31.0, 0.79, 2.4)
SPEND = GammaGammaParams(6.0, 4.0, 15.0)
NOISE = 0.1
"""How far the logarithm of a recovered parameter may lie from the right one: days are rounded."""
START = pd.Timestamp("2021-01-01")


def run() -> list[Row]:
    # A process of its own has a peak of memory of its own.
    with get_context("spawn").Pool(1) as pool:
        models = pool.apply(of_models)
    with get_context("spawn").Pool(1) as pool:
        builder = pool.apply(of_builder)
    return models + builder


def of_models() -> list[Row]:
    frequency, recency, age, mean = customers(CUSTOMERS)
    fits: dict[str, Any] = {
        "BetaGeo": lambda: BetaGeo().fit(frequency, recency, age),
        "GammaGamma": lambda: GammaGamma().fit(frequency, mean),
    }
    rows = [_timed(f"{name}.fit, {CUSTOMERS:,} customers", fit) for name, fit in fits.items()]
    for name, right in {"BetaGeo": PURCHASES, "GammaGamma": SPEND}.items():
        found = fits[name]().params_
        away = float(np.abs(np.log(found) - np.log(right)).max())
        assert away < NOISE, f"{name}: {found} is not {right}"
        rows.append(_row(f"{name}, farthest parameter", away, "of its logarithm", "of simulation"))
    model = fits["BetaGeo"]()
    ahead = lambda: model.expected_purchases(365, frequency, recency, age, rate=0.0003)  # noqa: E731
    rows.append(_timed(f"discounted purchases of {CUSTOMERS:,}", ahead))
    return [*rows, _row("models, peak memory", _peak(), "GB", "data and models, one process")]


def of_builder() -> list[Row]:
    data, as_of = log(CUSTOMERS)
    before = _peak()
    builder = LifetimeValue()
    fit = _timed(f"LifetimeValue.fit, {len(data.interactions):,} events",
                 lambda: builder.fit(data, as_of))  # fmt: skip
    view = data.view(as_of)
    state = builder.accumulate(view)
    fields = _timed("LifetimeValue, three fields", lambda: builder.finalise(state, view.as_of))
    return [
        fit,
        fields,
        _row("LifetimeValue, peak memory", _peak(), "GB", f"{before:.2f} when the log was made"),
    ]


def customers(count: int) -> tuple[np.ndarray, ...]:
    """Draw repeat purchases from the models, in days: frequency, recency, T and mean amount."""
    rng = np.random.default_rng(0)
    whose, day, age = _purchases(rng, count)
    frequency = np.bincount(whose, minlength=count).astype(float)
    recency = np.zeros(count)
    np.maximum.at(recency, whose, day)
    rate = rng.gamma(SPEND.q, 1 / SPEND.v, count)
    many = np.maximum(frequency, 1)
    mean = np.where(frequency > 0, rng.gamma(SPEND.p * many) / rate / many, 0.0)
    return frequency, recency, age, mean


def log(count: int) -> tuple[st.Dataset, pd.Timestamp]:
    """Draw the same as a log, first purchases included."""
    rng = np.random.default_rng(0)
    whose, day, age = _purchases(rng, count)
    users = np.append(np.arange(count), whose)
    rate = rng.gamma(SPEND.q, 1 / SPEND.v, count)
    days = (DAYS - age)[users] + np.append(np.zeros(count), day)
    frame = pd.DataFrame(
        {
            "user_id": users,
            "product_id": 0,
            "timestamp": START + pd.to_timedelta(days, unit="D"),
            "value": rng.gamma(SPEND.p, size=len(users)) / rate[users],
        }
    )
    people = pd.DataFrame({"user_id": np.arange(count)})
    return st.Dataset(people, None, frame), START + pd.Timedelta(days=DAYS)


def _purchases(rng: Any, count: int) -> tuple[np.ndarray, ...]:
    """Return who buys again and on which day after the first, each day once, and the days seen."""
    rates = rng.gamma(PURCHASES.r, 1 / PURCHASES.alpha, count)
    leave = rng.beta(PURCHASES.a, PURCHASES.b, count)
    age = rng.integers(1, DAYS, count).astype(float)
    now, active, found = np.zeros(count), np.arange(count), []
    while len(active):
        now[active] += rng.exponential(1, len(active)) / rates[active]
        active = active[now[active] <= age[active]]
        found.append((active, np.ceil(now[active])))
        active = active[rng.random(len(active)) >= leave[active]]
    pairs = np.unique(np.concatenate([w * 10_000 + d.astype(int) for w, d in found]))
    whose, day = pairs // 10_000, (pairs % 10_000).astype(float)
    kept = day <= age[whose]
    return whose[kept], day[kept], age


def _timed(name: str, call: Any) -> Row:
    """Give the median of some runs after one to warm up, and the processor's seconds of one."""
    call()
    start = time.process_time()
    times = [seconds(call) for _ in range(ROUNDS)]
    work = (time.process_time() - start) / ROUNDS
    note = (
        f"median of {ROUNDS}, {min(times):.2g} to {max(times):.2g}; {work:.2g} s of one processor"
    )
    return _row(name, median(times), "s", note)


def _row(name: str, ours: float, unit: str, note: str) -> Row:
    return Row(name, None, ours, unit, None, note)


def _peak() -> float:
    """Give the largest resident memory of this process so far, in 10⁹ bytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9
