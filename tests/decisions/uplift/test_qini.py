from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.decisions import auuc, qini
from suitably.errors import DataError

EFFECT, TREATED, OUTCOME = [4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]


def test_areas_by_hand():
    # Cuts at 1/2, 3/4 and 1 (at 1/4 nobody is untreated): means 1 - 0, 1/2 - 0 and 1/2 - 1/2,
    # gains 1/2, 3/8 and 0; trapezia 1/8 + 7/64 + 3/64.
    found = auuc(EFFECT, TREATED, OUTCOME)
    assert found.value == pytest.approx(18 / 64, abs=1e-12)
    assert found.to_frame()["share"].tolist() == [0, 0.5, 0.75, 1]
    assert found.to_frame()["gain"].tolist() == pytest.approx([0, 0.5, 0.375, 0])
    # Approached at random, the four gain nothing.
    assert qini(EFFECT, TREATED, OUTCOME).value == pytest.approx(18 / 64, abs=1e-12)


def test_known_probabilities_weigh_by_hand():
    # Weights of the treated 1/p = 4/3 and 4, of the others 1/(1-p) = 4/3 and 4; cut at 1/2: 1 - 0;
    # at 3/4: (4/3 * 1 + 4 * 0) / (16/3) = 1/4 less 0; at 1: 1/4 less (4 * 1) / (16/3) = 3/4.
    found = auuc(EFFECT, TREATED, OUTCOME, [0.75, 0.25, 0.25, 0.75])
    assert found.to_frame()["gain"].tolist() == pytest.approx([0, 0.5, 0.1875, -0.5])


def test_a_number_and_a_column_are_the_same_probability():
    rng = np.random.default_rng(0)
    effect, treated, outcome = rng.normal(size=99), rng.random(99) < 0.3, rng.random(99)
    one = qini(effect, treated, outcome, 0.3)
    assert one.to_dict() == qini(effect, treated, outcome, np.full(99, 0.3)).to_dict()
    # What is the same for all cancels.
    assert one.value == pytest.approx(qini(effect, treated, outcome).value)


def test_a_constant_effect_has_no_qini():
    rng = np.random.default_rng(1)
    treated, outcome = rng.random(500) < 0.4, rng.random(500)
    found = qini(np.full(500, 0.02), treated, outcome)
    assert found.value == 0
    assert found.standard_error == pytest.approx(0, abs=1e-15)


CASE = st.lists(
    st.tuples(
        st.integers(-2, 2), st.booleans(), st.integers(0, 3), st.sampled_from([0.2, 0.5, 0.7])
    ),
    min_size=2,
    max_size=14,
).filter(lambda rows: 0 < sum(row[1] for row in rows) < len(rows))


def slowly(rows):
    """The area under the curve, cut by cut."""
    n, points = len(rows), [(0.0, 0.0)]
    for level in sorted({row[0] for row in rows}, reverse=True):
        chosen = [row for row in rows if row[0] >= level]
        means = []
        for group in (True, False):
            mine = [(y, 1 / (p if group else 1 - p)) for _, w, y, p in chosen if w is group]
            means.append(mine and sum(y * v for y, v in mine) / sum(v for _, v in mine))
        if all(mean != [] for mean in means):
            points.append((len(chosen) / n, len(chosen) / n * (means[0] - means[1])))
    area = sum((b - a) * (g + h) / 2 for (a, g), (b, h) in pairwise(points))
    return area, points[-1][1]


@given(CASE)
def test_against_a_slow_twin(rows):
    area, total = slowly(rows)
    columns = [list(column) for column in zip(*rows, strict=True)]
    assert auuc(*columns).value == pytest.approx(area, abs=1e-12)
    assert qini(*columns).value == pytest.approx(area - total / 2, abs=1e-12)


@given(CASE, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(rows, draw):
    shuffled = [(3 * row[0] + 7, *row[1:]) for row in rows]
    draw.shuffle(shuffled)
    one, two = (
        qini(*(list(column) for column in zip(*these, strict=True))) for these in (rows, shuffled)
    )
    assert one.value == pytest.approx(two.value, abs=1e-12)
    assert one.standard_error == pytest.approx(two.standard_error, abs=1e-12)


def draw(rng, n):
    x = rng.normal(size=n)
    chance = np.where(x > 0.5, 0.7, 0.3)
    treated = rng.random(n) < chance
    outcome = rng.random(n) < 0.2 + 0.1 * (x > 0) * treated
    return x, treated, outcome, chance


@pytest.mark.parametrize("area", [qini, auuc])
def test_standard_errors_against_repeated_campaigns(area):
    rng = np.random.default_rng(0)
    found = [area(*draw(rng, 500)) for _ in range(600)]
    spread = np.std([one.value for one in found])
    error = np.mean([one.standard_error for one in found])
    assert error == pytest.approx(spread, rel=0.15)  # the spread of 600 is known to 3 %


def test_standard_error_against_the_bootstrap():
    rng = np.random.default_rng(3)
    columns = draw(rng, 800)
    picks = rng.integers(0, 800, (500, 800))
    drawn = [qini(*(column[pick] for column in columns)).value for pick in picks]
    assert qini(*columns).standard_error == pytest.approx(np.std(drawn), rel=0.15)


def test_the_interval_is_the_normal_one():
    found = qini(*draw(np.random.default_rng(5), 400), alpha=0.1)
    assert found.high - found.value == pytest.approx(1.6448536 * found.standard_error)
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert float(found) == found.value
    assert set(found.to_dict()) >= {"value", "low", "high", "n", "treated", "control"}


def test_a_long_curve_is_thinned():
    frame = qini(*draw(np.random.default_rng(5), 4_000)).to_frame()
    assert list(frame) == ["share", "gain", "low", "high", "random"]
    assert len(frame) == 101
    assert frame.iloc[0].tolist() == [0.0] * 5
    assert frame["share"].iloc[-1] == 1
    assert frame["gain"].iloc[-1] == frame["random"].iloc[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": [1, 2, np.nan, 4]}, r"effect.*row 2"),
        ({"treatment": [1, 0, 2, 0]}, r"treatment.*row 2"),
        ({"treatment": [1, 1, 1, 1]}, "not evaluable: everybody was approached"),
        ({"treatment": [0, 0, 0, 0]}, "not evaluable: everybody was not approached"),
        ({"outcome": [1, None, 0, 0]}, "outcome.*row 1"),
        ({"outcome": [1, 0, 0]}, "outcome: has 3 rows, effect has 4"),
        ({"outcome": ["a", "b", "c", "d"]}, "outcome: must hold numbers"),
        ({"probability": [0.5, 0.5, 0.0, 0.5]}, "probability.*row 2"),
    ],
)
def test_bad_input_names_the_row(change, message):
    given = {"effect": EFFECT, "treatment": TREATED, "outcome": OUTCOME} | change
    with pytest.raises(DataError, match=message):
        qini(**given)


@pytest.mark.parametrize("bad", [0, 1, -0.1, 1.5])
def test_probability_and_alpha_lie_inside(bad):
    with pytest.raises(ValueError, match="probability="):
        qini(EFFECT, TREATED, OUTCOME, bad)
    with pytest.raises(ValueError, match="alpha="):
        qini(EFFECT, TREATED, OUTCOME, alpha=bad)
