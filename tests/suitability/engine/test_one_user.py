"""One user on Python's scalars: the same bits as a frame with that row."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as hst

import suitably as st
from suitably.errors import DataError
from suitably.suitability.engine.timeline import Timeline

POLICY = """
[policy]
id = "p"
effective = 2021-01-01
[scales]
level = ["low", "mid", "high"]
[fields]
"user.level" = "level"
"product.level" = "level"
"user.note" = "text"
{rules}
"""
SENTENCES = [
    "user.level >= product.level",
    "rank(user.level) + 1 > rank(product.level) or user.level == 'high'",
    "max(user.level, 'mid') >= product.level",
    "user.level in ('low', 'high')",
    "user.a + product.b <= 3 * user.c",
    "user.a / user.c < product.b",
    "-user.a * user.c - 2 <= user.a + 0.5",
    "abs(user.a) < 1e308 * user.c",
    "user.a == product.b",
    "user.a != user.c",
    "user.a < user.c < product.b",
    "user.a in (0, 1, 2.5)",
    "user.a in (user.c, product.b)",
    "user.note == product.note",
    "user.note != 'x'",
    "user.note in ('x', 'y')",
    "user.note in []",
    "user.flag",
    "not user.flag or user.a >= 1",
    "user.flag == (user.a >= 1)",
    "missing(user.flag) or missing(user.born)",
    "contains(user.tags, product.note)",
    "contains(user.tags, user.note)",
    "subset(product.tags, user.tags)",
    "lookup(user.share, product.note) <= user.a",
    "lookup(user.share, 'x') <= 1",
    "age(user.born) >= 18",
    "age(user.born) + product.b <= 60",
    "user.asked < as_of < user.asked + months(12)",
    "user.asked + days(30) <= product.until",
    "user.asked - months(1) > user.born",
    "user.asked - user.born > days(6000) + days(1)",
    "as_of - user.asked < product.until - user.asked",
    "user.born < product.until",
    "user.asked + months(user.c) > as_of",
]
NUMBERS = [0.0, -0.0, 1, 2, 2.5, -3.25, 1e308, -1e308, 5e-324, None, float("nan")]
ZONES = [None, "UTC", "Europe/Berlin", "America/St_Johns"]
WALLS = [
    datetime(2024, 2, 29, 12),
    datetime(2023, 10, 29, 2, 30),
    datetime(2024, 3, 31, 2, 30),
    datetime(2005, 6, 1),
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    datetime(1969, 12, 31, 23, 59, 59, 999_999),
]
MOMENTS = [
    datetime(2024, 6, 1),
    datetime(2024, 3, 31, 0, 30),
    datetime(2023, 10, 29, 1, 30),
    datetime(2020, 12, 31, 23, 59),
    datetime(2031, 1, 1),
]


def instant(wall: datetime, zone: str | None) -> datetime:
    return wall if zone is None else wall.replace(tzinfo=ZoneInfo(zone))


def rows(rng: random.Random, zone: str | None, count: int) -> list[dict[str, Any]]:
    def moment() -> Any:
        wall = rng.choice(WALLS) + timedelta(days=rng.choice([0, 0, 1, -1]))
        return None if rng.random() < 0.1 else instant(wall, zone)

    return [
        {
            "level": rng.choice(["low", "mid", "high", None]),
            "a": rng.choice(NUMBERS),
            "c": rng.choice(NUMBERS),
            "note": rng.choice(["x", "y", "", "z", None]),
            "flag": rng.choice([True, False, None]),
            "tags": rng.choice([["x"], ["x", "y"], [], ["z", None], None]),
            "share": rng.choice([{"x": 0.5}, {"x": 2.0, "y": 0.25}, {}, None]),
            "born": moment(),
            "asked": moment(),
        }
        for _ in range(count)
    ]


def shelf(rng: random.Random, zone: str | None, count: int) -> pd.DataFrame:
    made = {
        "product_id": range(count),
        "level": [rng.choice(["low", "mid", "high", None]) for _ in range(count)],
        "b": [rng.choice(NUMBERS) for _ in range(count)],
        "note": [rng.choice(["x", "y", "", None]) for _ in range(count)],
        "tags": [rng.choice([["x"], ["y", "x"], [], None]) for _ in range(count)],
        "until": [instant(rng.choice(WALLS[:4]), zone) for _ in range(count)],
    }
    return pd.DataFrame({name: pd.Series(list(part)) for name, part in made.items()})


def whole(rng: random.Random, zone: str | None) -> list[dict[str, Any]]:
    """Rows that leave no column without a type."""
    now = instant(WALLS[0], zone)
    full = {"level": "mid", "a": 1.5, "c": 2.0, "note": "x", "flag": True, "tags": ["x"]}
    return [{**full, "share": {"x": 1.0}, "born": now, "asked": now}, *rows(rng, zone, 6)]


def frame(people: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {key: pd.Series([row[key] for row in people], dtype=object) for key in people[0]}
    return pd.DataFrame({"user_id": range(len(people)), **columns})


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=40, deadline=None)
@given(
    seed=hst.integers(0, 10**6),
    chosen=hst.lists(hst.sampled_from(SENTENCES), min_size=1, max_size=4, unique=True),
)
@example(seed=1, chosen=SENTENCES)
@example(seed=47, chosen=["user.asked - months(1) > user.born"])
@example(seed=139, chosen=["age(user.born) >= 18"])
def test_a_raw_row_is_the_row_of_a_frame(zone: str | None, seed: int, chosen: list[str]) -> None:
    rng = random.Random(seed)
    people, goods = whole(rng, zone), shelf(rng, zone, rng.choice([1, 5, 64, 70]))
    for negated in (False, True):
        rules = "".join(
            f'[[rules]]\nid = "r{place}"\nrequire = "{"not " * negated}({sentence})"\n'
            for place, sentence in enumerate(chosen)
        )
        policy = st.Policy.from_toml(POLICY.format(rules=rules))
        found = policy.evaluate(frame(people), goods, instant(MOMENTS[0], zone))
        for wall in MOMENTS:
            moment = instant(wall, zone)
            anew = policy.evaluate(frame(people), goods, moment)
            many = np.concatenate([anew.mask(), anew.mask()])[: len(people)]
            alone = [anew.mask([user])[0] for user in range(len(people))]
            judged = [found.judge(row, moment) for row in people]
            np.testing.assert_array_equal(alone, many)
            np.testing.assert_array_equal(judged, many)


def test_every_make_of_a_moment_is_one_value() -> None:
    rules = '[[rules]]\nid = "r"\nrequire = "user.born == product.until and age(user.born) == 18"\n'
    policy = st.Policy.from_toml(POLICY.format(rules=rules))
    zone = ZoneInfo("Europe/Berlin")
    born = datetime(2006, 6, 1, tzinfo=zone)
    goods = pd.DataFrame({"product_id": [1], "level": ["low"], "until": [born]})
    people = pd.DataFrame({"user_id": [1], "born": [born], "level": ["low"], "note": ["x"]})
    found = policy.evaluate(people, goods, datetime(2024, 6, 1, tzinfo=zone))
    stamp = pd.Timestamp(born)
    same = [born, stamp, stamp.as_unit("ns"), stamp.as_unit("s"), date(2006, 6, 1)]
    same.append(np.datetime64("2006-06-01", "D"))  # a bare date, as a column of them is
    for value in same:
        assert found.judge({"born": value}).tolist() == [True], repr(value)
    # The same instant, but its own zone says the day before: the birthday is past all the same.
    assert found.judge({"born": born.astimezone(UTC)}).tolist() == [True]
    for value in (datetime(2006, 6, 1), pd.Timestamp("2006-06-01"), "2006-06-01", 1):
        with pytest.raises(DataError):
            found.judge({"born": value})
    with pytest.raises(DataError, match="finer than a microsecond"):
        found.judge({"born": stamp + pd.Timedelta(1, "ns")})


def test_what_no_frame_could_hold_is_refused_whatever_else_the_row_says() -> None:
    rules = (
        '[[rules]]\nid = "first"\nrequire = "user.a > 1"\n'
        '[[rules]]\nid = "then"\nrequire = "user.level >= product.level"\n'
    )
    policy = st.Policy.from_toml(POLICY.format(rules=rules))
    people = pd.DataFrame({"user_id": [1], "a": [2.0], "level": ["low"], "note": ["x"]})
    goods = pd.DataFrame({"product_id": [1], "level": ["low"]})
    found = policy.evaluate(people, goods, "2024-06-01")
    with pytest.raises(DataError, match="off the scale"):
        found.judge({"a": 0.0, "level": "other"})
    assert found.judge({"a": 2, "level": "low", "unused": object()}).tolist() == [True]


@pytest.mark.parametrize(
    ("moment", "eligible"),
    [("2020-12-31", False), ("2021-01-01", True), ("2022-05-31", True), ("2022-06-01", False)],
)
def test_dates_of_policies_and_rules_hold_at_any_moment(moment: str, eligible: bool) -> None:
    rules = (
        '[[rules]]\nid = "always"\nrequire = "user.a > 1"\n'
        '[[rules]]\nid = "later"\nrequire = "user.a > 5"\neffective = 2022-06-01\n'
    )
    policy = st.Policy.from_toml(POLICY.format(rules=rules))
    people = pd.DataFrame({"user_id": [1], "a": [2.0], "level": ["low"], "note": ["x"]})
    goods = pd.DataFrame({"product_id": [1], "level": ["low"]})
    found = policy.evaluate(people, goods, "2024-06-01")
    assert found.judge({"a": 2.0}, moment).tolist() == [eligible]
    assert policy.evaluate(people, goods, moment).mask().tolist() == [[eligible]]


def test_spans_between_dates_are_worked_out_once() -> None:
    policy = st.Policy.from_toml(
        POLICY.format(rules='[[rules]]\nid = "r"\nrequire = "user.a > 1"\n')
    )
    people = pd.DataFrame({"user_id": [1], "a": [2.0], "level": ["low"], "note": ["x"]})
    goods = pd.DataFrame({"product_id": [1], "level": ["low"]})
    found = policy.evaluate(people, goods, "2024-06-01")
    timeline = found._timeline
    assert isinstance(timeline, Timeline)
    one, other = (np.datetime64(day, "us") for day in ("2024-01-01", "2025-01-01"))
    assert timeline.at(one) is timeline.at(other)
    assert timeline.at(one) is not timeline.at(np.datetime64("2020-01-01", "us"))
