import sys

import numpy as np
import pandas as pd
import pytest

from suitably.decisions import Uplift
from suitably.decisions.uplift.overlap import overlap_of
from suitably.errors import DataError


def frame(n=200, **columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.uniform(20, 80, n),
            "approached": np.arange(n) % 2 == 0,
            "bought": rng.random(n) < 0.3,
            **columns,
        }
    )


def changed(column, row, value):
    made = frame()
    made[column] = made[column].astype(object)
    made.loc[row, column] = value
    return made


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed("approached", 7, None), "approached: 1 of 200 values are missing, .* row 7"),
        (changed("bought", 7, None), "bought: 1 of 200 values are missing, .* row 7"),
        (frame(approached=np.where(np.arange(200) == 9, 2, np.arange(200) % 2)), "row 9.*0 or 1"),
        (frame(bought=np.where(np.arange(200) == 9, np.inf, 1.0)), "bought.*row 9"),
        (frame(bought=np.where(np.arange(200) == 9, np.nan, 1.0)), "bought.*row 9"),
        (frame(approached="yes"), "approached: must hold numbers or booleans, not text"),
        (frame(approached=True), "not evaluable: everybody was approached"),
        (frame(approached=0), "not evaluable: everybody was not approached"),
        (frame().head(0), "not evaluable: it has no rows"),
        (frame().head(2), "not evaluable: 1 customers were approached, fewer than the 2 folds"),
        (frame().head(12), "not evaluable: those approached tell no more than"),
        (frame().rename(columns={"approached": "approach"}), "did you mean approach"),
        (frame(age=np.where(np.arange(200) == 3, np.inf, 1.0)), "age.*infinite"),
    ],
)
def test_what_cannot_be_used_names_the_row(given, message):
    with pytest.raises(DataError, match=message):
        Uplift().fit(given, "approached", "bought")


def test_not_a_frame():
    with pytest.raises(DataError, match="expected a pandas"):
        Uplift().fit([1, 2], "approached", "bought")


@pytest.mark.parametrize("bad", [0, 1, 1.5, -0.2, True, [0.5]])
def test_a_number_as_probability_lies_inside(bad):
    with pytest.raises(ValueError, match="probability="):
        Uplift().fit(frame(), "approached", "bought", bad)


@pytest.mark.parametrize("bad", [0.0, 1.0, 7.0, -0.5])
def test_probabilities_of_a_column_lie_inside(bad):
    chance = np.full(200, 0.5)
    chance[11] = bad
    with pytest.raises(DataError, match=r"chance.*row 11"):
        Uplift().fit(frame(chance=chance), "approached", "bought", "chance")
    chance[11] = np.nan
    with pytest.raises(DataError, match=r"chance.*row 11"):
        Uplift().fit(frame(chance=chance), "approached", "bought", "chance")
    with pytest.raises(DataError, match="did you mean chance"):
        Uplift().fit(frame(chance=chance), "approached", "bought", "chances")


def test_outcomes_before_their_treatment():
    at = pd.Series(pd.Timestamp("2024-07-01"), range(200))
    came = at + pd.Timedelta(days=3)
    came[5] = pd.NaT
    given = frame(at=at, came=came)
    fitted = Uplift().fit(given, "approached", "bought", 0.5, "at", "came")
    assert fitted.features_ == ("age",)
    given.loc[8, "came"] = pd.Timestamp("2024-06-30")
    with pytest.raises(DataError, match=r"came: 1 outcomes are before .* row 8: 2024-06-30"):
        Uplift().fit(given, "approached", "bought", 0.5, treated_at="at", outcome_at="came")
    with pytest.raises(DataError, match="time zone"):
        Uplift().fit(given.assign(at=at.dt.tz_localize("UTC")), "approached", "bought", 0.5,
                     "at", "came")  # fmt: skip
    with pytest.raises(DataError, match="at: must be dates"):
        Uplift().fit(given.assign(at=1), "approached", "bought", 0.5, "at", "came")


def test_groups_that_never_meet():
    given = frame(2_000, age=np.arange(2_000.0), approached=np.arange(2_000) >= 1_000)
    with pytest.raises(DataError, match=r"not evaluable: .* hardly overlap"):
        Uplift().fit(given, "approached", "bought")


def test_overlap_of_an_experiment():
    found = Uplift("s").fit(frame(), "approached", "bought", 0.5).overlap()
    assert (found.treated, found.control, found.shared, found.outside) == (100, 100, 1, 0)
    assert found.effective_treated == pytest.approx(100)
    assert found.effective_control == pytest.approx(100)
    assert found.evaluable
    assert not found.estimated
    estimated = Uplift("s").fit(frame(), "approached", "bought").overlap()
    assert estimated.estimated
    assert estimated.shared > 0.5


def test_effective_numbers_by_hand():
    # Weights of the approached 2 and 4: 36 / 20; of the others 2 and 4/3: (10/3)**2 / (52/9).
    found = overlap_of(
        np.array([True, True, False, False]), np.array([0.5, 0.25, 0.5, 0.25]), estimated=False
    )
    assert found.effective_treated == pytest.approx(1.8)
    assert found.effective_control == pytest.approx(100 / 52)
    assert not found.evaluable
    assert found.shared == 1


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"suitably\[decisions\]"):
        Uplift().fit(frame(), "approached", "bought")
