"""Instants in order, calendars in one zone, and what overflows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

import suitably as st
from suitably.suitability.lint import check_policy

ZONES = ["America/Santiago", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe"]
PRODUCTS = pa.table({"product_id": ["p"]})
HEAD = '[policy]\nid = "p"\nversion = "1"\n'
NEVER = date(9999, 12, 31)


def policy(*rules: str, head: str = HEAD) -> st.Policy:
    made = [f'[[rules]]\nid = "r{i}"\nrequire = "{rule}"\n' for i, rule in enumerate(rules)]
    return st.Policy.from_toml(head + "".join(made))


def passes(rule: str, as_of: Any, products: pa.Table = PRODUCTS, **fields: Any) -> bool:
    """Judge by the frame, by the sentence of the pair and by the raw row, which must agree."""
    users = pa.table({"user_id": ["u"], **{n: pa.array([v]) for n, v in fields.items()}})
    eligibility = policy(rule).evaluate(users, products, as_of)
    found = bool(eligibility.mask().item())
    (verdict,) = eligibility.verdicts("u", "p")
    assert (verdict.verdict == "pass") == found
    assert eligibility.judge({"user_id": "u", **fields}).tolist() == [found]
    return found


def aware(text: str, zone: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def test_a_minor_is_one_where_the_moment_is() -> None:
    adult = "age(user.born) >= 18"
    born = date(2006, 3, 1)
    assert not passes(adult, aware("2024-02-29T20:00", "America/New_York"), born=born)
    assert not passes(adult, pd.Timestamp("2024-02-29 20:00-05:00"), born=born)
    assert not passes(adult, "2024-02-29T20:00-05", born=born)
    assert passes(adult, aware("2024-03-01T00:00", "America/New_York"), born=born)
    assert passes(adult, "2024-03-01T01:00Z", born=born)
    assert passes(adult, date(2024, 3, 1), born=born)


def test_a_birth_date_is_the_day_in_its_own_zone() -> None:
    midnight = aware("2006-03-01T00:00", "Asia/Shanghai")  # 28 February in UTC and New York
    for zone in ("UTC", "America/New_York", "Asia/Shanghai"):
        adult = "age(user.born) >= 18"
        assert not passes(adult, aware("2024-02-29T23:00", zone), born=midnight)
        assert passes(adult, aware("2024-03-01T01:00", zone), born=midnight)


def test_instants_are_in_order_in_the_hour_that_is_repeated() -> None:
    first = aware("2024-10-27T02:45", "Europe/Berlin")
    second = aware("2024-10-27T02:15", "Europe/Berlin", fold=1)  # 30 minutes later
    fields = {"a": pd.Timestamp(first), "b": pd.Timestamp(second)}
    assert passes("user.a < user.b", second, **fields)
    assert passes("user.a < as_of and as_of == user.b", second, **fields)
    assert passes("user.b - user.a < days(1) and user.b - user.a > days(0)", second, **fields)
    end = pa.table({"product_id": ["p"], "end": pa.array([second])})
    assert passes("user.a < product.end", second, end, **fields)


@given(
    some.sampled_from(ZONES),
    some.integers(1_300_000_000, 1_900_000_000),
    some.integers(-100_000, 100_000),
)
def test_order_is_that_of_instants(zone: str, second: int, later: int) -> None:
    a, b = (
        datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone))
        for moment in (second, second + later)
    )
    users = pa.table({"user_id": ["u"], "a": pa.array([a], pa.timestamp("us", zone))})
    products = pa.table({"product_id": ["p"], "b": pa.array([b], pa.timestamp("us", "UTC"))})
    for rule, wanted in (
        ("user.a < product.b", later > 0),
        ("product.b - user.a >= days(1)", later >= 86_400),
        ("product.b - days(1) >= user.a", later >= 86_400),
        ("as_of == user.a", True),
    ):
        assert policy(rule).evaluate(users, products, a).mask().item() == wanted


@given(
    some.sampled_from(ZONES),
    some.dates(date(2010, 1, 1), date(2030, 12, 31)),
    some.integers(-3_000_000, 3_000_000),
)
def test_a_bare_date_is_the_first_instant_of_its_day(zone: str, day: date, off: int) -> None:
    midnight = pd.Timestamp(day).tz_localize(ZoneInfo(zone), ambiguous=True,
                                             nonexistent="shift_forward")  # fmt: skip
    as_of = midnight + pd.Timedelta(seconds=off)
    users = pa.table({"user_id": ["u"], "day": [day]})
    found = policy("as_of >= user.day", "as_of < user.day").evaluate(users, PRODUCTS, as_of)
    assert [v.verdict == "pass" for v in found.verdicts("u", "p")] == [off >= 0, off < 0]
    dated = policy("True", head=HEAD + f"effective = {day}\n")
    assert dated.evaluate(users, PRODUCTS, as_of).mask().item() == (off >= 0)


def test_months_are_those_of_the_zone() -> None:
    at = aware("2024-03-31T00:30", "Europe/Berlin")  # the 30th in UTC; summer begins at 2
    rule = "user.a + months(1) == product.b"
    thirtieth = pa.table({"product_id": ["p"], "b": [aware("2024-04-30T00:30", "Europe/Berlin")]})
    assert passes(rule, at, thirtieth, a=pd.Timestamp(at))
    in_utc = at.astimezone(UTC)
    assert not passes(rule, in_utc, thirtieth, a=pd.Timestamp(in_utc))


REPEATED = {
    "Europe/Berlin": "2024-10-27T02:30",
    "America/New_York": "2024-11-03T01:30",
    "America/Havana": "2024-11-03T00:00",
    "America/Santiago": "2024-04-06T23:30",
    "Australia/Lord_Howe": "2024-04-07T01:45",  # clocks go back by half an hour
}
COLUMNS = {
    "pandas": lambda values: pd.DataFrame({"user_id": ["u"], "d": pd.Series(values)}),
    "objects": lambda values: pd.DataFrame({"user_id": "u", "d": pd.Series(values, dtype=object)}),
    "PyArrow": lambda values: pa.table({"user_id": ["u"], "d": pa.array(values)}),
    "polars": lambda values: pl.DataFrame({"user_id": ["u"], "d": values}),
    "DuckDB": lambda values: duckdb.from_arrow(COLUMNS["PyArrow"](values)),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("zone", REPEATED)
def test_months_that_lead_to_a_repeated_time_lead_to_the_first(zone: str, kind: str) -> None:
    """By every frame, in every way that a rule can ask, from before and from after."""
    first, second = (aware(REPEATED[zone], zone, fold) for fold in (0, 1))
    assert first.utcoffset() != second.utcoffset()
    wall = first.replace(tzinfo=None)
    rules = ("user.d + months(1) == as_of", "user.d + months(product.n) == as_of",
             "user.d + months(1) == product.t", "user.d == as_of - months(1)")  # fmt: skip
    for months in (1, -1):
        start = (pd.Timestamp(wall) - pd.DateOffset(months=months)).tz_localize(ZoneInfo(zone))
        users = COLUMNS[kind]([start.to_pydatetime()])
        for asked in (first, second):
            shelf = pa.table({"product_id": ["p"], "n": [months],
                              "t": pa.array([asked], pa.timestamp("us", zone))})  # fmt: skip
            for rule in (part.replace("months(1)", f"months({months})") for part in rules):
                right = True if "as_of -" in rule else asked is first
                found = policy(rule).evaluate(users, shelf, asked)
                assert found.mask().tolist() == [[right]], rule
                assert (found.verdicts("u", "p")[0].verdict == "pass") == right
                assert found.judge({"d": start}).tolist() == [right]
                again = policy(rule).evaluate(users, shelf, start)
                assert again.judge({"d": start}, asked).tolist() == [right]


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize(
    ("zone", "day", "months"),
    [
        ("America/Santiago", date(2022, 9, 11), 12),  # from a day without a midnight
        ("America/Santiago", date(2021, 9, 11), 12),  # to one
        ("America/Havana", date(2023, 11, 3), 12),  # to one with two
        ("America/Havana", date(2024, 3, 10), 12),
    ],
)
def test_months_after_a_bare_date_end_at_a_midnight(
    zone: str, day: date, months: int, kind: str
) -> None:
    end = pd.Timestamp(day) + pd.DateOffset(months=months)
    end = end.tz_localize(ZoneInfo(zone), nonexistent="shift_forward", ambiguous=True)
    rule = policy(f"user.d < as_of < user.d + months({months})", f"fresh(user.x, months({months}))")
    users = pa.table(pd.DataFrame(COLUMNS["objects"]([day]))).append_column("x", [[1]])
    users = users.append_column("x_date", users["d"])
    if kind != "PyArrow":
        frame = users.to_pandas()
        users = {"polars": pl.from_pandas, "DuckDB": duckdb.from_df}.get(kind, lambda f: f)(frame)
    for off, right in ((-1, True), (0, False)):
        found = rule.evaluate(users, PRODUCTS, end + pd.Timedelta(microseconds=off))
        assert found.mask().tolist() == [[right]]
        assert [v.verdict == "pass" for v in found.verdicts("u", "p")] == [right] * 2
        assert found.judge({"d": day, "x": 1, "x_date": day}).tolist() == [right]


def dataset(stamps: Any, **more: Any) -> st.Dataset:
    users = pd.DataFrame({"user_id": [1, 2], "born": [date(2006, 3, 1)] * 2,
                          "days": [[date(2006, 3, 1)]] * 2,
                          "marks": [{"a": date(2006, 3, 1)}] * 2,
                          "seen": pd.to_datetime(["2024-01-01"] * 2, utc=True)})  # fmt: skip
    log = pd.DataFrame({"user_id": [1, 2], "product_id": ["a", "b"], "timestamp": stamps})
    return st.Dataset(users, None, log, **more)


def fit(rule: str, data: st.Dataset, as_of: Any = None, head: str = HEAD) -> st.Pipeline:
    pipeline = st.Pipeline(policy=policy(rule, head=head), ranker=st.ranking.Popularity())
    return pipeline.fit(data, as_of)


CALENDAR = [
    "age(user.born) >= 18",
    "age(user.seen) >= 0",
    "as_of >= user.born",
    "user.seen + months(1) < as_of",
    "as_of - years(1) < user.seen",
    "max(user.born, user.seen) < as_of",
    "min(user.days) < as_of",
    "lookup(user.marks, 'a') < as_of",
]
STAMPS = ["2024-02-29T20:00-05:00", "2024-02-29T20:00-05:00"]


@pytest.mark.parametrize("rule", CALENDAR)
def test_a_calendar_that_nobody_states_is_asked_for(rule: str) -> None:
    with pytest.raises(st.PolicyError, match=r"line 1.*time_zone=") as refused:
        fit(rule, dataset(STAMPS))
    assert "rule 'r0'" in str(refused.value)
    fit(rule, dataset(STAMPS, time_zone="America/New_York"))
    fit(rule, dataset(pd.to_datetime(STAMPS, utc=True)))


def test_what_asks_no_calendar_needs_no_zone() -> None:
    rule = "user.seen < as_of and as_of - user.seen < days(90) and not missing(user.born)"
    assert len(fit(rule, dataset(STAMPS)).recommend(k=1).to_frame()) == 2
    dated = HEAD + "effective = 2024-01-01\n"
    with pytest.raises(st.PolicyError, match="time_zone="):
        fit("True", dataset(STAMPS), head=dated)
    fit("True", dataset(STAMPS), head=HEAD + "effective = 2024-01-01T00:00:00Z\n")


def test_the_stated_zone_decides_and_survives(tmp_path: Any) -> None:
    rule = "age(user.born) >= 18"
    late = dataset(STAMPS, time_zone="Europe/Berlin")  # 02:00 on the birthday
    early = dataset(STAMPS, time_zone="America/New_York")  # the evening before
    assert fit(rule, late).eligibility().mask().all()
    pipeline = fit(rule, early)
    assert not pipeline.eligibility().mask().any()
    pipeline.save(tmp_path / "model")
    for loaded in (pipeline, st.load(tmp_path / "model")):
        news = {"user_id": [1], "product_id": ["b"], "timestamp": ["2024-02-29 23:59-05"]}
        loaded.update(interactions=pd.DataFrame(news))
        assert not loaded.eligibility().mask().any()
        assert loaded.eligibility("2024-03-01").mask().all()
    unstated = fit("user.seen < as_of", dataset(STAMPS))
    unstated.save(tmp_path / "other")
    for loaded in (unstated, st.load(tmp_path / "other")):
        with pytest.raises(st.DataError, match="time_zone="):
            loaded.recommend(as_of="2024-03-02")


def verdict_of(rule: str, as_of: Any = "2024-01-01", **fields: pa.Array) -> Any:
    users = pa.table({"user_id": ["u"], **fields})
    (verdict,) = policy(rule).evaluate(users, PRODUCTS, as_of).verdicts("u", "p")
    return verdict


@pytest.mark.parametrize(
    ("rule", "beyond"),
    [
        ("as_of < user.d + days(30)", "user.d + days(30)"),
        ("as_of < days(30) + user.d", "days(30) + user.d"),
        ("as_of < user.d + months(1)", "user.d + months(1)"),
        ("as_of - years(3000) < user.d", "as_of - years(3000)"),
        ("days(7320001) > days(0)", "days(7320001)"),
        (" + ".join(["days(7320000)"] * 15) + " > days(0)", "days(7320000)"),
        (" - ".join(["-days(7320000)", *["days(7320000)"] * 14]) + " < days(0)", "days(7320000)"),
        ("1e308 * 10 > 1", "1e308 * 10"),
    ],
)
@pytest.mark.parametrize("as_of", ["2024-01-01", "2024-01-01T00:00Z"])
def test_what_overflows_is_unknown_and_says_so(rule: str, beyond: str, as_of: str) -> None:
    verdict = verdict_of(rule, as_of, d=pa.array([NEVER]))
    assert verdict.verdict == "unknown"
    assert "verflow" in verdict.text["en"]
    assert beyond in verdict.text["en"]
    assert beyond in verdict.text["zh"]


def test_what_is_missing_does_not_overflow() -> None:
    for rule in ("as_of < user.d + days(30)", "days(1.5) > days(0)", "1 / 0 > 1"):
        verdict = verdict_of(rule, d=pa.nulls(1, pa.date32()))
        assert verdict.verdict == "unknown"
        assert "verflow" not in verdict.text["en"]
    assert verdict_of("as_of - days(30) < user.d", d=pa.array([NEVER])).verdict == "pass"
    sums = " + ".join(["days(7320000)"] * 7)
    assert verdict_of(f"{sums} > days(0)").verdict == "pass"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**30], pa.int32()).cast(pa.date32()),
        pa.array([2**60], pa.timestamp("s")),
        pa.array([-(2**55)], pa.timestamp("ms")),
    ],
)
@pytest.mark.parametrize("rule", ["user.d < as_of", "user.d > as_of", "age(user.d) >= 0"])
def test_a_field_beyond_the_calendar_is_unknown(column: pa.Array, rule: str) -> None:
    verdict = verdict_of(rule, d=column)
    assert verdict.verdict == "unknown"
    assert "verflow" in verdict.text["en"]


def test_nanoseconds_are_not_cut() -> None:
    fine = pa.array([900], pa.timestamp("ns"))
    with pytest.raises(st.DataError, match=r"user.d: 1 of 1 moments are finer"):
        verdict_of("user.d < as_of", d=fine)
    with pytest.raises(st.DataError, match=r"user.d: .*finer"):
        verdict_of("age(user.d) > 1", d=fine)
    users = pa.table({"user_id": ["u"], "d": pa.array([0], pa.timestamp("us"))})
    eligibility = policy("user.d < as_of").evaluate(users, PRODUCTS, "2024-01-01")
    with pytest.raises(st.DataError, match="finer"):
        eligibility.judge({"d": pd.Timestamp("2023-01-01 00:00:00.000000001")})


def test_lint_warns_of_ends_that_are_put_off() -> None:
    kinds = {
        rule: [f.kind for f in check_policy(policy(rule)) if f.kind == "never-expires"]
        for rule in (
            "as_of < user.valid_to + days(30)",
            "as_of - days(30) < user.valid_to",
            "as_of < user.questionnaire_date + months(12)",
            "as_of < months(1) + product.expiry",
        )
    }
    assert list(kinds.values()) == [["never-expires"], [], [], ["never-expires"]]


def test_versions_in_another_zone_than_the_moment() -> None:
    users = pd.DataFrame({"user_id": [1, 1], "level": [1, 2],
        "user_timestamp": ["2024-01-01T00:00+02", "2024-01-01T00:00+01:00"]})  # fmt: skip
    products = pd.DataFrame({"product_id": ["a"]})
    rule = policy("user.level == 2")
    as_of = aware("2024-01-01T07:00", "Asia/Shanghai")
    assert not rule.evaluate(users, products, as_of).mask().item()
    assert rule.evaluate(users, products, as_of + timedelta(microseconds=1)).mask().item()
    with pytest.raises(st.DataError, match="time_zone="):
        rule.evaluate(users, products, "2024-01-02")
    with pytest.raises(st.DataError, match=r"users.user_timestamp and as_of=.* differ"):
        rule.evaluate(users, products, np.datetime64("2024-01-02T00:00:00"))


FRAMES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.table(frame),
    "duckdb": lambda frame: duckdb.sql("select * from frame"),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", None])
def test_the_same_instants_give_the_same_lists_from_any_frame(kind: str, zone: str | None) -> None:
    stamps = pd.to_datetime(["2022-09-10 22:00", "2022-09-11 03:59", "2022-09-11 04:00"], utc=True)
    asked = stamps.tz_convert(zone or "UTC")
    users = pd.DataFrame({"user_id": [1, 2, 3], "seen": asked})
    log = pd.DataFrame({"user_id": [1, 2, 3], "product_id": list("aab"), "timestamp": asked})
    rule = "user.seen + months(1) <= as_of"
    as_of = "2022-10-11"
    made = st.Dataset(FRAMES[kind](users), None, FRAMES[kind](log), time_zone=zone)
    if kind == "duckdb" and zone is None:
        with pytest.raises(st.PolicyError, match="time_zone="):
            fit(rule, made, "2022-10-11T00:00Z")
        return
    listed = fit(rule, made, as_of).eligibility().mask().any(axis=1).tolist()
    # One month after 23:59 of the 10th in Santiago, and after 01:00 of the 11th there.
    assert listed == [True, zone == "America/Santiago", False]
