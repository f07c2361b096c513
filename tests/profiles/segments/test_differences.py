"""Differences of segments from the rest, against means taken one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as any_

from suitably.profiles.segments.differences import Differences, rounded

ROWS = any_.lists(
    any_.tuples(
        any_.integers(-1, 3),
        any_.one_of(any_.just(float("nan")), any_.integers(-50, 50).map(lambda n: n / 4)),
        any_.one_of(any_.just(float("nan")), any_.sampled_from([0.0, 1.0])),
    ),
    min_size=1,
    max_size=30,
)


@given(ROWS, any_.integers(1, 4))
def test_as_one_by_one(rows: list, least: int) -> None:
    codes = np.array([row[0] for row in rows], np.int32)
    values = np.array([row[1:] for row in rows], float)
    found = Differences.of(["a", "b"], values, codes, 4, least)
    for field in range(2):
        known = [(c, v) for c, v in zip(codes, values[:, field], strict=True)
                 if c >= 0 and not np.isnan(v)]  # fmt: skip
        sizes = [sum(c == segment for c, _ in known) for segment in range(4)]
        hidden = any(0 < size < least for size in sizes)
        for segment in range(4):
            inside = [v for c, v in known if c == segment]
            outside = [v for c, v in known if c != segment]
            told = found.standardised[segment, field]
            if hidden or not inside or not outside or len(outside) < least:
                assert np.isnan(told)
                continue
            spread = np.std([v for _, v in known])
            away = np.mean(inside) - np.mean(outside)
            assert told == pytest.approx(away / spread if spread else 0, abs=1e-9)
            assert found.inside[segment, field] == pytest.approx(np.mean(inside), abs=1e-9)


def test_the_rest_loses_no_digits_to_a_large_segment() -> None:
    values = np.array([[1e15], [1e15], [0.1], [0.2]])
    codes = np.array([0, 0, 1, 1], np.int32)
    assert Differences.of(["a"], values, codes, 2).outside[0, 0] == pytest.approx(0.15)


def test_words_by_size() -> None:
    told = Differences(("a", "b", "c", "d"), np.ones((1, 4)), np.zeros((1, 4)),
                       np.array([[0.2, -0.5, 0.8, 0.19]]))  # fmt: skip
    assert told.words(0) == (
        "much higher c (1, others 0); lower b (1, others 0); slightly higher a (1, others 0)"
    )
    assert told.words(0, leave_out=["c"]).startswith("lower b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234567.0, "1,230,000"),
        (0.00012345, "0.000123"),
        (-0.5, "-0.5"),
        (99.96, "100"),
    ],
)
def test_three_digits(value: float, text: str) -> None:
    assert rounded(value) == text
