"""What a compliance officer found in policies that a check was silent about, each both ways."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from suitably.suitability.lint.lint import check_policy
from suitably.suitability.policy import built_in_folder
from support.random_policies import quote

HEAD = '[policy]\nid = "p"\nversion = "1"\ntitle = { en = "P", zh = "政策" }\n'
TEXTS = 'because = { en = "No.", zh = "否。" }'


def rule(
    require: str, applies: str = "", because: str = TEXTS, article: str = "Art. 1", more: str = ""
) -> str:
    narrow = f"applies = {quote(applies)}\n" if applies else ""
    return (
        f'[[rules]]\nid = "r{sum(map(ord, require + applies))}"\narticle = {quote(article)}\n'
        f"require = {quote(require)}\n{narrow}{because}\n{more}\n"
    )


def kinds(text: str) -> set[str]:
    quiet = {"unknown-field", "unused", "no-rules"}
    return {finding.kind for finding in check_policy(HEAD + text)} - quiet


SHARE = '[fields]\n"user.loss_capacity" = { type = "number", min = 0, max = 1, unit = "share" }\n'
LEAST = "product.min_amount <= user.liquid_assets"
PLANS = "product.category in ['equity_plan', 'mixed_plan']"
CATEGORY = (
    '[fields]\n"product.category" = { type = "text", values = ["equity_plan", "mixed_plan"%s] }\n'
)
RETAIL = (
    '[fields]\n"user.client_category" = { type = "text", values = ["retail", "professional"] }\n'
)
LABELS = '[labels]\n"user.client_category" = { retail = { en = "retail", zh = "零售" } }\n'
SAYS = (
    'because = { en = "Not for {user.client_category}.", zh = "不适用于{user.client_category}。" }'
)
OLD = 'because = { en = "You are vulnerable.", zh = "否" }'
ADVISER = 'because = { en = "No.", zh = "否。", adviser = { en = "Old.", zh = "年长。" } }'


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("share-without-range", rule("user.loss_capacity >= 0.1"),
         SHARE + rule("user.loss_capacity >= 0.1")),
        ("share-without-range",
         '[fields]\n"product.x" = { type = "number", unit = "share" }\n' + rule("product.x < 0.5"),
         '[fields]\n"product.x" = { type = "number", min = 0, unit = "share" }\n'
         + rule("product.x < 0.5")),
        ("minimum-alone", rule(LEAST), rule("amount <= user.liquid_assets")),
        ("minimum-alone", rule("product.min_amount <= 0.5 * user.net_worth"),
         rule("product.min_amount >= 1000000")),
        ("falls-through", rule("user.x >= 2", PLANS),
         CATEGORY % "" + rule("user.x >= 2", PLANS)),
        ("falls-through", CATEGORY % ', "trust"' + rule("user.x >= 2", PLANS),
         CATEGORY % ', "trust"' + rule("user.x >= 2", PLANS)
         + rule("product.category in ['trust', 'equity_plan', 'mixed_plan']")),
        ("spelling", RETAIL + rule("user.client_category != 'Retail'"),
         RETAIL + rule("user.client_category != 'retail'")),
        ("spelling", rule("user.a == 'Full'") + rule("user.a != 'full'"),
         rule("user.a in ['Full', 'full']")),
        ("widens", rule("missing(user.x) or user.x >= 2"), rule("user.x >= 2")),
        ("widens", rule("missing(user.x) or user.x >= 2"),
         rule("missing(user.x) or user.x >= 2", more='note = "Another rule asks for x."')),
        ("widens", rule("product.y > 1", "not missing(user.x) and user.x"),
         rule("product.y > 1", "user.x")),
        ("missing-article", rule("user.x > 1", article="FINRA"),
         rule("user.x > 1", article="House limit")),
        ("missing-article", rule("user.x > 1", article="COBS"),
         rule("user.x > 1", article="COBS 9.3.5G")),
        ("text-of-others",
         rule("user.x > 1", because='because = { en = "{user.y}", zh = "{user.y}" }'),
         rule("user.x > 1", because='because = { en = "{user.x}", zh = "{user.x}" }')),
        ("raw-code", RETAIL + rule("user.client_category != 'retail'", because=SAYS),
         RETAIL + LABELS + rule("user.client_category != 'retail'", because=SAYS)),
        ("discloses",
         rule("not user.vulnerable",
              because='because = { en = "{user.vulnerable}", zh = "否", adviser = { en = "A" } }'),
         rule("not user.vulnerable", because=ADVISER)),
        ("discloses", rule("user.x > 1", because=OLD), rule("not user.vulnerable")),
    ],
)  # fmt: skip
def test_both_ways(kind: str, wrong: str, right: str) -> None:
    assert kind in kinds(wrong)
    assert kind not in kinds(right)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("(missing(user.x) or user.x > 1) and user.y", "user.x > 1 and user.y"),
        ("user.y and (user.w or missing(user.x) and user.z or missing(user.v))", "user.y"),
        ("user.y and (user.w or missing(user.x))", "user.y and (user.y or missing(user.x))"),
    ],
)
def test_what_widens_deep_inside(wrong: str, right: str) -> None:
    assert "widens" in kinds(rule(wrong))
    assert "widens" not in kinds(rule(right))


@pytest.mark.parametrize("more", ["", "user.y > 2 and "])
def test_a_rule_for_the_rest_takes_what_is_misspelt(more: str) -> None:
    rest = rule("user.x > 3", "product.category not in ['equity_plan', 'mixed_plan']")
    told = rest + rule("user.x >= 2", PLANS)
    assert "falls-through" in kinds(told)
    among = rule("user.x > 3 or product.category in ['equity_plan']")
    assert "falls-through" in kinds(told + among)  # that rule keeps no other value out
    listed = rule(f"{more}product.category in ['equity_plan', 'mixed_plan', 'fund']")
    assert "falls-through" not in kinds(told + listed)
    of_the_customer = rule("product.category in user.categories")
    assert "falls-through" not in kinds(told + of_the_customer)


@pytest.mark.parametrize(
    ("governs", "found"),
    [
        (PLANS, 1),
        ("product.category in ['equity_plan', 'mixed_plan', 'trust']", 0),
        ("product.category != 'trust'", 0),
        ("product.category not in ['trust']", 0),
    ],
)
def test_a_known_category_that_is_not_governed(governs: str, found: int) -> None:
    text = HEAD + f"governs = {quote(governs)}\n" + CATEGORY % ', "trust"' + rule("user.x > 1")
    told = [one for one in check_policy(text) if one.kind == "falls-through"]
    assert [one.severity for one in told] == ["note"] * found
    assert all("['trust']" in one.text for one in told)


@pytest.mark.parametrize(
    ("article", "found"),
    [
        ("Guidelines; validity as the firm sets it, here 12 months", True),
        ("Guiding opinions (2018)", True),
        ("投资者适当性管理办法（2018年）", True),
        ("A limit of 10 % over 12 months", True),
        ("Directive 2014/65/EU", False),
        ("FINRA Rule 2111", False),
        ("管理办法第19条", False),
        ("COBS 4.12A: 24 hours of cooling-off", False),
    ],
)
def test_a_number_is_not_always_an_article(article: str, found: bool) -> None:
    assert ("missing-article" in kinds(rule("user.x > 1", article=article))) == found


def test_a_text_that_names_one_of_several() -> None:
    require = "max(product.a, product.b) <= user.x"
    one = 'because = { en = "{product.a}", zh = "{product.a}" }'
    both = 'because = { en = "{product.a} {product.b}", zh = "否" }'
    assert "text-of-others" in kinds(rule(require, because=one))
    assert "text-of-others" not in kinds(rule(require, because=both))
    assert "text-of-others" not in kinds(rule(require))


@pytest.mark.parametrize("kind", ["pandas", "arrow", "category"])
def test_texts_are_spelt_as_in_the_data(kind: str) -> None:
    text = HEAD + rule("user.legal_capacity in ['full', 'limited']")
    text += rule("user.client_category not in product.negative_target_market")
    shelf = pd.DataFrame({"product_id": ["x"], "negative_target_market": [["retail"]]})

    def told(capacity: str | None, category: str) -> list[str]:
        users: Any = pd.DataFrame(
            {"user_id": ["u"], "legal_capacity": [capacity], "client_category": [category]}
        )
        if kind == "category":
            users = users.astype({"legal_capacity": "category"})
        if kind == "arrow":
            users = pa.Table.from_pandas(users)
        found = check_policy(text, users, shelf, "2026-01-01")
        return [one.text for one in found if one.kind == "spelling"]

    assert told("full", "retail") == []
    assert told("other", "wholesale") == []
    capacity, category = told("FULL", "Retail")
    assert capacity == "user.legal_capacity holds 'FULL', which is not 'full': spell both alike"
    assert "'Retail', which is not 'retail' of product.negative_target_market" in category


# --- the built-in policies as they were before the review, in excerpts -------------------------

WAS = {
    "share-without-range": """
[[rules]]
id = "capacity-for-loss"
article = "Delegated Regulation (EU) 2017/565, Art. 54(2)(b), 54(4)"
require = "product.max_loss * product.min_amount <= user.loss_capacity * user.financial_assets"
""",
    "minimum-alone": """
[[rules]]
id = "ability-to-pay"
article = "NFRA Order 7/2025, Arts. 12, 38"
require = "product.min_amount <= user.liquid_assets"
""",
    "falls-through": """
[fields]
"product.category" = "text"
[[rules]]
id = "private-fund-investor"
applies = "product.category not in ['fixed_income_plan', 'mixed_plan', 'equity_plan']"
require = "user.financial_assets >= 3000000 or user.annual_income >= 500000"
[[rules]]
id = "plan-investor"
applies = "product.category in ['fixed_income_plan', 'mixed_plan', 'equity_plan']"
require = "user.financial_assets >= 5000000 or user.annual_income >= 400000"
[[rules]]
id = "minimum-ticket"
require = "(product.category == 'mixed_plan' and product.min_amount >= 400000) or \
  product.min_amount >= 1000000"
""",
    "widens": """
[[rules]]
id = "single-premium-budget"
applies = "not missing(product.single_premium)"
require = "product.single_premium < 1.5 * user.premium_budget"
""",
    "missing-article": """
[[rules]]
id = "questionnaire-valid"
article = "AMAC implementation guidelines; validity as the firm sets it, here 12 months"
require = "user.questionnaire_date < as_of < user.questionnaire_date + months(12)"
""",
    "text-of-others": """
[[rules]]
id = "special-care"
applies = "age(user.birth_date) >= 65"
require = "rank(max(product.risk_level, product.issuer_rating, product.seller_rating)) <= 3"
because = { en = "Here {product.risk_level}: not recommended without a person." }
""",
    "raw-code": """
[fields]
"user.legal_capacity" = "text"
[[rules]]
id = "legal-capacity"
require = "user.legal_capacity == 'full'"
because = { en = "The customer's legal capacity is {user.legal_capacity}." }
""",
    "discloses": """
[[rules]]
id = "not-vulnerable"
require = "not user.vulnerable"
because = { en = "A customer in a vulnerable situation is not shown crypto-assets." }
""",
}


@pytest.mark.parametrize("kind", WAS)
def test_the_policies_as_they_were(kind: str) -> None:
    assert kind in kinds(WAS[kind].replace("\\\n", ""))


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in Path(str(built_in_folder())).glob("*.toml"))
)
def test_the_policies_as_they_are(name: str) -> None:
    own = {*WAS, "spelling"}
    assert [one for one in check_policy(name) if one.kind in own] == []
