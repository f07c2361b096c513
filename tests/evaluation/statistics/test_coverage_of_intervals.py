"""How often intervals cover, and how often equal arms would ship: short here, long when asked.

`python -m pytest -m long -s tests/evaluation/statistics/test_coverage_of_intervals.py` prints the
tables of the docs page on statistics.
"""

import importlib

import numpy as np
import pytest

from suitably.evaluation.abtest.decision import decide
from suitably.evaluation.statistics import (
    PairedSample,
    bootstrap,
    clustered,
    default_statistic,
    delta_ratio,
    paired_t,
    sign_flip,
    wilcoxon,
)

RUNS = 10_000


def symmetric(rng, n):
    """Differences of two draws from the same skewed distribution."""
    return rng.exponential(size=n), rng.exponential(size=n)


def skewed(rng, n):
    """Differences that are mostly small and rarely large, of mean 0."""
    return np.zeros(n), rng.exponential(size=n) - 1


def tied(rng, n):
    """Hits: nine of ten users are alike in both arms, and the others gain or lose one."""
    return np.zeros(n), rng.choice([-1.0, 0.0, 1.0], n, p=[0.05, 0.9, 0.05])


WORLDS = {"symmetric": symmetric, "skewed": skewed, "tied": tied}


def sample_of(world, rng, n):
    control, treatment = WORLDS[world](rng, n)
    return PairedSample(
        control, treatment, np.arange(n), bounds=(-1, 1) if world == "tied" else None
    )


def coverage(statistic, world, n, runs, seed=0):
    """Return how often 0 lies in the interval, and how often there is none."""
    rng = np.random.default_rng(seed)
    inside = missing = shipped = 0
    for _ in range(runs):
        found = statistic(sample_of(world, rng, n), 0.05)
        missing += np.isnan(found.low)
        inside += found.low <= 0 <= found.high
        shipped += found.low > 0
    judged = max(1, runs - missing)
    return inside / judged, missing / runs, shipped / runs


def near(share, wanted, runs, sigmas=5):
    return abs(share - wanted) < sigmas * np.sqrt(wanted * (1 - wanted) / runs)


@pytest.mark.parametrize("statistic", [paired_t, default_statistic], ids=["t", "default"])
@pytest.mark.parametrize("world", sorted(WORLDS))
def test_three_hundred_users(statistic, world):
    """A thousand runs, within five standard errors of 95 % – and of 94 % where it is skewed."""
    share, missing, shipped = coverage(statistic, world, 300, 1_000)
    assert missing == 0
    assert near(share, 0.95, 1_000, sigmas=6)
    assert shipped < 0.025 + 5 * np.sqrt(0.025 * 0.975 / 1_000)


def windows_of(rng, users=150, count=6, length=180, every=30, market=0.3, gain=0.0):
    """Rolling windows that overlap: a user's taste, each day's market, noise, a gain in errors."""
    days = np.arange(every * (count - 1) + length)
    shocks = market * rng.normal(size=len(days))
    taste = rng.normal(size=users)
    noise = rng.normal(size=(users, len(days)))
    spans = np.array([[every * n, every * n + length] for n in range(count)], float)
    gains = [
        0.05 * taste + shocks[int(a) : int(b)].mean() * 3 + noise[:, int(a) : int(b)].mean(axis=1)
        for a, b in spans
    ]
    users_of = np.tile(np.arange(users), count)
    windows = np.repeat(np.arange(count), users)
    values = np.concatenate(gains)
    error = np.bincount(users_of, values).std() / count / np.sqrt(users)
    values += gain * error
    return PairedSample(np.zeros(len(values)), values, users_of, windows=windows, spans=spans)


def false_ships(statistic, runs, seed=0, **world):
    rng = np.random.default_rng(seed)
    words = [
        decide("m", statistic(windows_of(rng, **world), 0.05), [], 0.05)[0] for _ in range(runs)
    ]
    return words.count("ship") / runs, words.count("do not ship") / runs


def test_windows_that_overlap_do_not_ship_by_their_market():
    """A market that moves all users of neighbouring windows fools users alone as units."""
    fooled, _ = false_ships(paired_t, 120)
    ship, _ = false_ships(default_statistic, 120)
    assert fooled > 0.15
    assert ship < 0.1


def test_windows_without_a_market_are_not_too_shy_to_tell():
    ship, stop = false_ships(default_statistic, 200, market=0.0)
    assert ship + stop < 0.1


@pytest.fixture
def draws_remembered(monkeypatch):
    """Draw the weights of a seed once, as every call of a bootstrap draws the same ones again."""
    module = importlib.import_module("suitably.evaluation.statistics.bootstrap")
    for name in ("_multinomial", "_exponential"):
        drawn, draw = {}, getattr(module, name)

        def remembered(rng, rows, users, drawn=drawn, draw=draw):
            key = rng.bit_generator.state["state"]["state"], rows, users
            if key not in drawn:
                drawn[key] = draw(rng, rows, users)
            return drawn[key]

        monkeypatch.setattr(module, name, remembered)


def test_draws_that_are_remembered_are_the_ones_drawn(request):
    sample = sample_of("skewed", np.random.default_rng(0), 300)
    statistics = [bootstrap(method) for method in ("percentile", "bca", "bayesian")]
    drawn = [statistic(sample, 0.05) for statistic in statistics]
    request.getfixturevalue("draws_remembered")
    for _ in range(2):
        assert [statistic(sample, 0.05) for statistic in statistics] == drawn


@pytest.mark.long
def test_coverage_of_every_interval(draws_remembered):
    statistics = {
        "paired t": paired_t,
        "default": default_statistic,
        "Wilcoxon": wilcoxon,
        "sign flips": sign_flip(resamples=999),
        "bootstrap, percentile": bootstrap("percentile"),
        "bootstrap, BCa": bootstrap("bca"),
        "bootstrap, Bayesian": bootstrap("bayesian"),
    }
    print("\n| interval | users | " + " | ".join(WORLDS) + " |")
    for n in (30, 300, 3_000):
        for name, statistic in statistics.items():
            cells = []
            for world in WORLDS:
                share, missing, shipped = coverage(statistic, world, n, RUNS)
                cells.append(f"{share:.3f} ({missing:.3f}; {shipped:.3f})")
                if name in ("paired t", "default") and (n == 3_000 or world == "symmetric"):
                    assert 0.94 <= share <= 0.96, (name, n, world, share)
            print(f"| {name} | {n} | {' | '.join(cells)} |", flush=True)


@pytest.mark.long
def test_the_whole_decision_on_equal_arms():
    print()
    worlds = {
        "six, a month apart": {},
        "twenty, a month apart": {"count": 20},
        "six, half a year apart": {"every": 180},
        "two, half a year apart": {"count": 2, "every": 180},
        "three, half a year apart": {"count": 3, "every": 180},
    }
    for name, world in worlds.items():
        for label, statistic in {"default": default_statistic, "users alone": paired_t}.items():
            shipped = [
                false_ships(statistic, RUNS, market=market, **world)[0]
                for market in (0.0, 0.1, 0.3)
            ]
            shipped += [
                false_ships(statistic, RUNS // 20, market=0.0, gain=gain, **world)[0]
                for gain in (3, 5, 8)
            ]
            print(f"| {name} | {label} |", " | ".join(f"{one:.4f}" for one in shipped), flush=True)


@pytest.mark.long
def test_ratios_and_windows():
    rng = np.random.default_rng(0)
    inside = {"delta ratio": 0, "clustered": 0}
    for _ in range(RUNS):
        below = rng.poisson(3, (2, 300)) + 1.0
        above = below * rng.random((2, 300))
        ratio = PairedSample(*above, np.arange(300), denominators=below)
        found = delta_ratio(ratio, 0.05)
        inside["delta ratio"] += found.low <= 0 <= found.high
        found = clustered(windows_of(rng, users=60, count=4, market=0.0), 0.05)
        inside["clustered"] += found.low <= 0 <= found.high
    print({name: count / RUNS for name, count in inside.items()})
    assert 0.94 <= inside["delta ratio"] / RUNS <= 0.96
