"""The page of policies: every rule as it is written, with what it keeps out."""

import re
import threading

import pytest

from suitably.serving.desk.policy_page import policy_page
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.said import anchor
from suitably.serving.desk.visit import Visit
from support.desk import POLICY, Browser, desk_of, fitted

VISIT = Visit("en", frozenset({"explain"}))


def cells(body, rule):
    row = body[body.index(f'id="{anchor("levels", rule)}"') :].partition("</tr>")[0]
    return [int(n.replace(",", "")) for n in re.findall(r'class="number">([\d,]+)<', row)]


def test_counts_are_those_of_the_eligibility():
    pipeline = fitted()
    body = Browser(desk_of(pipeline)[0]).get("/desk/policy").body
    for row in pipeline.eligibility().counts().itertuples():
        expected = [row.failed, row.unknown, row.only, row.flagged]
        assert cells(body, row.rule) == expected


def test_rules_stand_as_they_are_written():
    body = Browser(desk_of()[0]).get("/desk/policy").body
    for text in (
        "rank(product.level) &lt;= rank(user.level)",
        "House rules, 1",
        "Not for you.",
        "{product.level} above {user.level}.",
        "flags, bars nothing",
        "C1 &lt; C2 &lt; C3",
        "at all times",
        "every customer and product",
    ):
        assert text in body
    assert "waits" not in body


def test_rules_are_counted_once_and_awaited_elsewhere():
    pipeline = fitted()
    reading = Reading("1", pipeline, str)
    asked, goes_on = [], threading.Event()
    counts = reading.eligibility.counts

    def slow():
        asked.append(threading.current_thread())
        goes_on.wait(10)
        return counts()

    reading.eligibility.counts = slow
    for _ in range(3):
        page = policy_page(VISIT, reading, patience=0)
        assert page.waits
    goes_on.set()
    assert not policy_page(VISIT, reading, patience=10).waits
    assert len(asked) == 1
    assert asked[0] is not threading.current_thread()


@pytest.mark.parametrize("error", [MemoryError(), __import__("suitably").DataError("no")])
def test_what_cannot_be_counted_is_said(error):
    reading = Reading("1", fitted(), str)

    def broken():
        raise error

    reading.eligibility.counts = broken
    page = policy_page(VISIT, reading)
    assert not page.waits
    assert "could not be counted" in "".join(page.body)
    assert "rank(product.level)" in "".join(page.body)


def test_another_version_is_read_anew():
    pipeline = fitted()
    desk, _ = desk_of(pipeline)
    browser = Browser(desk)
    first = browser.get("/desk/policy").body
    import pandas as pd

    pipeline.update(users=pd.DataFrame({"user_id": ["eve"], "level": ["C1"], "age": [30]}))
    second = browser.get("/desk/policy").body
    assert sum(cells(second, "risk")) > sum(cells(first, "risk"))


def test_dates_and_terms_are_shown():
    dated = POLICY.replace(
        'version = "1"', 'version = "1"\neffective = 2020-01-01\nexpires = 2030-01-01'
    )
    dated = dated.replace("[changeable]", '[terms]\nlimit = "65"\n[changeable]', 1)
    body = Browser(desk_of(fitted(policy=dated))[0]).get("/desk/policy").body
    assert "from 2020-01-01, before 2030-01-01" in body
    assert "term limit" in body
