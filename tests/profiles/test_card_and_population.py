"""What people read of profiles: rounded, with units, and nobody can be told by it."""

from datetime import date, datetime

import pandas as pd
import polars as pl
import pytest

import suitably as st
from suitably.profiles import RecencyFrequencyValue, RiskAppetite
from suitably.profiles.population import _safe
from suitably.profiles.shown import shown_value
from suitably.report import Report

USERS = pd.DataFrame({
    "user_id": [f"ann-{i}" for i in range(12)],
    "name": [f"Person {i}" for i in range(12)],
    "birth_date": date(1980, 1, 1),
    "risk_level": ["C1"] * 6 + ["C2"] * 5 + ["C3"],
})  # fmt: skip
LOG = pd.DataFrame({
    "user_id": [f"ann-{i % 10}" for i in range(30)], "product_id": "a",
    "timestamp": pd.date_range("2024-01-01", periods=30), "value": 10.0,
})  # fmt: skip


def builders() -> list:
    return [RecencyFrequencyValue(), RiskAppetite(date=None, valid_months=None)]


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (None, "share", "–"),
        (float("nan"), "", "–"),
        (True, "", "yes"),
        (0, "events", "0 events"),
        (1234.56, "money", "1,235"),
        (0.0004, "share", "0.0 %"),
        (3.14159, "", "3.14"),
        (0.000123, "", "0.00012"),
        (12.6, "days", "13 days"),
        (date(2024, 2, 29), "", "2024-02-29"),
        (datetime(2024, 2, 29, 13, 30, 59), "", "2024-02-29 13:30"),
        ({}, "share", "none"),
        ([], "", "none"),
        (["a", "b"], "", "a, b"),
        ({"a": 0.1, "b": 0.4, "c": 0.3, "d": 0.2}, "share", "b 40.0 %, c 30.0 %, d 20.0 %, 1 more"),
        ({"a": None, "b": 2.0}, "money", "b 2, a –"),
    ],
)
def test_values_as_they_are_read(value: object, unit: str, wanted: str) -> None:
    assert shown_value(value, unit) == wanted


def test_a_card_names_nobody() -> None:
    found = st.profiles.card(builders(), st.Dataset(USERS, None, LOG), "ann-3", "2024-02-10")
    page = Report("Card").add_result(found, "One customer").html()
    for written in (found._repr_html_(), repr(found), page, str(found.sections("x"))):
        for secret in ("ann-3", "Person 3", "1980"):
            assert secret not in written
    assert found.groups["RiskAppetite"][0] == ("risk level", "C1", "stated: users.risk_level", "")
    lines = {line[0]: line[1] for line in found.groups["RecencyFrequencyValue"]}
    assert lines == {"recency days": "17 days", "frequency": "3 events", "monetary": "30",
                     "rfv segment": "loyal"}  # fmt: skip
    assert found.as_of == "2024-02-10"


def test_a_card_is_what_the_profile_of_everybody_says() -> None:
    data = st.Dataset(USERS, None, LOG)
    everybody = st.profiles.build(builders(), data, "2024-02-10").set_index("user_id")
    for user in ("ann-0", "ann-11"):
        found = st.profiles.card(builders(), data, user, "2024-02-10")
        lines = {name: value for group in found.groups.values() for name, value, *_ in group}
        assert lines["frequency"] == f"{everybody.loc[user, 'frequency']} events"
        assert lines["risk level"] == everybody.loc[user, "risk_level"]


def test_a_stranger_has_no_card() -> None:
    with pytest.raises(st.DataError, match="no such user"):
        st.profiles.card(builders(), st.Dataset(USERS, None, LOG), "bob")
    with pytest.raises(st.DataError, match="one type of id"):
        st.profiles.card(builders(), st.Dataset(USERS, None, LOG), 7)


def test_a_population_withholds_small_groups() -> None:
    found = st.profiles.population(builders(), st.Dataset(USERS, None, LOG), "2024-02-10")
    levels = [row[1:3] for row in found.values if row[0] == "risk_level"]
    assert levels == [("C1", 6), ("C2", "few"), ("C3", "few")]
    assert found.summary[0] == ("recency_days", "observed", "days", 10, 10 / 12)
    assert ("monetary", "money", "0", "30", "30", "30", "30") in found.spread
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc[frame.value == "C3", "users"].isna().all()
    for written in (found._repr_html_(), found.report("Everybody").html()):
        assert "C3" in written
        assert "ann-" not in written
    assert repr(found) == "Population(12 users, 6 fields)"


def test_cohorts_by_year_of_joining() -> None:
    log = pd.DataFrame({"user_id": [f"ann-{i}" for i in [*range(6), *range(3), 7]],
                        "product_id": "a",
                        "timestamp": ["2022-05-01"] * 6 + ["2023-05-01"] * 4})  # fmt: skip
    builder = RecencyFrequencyValue()
    found = st.profiles.population([builder], st.Dataset(USERS, None, log), "2023-12-31")
    assert found.cohorts == [
        ("2022", 6, "100.0 %", "50.0 % so far"),
        ("2023", "few", "few so far", ""),
    ]
    undated = st.Dataset(USERS, None, log.drop(columns="timestamp"))
    assert st.profiles.population([RecencyFrequencyValue()], undated).cohorts == []
    nameless = log.assign(timestamp=log.timestamp + "T00:00+02:00")
    assert st.profiles.population([RecencyFrequencyValue()],
                                  st.Dataset(USERS, None, nameless)).cohorts == []  # fmt: skip


def test_kinds_of_frames() -> None:
    data = st.Dataset(pl.from_pandas(USERS), None, pl.from_pandas(LOG))
    found = st.profiles.population(builders(), data)
    assert isinstance(found.to_frame(), pl.DataFrame)


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ([9, 8, 1], [9, "few", "few"]),
        ([9, 1, 1], [9, "few", "few"]),
        ([1], ["few"]),
        ([5, 7], [5, 7]),
        ([], []),
    ],
)
def test_what_is_withheld(counts: list, wanted: list) -> None:
    assert [shown for shown, _ in _safe(counts, 20, 5)] == wanted


@pytest.mark.parametrize("least", [0, -1, True, 1.5, "5"])
def test_a_threshold_that_is_none(least: object) -> None:
    with pytest.raises(ValueError, match="least="):
        st.profiles.population([], st.Dataset(USERS, None, LOG), least=least)


def test_stated_against_revealed() -> None:
    products = pd.DataFrame({"product_id": ["a"], "risk_level": ["R1"]})
    builder = RiskAppetite(date=None, valid_months=None, scale=["C1", "C2", "C3"],
                           product_scale=["R1", "R2", "R3"])  # fmt: skip
    found = st.profiles.population([builder], st.Dataset(USERS, products, LOG))
    assert [row[:3] for row in found.stated] == [("C1", "C1", "few"), ("C2", "C1", "few")]
    assert "revealed level" in found._repr_html_()
