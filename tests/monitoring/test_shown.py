"""What a monitor shows: a page, gauges, sentences; escaped, and without a single user."""

import re

import pandas as pd
import pytest

import suitably as st
from suitably.monitoring import Monitor
from support.markup import parsed

RULES = """
[policy]
id = "p"
version = "{age}"
[[rules]]
id = "a<b>\\"&"
require = "user.age >= {age}"
"""


@pytest.fixture(scope="module")
def monitor() -> Monitor:
    users = pd.DataFrame(
        {"user_id": [f"kunde{i}" for i in range(500)], "age": [i % 50 for i in range(500)]}
    )
    log = pd.DataFrame(
        {
            "user_id": ["kunde1", "kunde2"],
            "product_id": ["<script>", "etf"],
            "timestamp": pd.Timestamp("2025-01-01"),
        }
    )
    ranker = st.ranking.Popularity()
    pipeline = st.Pipeline(policy=st.Policy.from_toml(RULES.format(age=10)), ranker=ranker)
    pipeline.fit(st.Dataset(users, None, log))
    made = Monitor(pipeline, baseline=pipeline.recommend(), fields=["age"])
    made.observe(pipeline.recommend(as_of="2025-02-01"))
    stricter = pipeline.under(st.Policy.from_toml(RULES.format(age=40)))
    for day in (2, 3):
        made.observe(stricter.recommend(as_of=f"2025-02-0{day}"))
    return made


def test_the_page(monitor: Monitor) -> None:
    page = monitor.report().html()
    parsed(page)
    assert "kunde" not in page
    assert "<script" not in page
    assert "a&lt;b&gt;&quot;&amp;" in page
    assert "alarm" in page
    for section in ("Alarms", "What rules keep out", "Drift", "Catalogue", "How it is watched"):
        assert f"<h2>{section}</h2>" in page


def test_a_page_before_anything_was_seen() -> None:
    page = Monitor().report("Friday").html()
    assert "No series has a baseline yet." in page
    assert "<title>Friday</title>" in page


def test_gauges_are_lines_that_prometheus_reads(monitor: Monitor) -> None:
    text = monitor.to_prometheus()
    sample = re.compile(
        r'suitably_monitor_[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z]+="(\\.|[^"\\])*")*\})? \S+'
    )
    families: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert kind == "gauge"
            assert name not in families
            families[name] = 0
        elif not line.startswith("# HELP "):
            assert sample.fullmatch(line), line
            float(line.rpartition(" ")[2])
            families[re.split(r"[{ ]", line)[0]] += 1
    assert all(families.values())
    assert text.endswith("\n")
    assert 'suitably_monitor_alarm{series="exclusion:a<b>\\"&"} 1' in text
    assert "suitably_monitor_catalogue_coverage 1" in text
    assert "kunde" not in text


def test_before_anything_was_seen_gauges_are_there_too() -> None:
    assert "suitably_monitor_batches_repeated 0" in Monitor().to_prometheus()


def test_in_a_line(monitor: Monitor) -> None:
    assert re.fullmatch(r"Monitor\(\d+ series, 3 days, \d+ alarms\)", repr(monitor))
    assert monitor.summary().startswith(f"{len(monitor) - 1} series watched on 3 days, 1 series ")
    assert Monitor().summary() == "0 series watched on 0 days: no alarms"
