"""The paired bootstrap of ten metrics at once, against SciPy's of one."""

import resource
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.runner import Row, paired
from suitably.evaluation.statistics import resampled_means

USERS, METRICS, RESAMPLES = 200_000, 10, 1_000


def run() -> list[Row]:
    rng = np.random.default_rng(0)
    gains = rng.exponential(size=(USERS, METRICS)) - 0.99
    _check(gains)
    before = _peak()
    resampled_means(gains, RESAMPLES, seed=1)
    note = f"{METRICS} metrics, over SciPy's of one; wanted 1/3; {_peak() - before:.0f} MB more"
    title = f"paired bootstrap, {RESAMPLES:,} resamples of {USERS:,} users"
    return [
        paired(
            title,
            lambda: resampled_means(gains, RESAMPLES, seed=1),
            lambda: _scipy(gains[:, 0]),
            note,
            rounds=3,
        )
    ]


def _scipy(gains: NDArray[Any]) -> Any:
    rng = np.random.default_rng(2)
    return stats.bootstrap(
        (gains,), np.mean, n_resamples=RESAMPLES, method="percentile", batch=20, rng=rng
    )


def _check(gains: NDArray[Any]) -> None:
    """Hold the standard error against SciPy's and the analytic one, within what resamples tell."""
    expected = gains.std(axis=0) / np.sqrt(USERS)
    ours = resampled_means(gains, RESAMPLES, seed=1).std(axis=0)
    assert np.allclose(ours, expected, rtol=0.12), (ours, expected)
    assert np.isclose(_scipy(gains[:, 0]).standard_error, expected[0], rtol=0.12)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
