"""A result as a page: the decision first, and no id of a user."""

import pytest

from suitably.evaluation import ABTest, Report, TimeSplit
from suitably.suitability.policy import Policy
from support.markup import parsed

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


@pytest.fixture
def result(bank):
    free = bank.good(Policy.unrestricted())
    test = ABTest(bank.poor(), free, policy=bank.policy, guardrails=["coverage>=0.5"])
    return test.run(bank.data, split=SPLIT)


def test_says_what_was_decided_and_compared(result, tmp_path):
    path = result.to_html(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert parsed(page)
    for text in ("dcg@10 ★", "violation_rate", "coverage&gt;=0.5", "risk 1", "2021-01-01"):
        assert text in page
    assert result.comparison.fingerprints[0] in page


def test_the_decision_comes_first(result):
    page = Report("A/B").add_result(result).html()
    body = page[page.index("<section>") :]
    assert body.index(result.decision) < body.index("<table>")


def test_a_notebook_shows_the_decision_and_the_figures_alone(result):
    short = result._repr_html_()
    assert parsed(short)
    assert result.decision in short
    assert short.count("<table>") == 1


def test_shows_no_id_of_a_user(result, bank):
    page = Report("A/B").add_result(result).html()
    assert not any(user in page for user in bank.bought)
    assert not any(user in result._repr_html_() for user in bank.bought)


def test_a_result_without_users_still_makes_a_page(bank):
    result = ABTest(bank.poor(), bank.good()).run(bank.data, split=TimeSplit("2022-01-01", 9))
    page = Report("A/B").add_result(result).html()
    assert parsed(page)
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
