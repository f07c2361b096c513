"""How well churn is calibrated on real customers, in windows after the fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suitably.data import Dataset, far_trans
from suitably.profiles import Churn, retention
from support.calibration import calibration_error, what_came


@pytest.fixture(scope="module")
def all_buys(shared_data: Path) -> Dataset:
    """The buys of 2018 and early 2019 with repeats: the only part of the log that is whole."""
    log = far_trans(shared_data / "far_trans").exact_buys()
    return Dataset(pd.DataFrame({"user_id": log.user_id.unique()}), None, log)


@pytest.mark.parametrize("as_of", ["2019-01-03", "2019-03-04", "2019-05-03"])
def test_a_quarter_ahead(all_buys: Dataset, as_of: str) -> None:
    chances, silent = what_came(all_buys, Churn(90), as_of)
    assert len(chances) > 19_000
    assert calibration_error(chances, silent) <= 0.03
    brier = ((chances - silent) ** 2).mean()
    assert brier < 0.9 * silent.mean() * (1 - silent.mean())


@pytest.mark.parametrize("as_of", ["2020-11-01", "2021-01-01", "2021-04-01", "2021-07-01"])
def test_half_a_year_ahead_on_first_buys(shared_data: Path, as_of: str) -> None:
    """Not within .03: the share that comes back moves by up to .05 from window to window."""
    chances, silent = what_came(far_trans(shared_data / "far_trans"), Churn(), as_of)
    assert calibration_error(chances, silent) <= 0.05
    brier = ((chances - silent) ** 2).mean()
    assert brier < 0.9 * silent.mean() * (1 - silent.mean())


def test_retention_of_real_cohorts(all_buys: Dataset) -> None:
    curves = retention(all_buys, "2019-07-01", by="quarter", silent_days=180)
    firsts = curves.groupby("cohort").first()
    assert list(firsts.index) == ["2018-Q1", "2018-Q2", "2018-Q3", "2018-Q4", "2019-Q1", "2019-Q2"]
    seen = pd.DataFrame(all_buys.interactions).groupby("user_id").timestamp.min()
    seen = seen[seen < "2019-07-01"].dt.to_period("Q").value_counts().sort_index()
    np.testing.assert_array_equal(firsts.at_risk, seen)
    assert (firsts.retained == 1).all()
    assert curves.groupby("cohort").retained.apply(lambda one: one.is_monotonic_decreasing).all()
    assert curves.loc[curves.lost > 0, "days"].min() == 180
    assert curves.days.max() < 545
