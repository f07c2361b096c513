"""What a compliance officer found in policies that a check was silent about, each both ways."""

import pytest

from suitably.suitability.lint.lint import check_policy
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
         rule("missing(user.x) or user.x >= 2", more='note = "Asked elsewhere."')),
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
    ("kind", "fragment"),
    [
        ("share-without-range", "product.max_loss * amount <= user.loss_capacity * user.x"),
        ("minimum-alone", LEAST),
        ("falls-through", PLANS),
        ("widens", "not missing(product.single_premium) and product.y"),
    ],
)
def test_fragments_of_the_policies_as_they_were(kind: str, fragment: str) -> None:
    applies = fragment if kind in ("falls-through", "widens") else ""
    require = "user.x >= 2" if applies else fragment
    assert kind in kinds(rule(require, applies))


def test_a_text_as_it_was() -> None:
    was = 'because = { en = "The customer has no legal capacity to act.", zh = "否" }'
    assert "discloses" in kinds(rule("user.legal_capacity == 'full'", because=was))
