"""What is counted in different units is neither compared nor added."""

import pandas as pd
import pytest

import suitably as st
from support.random_policies import quote

FIELDS = """
[policy]
id = "p"
[fields]
"user.cny" = { type = "number", unit = "money", currency = "CNY" }
"user.usd" = { type = "number", unit = "money", currency = "USD" }
"user.money" = { type = "number", unit = "money" }
"user.amount_to_invest" = { type = "number", unit = "money", currency = "USD" }
"product.min_amount" = { type = "number", unit = "money", currency = "%s" }
"user.share" = { type = "number", min = 0, max = 1, unit = "share" }
"user.percent" = { type = "number", unit = "percent" }
"user.months" = { type = "number", unit = "months" }
"user.years" = { type = "number", unit = "years" }
"user.count" = { type = "number", unit = "count" }
[terms]
both = "user.cny + user.money"
[[rules]]
id = "r"
require = %s
"""


def written(require: str, currency: str = "USD") -> str:
    return FIELDS % (currency, quote(require))


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("user.cny > user.usd", "money in CNY beside money in USD"),
        ("user.cny - user.usd > 0", "money in CNY beside money in USD"),
        ("max(user.cny, user.money, user.usd) > 0", "money in CNY beside money in USD"),
        ("user.share * user.cny <= user.usd", "money in CNY beside money in USD"),
        ("user.cny in [1, user.usd]", "money in CNY beside money in USD"),
        ("0 < user.cny < user.usd", "money in CNY beside money in USD"),
        ("user.x or not (user.cny > 1 and user.cny > -user.usd)", "money in CNY beside money"),
        ("amount <= user.cny", "money in USD beside money in CNY"),
        ("user.cny / user.cny > user.percent", "share beside percent"),
        ("user.share > user.percent", "share beside percent"),
        ("user.months > user.years", "months beside years"),
        ("user.cny > user.share", "money in CNY beside share"),
        ("term.both > user.years", "money in CNY beside years"),
    ],
)
def test_units_that_do_not_go_together(require: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=rf"rule 'r': require: line 1, column \d+: {said}"):
        st.Policy.from_toml(written(require).replace('"user.cny + user.money"', '"user.cny"'))


def test_the_two_sides_of_an_amount_are_in_one_currency() -> None:
    assert st.Policy.from_toml(written("amount <= 5"))
    with pytest.raises(st.PolicyError, match=r"USD beside money in EUR.*bring both to one"):
        st.Policy.from_toml(written("amount <= 5", "EUR"))


def test_a_term_of_two_units_is_named() -> None:
    text = written("term.both > 1").replace("user.cny + user.money", "user.cny + user.usd")
    with pytest.raises(st.PolicyError, match=r"term 'both': line 1, column 1: money in CNY besi"):
        st.Policy.from_toml(text)


@pytest.mark.parametrize(
    "require",
    [
        "user.cny > 5",
        "user.cny > user.money",
        "term.both > user.cny",
        "user.cny > 7.1 * user.usd",
        "user.months > 12 * user.years",
        "user.months / 12 > user.years",
        "user.share > user.percent / 100",
        "user.cny / user.money > user.count",
        "user.share * user.cny <= user.money",
        "user.cny / user.usd > 7",
        "user.cny > 5 and user.usd > 5",
        "max(user.months, 3) > user.months",
        "user.cny > user.undeclared",
        "as_of + months(user.months) > as_of + years(user.years)",
    ],
)
def test_units_that_do(require: str) -> None:
    assert st.Policy.from_toml(written(require))


# --- what an error says to write instead -----------------------------------------------------


@pytest.mark.parametrize(
    ("require", "user", "product", "said"),
    [
        ("amount <= 1", {"amount_to_invest": "5"}, {}, "user.amount_to_invest is text where a num"),
        ("amount <= 1", {"amount_to_invest": True}, {}, "user.amount_to_invest is a condition whe"),
        ("amount <= 1", {}, {"min_amount": "5"}, "product.min_amount is text where a number"),
        ("fresh(user.x, 12)", {"x": 1.0, "x_date": pd.Timestamp("2026-01-01")}, {},
         r"date \+ number: say what it counts, such as days\(30\) or months\(12\)"),
        ("portfolio <= 1", {}, {}, r"a function: write portfolio\(\)"),
        ("user.x > months", {"x": 1.0}, {}, r"a function: write months\(n\)"),
        ("user.x >= 1 and", {}, {}, "16: cannot be read: it ends too early"),
        ("user.x = 1", {}, {}, "8: cannot be read .*; to compare, write =="),
        ("user.x ** 2 > 1", {}, {}, r"there are \+ - \* /, and the words and, or, not"),
        ("user.x is True", {}, {}, r"write == or missing\(x\)"),
        ("user.x if user.y else 1", {}, {}, "write two rules, each with its own applies"),
        ("user.x.y > 1", {}, {}, "fields are written user.x or product.x"),
        ("user.d < as_of()", {}, {}, "as_of is a name, without parentheses"),
        ("user.d > 2026", {"d": pd.Timestamp("2026-01-01")}, {},
         r"date with number: compare it with as_of or another date, such as user.x \+ months"),
        ("as_of - user.d > 30", {"d": pd.Timestamp("2026-01-01")}, {},
         r"duration with number: compare it with another one, such as days\(30\)"),
        ("months(1) < months(2)", {}, {}, "period: add it to a date, and compare dates"),
        ("product.c <= cheapest(product.c, by = product.l)", {}, {"c": 1.0, "l": ["a"]},
         "a text, level, number or date, but product.l holds a list of text"),
        ("product.c <= cheapest(product.c, by = product.l)", {}, {"c": 1.0, "l": {"a": 1.0}},
         "a text, level, number or date, but product.l holds map"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_write(
    require: str, user: dict[str, object], product: dict[str, object], said: str
) -> None:
    users = pd.DataFrame([{"user_id": "u", **user}])
    products = pd.DataFrame([{"product_id": "q", **product}])
    text = f"[policy]\nid='p'\n[[rules]]\nid='r'\nrequire='{require}'"

    def judged() -> object:
        return st.Policy.from_toml(text).evaluate(users, products, "2026-03-01")

    with pytest.raises(st.PolicyError, match=f"rule 'r': require: line 1, column .*{said}"):
        judged()


def test_a_minimum_below_nothing_is_a_fault_of_the_data() -> None:
    policy = st.Policy.from_toml("[policy]\nid='p'\n[[rules]]\nid='r'\nrequire='amount <= 5'")
    users = pd.DataFrame({"user_id": ["u"]})
    products = pd.DataFrame({"product_id": ["p", "q"], "min_amount": [1.0, -1.0]})
    with pytest.raises(st.DataError, match=r"product\.min_amount: 1 of 2 amounts are neg.*row 1"):
        policy.evaluate(users, products, "2026-03-01").mask()
    allowed = policy.evaluate(users, products.assign(min_amount=[0.0, 6.0]), "2026-03-01")
    assert allowed.mask().tolist() == [[True, False]]
