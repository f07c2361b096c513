"""Trying an edited policy: what is wrong with it, and what it would do, without keeping it."""

import re
import threading

import pytest

import suitably as st
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.try_page import Tried, try_policy
from suitably.suitability.language.places import line_and_column
from support.desk import POLICY, Browser, bank, desk_of, fitted


@pytest.fixture(scope="module")
def pipeline():
    return fitted(bank(users=[f"u{n}" for n in range(20)]))


@pytest.fixture
def browser(pipeline):
    return Browser(desk_of(pipeline)[0])


def tried(browser, text, policy="levels"):
    browser.get("/desk/try")
    return browser.post("/desk/try", policy=policy, toml=text)


def test_the_policy_in_force_is_there_to_be_edited(browser):
    import html

    body = browser.get("/desk/try").body
    shown = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", body, re.DOTALL)[1])
    assert shown == "\n" + POLICY


def test_no_change_has_no_effect(browser):
    assert tried(browser, POLICY).status == 200
    assert "The same pairs would pass as do now." in browser.body


def test_the_effect_is_that_of_impact(pipeline, browser):
    strict = POLICY.replace("<=", "<")
    assert tried(browser, strict).status == 200
    users = pipeline.eligibility().users.fields.append_column(
        "user_id", pipeline.eligibility().users.ids.array
    )
    products = pipeline.eligibility().products.fields.append_column(
        "product_id", pipeline.eligibility().products.ids.array
    )
    policies = [st.Policy.from_toml(text) for text in (POLICY, strict)]
    change = st.suitability.impact(*policies, users, products, "2024-02-01")
    assert change.lost > 0
    assert f"<dt>Lost</dt><dd>{change.lost}</dd>" in browser.body
    assert f"<dt>Gained</dt><dd>{change.gained}</dd>" in browser.body
    assert browser.body.count(">lost</span>") == min(10, change.lost)
    assert "risk" in browser.body


def test_gained_and_lost_may_cancel_out_in_number(pipeline):
    reading = Reading("1", pipeline, str)
    found = try_policy(reading, "levels", POLICY.replace("<=", "!="))
    assert found.impact.gained > 0
    assert found.impact.lost > 0


def place_of(part):
    return line_and_column(POLICY, POLICY.index(part))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[policy\nid = 1", 1, 8),
        (POLICY.replace("rank(product", "ronk(product"), *place_of("rank(product")),
        (POLICY.replace('effect = "flag"', 'effect = "wave"'), *place_of("effect")),
        ("", None, None),
    ],
)
def test_an_error_has_its_place(browser, text, line, column):
    assert tried(browser, text).status == 422
    assert "This policy cannot be used" in browser.body
    if line is not None:
        assert f"Line {line}, column {column}:" in browser.body
        assert "<mark>" in browser.body


def test_the_place_is_the_last_one_said():
    said = "rule: line 1, column 5: no such function (line 22, column 11 of the policy)"
    assert Tried("", said).place == (22, 11)
    assert Tried("", "nowhere").place is None
    assert Tried("", "line 9, column 1").place == (9, 1)


def test_a_place_beyond_the_text_is_no_fault(browser):
    for text in ("\n", "[policy]\n", '[policy]\nid = "x"\n', "\x00", "[" * 500):
        assert tried(browser, text).status == 422


def test_a_rule_that_does_not_fit_the_data_is_an_error(browser):
    assert tried(browser, POLICY.replace("user.age", "user.aeg")).status == 422
    assert "did you mean" in browser.body or "aeg" in browser.body


def test_findings_are_shown(browser):
    assert tried(browser, POLICY.replace("user.age < 65", "18 > user.age > 65")).status == 200
    assert "What to look at again" in browser.body
    assert "elderly" in browser.body


def test_another_policy_may_be_chosen():
    two = POLICY.replace('"levels"', '"second"').replace('"risk"', '"risk-again"')
    browser = Browser(
        desk_of(fitted(policy=[POLICY, two.replace("[changeable]\n", "[changeable]\n")]))[0]
    )
    assert "id = &quot;second&quot;" in browser.get("/desk/try?policy=second").body
    assert '<option value="second" selected="">' in browser.body
    assert browser.post("/desk/try", policy="second", toml=two.replace("<=", "<")).status == 200
    assert "<dt>Lost</dt>" in browser.body


def test_nothing_goes_live(pipeline, browser):
    before = pipeline.policies, pipeline.recommend().to_dict()
    tried(browser, POLICY.replace("<=", "<"))
    assert (pipeline.policies, pipeline.recommend().to_dict()) == before


def test_too_long_is_refused(browser):
    assert tried(browser, "#" * 200_001).status == 413
    assert tried(browser, POLICY + "#" * 150_000).status == 200


def test_one_at_a_time(pipeline, monkeypatch):
    desk = desk_of(pipeline)[0]
    begun, goes_on = threading.Event(), threading.Event()

    def slow(*_):
        begun.set()
        goes_on.wait(10)
        return Tried("", "slow")

    monkeypatch.setattr("suitably.serving.desk.desk.try_policy", slow)
    first, second = Browser(desk), Browser(desk)
    thread = threading.Thread(target=tried, args=(first, POLICY))
    thread.start()
    assert begun.wait(10)
    assert tried(second, POLICY).status == 503
    goes_on.set()
    thread.join()
    assert tried(second, POLICY).status == 422
