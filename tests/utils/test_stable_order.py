"""The order by counting is that of a stable sort, whatever the numbers are."""

import numpy as np
import pytest

from suitably.utils.stable_order import stable_order

ROWS = 50_000
RNG = np.random.default_rng(0)
END = np.iinfo(np.int64)
CASES = {
    "none": np.zeros(0, np.int64),
    "alike": np.full(ROWS, 7),
    "few bins": RNG.integers(0, 5, ROWS),
    "one digit": RNG.integers(-1_000, 100_000, ROWS),
    "wide": RNG.integers(0, 2**46, ROWS),
    "nearly all in one bin": np.append(RNG.integers(0, 50, ROWS), 2**60),
    "the whole range": np.append(RNG.integers(END.min, END.max, ROWS), [END.min, END.max]),
    "two runs": np.append(np.arange(ROWS), np.arange(ROWS)),
    "falling": np.arange(ROWS)[::-1] // 3,
    "few": RNG.integers(0, 9, 100),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_order_of_a_stable_sort(name):
    numbers = CASES[name]

    assert stable_order(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()
