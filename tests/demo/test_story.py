"""The demonstration: the answer first, on the terminal and on the page."""

import pytest

from suitably.data import simulate_bank
from suitably.demo.scenarios import Scenario
from suitably.demo.story import tell
from suitably.evaluation import TimeSplit
from suitably.suitability.policy import Policy
from support.markup import parsed

DECISIONS = ("SHIP", "DO NOT SHIP", "INCONCLUSIVE", "NOT EVALUABLE")


def scenario():
    data = simulate_bank(users=500, products=60, seed=0)
    split = TimeSplit(at="2024-07-01", horizon_days=180).on(data)
    policies = [Policy.load("cn-csrc-amac")]
    return Scenario("A small bank", "simulated", data, split, policies, stricter=policies)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    lines = []
    path = tell(scenario, tmp_path_factory.mktemp("demo") / "report.html", lines.append)
    return lines, path


def test_the_terminal_opens_with_the_answer_and_ends_with_the_report(told):
    lines, path = told
    assert lines[0].startswith(tuple(f"{word}: " for word in DECISIONS))
    assert lines[-1].strip() == f"report: {path.resolve()}"


def test_the_page_opens_with_the_answer(told):
    page = told[1].read_text(encoding="utf-8")
    sections = [place for place, (tag, _) in enumerate(parsed(page)) if tag == "section"]
    elements = parsed(page)[sections[0] : sections[1]]
    assert elements[1][0] == "h2"
    assert elements[2][1]["class"].startswith("decision")


def test_it_names_no_customer(told):
    text = "\n".join(told[0]) + told[1].read_text(encoding="utf-8")
    assert "a pseudonym" in text
    assert not any(f"{user}" in text for user in scenario().data.user_ids[:50])
