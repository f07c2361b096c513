"""What people read: terms, formats and labels in texts, and texts for customer and adviser."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.suitability.verdicts import RuleVerdict

HEAD = """
[policy]
id = "test"
version = "1"
[scales]
investor = ["C1", "C2", "C3"]
sri = [1, 2, 3]
[fields]
"user.level" = "investor"
"user.lower" = "investor"
"product.sri" = "sri"
"user.loss" = { type = "number", min = 0, max = 1, unit = "share" }
"user.rate" = { type = "number", unit = "percent" }
"user.age" = { type = "number", unit = "years" }
"user.kind" = "text"
"user.since" = "date"
"user.vulnerable" = "boolean"
"user.wealth" = { type = "number", min = 0, unit = "money", currency = "CNY" }
"product.price" = { type = "number", min = 0, unit = "money", currency = "CNY" }
"product.fee" = { type = "number", unit = "money", currency = "USD" }
[terms]
part = "product.price / user.wealth"
twice = "2 * product.price"
left = "user.wealth - product.price"
later = "user.since + days(1)"
wait = "as_of - user.since"
bold = "user.level > 'C1'"
level = "user.level"
limit = "map('limit', user.level)"
odd = "user.free * 2"
sum = "0.1 + 0.2"
looked = "lookup(user.parts, 'k')"
best = "max(user.level, user.lower)"
next = "map('next', user.level)"
[maps]
limit = { C1 = 1, C2 = 2, C3 = 3 }
next = { C1 = "C2", C2 = "C3", C3 = "C3" }
"""
USER: dict[str, Any] = {
    "user_id": "u",
    "level": "C2",
    "lower": "C1",
    "loss": 0.125,
    "rate": 12.5,
    "age": 71,
    "kind": "a",
    "since": datetime(2024, 3, 1, 9, 30),
    "vulnerable": True,
    "wealth": 250_000.0,
    "free": 1.5,
    "parts": {"k": 0.25},
    "tags": ["x", "y"],
    "day": date(2024, 3, 1),
}
PRODUCT: dict[str, Any] = {"product_id": "p", "sri": 3, "price": 50_000.5, "fee": 20.0}


def judged(
    because: str, user: dict[str, Any] | None = None, more: str = "", rule: str = "user.loss > 1"
) -> RuleVerdict:
    text = f'{HEAD}{more}[[rules]]\nid = "r"\nrequire = "{rule}"\nbecause = {because}\n'
    users = pd.DataFrame([{**USER, **(user or {})}])
    policy = st.Policy.from_toml(text)
    found = policy.evaluate(users, pd.DataFrame([PRODUCT]), datetime(2024, 3, 11, 9, 30))
    (verdict,) = found.verdicts("u", "p")
    return verdict


def said(place: str, user: dict[str, Any] | None = None, more: str = "") -> list[str]:
    because = f'{{ en = "{place}", zh = "{place}" }}'
    return list(judged(because, user, more).text.values())


# --- terms and formats -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "english", "chinese"),
    [
        ("{term.part}", "0.200002", "0.200002"),
        ("{term.part:percent}", "20%", "20%"),
        ("{user.loss:percent}", "12.5%", "12.5%"),
        ("{user.rate:percent}", "12.5%", "12.5%"),
        ("{user.free:percent}", "150%", "150%"),
        ("{user.wealth:money}", "CNY 250,000", "人民币250,000元"),
        ("{product.price:money}", "CNY 50,000.50", "人民币50,000.50元"),
        ("{product.fee:money}", "USD 20", "20美元"),
        ("{user.free:money}", "1.50", "1.50"),
        ("{term.twice:money}", "CNY 100,001", "人民币100,001元"),
        ("{term.left:money}", "CNY 199,999.50", "人民币199,999.50元"),
        ("{term.odd:money}", "3", "3"),
        ("{user.since:date}", "2024-03-01", "2024年3月1日"),
        ("{user.day:date}", "2024-03-01", "2024年3月1日"),
        ("{as_of:date}", "2024-03-11", "2024年3月11日"),
        ("{as_of}", "2024-03-11 09:30:00", "2024-03-11 09:30:00"),
        ("{term.later:date}", "2024-03-02", "2024年3月2日"),
        ("{term.later}", "2024-03-02 09:30:00", "2024-03-02 09:30:00"),
        ("{term.wait}", "10 days", "10天"),
        ("{term.bold}", "yes", "是"),
        ("{term.level}", "C2", "C2"),
        ("{term.limit}", "2", "2"),
        ("{term.sum}", "0.3", "0.3"),
        ("{term.looked:percent}", "25%", "25%"),
        ("{term.next}", "C3", "C3"),
    ],
)
def test_a_value_in_a_text(place: str, english: str, chinese: str) -> None:
    assert said(place) == [english, chinese]


@pytest.mark.parametrize(
    "place",
    ["{user.wealth:money}", "{term.part:percent}", "{term.left:money}", "{term.part}"],
)
def test_what_is_missing_reads_so(place: str) -> None:
    assert said(place, {"wealth": None}) == ["missing", "缺失"]


def test_a_missing_date_reads_so() -> None:
    users = {"since": pd.NaT}
    assert said("{user.since:date}", users) == ["missing", "缺失"]
    assert said("{term.later:date}", users) == ["missing", "缺失"]
    assert said("{term.wait}", users) == ["missing", "缺失"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{user.kind:money}", "is for a number, not for a text"),
        ("{user.level:percent}", "is for a number, not for a level"),
        ("{user.loss:date}", "is for a date, not for a number"),
        ("{user.loss:money}", "is for money, not for share"),
        ("{user.wealth:percent}", "is for share or percent, not for money"),
        ("{user.age:percent}", "is for share or percent, not for years"),
        ("{user.since:money}", "is for a number, not for a date"),
        ("{as_of:money}", "is for a number, not for a date"),
        ("{term.bold:percent}", "is for a number, not for a boolean"),
        ("{term.wait:percent}", "is for a number, not for a duration"),
        ("{term.best:money}", "is for a number, not for a level"),
        ("{term.next:money}", "is for a number, not for a level"),
        ("{term.part:money}", "is for money, not for share"),
        ("{term.left:percent}", "not for money"),
        ("{user.loss:pct}", "unknown format; there are percent, money, date"),
        ("{term.gone}", "unknown term 'gone'; there are part, twice"),
        ("{loss}", "only {user.x}, {product.x}, {term.x} and {as_of}"),
        ("{user.loss:}", "only {user.x}"),
        ("{user.loss", "only {user.x}"),
    ],
)
@pytest.mark.parametrize("audience", ["en", "zh", "customer", "adviser"])
def test_a_bad_place(place: str, said: str, audience: str) -> None:
    text = f'{{ en = "{place}" }}' if len(audience) > 2 else f'"{place}"'
    with pytest.raises(st.PolicyError, match="rule 'r': because: ") as error:
        judged(f"{{ {audience} = {text} }}")
    assert said in str(error.value)


def test_a_term_in_a_text_is_bound_to_the_data() -> None:
    more = HEAD.replace("user.free * 2", "user.fre * 2")
    text = f'{more}[[rules]]\nid = "r"\nrequire = "user.loss > 1"\nbecause = "{{term.odd}}"\n'
    users, products = pd.DataFrame([USER]), pd.DataFrame([PRODUCT])
    with pytest.raises(st.PolicyError, match=r"term 'odd'.*no field user\.fre"):
        st.Policy.from_toml(text).evaluate(users, products, "2024-03-11")
    assert [str(f) for f in st.Policy.from_toml(text).rules[0].mentioned] == ["user.fre"]


# --- labels ----------------------------------------------------------------------------------

LABELS = """
[labels]
"user.level" = { C1 = { en = "cautious", zh = "保守型" }, C2 = { en = "steady", zh = "稳健型" } }
"product.sri" = { 3 = { en = "middling", zh = "中等" } }
"user.vulnerable" = { true = "in need of care" }
"user.tags" = { x = { en = "ex", zh = "甲" } }
"user.kind" = { b = "bee" }
"""


@pytest.mark.parametrize(
    ("place", "english", "chinese"),
    [
        ("{user.level}", "steady", "稳健型"),
        ("{term.level}", "steady", "稳健型"),
        ("{term.best}", "steady", "稳健型"),
        ("{term.next}", "C3", "C3"),
        ("{product.sri}", "middling", "中等"),
        ("{user.vulnerable}", "in need of care", "是"),
        ("{user.tags}", "ex, y", "甲、y"),
        ("{user.kind}", "a", "a"),
    ],
)
def test_a_label_stands_for_its_code(place: str, english: str, chinese: str) -> None:
    assert said(place, more=LABELS) == [english, chinese]


def test_labels_serve_generated_texts_and_leave_inputs_alone() -> None:
    verdict = judged("{}", more=LABELS, rule="user.level >= 'C2'")
    assert verdict.text["en"] == "The rule r is met: user.level = steady."
    assert verdict.text["zh"] == "符合规则r：user.level为稳健型。"
    assert verdict.inputs == {"user.level": "C2"}
    assert said("{user.level}", {"level": None}, LABELS) == ["missing", "缺失"]
    assert said("{user.level}", {"level": "C3"}, LABELS) == ["C3", "C3"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("level = { C1 = 'x' }", "'level' must be user.x or product.x"),
        ("'user.level' = { C9 = 'x' }", r"user\.level: \['C9'\] are none of \['C1'"),
        ("'user.level' = {}", "must be a table"),
        ("'user.level' = 'x'", "must be a table"),
        ("'user.level' = { C1 = 3 }", "C1 must be text, or texts by language"),
        ("'user.level' = { C1 = { fr = 'x' } }", "unknown keys"),
        ("'user.vulnerable' = { yes = 'x' }", r"\['yes'\] are none of \['true', 'false'\]"),
    ],
)
def test_a_bad_label(labels: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        judged("{}", more=f"[labels]\n{labels}\n")


# --- customer and adviser ----------------------------------------------------------------------

CARE = "{ en = 'Is vulnerable.', zh = '属于弱势客户。' }"
PLAIN = "{ en = 'Not for you.', zh = '不适合您。' }"


def test_plain_texts_serve_both() -> None:
    verdict = judged(PLAIN)
    assert verdict.text == verdict.adviser_text == {"en": "Not for you.", "zh": "不适合您。"}


def test_each_audience_has_its_own() -> None:
    verdict = judged(f"{{ customer = {PLAIN}, adviser = {CARE} }}")
    assert verdict.text == {"en": "Not for you.", "zh": "不适合您。"}
    assert verdict.adviser_text == {"en": "Is vulnerable.", "zh": "属于弱势客户。"}
    assert verdict.to_dict()["text"]["en"] == "Not for you."
    assert verdict.to_dict()["adviser_text"]["en"] == "Is vulnerable."


@pytest.mark.parametrize(
    ("because", "customer", "adviser"),
    [
        ("{ en = 'Plain.', adviser = { en = 'Told.' } }", "Plain.", "Told."),
        ("{ en = 'Plain.', customer = { en = 'Mild.' } }", "Mild.", "Plain."),
        ("{ customer = { en = 'Mild.' } }", "Mild.", "Mild."),
        ("{ adviser = 'Told.', customer = 'Mild.' }", "Mild.", "Told."),
        ("{ adviser = { en = 'Told.' } }", "The rule r is not met.", "Told."),
    ],
)
def test_who_reads_what(because: str, customer: str, adviser: str) -> None:
    verdict = judged(because)
    assert (verdict.text["en"], verdict.adviser_text["en"]) == (customer, adviser)


@pytest.mark.parametrize("vulnerable", [True, False, None])
@pytest.mark.parametrize("effect", ["bar", "flag"])
def test_the_customer_never_reads_what_is_for_the_adviser(
    vulnerable: bool | None, effect: str
) -> None:
    because = "{ adviser = { en = 'Is vulnerable: {user.vulnerable}' } }\neffect = "
    verdict = judged(f"{because}'{effect}'", {"vulnerable": vulnerable}, rule="not user.vulnerable")
    for text in verdict.text.values():
        assert "vulnerable" not in text
    assert "vulnerable" in verdict.adviser_text["en"]


def test_a_text_that_one_language_lacks_is_not_borrowed_from_the_adviser() -> None:
    verdict = judged("{ customer = { en = 'Mild.' }, adviser = { zh = '属于弱势客户。' } }")
    assert verdict.text == {"en": "Mild.", "zh": "不符合规则r。"}
    assert verdict.adviser_text == {"en": "Mild.", "zh": "属于弱势客户。"}


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("{ customer = 3 }", "because: customer must be text"),
        ("{ adviser = { fr = 'x' } }", "because: adviser: unknown keys"),
        ("{ broker = 'x' }", r"unknown keys \['broker'\]; there are \['adviser', 'customer'"),
        ("3", "because must be text"),
    ],
)
def test_bad_texts(because: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        judged(because)


def test_all_is_printed() -> None:
    text = HEAD + LABELS + '[[rules]]\nid = "r"\nrequire = "user.loss > 1"\n'
    text += f"because = {{ customer = {PLAIN}, adviser = {CARE} }}\n"
    policy = st.Policy.from_toml(text)
    page = policy._repr_html_()
    for part in ("product.price / user.wealth", "C1 -&gt; 1", "保守型", "from 0 to 1 (share)"):
        assert part in page
    assert "adviser: Is vulnerable." in page
    assert policy.labels["user.level"]["C1"]["zh"] == "保守型"


@pytest.mark.parametrize("because", ['{ en = " ", zh = "" }', '""', '{ customer = { en = "" } }'])
def test_a_text_that_says_nothing_gives_way_to_a_generated_one(because: str) -> None:
    rule = f"[policy]\nid='p'\n[[rules]]\nid='r'\nrequire='user.x > 1'\nbecause={because}"
    users = pd.DataFrame({"user_id": ["u"], "x": [0]})
    products = pd.DataFrame({"product_id": ["p"]})
    (said,) = st.Policy.from_toml(rule).evaluate(users, products, "2026-01-01").verdicts("u", "p")
    assert said.text["en"].startswith("The rule r is not met")
    assert said.text["zh"].startswith("不符合规则r")
