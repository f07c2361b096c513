"""Cut-offs that firms really use, and those that leave a customer without a level."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as draw

import suitably as st
from suitably.suitability.questionnaire import QuestionnaireScale

LEVELS = ["C1", "C2", "C3", "C4", "C5"]
ROUND = QuestionnaireScale(
    dict(zip(LEVELS, [(0, 19), (20, 39), (40, 59), (60, 79), (80, 100)], strict=True))
)
OPEN = QuestionnaireScale(
    dict(zip(LEVELS, [(None, 32), (33, 38), (39, 43), (44, 48), (49, None)], strict=True))
)
LATE = QuestionnaireScale(
    dict(zip(LEVELS, [(24, 34), (35, 48), (49, 62), (63, 80), (81, None)], strict=True))
)


@pytest.mark.parametrize(
    ("scale", "firsts"),
    [(ROUND, [20, 40, 60, 80]), (OPEN, [33, 39, 44, 49]), (LATE, [35, 49, 63, 81])],
)
def test_real_cut_offs(scale: QuestionnaireScale, firsts: list[int]) -> None:
    for below, (level, first) in enumerate(zip(LEVELS[1:], firsts, strict=True)):
        assert scale.level(first) == level
        assert scale.level(first - 1) == LEVELS[below]


@pytest.mark.parametrize("scale", [ROUND, OPEN, LATE])
@given(scores=draw.lists(draw.one_of(draw.none(), draw.integers(24, 100))))
def test_many_scores_are_as_one_at_a_time(
    scale: QuestionnaireScale, scores: list[int | None]
) -> None:
    def one(score: int | None) -> str | None:
        for level, (least, most) in scale.bands.items():
            if score is None:
                return None
            if (least is None or least <= score) and (most is None or score <= most):
                return str(level)
        return None

    assert scale.level(scores).tolist() == [one(score) for score in scores]
    assert [scale.level(score) for score in scores] == [one(score) for score in scores]


def test_a_firm_whose_code_sends_81_to_the_lowest_class() -> None:
    """`elif 63 <= score <= 80 … elif score > 81 … else lowest`: 81 has no band of its own."""
    with pytest.raises(ValueError, match="81 belongs to no level: 'C4' ends at 80"):
        QuestionnaireScale(
            {"C1": (24, 34), "C2": (35, 48), "C3": (49, 62), "C4": (63, 80), "C5": (82, None)}
        )
    assert LATE.level(81) == "C5"


@pytest.mark.parametrize(
    ("bands", "says"),
    [
        ({"C1": (0, 19), "C2": (25, 40)}, "20 to 24 belong to no level"),
        ({"C1": (0, 20), "C2": (20, 40)}, "overlap"),
        ({"C1": (0, 50), "C2": (20, 40)}, "overlap"),
        ({"C2": (20, 40), "C1": (0, 19)}, "out of order"),
        ({"C1": (0, None), "C2": (20, 40)}, "both bounds must be numbers"),
        ({"C1": (0, 19), "C2": (None, 40)}, "both bounds must be numbers"),
        ({"C1": (20, 0)}, "least 20 is above most 0"),
        ({"C1": (0, 19.5)}, "whole points"),
        ({"C1": (0, "19")}, "whole points"),
        ({"C1": (False, 19)}, "whole points"),
        ({"C1": (0, float("nan"))}, "whole points"),
        ({"C1": 19}, "whole points"),
        ({"C1": (0, 19, 20)}, "whole points"),
        ({}, "must map each level"),
        ([("C1", 0, 19)], "must map each level"),
        ({None: (0, 19)}, "must be text or a whole number"),
        ({"C1": (0, 19), 2: (20, 40)}, "all text or all whole"),
        ({"C1": (0, 10**30)}, "whole points"),
    ],
)
def test_bands_that_are_refused(bands: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        QuestionnaireScale(bands)


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (-1, "outside all bands"),
        (101, "outside all bands"),
        ([50, 101, -1], "2 values are outside all bands .0 to 100., such as 101, -1"),
        (19.5, "not whole points"),
        (float("inf"), "outside all bands"),
        ("50", "must be numbers"),
        (["50", None], "must be numbers"),
        (True, "must be numbers"),
        ([True, None], "must be numbers"),
        ([[50]], "one-dimensional"),
    ],
)
def test_scores_that_are_refused(score: Any, says: str) -> None:
    with pytest.raises(st.DataError, match=says):
        ROUND.level(score)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_is_missing(missing: Any) -> None:
    assert ROUND.level(missing) is None
    assert ROUND.level([50, missing]).tolist() == ["C3", None]


def test_columns() -> None:
    scores = np.array([0.0, 19.0, 20.0, np.nan, 100.0])
    wanted = ["C1", "C1", "C2", None, "C5"]
    assert ROUND.level(scores).tolist() == wanted
    assert ROUND.level(pd.Series(scores)).tolist() == wanted
    assert ROUND.level(pd.Series([0, 19, 20, pd.NA, 100], dtype="Int64")).tolist() == wanted
    assert ROUND.level([]).tolist() == []


def test_levels_may_be_whole_numbers_and_one_band_is_enough() -> None:
    scale = QuestionnaireScale({1: (None, 9), 2: (10, None)})
    assert scale.level([-5, 9, 10, 10_000]).tolist() == [1, 1, 2, 2]
    assert QuestionnaireScale({"all": (None, None)}).level([-1, 1]).tolist() == ["all", "all"]


def test_the_caller_cannot_change_the_bands_afterwards() -> None:
    bands: dict[str, tuple[int, int]] = {"C1": (0, 19), "C2": (20, 40)}
    scale = QuestionnaireScale(bands)
    bands["C2"] = (30, 40)
    assert scale.level(25) == "C2"
    with pytest.raises(TypeError):
        scale.bands["C2"] = (30, 40)
