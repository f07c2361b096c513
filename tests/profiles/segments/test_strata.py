"""Strata: the cross of categories and of ranges, by fixed rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.profiles import Strata

PROFILES = pd.DataFrame({
    "user_id": list("abcdefg"),
    "monetary": [0.0, 999.99, 1000.0, 5000.0, 4999.0, None, 20_000.0],
    "risk_level": ["C1", "C3", "C3", "C1", None, "C1", "C3"],
    "active": pd.array([True, False, True, None, True, True, True], dtype="boolean"),
    "category_share": [{"fund": 0.2}, {}, None, {"fund": 0.9}, {"bond": 1.0}, {"fund": 0.5},
                       {"fund": 0.6}],
})  # fmt: skip


def strata(*fields: str, **limits: list[float]) -> Strata:
    return Strata(fields, limits or None).fit(PROFILES)


def test_numbers_are_parted_at_cut_points_that_begin_the_next_range() -> None:
    found = strata("monetary", monetary=[1000, 5000]).labels.segment.tolist()
    low, middle, high = "below 1,000", "from 1,000 to below 5,000", "from 5,000"
    assert found == [low, low, middle, high, middle, "unknown", high]


def test_the_cross_of_fields_in_their_order() -> None:
    found = strata("monetary", "risk_level", "active", monetary=[1000.5])
    described = found.describe()
    assert described.segment.tolist() == [
        "below 1,000.5 / C1 / true",
        "below 1,000.5 / C3 / false",
        "below 1,000.5 / C3 / true",
        "from 1,000.5 / C1 / unknown",
        "from 1,000.5 / C3 / true",
        "from 1,000.5 / unknown / true",
        "unknown / C1 / true",
    ]
    assert described["size"].tolist() == [1] * 7
    assert described.description[1].startswith(
        "monetary below 1,000.5, risk_level C3, active false"
    )


def test_the_description_adds_what_else_differs() -> None:
    found = strata("risk_level").describe().set_index("segment")
    assert found.loc["C1", "description"] == (
        "risk_level C1: much higher category_share.fund (0.533, others 0.2); "
        "much lower category_share.bond (0, others 0.333); higher active (1, others 0.75)"
    )
    assert "higher monetary (7,330, others 3,330)" in found.loc["C3", "description"]
    share = PROFILES.category_share.map(lambda m: np.nan if m is None else m.get("fund", 0.0))
    mine, spread = PROFILES.risk_level == "C1", share.std(ddof=0)
    expected = (share[mine].mean() - share[~mine].mean()) / spread
    assert found.loc["C1", "difference.category_share.fund"] == round(expected, 3)


def test_a_key_of_a_map_is_a_field() -> None:
    found = strata("category_share.fund", **{"category_share.fund": [0.5]}).labels.segment.tolist()
    assert found == ["below 0.5", "below 0.5", "unknown", "from 0.5", "below 0.5", "from 0.5",
                     "from 0.5"]  # fmt: skip


def test_fixed_rules_do_not_depend_on_others() -> None:
    fitted = strata("monetary", "risk_level", monetary=[1000])
    for user in range(7):
        alone = fitted.predict(PROFILES[user : user + 1]).segment.tolist()
        assert alone == fitted.labels.segment[user : user + 1].tolist()
    new = pd.DataFrame({"user_id": [1], "monetary": [3], "risk_level": ["C9"]})
    assert fitted.predict(new).segment.tolist() == ["below 1,000 / C9"]
    assert fitted.labels.segment.nunique() == 6


def test_stability_over_periods_alone() -> None:
    fitted = strata("risk_level")
    earlier = PROFILES.assign(risk_level=["C1", "C3", "C3", "C1", None, "C1", "C1"])
    found = fitted.stability(periods=[PROFILES, earlier])
    assert found.compared.tolist() == ["period", "period"]
    assert found.adjusted_rand[0] == 1.0
    # Together now 3, 3 and 1, before 4, 2 and 1; in both 3 + 1 pairs of 6 and 7, of 21.
    assert found.adjusted_rand[1] == pytest.approx((4 - 2) / (6.5 - 2))


@given(any_.lists(any_.one_of(any_.none(), any_.integers(-5, 30)), min_size=1, max_size=20),
       any_.lists(any_.integers(-3, 25), min_size=1, max_size=4, unique=True))  # fmt: skip
def test_each_user_is_in_one_stratum_by_rule(values: list, cuts: list[int]) -> None:
    cuts.sort()
    frame = pd.DataFrame({"user_id": range(len(values)), "v": pd.array(values, dtype="Int64")})
    found = Strata(["v"], {"v": cuts}).fit(frame)
    for value, name in zip(values, found.labels.segment, strict=True):
        place = None if value is None else sum(value >= cut for cut in cuts)
        expected = ("unknown" if place is None else f"below {cuts[0]}" if place == 0
                    else f"from {cuts[-1]}" if place == len(cuts)
                    else f"from {cuts[place - 1]} to below {cuts[place]}")  # fmt: skip
        assert name == expected
    assert found.describe()["size"].sum() == len(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "must be a list of one field or more"),
        (("risk_level",), "fields='risk_level'"),
        ((["risk_level", "risk_level"],), "each once"),
        ((["monetary"], {"income": [1]}), "'income' is none of the fields"),
        ((["monetary"], [1]), "must be a table of cut points"),
        ((["monetary"], {"monetary": [2, 1]}), "must be numbers, ascending"),
        ((["monetary"], {"monetary": []}), "must be numbers, ascending"),
        ((["monetary"], {"monetary": "ab"}), "must be numbers, ascending"),
        ((["monetary"], {"monetary": [1, float("nan")]}), "must be numbers, ascending"),
        ((["monetary"], {"monetary": 5}), "must be numbers, ascending"),
    ],
)
def test_parameters_out_of_range(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Strata(*arguments).fit(PROFILES)


def test_fields_that_will_not_do() -> None:
    with pytest.raises(st.DataError, match=r"profiles.monetary: holds numbers, and Strata has no"):
        strata("monetary")
    with pytest.raises(st.DataError, match=r"profiles.risk_level: holds text, which limits cannot"):
        strata("risk_level", risk_level=[1])
    with pytest.raises(st.DataError, match="no field 'risk'; did you mean risk_level"):
        strata("risk")
    with pytest.raises(st.DataError, match="by which nothing can be summed up"):
        strata("category_share")
    with pytest.raises(st.DataError, match="the frame is empty"):
        Strata(["risk_level"]).fit(PROFILES[:0])
    nothing = Strata(["risk_level"]).fit(PROFILES.assign(risk_level=None))
    assert nothing.describe().segment.tolist() == ["unknown"]
