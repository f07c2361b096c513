"""Series and their baselines: when there is an alarm, when there must be none, and merging."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.monitoring.alarm import Alarm
from suitably.monitoring.baseline import mean_intervals
from suitably.monitoring.days import day_number, day_of, day_said
from suitably.monitoring.evidence import BETS
from suitably.monitoring.table import SeriesTable

FIRST = day_number(date(2026, 1, 1))


def table(**changed: object) -> SeriesTable:
    chosen = {"alpha": 0.05, "tolerance": 0.02, "baseline_days": 3, "keep_days": 400} | changed
    return SeriesTable(**chosen)  # type: ignore[arg-type]


def counted(users: int, share: float) -> NDArray[np.float64]:
    return np.array([users, round(users * share), round(users * share)], np.float64)


def fed(shares: list[float], users: int = 10_000, **changed: object) -> SeriesTable:
    made = table(**changed)
    for place, share in enumerate(shares):
        made.add(FIRST + place, {"exclusion:age": counted(users, share)})
    return made


def alarms(of: SeriesTable) -> list[Alarm]:
    return of.alarms(of.weigh(), lambda first, last: ())


def test_the_interval_is_where_the_evidence_stays_below_its_bound() -> None:
    sums, error = np.array([[400.0], [100.0], [100.0]]), 0.05
    low, high = mean_intervals(sums, np.array([error]))

    def e_value(mean: float, sign: int) -> float:
        y = sign * (100 - 400 * mean)
        squares = 100 * (1 - mean) ** 2 + 300 * mean**2
        return float(np.mean(np.exp(BETS * y - (-np.log(1 - BETS) - BETS) * squares)))

    assert e_value(low[0], 1) == pytest.approx(2 / error)
    assert e_value(high[0], -1) == pytest.approx(2 / error)
    assert low[0] < 0.25 < high[0]


def test_without_values_everything_is_possible() -> None:
    low, high = mean_intervals(np.zeros((3, 1)), np.array([0.05]))
    assert low[0] == pytest.approx(0, abs=1e-9)
    assert high[0] == pytest.approx(1, abs=1e-9)


def test_a_level_that_holds_is_no_alarm() -> None:
    assert alarms(fed([0.3] * 400)) == []


def test_days_that_differ_as_those_of_the_baseline_did_are_no_alarm() -> None:
    week = [0.30, 0.31, 0.30, 0.32, 0.30, 0.22, 0.20]
    assert alarms(fed(week * 30, baseline_days=7)) == []


@pytest.mark.parametrize(("now", "direction"), [(0.4, "above"), (0.2, "below")])
def test_a_shift_of_ten_points_is_found_on_its_first_day(now: float, direction: str) -> None:
    (alarm,) = alarms(fed([0.3] * 20 + [now] * 3))
    assert alarm.series == "exclusion:age"
    assert alarm.direction == direction
    assert alarm.since == alarm.raised == date(2026, 1, 21)
    assert alarm.before == pytest.approx(0.3)
    assert alarm.now == pytest.approx(now)
    assert alarm.users == 30_000
    assert not alarm.over
    assert "since 2026-01-21" in alarm.text
    assert "Look at the rule" in alarm.text
    assert alarm.to_dict()["since"] == "2026-01-21"


def test_an_alarm_stays_and_says_that_the_level_is_back() -> None:
    (alarm,) = alarms(fed([0.3] * 10 + [0.5] * 2 + [0.3] * 5))
    assert alarm.over
    assert alarm.since == date(2026, 1, 11)
    assert "is back within" in alarm.text


def test_small_numbers_are_not_certain() -> None:
    assert alarms(fed([0.3] * 5 + [0.6], users=10)) == []


def test_accepting_learns_the_new_level() -> None:
    made = fed([0.3] * 10 + [0.5] * 5)
    made.accept("exclusion:age", FIRST + 14)
    assert alarms(made) == []
    for place in range(15, 30):
        made.add(FIRST + place, {"exclusion:age": counted(10_000, 0.5)})
    assert alarms(made) == []
    made.add(FIRST + 30, {"exclusion:age": counted(10_000, 0.3)})
    (alarm,) = alarms(made)
    assert alarm.direction == "below"
    assert alarm.before == pytest.approx(0.5)
    with pytest.raises(DataError, match="there is no series 'other'"):
        made.accept("other", FIRST)


def test_a_day_of_a_finished_baseline_is_set_aside() -> None:
    made = fed([0.3] * 5)
    assert made.add(FIRST, {"exclusion:age": counted(10, 0.3)})
    assert not made.add(FIRST + 3, {"exclusion:age": counted(10, 0.3)})


def test_only_so_many_days_are_kept() -> None:
    made = fed([0.3] * 30, keep_days=5)
    assert sorted(made.series["exclusion:age"].days) == [FIRST + day for day in range(25, 30)]


def test_a_day_far_in_the_future_does_not_push_the_others_out() -> None:
    made = fed([0.3] * 10)
    made.add(day_number(date(2099, 1, 1)), {"exclusion:age": counted(10, 0.3)})
    for place in range(10, 14):
        made.add(FIRST + place, {"exclusion:age": counted(10_000, 0.45)})
    assert alarms(made)[0].since == date(2026, 1, 11)


def test_the_shares_of_the_error_never_add_up_to_more_than_all() -> None:
    made = fed([0.3] * 5)
    for place in range(50):
        made.add(FIRST + 5, {f"later:{place}": counted(10, 0.5)})
    for _ in range(20):
        made.accept("exclusion:age", FIRST + 5)
    spent = sum(made.share(one) for one in made.series.values())
    assert spent <= 1
    assert made.first == 1


days = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 30), st.floats(0, 1)), max_size=12)


@given(days, st.integers(0, 12))
def test_merging_parts_is_as_seeing_all(seen: list[tuple[int, int, float]], cut: int) -> None:
    """In the order of days, so that neither part sets aside what the other counts."""
    seen = sorted(seen, key=lambda one: one[0])
    whole, parts = table(baseline_days=20), [table(baseline_days=20), table(baseline_days=20)]
    for place, (day, users, share) in enumerate(seen):
        sums = {"abstention": counted(users, share)}
        whole.add(FIRST + day, sums)
        parts[place % 2 if cut % 2 else place < cut].add(FIRST + day, sums)
    parts[0].merge(parts[1])
    mine, all_of_it = parts[0].state()["series"], whole.state()["series"]
    assert [one["baseline"] for one in mine] == [one["baseline"] for one in all_of_it]


def test_merging_halves_of_every_day_is_as_seeing_all() -> None:
    shares = [0.3] * 6 + [0.5] * 3
    halves = fed(shares, users=5000), fed(shares, users=5000)
    halves[0].merge(halves[1])
    assert halves[0].state() == fed(shares).state()
    assert alarms(halves[0]) == alarms(fed(shares))


def test_merging_what_learned_unequally_far() -> None:
    """One part was started late: its baseline days are days of the other's watch."""
    early, late = fed([0.3] * 8), table()
    for place in range(5, 8):
        late.add(FIRST + place, {"exclusion:age": counted(100, 0.3)})
    early.merge(late)
    series = early.series["exclusion:age"]
    assert series.end == FIRST + 2
    assert series.days[FIRST + 5][0] == 10_100


def test_merging_other_parameters_is_refused() -> None:
    with pytest.raises(DataError, match=r"tolerance is 0\.1 there"):
        table().merge(table(tolerance=0.1))


def test_the_state_comes_back() -> None:
    made = fed([0.3] * 9 + [0.5])
    again = SeriesTable.from_state(made.state())
    assert again.state() == made.state()
    assert alarms(again) == alarms(made)


def test_days_and_their_numbers() -> None:
    assert day_number(date(1970, 1, 2)) == 1
    assert day_of(1) == date(1970, 1, 2)
    late = pd.Timestamp("1970-01-02 23:00", tz="Asia/Shanghai")
    for said in (date(1970, 1, 2), "1970-01-02", late, late.to_pydatetime(), np.datetime64(1, "D")):
        assert day_said(said) == 1
    for said in (pd.NaT, "", "soon", object()):
        with pytest.raises(DataError, match="must be a date"):
            day_said(said)
