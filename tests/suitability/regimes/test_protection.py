"""Special protection, scales of any length, and one catalogue under several regimes."""

from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably as st

AS_OF = datetime(2025, 6, 1)
REGIMES = resources.files("suitably.suitability") / "regimes"
NAMES = sorted(file.name[:-5] for file in REGIMES.iterdir() if file.name.endswith(".toml"))


def judge(rules: str, user: dict[str, Any], product: dict[str, Any]) -> str:
    """Give the verdict of a policy with one rule."""
    policy = st.Policy.from_toml('[policy]\nid = "test"\nversion = "1"\n' + rules)
    users = pa.table({"user_id": ["u"], **{name: [value] for name, value in user.items()}})
    products = pa.table({"product_id": ["p"], **{name: [v] for name, v in product.items()}})
    eligibility = policy.evaluate(users, products, AS_OF)
    (verdict,) = eligibility.verdicts("u", "p")
    assert eligibility.mask().item() == (verdict.verdict == "pass")
    return verdict.verdict


JOINT = """
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.risk_level" = "investor"
"user.partner_risk_level" = "investor"
"product.risk_level" = "product"
[[rules]]
id = "most-prudent-member"
require = "rank(product.risk_level) <= rank(min(user.risk_level, user.partner_risk_level))"
"""


@pytest.mark.parametrize(
    ("one", "other", "level", "verdict"),
    [
        ("C5", "C2", "R2", "pass"),
        ("C5", "C2", "R3", "fail"),
        ("C2", "C5", "R3", "fail"),
        ("C3", "C3", "R3", "pass"),
        ("C5", None, "R1", "unknown"),  # one member's level does not speak for both
        (None, "C5", "R1", "unknown"),
    ],
)
def test_joint_clients_are_bound_by_the_most_prudent(
    one: str | None, other: str | None, level: str, verdict: str
) -> None:
    user = {"risk_level": one, "partner_risk_level": other}
    assert judge(JOINT, user, {"risk_level": level}) == verdict


CONTRADICTION = """
[scales]
tolerance = ["cautious", "balanced", "aggressive"]
knowledge = ["none", "basic", "informed", "advanced"]
[fields]
"user.risk_level" = "tolerance"
"user.knowledge_level" = "knowledge"
[[rules]]
id = "answers-agree"
applies = "user.risk_level == 'aggressive'"
require = "user.knowledge_level >= 'informed' and not user.risk_review"
"""


@pytest.mark.parametrize(
    ("knowledge", "review", "verdict"),
    [
        ("informed", False, "pass"),
        ("advanced", False, "pass"),
        ("basic", False, "fail"),
        ("none", None, "fail"),
        ("informed", True, "fail"),
        ("informed", None, "unknown"),
        (None, False, "unknown"),
    ],
)
def test_little_knowledge_and_an_aggressive_attitude(
    knowledge: str | None, review: bool | None, verdict: str
) -> None:
    user = {"risk_level": "aggressive", "knowledge_level": knowledge, "risk_review": review}
    assert judge(CONTRADICTION, user, {}) == verdict


@pytest.mark.parametrize("length", [4, 5, 6, 7])
@pytest.mark.parametrize("whole", [False, True], ids=["text", "whole"])
def test_a_scale_has_any_number_of_levels(length: int, whole: bool) -> None:
    levels: list[Any] = [n if whole else f"L{n}" for n in range(1, length + 1)]
    policy = st.Policy.from_toml(f"""
[policy]
id = "test"
version = "1"
[scales]
scale = {levels}
[fields]
"user.risk_level" = "scale"
"product.risk_level" = "scale"
[[rules]]
id = "risk-level"
require = "product.risk_level <= user.risk_level"
""")
    users = pa.table({"user_id": levels, "risk_level": levels})
    products = pa.table({"product_id": levels, "risk_level": levels})
    mask = policy.evaluate(users, products, AS_OF).mask()
    assert mask.tolist() == np.tri(length, dtype=bool).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_no_built_in_policy_reads_what_a_model_says(name: str) -> None:
    read = {field.name for field in st.Policy.load(name).reads}
    assert not read & {"predicted_risk_level", "revealed_risk_level"}


@pytest.mark.parametrize("name", NAMES)
def test_built_in_policies_say_what_they_are(name: str) -> None:
    text = (REGIMES / f"{name}.toml").read_text(encoding="utf-8")
    head = text[: text.index("[policy]")]
    assert "express and evidence" in " ".join(head.replace("#", " ").split())
    assert "complian" not in text.lower()
    for rule in st.Policy.load(name).rules:
        assert rule.article
        assert set(rule.because) == {"en", "zh"}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_lists_every_policy_with_every_field(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "regimes.md").read_text(encoding="utf-8")
    section = page.split(f"\n`{name}`\n")[1].split("\n## ")[0]
    listed = [
        line.split("`")[1]
        for line in section.splitlines()
        if line.startswith(("| `user.", "| `product."))
    ]
    assert sorted(listed) == sorted(str(field) for field in st.Policy.load(name).reads)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_lists_every_rule_that_has_cases(name: str) -> None:
    if not (REGIMES / "cases" / f"{name}.csv").is_file():
        pytest.skip("no table of cases")
    page = (Path(__file__).parents[3] / "docs" / "regimes.md").read_text(encoding="utf-8")
    section = page.split(f"\n`{name}`\n")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith(f"| {name} | ")]
    listed = {row[2].strip("`"): row[1] for row in rows}
    assert listed == {rule.id: rule.article for rule in st.Policy.load(name).rules}


SHELVES = ["cn-nfra-2025", "cn-csrc-amac", "qualified-investor", "consumer-loan"]


def test_one_catalogue_under_several_regimes() -> None:
    """Each product is judged by the policies that govern it, and by no others."""
    bank = st.data.simulate_bank(users=300, products=120, seed=3)
    as_of = datetime(2024, 6, 1)
    pipeline = st.Pipeline(
        profiles=[],
        policy=[st.Policy.load(name) for name in SHELVES],
        ranker=st.ranking.Popularity(),
    ).fit(bank, as_of=as_of)
    together = pipeline.eligibility()
    regime = bank.products.set_index("product_id").loc[together.product_ids, "regime"].to_numpy()
    assert set(regime) == {"nfra", "csrc", "private", "loan"}
    mask = together.mask()
    for name, governed in zip(SHELVES, ["nfra", "csrc", "private", "loan"], strict=True):
        alone = pipeline.eligibility(policy=st.Policy.load(name)).mask()
        assert (alone[:, regime == governed] == mask[:, regime == governed]).all()
        assert not alone[:, regime != governed].any()
    # before February 2026 the order is not in force: nothing under it is offered
    assert not mask[:, regime == "nfra"].any()
    for governed in ("csrc", "loan"):
        assert mask[:, regime == governed].any()
        assert not mask[:, regime == governed].all()


def test_a_product_of_no_regime_is_not_eligible() -> None:
    users = pd.DataFrame(
        {
            "user_id": ["u"],
            "risk_level": ["C5"],
            "questionnaire_date": [date(2025, 1, 1)],
            "is_lowest_class": [False],
            "horizon_months": [120],
        }
    )
    products = pd.DataFrame(
        {
            "product_id": ["fund", "art"],
            "regime": ["csrc", "art"],
            "risk_level": ["R1", "R1"],
            "lock_up_months": [0, 0],
            "recommended_holding_months": [0, 0],
        }
    )
    eligibility = st.Policy.load("cn-csrc-amac").evaluate(users, products, AS_OF)
    assert eligibility.mask().tolist() == [[True, False]]
    assert [v.rule for v in eligibility.verdicts("u", "art")] == ["policy:governs"]
