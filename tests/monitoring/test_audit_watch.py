"""Audit trails under watch: the same figures as from the answers, and the command line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.cli import main
from suitably.errors import ArtifactError
from suitably.monitoring import Monitor

POLICY = """
[policy]
id = "shop"
version = "{age}"
[[rules]]
id = "age"
require = "user.age >= {age}"
"""
KEY = b"k" * 16


@pytest.fixture(scope="module")
def pipeline() -> st.Pipeline:
    users = pd.DataFrame({"user_id": [f"kunde{i}" for i in range(400)], "age": np.arange(400) % 50})
    log = pd.DataFrame(
        {
            "user_id": [f"kunde{i}" for i in range(10)],
            "product_id": [f"p{i % 5}" for i in range(10)],
            "timestamp": pd.Timestamp("2025-01-01"),
        }
    )
    policy = st.Policy.from_toml(POLICY.format(age=20))
    return st.Pipeline(policy=policy, ranker=st.ranking.Popularity()).fit(
        st.Dataset(users, None, log)
    )


@pytest.fixture
def trail(tmp_path: Path) -> st.governance.AuditTrail:
    return st.governance.AuditTrail(tmp_path / "decisions.sqlite", key=KEY)


def days_of(pipeline: st.Pipeline, trail: st.governance.AuditTrail, days: range) -> None:
    recording = pipeline.with_audit(trail)
    for day in days:
        recording.recommend(k=3, as_of=f"2025-02-{day:02}")


def test_a_trail_tells_what_the_answers_told(
    pipeline: st.Pipeline, trail: st.governance.AuditTrail
) -> None:
    watched, read = Monitor(pipeline), Monitor(pipeline)
    recording = pipeline.with_audit(trail)
    for day in range(1, 4):
        watched.observe(
            recording.recommend([*pipeline.user_ids, "nobody"], as_of=f"2025-02-0{day}")
        )
    assert read.observe_audit(trail) == 3 * 401
    assert read.observe_audit(trail) == 0  # nothing is counted twice
    expected = watched.to_frame().set_index(["series", "day"])["mean"]
    found = read.to_frame().set_index(["series", "day"])["mean"]
    same = [name for name in found.index if name in expected.index]
    assert len(same) > 20
    for name in same:
        assert found[name] == pytest.approx(expected[name]), name
    pd.testing.assert_frame_equal(read.concentration(), watched.concentration())


def test_a_change_is_told_with_its_policy(
    pipeline: st.Pipeline, trail: st.governance.AuditTrail
) -> None:
    monitor = Monitor()
    days_of(pipeline, trail, range(1, 10))
    monitor.observe_audit(trail)
    assert monitor.alarms() == []
    days_of(pipeline.under(st.Policy.from_toml(POLICY.format(age=45))), trail, range(10, 13))
    monitor.observe_audit(trail)
    alarm = next(one for one in monitor.alarms() if one.series == "exclusion:age")
    assert str(alarm.since) == "2025-02-10"
    assert alarm.changes[0].startswith("policy shop 45 (")


def test_when_it_was_recorded(pipeline: st.Pipeline, trail: st.governance.AuditTrail) -> None:
    monitor = Monitor()
    days_of(pipeline, trail, range(1, 3))
    monitor.observe_audit(trail, by="recorded")
    assert monitor.to_frame()["day"].nunique() == 1
    with pytest.raises(ValueError, match="by="):
        monitor.observe_audit(trail, by="hour")


def test_the_command(
    pipeline: st.Pipeline,
    trail: st.governance.AuditTrail,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, state = str(trail.path), str(tmp_path / "watch.json")
    page, gauges = tmp_path / "watch.html", tmp_path / "watch.prom"
    days_of(pipeline, trail, range(1, 9))
    asked = ["watch", file, "--state", state, "--report", str(page), "--prometheus", str(gauges)]
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert "3,200 new decisions" in out
    assert "on 1 day: no alarms" in out
    days_of(pipeline.under(st.Policy.from_toml(POLICY.format(age=45))), trail, range(10, 13))
    assert main(asked) == 1
    out = capsys.readouterr().out
    assert "1,200 new decisions" in out
    assert "exclusion:age: 40.0 % before, 90.0 % since 2025-02-10" in out
    assert "policy shop 45" in out
    assert "exclusion:age" in page.read_text()
    assert 'suitably_monitor_alarm{series="exclusion:age"} 1' in gauges.read_text()
    assert "kunde" not in page.read_text() + gauges.read_text() + Path(state).read_text()


def test_what_is_no_trail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path / "none.sqlite")]) == 1
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "text.sqlite").write_text("text")
    assert main(["watch", str(tmp_path / "text.sqlite")]) == 1
    assert capsys.readouterr().err.startswith("suitably: ")
    with pytest.raises(ArtifactError):
        Monitor().observe_audit(tmp_path / "text.sqlite")
    with pytest.raises(FileNotFoundError):
        Monitor().observe_audit(tmp_path / "none.sqlite")
