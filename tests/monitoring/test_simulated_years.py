"""Simulated years: how often there is a false alarm, and how soon a shift is found.

Users are worth 0 or 1, which varies most; 60 series are watched for a year on a week's baseline.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from suitably.monitoring.baseline import baseline_intervals
from suitably.monitoring.evidence import start_weights, weigh

SERIES, ALPHA, TOLERANCE, WEEK = 60, 0.05, 0.02, 7
ERROR = ALPHA / 2 * 0.5 / SERIES


def days(rng: np.random.Generator, users: int, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = rng.binomial(users, shares).astype(np.float64)
    return np.stack([np.full(counts.shape, float(users)), counts, counts], axis=1)


def alarmed(before: NDArray[np.float64], since: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each day and series whether there is an alarm: (days, series)."""
    error = np.full(before.shape[2], ERROR)
    tables = [before[:, :, index] for index in range(before.shape[2])]
    low, high = baseline_intervals(tables, error, TOLERANCE)
    weights = np.repeat(start_weights(len(since))[:, None], before.shape[2], axis=1)
    found: NDArray[np.bool_] = (weigh(since, low, high, weights).log >= np.log(2 / ERROR)).any(1)
    return found


def false_years(years: int, users: int, share: float, moved: float, seed: int) -> int:
    """Count the years with any alarm, where every day's mean moves up or down by as much."""
    rng = np.random.default_rng(seed)
    width = years * SERIES

    def drawn(count: int) -> NDArray[np.float64]:
        signs = rng.choice([-1, 1], (count, width))
        return days(rng, users, np.clip(share + moved * signs, 0, 1))

    found = alarmed(drawn(WEEK), drawn(365)).any(axis=0)
    return int(found.reshape(years, SERIES).any(axis=1).sum())


def found_within_three_days(runs: int, users: int, share: float, quiet: int, seed: int) -> float:
    """Return the share of runs in which a shift of ten points up is found in time."""
    rng = np.random.default_rng(seed)
    steady = np.full((WEEK + quiet, runs), share)
    drawn = days(rng, users, np.concatenate([steady, np.full((3, runs), share + 0.1)]))
    found = alarmed(drawn[:WEEK], drawn[WEEK:])
    return float((found[quiet:].any(axis=0) & ~found[:quiet].any(axis=0)).mean())


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_no_false_alarm_in_a_few_years(share: float) -> None:
    """The bound is far away: by chance an alarm comes once in hundreds of such years at most."""
    assert false_years(3, 10_000, share, 0.0, seed=1) == 0


@pytest.mark.parametrize("quiet", [0, 60])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.88])
def test_a_shift_of_ten_points_is_found_within_three_days(share: float, quiet: int) -> None:
    assert found_within_three_days(20, 10_000, share, quiet, seed=2) == 1


@pytest.mark.long
@pytest.mark.parametrize("users", [300, 10_000])
@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("moved", [0.0, 0.01])
def test_false_alarms_of_a_thousand_years(users: int, share: float, moved: float) -> None:
    found = sum(false_years(50, users, share, moved, seed) for seed in range(20))
    print(f"{users} users a day, {share}, moved {moved}: {found} of 1,000 years")
    assert found <= 50


@pytest.mark.long
@pytest.mark.parametrize("users", [2500, 10_000])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.85])
@pytest.mark.parametrize("quiet", [0, 30, 300])
def test_how_soon_a_shift_is_found(users: int, share: float, quiet: int) -> None:
    found = found_within_three_days(2000, users, share, quiet, seed=3)
    print(f"{users} users a day, {share}, after {quiet} days: found in time {found:.1%}")
    assert found >= 0.95
