"""Evidence by betting: hand-computed, against a slow twin, and never too much under the null."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suitably.monitoring.evidence import BETS, log_factor, start_weights, weigh

Values = NDArray[np.float64]


def day(values: Values) -> Values:
    return np.array([len(values), values.sum(), (values**2).sum()])


def slow(days: list[Values], low: float, high: float, weights: list[float]) -> list[list[float]]:
    """E-values day by day as the definition has them: a product per stake and first day."""
    found = []
    for end in range(1, len(days) + 1):
        sides = []
        for sign, level in ((1, high), (-1, low)):
            total = 1 - sum(weights[:end])
            for start in range(end):
                products = []
                for stake in BETS.tolist():
                    product = 1.0
                    for value in np.concatenate(days[start:end]).tolist():
                        y = sign * (value - level)
                        product *= math.exp(stake * y - (-math.log(1 - stake) - stake) * y * y)
                    products.append(product)
                total += weights[start] * sum(products) / len(products)
            sides.append(math.log(total))
        found.append(sides)
    return found


def test_a_day_by_hand() -> None:
    sums = np.array([100.0, 50.0, 50.0])  # above .3: sum of y is 20, of y squared 29
    won = log_factor(sums, np.array(0.2), np.array(0.3))
    assert won[0, 0] == pytest.approx(0.5 * 20 - (math.log(2) - 0.5) * 29)
    assert won[1, 0] == pytest.approx(0.25 * 20 - (math.log(4 / 3) - 0.25) * 29)


values = st.lists(st.floats(0, 1), min_size=0, max_size=4).map(lambda v: np.array(v, np.float64))


@given(st.lists(values, min_size=1, max_size=4), st.floats(0, 0.5), st.floats(0.5, 1))
def test_it_is_what_its_definition_says(days: list[Values], low: float, high: float) -> None:
    weights = start_weights(len(days))
    sums = np.stack([day(one) for one in days])
    found = weigh(sums, np.array(low), np.array(high), weights)
    expected = slow(days, low, high, weights.tolist())
    np.testing.assert_allclose(found.log, expected, atol=1e-9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2), st.floats(0.001, 0.999))
def test_a_stake_never_wins_on_average(pair: list[float], chance: float) -> None:
    """Any two values, met with any chance: at their own mean no factor is above 1 on average."""
    mean = np.array(chance * pair[0] + (1 - chance) * pair[1])
    first, second = (np.exp(log_factor(day(np.array([v])), mean, mean)) for v in pair)
    average = chance * first + (1 - chance) * second
    assert (average <= 1 + 1e-12).all()


def test_series_are_weighed_side_by_side_as_alone() -> None:
    rng = np.random.default_rng(0)
    tables = [np.stack([day(rng.random(5)) for _ in range(6)]) for _ in range(3)]
    low, high = np.array([0.1, 0.3, 0.4]), np.array([0.4, 0.5, 0.6])
    weights = start_weights(6)
    both = weigh(np.stack(tables, axis=2), low, high, np.repeat(weights[:, None], 3, axis=1))
    for index, table in enumerate(tables):
        alone = weigh(table, low[index], high[index], weights)
        np.testing.assert_allclose(both.log[..., index], alone.log)
        np.testing.assert_array_equal(both.since[..., index], alone.since)


def test_days_without_values_change_nothing() -> None:
    full, none = day(np.full(50, 0.9)), np.zeros(3)
    found = weigh(
        np.stack([full, none, none]), np.array(0.2), np.array(0.4), np.array([0.5, 0.0, 0.0])
    )
    assert found.log[0].tolist() == pytest.approx(found.log[2].tolist())


def test_the_most_likely_first_day_is_that_of_the_change() -> None:
    before, after = day(np.tile([0.0, 1.0], 100)), day(np.tile([0.0, 1.0, 1.0, 1.0], 50))
    found = weigh(
        np.stack([before] * 4 + [after] * 3), np.array(0.45), np.array(0.55), start_weights(7)
    )
    assert found.since[-1, 0] == 4


def test_weights_of_first_days_never_add_up_to_more_than_one() -> None:
    assert start_weights(10_000).sum() < 1
