"""The page: whole, self-contained, escaped, and without ids of users."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from suitably.evaluation import ABTest, Facts, Paragraph, Report, Table, TimeSplit, Verdict
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)
VOID = {"meta"}


class Balance(HTMLParser):
    """Check that every element that opens is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page):
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    return reader.seen


@pytest.fixture
def result(bank):
    free = bank.good(Policy.unrestricted())
    test = ABTest(bank.poor(), free, policy=bank.policy, guardrails=["coverage>=0.5"])
    return test.run(bank.data, split=SPLIT)


def test_says_what_was_decided_and_compared(result, tmp_path):
    path = result.to_html(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    parsed(page)
    assert result.decision in page
    for text in ("dcg@10 ★", "violation_rate", "coverage&gt;=0.5", "risk 1", "2021-01-01"):
        assert text in page
    assert result.comparison.fingerprints[0] in page


def test_loads_nothing_and_runs_nothing(result):
    page = Report("A/B").add_result(result).html()
    tags = {tag for tag, _ in parsed(page)}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.search(r"https?:|url\(|@import", page)
    assert not any(name.startswith("on") for _, attrs in parsed(page) for name in attrs)


def test_shows_no_id_of_a_user(result, bank):
    page = Report("A/B").add_result(result).html()
    assert not any(user in page for user in bank.bought)
    assert not any(user in result._repr_html_() for user in bank.bought)


def test_every_text_is_escaped():
    evil = "<script>alert('&')</script>"
    frame = pd.DataFrame({evil: [evil, None]})
    page = (
        Report(evil, evil)
        .section(evil, evil, Paragraph(evil), Facts({evil: evil}), Verdict(evil, evil))
        .section(evil, Table([evil], [[evil]], evil))
        .add_frame(evil, frame, evil)
        .html()
    )
    assert "script" not in {tag for tag, _ in parsed(page)}
    assert page.count("&lt;script&gt;") == 18


def test_numbers_are_set_to_the_right_and_can_be_read():
    page = Table(["who", "n", "share"], [["a", 12_000, -0.25], ["b", None, 1.5e-7]]).html()
    assert '<td class="number">12,000</td><td class="number">−0.2500</td>' in page
    assert '<td class="number">–</td><td class="number">1.5e−07</td>' in page
    assert "<td>a</td>" in page


def test_a_result_without_users_still_makes_a_page(bank):
    test = ABTest(bank.poor(), bank.good())
    result = test.run(bank.data, split=TimeSplit("2022-01-01", 9))
    page = Report("A/B").add_result(result).html()
    parsed(page)
    assert "not evaluable" in page
    assert "nan" not in page


def test_plots_lie_inside_their_frames(result):
    page = Report("A/B").add_result(result).html()
    places = [
        float(attrs[name])
        for tag, attrs in parsed(page)
        if tag in ("line", "circle")
        for name in ("x1", "x2", "cx")
        if name in attrs
    ]
    assert len(places) > 10
    assert all(0 <= place <= 120 for place in places)
