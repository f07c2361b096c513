"""HTML for notebooks: whatever a text says, it stays text."""

from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from suitably.utils.html import box, element, facts, shown, table

OURS = {"div", "style", "header", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and that every tag is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@given(texts=hs.lists(hs.text() | hs.sampled_from(["<script>alert(1)</script>", "</table>", "'\""]),
                      min_size=4, max_size=4))  # fmt: skip
def test_no_text_becomes_markup(texts: list[str]) -> None:
    title, name, cell, caption = texts
    html = box(title, cell, table((name, "b"), [(cell, title)], caption), facts({name: cell}, name))
    found = Reader(html)
    assert found.tags <= OURS
    assert found.names <= {"class"}


def test_attributes_are_escaped() -> None:
    assert element("p", css='"><script>') == '<p class="&quot;&gt;&lt;script&gt;"></p>'


def test_a_table() -> None:
    html = table(("name", "n"), [("a<b", 1234), ("c", None)], "two")
    assert Reader(html).texts == ["two", "name", "n", "a<b", "1234", "c", "–"]
    assert html.count('class="number"') == 3
    assert Reader(table(("name",), [])).texts == ["name"]
    assert "thead" not in facts({"a": "b"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, True),
        ("x", "x"),
        (np.int64(12_345), "12345"),
        (np.float32(0.5), "0.5"),
        (12_345.678, "12,345.678"),
        (2.0, "2"),
        (0.0, "0"),
        (1.23456e-7, "1.235e-07"),
        (float("inf"), "inf"),
        ([1.0, "a", None], "1, a, –"),
        ({"a": 0.5}, "a: 0.5"),
        (Decimal("0.10"), Decimal("0.10")),
        (date(2024, 1, 2), date(2024, 1, 2)),
        (datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
    ],
)
def test_what_a_cell_shows(value: Any, expected: Any) -> None:
    assert shown(value) == expected
