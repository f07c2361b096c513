"""The level of the window to come: by hand, at its limits, where it wanders and where it is hit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from suitably.profiles.churn.level_forecast import forecast_shift, level_offset


@given(
    st.lists(st.tuples(st.floats(1e-6, 1 - 1e-6), st.booleans()), min_size=1, max_size=60),
)
def test_the_mean_becomes_the_share_with_one_example_more(rows: list[tuple[float, bool]]) -> None:
    chances, happened = (np.array(column) for column in zip(*rows, strict=True))
    by = level_offset(chances, happened)
    share = (happened.sum() + chances.mean()) / (len(rows) + 1)
    assert expit(logit(chances) + by).mean() == pytest.approx(share, abs=1e-9)


def test_by_hand() -> None:
    """Windows of which neighbours do not overlap; two of the past have two before them."""
    offsets = np.array([2.0, 0.0, 1.0, 0.0])
    # As of each: known newest less their mean, and what came less it.
    off, came = [0 - 1 / 3, 1 - 1 / 2], [2 - 1 / 3, 0 - 1 / 2]
    squares, belief = np.dot(off, off), np.dot(off, off) / 2
    weight = np.clip((np.dot(off, came) + belief) / (squares + belief), 0, 1)
    assert forecast_shift(offsets, 1) == pytest.approx((1 - weight) * (0.75 - 2.0))


@pytest.mark.parametrize("offsets", [[], [1.0], [1.0, 5.0, 2.0, 4.0], [0.3] * 12])
def test_where_nothing_tells_the_newest_window_stands(offsets: list[float]) -> None:
    assert forecast_shift(np.array(offsets), 3) == 0


def test_of_a_level_that_is_hit_alone_little_is_taken_for_the_next() -> None:
    hit = np.array([4.0, 0, 0, 0, 4.0, 0, 0, 0, 4.0, 0, 0, 0])
    assert forecast_shift(hit, 1) < -2


def test_a_level_that_goes_on_stays_where_it_is() -> None:
    assert forecast_shift(np.arange(12.0), 3) == 0
    assert forecast_shift(-np.arange(12.0), 3) == 0


finite = st.lists(st.floats(-20, 20), max_size=12)


@given(finite, st.integers(1, 5))
def test_between_the_newest_and_the_mean(offsets: list[float], apart: int) -> None:
    found = forecast_shift(np.array(offsets), apart)
    to_mean = np.mean(offsets) - offsets[0] if offsets else 0.0
    assert min(0, to_mean) - 1e-12 <= found <= max(0, to_mean) + 1e-12


@given(finite, st.integers(1, 5), st.floats(-5, 5))
def test_only_differences_count(offsets: list[float], apart: int, by: float) -> None:
    rounded = np.round(np.array(offsets), 3)
    found, moved = (forecast_shift(rounded + add, apart) for add in (0.0, round(by, 3)))
    far = np.ptp(rounded) if len(rounded) else 0.0
    if far > 0.01 or far == 0:
        assert moved == pytest.approx(found, abs=1e-6 * (1 + far))
