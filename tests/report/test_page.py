"""The page: whole, self-contained, escaped, and readable on a phone."""

import re

import pandas as pd
import pytest

from suitably.report import (
    DecisionBanner,
    Facts,
    Figure,
    ForestPlot,
    Interval,
    Light,
    Lights,
    LinePlot,
    Paragraph,
    PointPlot,
    Report,
    Shade,
    Short,
    Table,
)
from suitably.report.numbers import number, typeset
from suitably.report.style import STYLE
from support.markup import parsed

TABLE = Table(
    ["who", "n", "share", ""],
    [["a", 12_000, -0.25, Interval(0.1, 0.05, 0.2, 1)], ["b", None, 1.5e-7, None]],
    "A note.",
)


@pytest.fixture
def page():
    banner = DecisionBanner("ship", "It is better.")
    return Report("Friday", "Two lists").section("Answer", banner, TABLE, Facts({"n": 1})).html()


def test_loads_nothing_and_runs_nothing(page):
    tags = {tag for tag, _ in parsed(page)}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.search(r"https?:|url\(|@import", page)
    assert not any(name.startswith("on") for _, attrs in parsed(page) for name in attrs)


def test_every_text_is_escaped():
    evil = "<script>alert('&\"')</script>"
    frame = pd.DataFrame({evil: [evil, None]})
    page = (
        Report(evil, evil)
        .section(evil, evil, Paragraph(evil), Facts({evil: evil}), DecisionBanner(evil, evil))
        .section(evil, Table([evil], [[evil]], evil))
        .add_frame(evil, frame, evil)
        .html()
    )
    assert "script" not in {tag for tag, _ in parsed(page)}
    for drawn in (
        ForestPlot({evil: Interval(0.1, 0.05, 0.2, 1)}),
        Lights([Light(evil, evil, evil, evil)], evil),
        PointPlot({evil: (0.0, 1.0)}, evil, evil),
        LinePlot([evil, evil], {evil: [0.0, 1.0]}, evil),
        Table([evil], [[Figure(evil)], [Short(evil)]]),
    ):
        assert "script" not in {tag for tag, _ in parsed(drawn.html())}
    labels = 3
    assert page.count("&lt;script&gt;") == 18 + labels
    assert [attrs["data-label"] for tag, attrs in parsed(page) if tag == "td"] == [evil] * labels


def test_numbers_are_set_to_the_right_and_can_be_read():
    page = TABLE.html()
    assert '<td data-label="n" class="number">12,000</td>' in page
    assert '<td data-label="share" class="number">−0.2500</td>' in page
    assert '<td data-label="n" class="number">–</td>' in page
    assert '<td data-label="share" class="number">1.5e−07</td>' in page
    assert '<td data-label="who">a</td>' in page


class TestPhone:
    def test_it_is_as_wide_as_the_screen(self, page):
        metas = [attrs for tag, attrs in parsed(page) if tag == "meta"]
        viewport = next(attrs for attrs in metas if attrs.get("name") == "viewport")
        assert viewport["content"] == "width=device-width, initial-scale=1"

    def test_every_cell_knows_its_heading(self, page):
        cells = [attrs for tag, attrs in parsed(page) if tag == "td"]
        assert [attrs.get("data-label") for attrs in cells] == ["who", "n", "share", ""] * 2

    def test_rows_become_cards_and_nothing_scrolls_sideways(self):
        query = STYLE[STYLE.index("@media screen and (max-width:") : STYLE.index("@media print")]
        width = re.search(r"max-width:(\d+)rem", query)
        assert int(width[1]) * 16 > 390
        assert re.search(r"table,[^{]*tr,[^{]*td\{display:block\}", query)
        assert "content:attr(data-label)" in query
        assert ".scroll{overflow-x:visible}" in query
        assert "overflow-wrap:anywhere" in query

    def test_dark_is_readable_too(self):
        dark = STYLE[STYLE.index("prefers-color-scheme:dark") : STYLE.index(".suitably *")]
        light = STYLE[: STYLE.index("prefers-color-scheme:dark")]
        names = set(re.findall(r"(--[a-z-]+):", light))
        assert names == set(re.findall(r"(--[a-z-]+):", dark))
        on = {"ink": "paper card", "soft": "card", "good": "card good-wash", "bad": "card bad-wash"}
        for name, other in [(ink, paper) for ink in on for paper in on[ink].split()]:
            for scheme in (light, dark):
                assert contrast(colour(scheme, name), colour(scheme, other)) > 4.5


def colour(scheme, name):
    digits = re.search(rf"--{name}:#([0-9a-f]+)", scheme)[1]
    wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return [int(wide[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def contrast(one, other):
    """WCAG 2.1's ratio of two colours' relative luminances."""

    def luminance(channels):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_drawings_lie_inside_their_frames():
    for low, high in ((-1, 2), (-5, -1), (0, 0), (1e-9, 1e9)):
        drawn = Interval((low + high) / 2, low, high, 0).html()
        places = [float(at) for at in re.findall(r'(?:x1|x2|cx)="([-.\d]+)"', drawn)]
        assert all(0 <= place <= 120 for place in places)


def test_a_forest_has_one_scale():
    drawn = ForestPlot(
        {"a": Interval(0.1, 0.0, 0.2, 1), "b": Interval(-0.1, -0.2, 0.0, -1), "c": no_interval()}
    ).html()
    lines = [attrs for tag, attrs in parsed(drawn) if tag == "line"]
    zeros, whiskers = lines[::3], lines[1::3]
    assert [line["x1"] for line in zeros] == ["60.0", "60.0"]
    assert [(line["x1"], line["x2"]) for line in whiskers] == [("60.0", "114.0"), ("6.0", "60.0")]
    assert "−0.2000" in drawn
    assert ForestPlot({"c": no_interval()}).html() == ""


def no_interval():
    return Interval(0.1, float("nan"), float("nan"), 0)


def test_plots_draw_what_is_finite_within_their_frames():
    points = PointPlot({"a": (0.0, 0.2), "b": (0.5, -0.1), "c": (float("nan"), 1)}, "x", "y").html()
    lines = LinePlot(["2024", "2025", "2026"], {"a": [1, float("nan"), 3]}, "y").html()
    assert "nan" not in points + lines
    for drawn in (points, lines):
        assert parsed(drawn)
        places = re.findall(r"[M ]([\d.]+)[ ,]([\d.]+)h", drawn)
        assert len(places) == 2
        assert all(0 <= float(x) <= 320 and 0 <= float(y) <= 170 for x, y in places)
    assert PointPlot({}, "x", "y").html() == LinePlot([], {}, "y").html() == ""


def test_numbers_have_one_way_to_be_written():
    written = [number(v) for v in (0.12345, -0.5, 150, 12_345.6, 0, 1e-7)]
    assert written == ["0.1235", "−0.5000", "150.00", "12,346", "0.0000", "1.0e−07"]
    assert [number(v, sign=True) for v in (0.5, -0.5, 0)] == ["+0.5000", "−0.5000", "0.0000"]
    assert Interval(0, -20, 1300.5, 0).text == "−20.00 to +1,300.50"
    assert typeset("(-0.5 to -.25) on 2024-01-05, k-1") == "(−0.5 to −.25) on 2024-01-05, k-1"
    assert Table(["a"], [[Figure("+1")], [Shade(-1, -1, 1)]]).html().count('"number"') == 3
