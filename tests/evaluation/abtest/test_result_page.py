"""A result as a page: the decision first, and no id of a user."""

import re
from dataclasses import replace
from html import escape

import pytest

from suitably.errors import SuitabilityWarning
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


def test_one_minus_sign_and_short_fingerprints(result):
    page = Report("A/B").add_result(result).html()
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S)
    assert not re.search(r"(?<![\w-])-\d", shown)
    assert result.comparison.fingerprints[0] not in shown
    assert f"{result.comparison.fingerprints[0][:12]}…" in shown


def test_the_line_below_the_decision_says_when_who_and_by_which_policy(result):
    page = Report("A/B").add_result(result).html()
    line = next(text for text in re.findall(r"<p>([^<]*)</p>", page) if "against control" in text)
    assert line == "As of 2021-01-01 · treatment against control · 40 users · judged by risk 1"


class TestSeveral:
    @pytest.fixture
    def several(self, bank):
        free = bank.good(Policy.unrestricted())
        test = ABTest(
            bank.poor(),
            treatments={"good": bank.good(), "free": free},
            metrics=["dcg@10", "suitable_dcg@10"],
            policy=bank.policy,
            segments="segment",
            min_segment=5,
        )
        return test.run(bank.data, [SPLIT, TimeSplit("2021-01-15", 100)])

    def test_every_treatment_has_its_banner_and_its_lights(self, several):
        elements = parsed(Report("A/B").add_result(several).html())
        classes = [attrs.get("class", "") for _, attrs in elements]
        assert [name for name in classes if name.startswith("decision")] == [
            "decision good",
            "decision bad",
        ]
        assert classes.count("lights") == 2
        page = several._repr_html_()
        assert page.index("ship: good") < page.index("do not ship: free")

    def test_what_counts_something_else_has_a_plot_of_its_own(self, several):
        rows = several.rows + tuple(
            replace(row, metric="novelty@10")
            for row in several.rows
            if row.metric == "dcg@10" and row.is_overall
        )
        page = replace(several, rows=rows)._repr_html_()
        plots = re.findall(r'<div class="forest">.*?axis', page, flags=re.S)
        names = [re.findall(r'class="name">([^<]*)', plot) for plot in plots]
        assert names[0][:3] == ["dcg@10 ★ · good", "dcg@10 ★ · free", "suitable_dcg@10 · good"]
        assert names[1:] == [["novelty@10 · good", "novelty@10 · free"]]

    def test_frontier_segments_and_lines_are_drawn(self, several):
        sections = dict(several.sections())
        kinds = {title: [type(b).__name__ for b in blocks] for title, blocks in sections.items()}
        assert kinds["Accuracy and suitability"] == ["Paragraph", "PointPlot", "Table"]
        assert kinds["Segments"] == ["Table", "Table"]
        assert (kinds["Over time"], kinds["Splits"]) == (["LinePlot"], ["Table"])
        heat = sections["Segments"][0]
        assert [row[:2] for row in heat.rows] == [
            ("segment: Mass", 30),
            ("segment: Premium", 10),
            ("lowest class (low)", 20),
        ]
        points = sections["Accuracy and suitability"][1].points
        assert points["control"][0] == points["good"][0] == 0 < points["free"][0]
        lines = sections["Over time"][0].lines
        assert {name: len(line) for name, line in lines.items()} == {
            "control": 2,
            "good": 2,
            "free": 2,
        }

    def test_without_violations_the_frontier_is_of_what_is_suitable(self, bank):
        metrics = ["dcg@10", "suitable_dcg@10"]
        result = bank.run(bank.poor(), bank.good(), metrics=metrics)
        said, plot, _ = dict(result.sections())["Accuracy and suitability"]
        assert said.text.startswith("No list of any arm holds what the judging policy bars")
        assert plot.x == "suitable_dcg@10"

    def test_a_few_lists_are_shown_side_by_side_with_a_line_per_product(self, several, bank):
        assert len(several.examples) == 3
        page = Report("A/B").add_result(several).html()
        for example in several.examples:
            assert list(example.lists) == ["control", "good", "free"]
            assert all(len(listed) <= 5 for listed in example.lists.values())
            assert not any(one.reasons for one in example.lists["good"])
        reasons = {r for e in several.examples for one in e.lists["free"] for r in one.reasons}
        assert reasons
        assert all(escape(reason) in page for reason in reasons)
        assert not any(user in page for user in bank.bought)
        tables = dict(several.sections())["Lists side by side"]
        assert [len(table.rows) for table in tables] == [5, 5, 5]

    def test_they_survive_being_saved(self, several, tmp_path):
        several.save(tmp_path)
        again = type(several).load(tmp_path)
        assert again.examples == several.examples
        assert Report("A/B").add_result(again).html() == Report("A/B").add_result(several).html()

    def test_what_a_window_lacks_is_said(self, bank):
        with pytest.warns(SuitabilityWarning):
            result = ABTest(bank.poor(), bank.good()).run(bank.data, TimeSplit("2021-01-01", 3000))
        page = Report("A/B").add_result(result).html()
        assert result.comparison.notes[0] in page


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
    assert "No list was judged." in page
    assert "No list of any arm" not in page


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
