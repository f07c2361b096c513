"""The stated risk level: valid strictly after its date, strictly before its end, never raised."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.data import Columns, Dataset
from suitably.errors import DataError, NotFittedError
from suitably.profiles import RiskAppetite
from support.banks import first_users

LOG = pa.table({"user_id": [1], "product_id": ["p"], "timestamp": [date(2020, 1, 1)]})
DATES = [date(2023, 6, 30), date(2024, 2, 29), None, date(2030, 1, 1), date(2024, 1, 1)]
USERS = pa.table(
    {
        "user_id": [1, 2, 3, 4, 5],
        "risk_level": ["C3", "C1", "C5", "C2", None],
        "questionnaire_date": DATES,
    }
)


def profile(users: pa.Table, as_of: object, log: pa.Table = LOG, **arguments: object) -> pa.Table:
    data = Dataset(users, None, log)
    return RiskAppetite(**arguments).fit(data, as_of).transform(data)


def levels(users: pa.Table, as_of: object, **arguments: object) -> list[object]:
    return profile(users, as_of, **arguments)["risk_level"].to_pylist()


def test_by_hand() -> None:
    found = profile(USERS, "2024-06-29")
    assert found.column_names == ["user_id", "risk_level", "risk_review"]
    assert found["risk_level"].to_pylist() == ["C3", "C1", None, None, None]
    assert found["risk_review"].to_pylist() == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2023-06-30", None),
        ("2023-06-30T00:00:00.000001", "C3"),
        ("2024-06-29T23:59:59.999999", "C3"),
        ("2024-06-30", None),
    ],
)
def test_both_ends_are_strict(as_of: str, expected: str | None) -> None:
    assert levels(USERS, as_of)[0] == expected


@pytest.mark.parametrize(
    ("months", "last_day", "first_day_after"),
    [(12, "2025-02-27", "2025-02-28"), (48, "2028-02-28", "2028-02-29"), (1, None, "2024-03-29")],
)
def test_the_end_is_clamped_to_the_month(
    months: int, last_day: str | None, first_day_after: str
) -> None:
    if last_day:
        assert levels(USERS, last_day, valid_months=months)[1] == "C1"
    assert levels(USERS, first_day_after, valid_months=months)[1] is None


def test_without_expiry_a_date_must_still_lie_before() -> None:
    assert levels(USERS, "2029-01-01", valid_months=None) == ["C3", "C1", None, None, None]


def test_without_a_date_every_stated_level_counts() -> None:
    users = USERS.drop_columns("questionnaire_date")
    assert levels(users, "2024-01-01", date=None, valid_months=None) == [
        "C3",
        "C1",
        "C5",
        "C2",
        None,
    ]


def test_in_timeless_data_no_date_can_be_judged() -> None:
    log = LOG.drop_columns("timestamp")
    found = profile(USERS, None, log=log)
    assert found["risk_level"].to_pylist() == [None] * 5
    assert found["risk_review"].to_pylist() == [None, None, None, None, True]
    undated = profile(USERS, None, log=log, date=None, valid_months=None)
    assert undated["risk_level"].to_pylist() == ["C3", "C1", "C5", "C2", None]


def test_expiry_is_wall_clock_time_of_the_data() -> None:
    log = LOG.set_column(2, "timestamp", pa.array(LOG["timestamp"].to_pylist()))
    zoned = pa.array([pd.Timestamp("2020-01-01", tz="Asia/Shanghai")])
    log = log.set_column(2, "timestamp", zoned.cast(pa.timestamp("us", "Asia/Shanghai")))
    at = pd.Timestamp("2024-06-29 16:00", tz="UTC")  # midnight of the 30th in Shanghai
    microsecond = pd.Timedelta(1, "us")
    assert levels(USERS, at, log=log)[0] is None
    assert levels(USERS, at - microsecond, log=log)[0] == "C3"
    moments = [pd.Timestamp("2023-06-29 16:00", tz="UTC"), *[None] * 4]
    aware = USERS.set_column(2, "questionnaire_date", pa.array(moments, pa.timestamp("us", "UTC")))
    assert levels(aware, at, log=log)[0] is None
    assert levels(aware, at - microsecond, log=log)[0] == "C3"


def test_expiry_is_a_midnight_though_the_first_day_has_none() -> None:
    zoned = LOG["timestamp"].cast(pa.timestamp("us", "America/Havana"))
    log = LOG.set_column(2, "timestamp", zoned)
    users = USERS.set_column(2, "questionnaire_date", pa.array([date(2024, 3, 10), *[None] * 4]))
    assert levels(users, "2025-03-09T23:59:59.999999-04:00", log=log)[0] == "C3"
    assert levels(users, "2025-03-10", log=log)[0] is None


def test_the_last_visible_version_counts() -> None:
    users = pa.table(
        {
            "user_id": [1, 1, 2],
            "since": [date(2024, 1, 1), date(2024, 5, 1), date(2024, 5, 1)],
            "risk_level": ["C2", "C4", "C3"],
            "questionnaire_date": [date(2023, 12, 1), date(2024, 4, 30), date(2024, 4, 1)],
        }
    )
    data = Dataset(users, None, LOG, columns=Columns(user_timestamp="since"))
    builder = RiskAppetite().fit(data, "2024-05-01")
    assert builder.transform(data)["risk_level"].to_pylist() == ["C2", None]
    assert builder.transform(data, "2024-05-02")["risk_level"].to_pylist() == ["C4", "C3"]


def test_levels_may_be_numbers_and_columns_have_other_names() -> None:
    users = pa.table({"user_id": [1, 2], "grade": [3, None], "asked": DATES[:2]})
    found = profile(users, "2024-06-01", level="grade", date="asked")
    assert found["risk_level"].to_pylist() == [3, None]
    assert RiskAppetite(level="grade", date="asked").reads == ("grade", "asked")
    assert RiskAppetite(date=None, valid_months=None).reads == ("risk_level",)


def test_a_column_of_nulls_is_missing_everywhere() -> None:
    users = pa.table(
        {"user_id": [1, 2], "risk_level": pa.nulls(2), "questionnaire_date": pa.nulls(2)}
    )
    found = profile(users, "2024-01-01")
    assert found["risk_level"].to_pylist() == [None, None]
    assert found.schema.field("risk_level").type == pa.string()


def test_refuses_missing_columns_and_wrong_types() -> None:
    with pytest.raises(DataError, match=r"no column 'level'.*'risk_level', 'questionnaire_date'"):
        profile(USERS, None, level="level")
    texts = USERS.set_column(2, "questionnaire_date", pa.array(["2024-01-01"] * 5))
    with pytest.raises(DataError, match=r"users.questionnaire_date: must hold dates.*text"):
        profile(texts, None)
    flags = USERS.set_column(1, "risk_level", pa.array([True] * 5))
    with pytest.raises(DataError, match=r"users.risk_level: must hold levels.*bool"):
        profile(flags, None)
    moments = pa.array([None] * 5, pa.timestamp("us", "UTC"))
    with pytest.raises(DataError, match="the data is naive"):
        profile(USERS.set_column(2, "questionnaire_date", moments), None)


@pytest.mark.parametrize("months", [0, -1, 1.5, True, "12"])
def test_refuses_bad_months(months: object) -> None:
    with pytest.raises(ValueError, match="valid_months"):
        profile(USERS, None, valid_months=months)


def test_refuses_expiry_without_a_date() -> None:
    with pytest.raises(ValueError, match="needs a date"):
        profile(USERS, None, date=None)


def test_refuses_transform_before_fit_and_unknown_fields() -> None:
    with pytest.raises(NotFittedError, match="RiskAppetite"):
        RiskAppetite().transform(Dataset(USERS, None, LOG))
    assert RiskAppetite().provenance("risk_level") == "stated"
    with pytest.raises(ValueError, match="risk_level, risk_review"):
        RiskAppetite().provenance("level")


def test_parameters_rebuild_the_builder() -> None:
    builder = RiskAppetite(level="grade", valid_months=24)
    given = {"level": "grade", "date": "questionnaire_date", "valid_months": 24}
    assert given.items() <= builder.get_params().items()
    assert repr(builder) == "RiskAppetite(level='grade', valid_months=24)"
    assert RiskAppetite(**builder.get_params()).get_params() == builder.get_params()


# --- a slow, obvious twin, and merging ------------------------------------------------------

DAYS = st.dates(date(2019, 1, 1), date(2026, 12, 31))
ROWS = st.lists(
    st.tuples(st.sampled_from(["C1", "C2", "C5", None]), st.none() | DAYS), min_size=1, max_size=8
)


def users_of(rows: list[tuple[str | None, date | None]]) -> pa.Table:
    stated, dated = zip(*rows, strict=True)
    return pa.table(
        {
            "user_id": range(1, len(rows) + 1),
            "risk_level": pa.array(stated, pa.string()),
            "questionnaire_date": pa.array(dated, pa.date32()),
        }
    )


@given(ROWS, DAYS.filter(lambda day: day > date(2020, 1, 1)), st.integers(0, 800))
def test_agrees_with_the_definition_and_ages_on_the_state_held(rows, day, later) -> None:
    builder = RiskAppetite(valid_months=6)
    view = Dataset(users_of(rows), None, LOG).view(day)
    state = builder.accumulate(view)
    as_of = np.datetime64(day, "us") + np.timedelta64(later, "D")
    moment = pd.Timestamp(as_of)
    expected = [
        level
        if level is not None
        and dated is not None
        and pd.Timestamp(dated) < moment < pd.Timestamp(dated) + pd.DateOffset(months=6)
        else None
        for level, dated in rows
    ]
    found = builder.finalise(state, as_of)
    assert found["risk_level"].to_pylist() == expected
    assert found["risk_review"].to_pylist() == [level is None for level in expected]
    arrays = state.to_arrays()
    assert all(array.dtype.kind != "O" for array in arrays.values())
    assert builder.finalise(builder.state_type.from_arrays(arrays), as_of).equals(found)


@given(ROWS, ROWS)
def test_a_later_state_replaces_an_earlier_one_missing_levels_included(old, new) -> None:
    rows = [*new, *old[len(new) :]]
    builder = RiskAppetite()
    view = Dataset(users_of(rows), None, LOG).view("2024-01-01")
    earlier = Dataset(users_of(old[: len(rows)]), None, LOG).view("2024-01-01")
    merged = builder.merge(builder.accumulate(earlier), builder.accumulate(view))
    at_once = builder.finalise(builder.accumulate(view), view.as_of)
    assert builder.finalise(merged, view.as_of).equals(at_once)


def test_refuses_a_later_state_that_lost_users() -> None:
    builder = RiskAppetite()
    view = Dataset(USERS, None, LOG).view("2024-01-01")
    fewer = first_users(view, 2)
    with pytest.raises(DataError, match="2 users cannot follow 5"):
        builder.merge(builder.accumulate(view), builder.accumulate(fewer))
