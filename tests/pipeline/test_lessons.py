"""What a user would have to learn or renew: levels withheld for their date, and lessons."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.errors import DataError

POLICY = """
[policy]
id = "house"
[scales]
level = ["C1", "C2", "C3"]
[fields]
"user.risk_level" = "level"
"product.risk_level" = "level"
[changeable]
"user.questionnaire_date" = { en = "Renew the questionnaire.", zh = "请更新测评。" }
"user.passed" = { en = "Take the course on {product.topic}.", zh = "请学习{product.topic}。" }
[[rules]]
id = "risk-level"
require = "product.risk_level <= user.risk_level"
[[rules]]
id = "knowledge"
require = "product.topic in user.passed"
"""
USERS = pd.DataFrame(
    {
        "user_id": ["ann", "bob", "cat", "dan"],
        "risk_level": ["C2", "C2", None, "C1"],
        "questionnaire_date": [date(2020, 1, 1), date(2024, 1, 1), None, None],
        "passed": [["bonds"], ["bonds"], ["bonds"], ["bonds", "funds"]],
    }
)
PRODUCTS = pd.DataFrame(
    {
        "product_id": ["bond", "fund", "etf", "future"],
        "risk_level": ["C1", "C2", "C2", "C3"],
        "topic": ["bonds", "funds", "funds", "futures"],
    }
)
LOG = pd.DataFrame(
    {
        "user_id": ["eve", "eve", "eve", "fay", "fay", "guy", "hal", "bob"],
        "product_id": ["bond", "fund", "etf", "fund", "future", "etf", "etf", "bond"],
        "timestamp": pd.to_datetime(["2024-01-05"] * 8),
    }
)


def fitted(policy: str = POLICY, **how: Any) -> st.Pipeline:
    users = pd.concat([USERS, pd.DataFrame({"user_id": ["eve", "fay", "guy", "hal"]})])
    appetite = st.profiles.RiskAppetite(**how)
    return st.Pipeline(
        profiles=[appetite], policy=st.Policy.from_toml(policy), ranker=st.ranking.Popularity()
    ).fit(st.Dataset(users, PRODUCTS, LOG))


def test_a_level_withheld_for_its_date_counts_as_stated_once_that_is_changed() -> None:
    pipeline = fitted()
    assert pipeline.why_not("ann", "bond")[0].verdict == "unknown"
    assert [found.changes for found in pipeline.what_if("ann", "bond")] == [
        ("user.questionnaire_date",)
    ]
    both = ("user.passed", "user.questionnaire_date")
    assert [found.changes for found in pipeline.what_if("ann", "fund")] == [both]
    assert [found.changes for found in pipeline.what_if("dan", "bond")] == [
        ("user.questionnaire_date",)
    ]


def test_a_level_that_was_never_stated_or_is_too_low_is_not_invented() -> None:
    pipeline = fitted()
    assert pipeline.what_if("cat", "bond") == []
    assert pipeline.what_if("dan", "fund") == []
    assert pipeline.what_if("ann", "future") == []
    assert pipeline.what_if("bob", "bond") == []  # eligible, though owned


def test_a_level_is_reconciled_as_it_would_be_with_the_new_date() -> None:
    pipeline = fitted(scale=["C1", "C2", "C3"], held_risk="risk_level", knowledge=None)
    assert [found.changes for found in pipeline.what_if("ann", "bond")] == [
        ("user.questionnaire_date",)
    ]
    reviewed = POLICY + '[[rules]]\nid = "review"\nrequire = "not user.risk_review"\n'
    pipeline = fitted(reviewed, scale=["C1", "C2", "C3"])
    assert [found.changes for found in pipeline.what_if("ann", "bond")] == [
        ("user.questionnaire_date",)
    ]


def test_lessons_open_most_of_what_is_wanted_first() -> None:
    pipeline = fitted()
    # Bob is kept from etf (3 purchases), fund (2) and future; the last no change would open.
    (course,) = pipeline.lessons("bob")
    assert course.changes == ("user.passed",)
    assert course.product_ids == ("etf", "fund")
    assert course.share == pytest.approx(1.0)
    assert course.text["en"] == "Take the course on funds."
    # Ann wants etf (3 purchases), bond (2, earlier in the catalogue), fund (2), in this order.
    both, renewed = pipeline.lessons("ann")
    weights = [1.0, 1 / 1.584962500721156, 0.5]
    assert both.product_ids == ("etf", "fund")
    assert both.share == pytest.approx((weights[0] + weights[2]) / sum(weights))
    assert renewed.product_ids == ("bond",)
    assert pipeline.lessons("ann", k=1) == [both]
    assert pipeline.lessons("cat") == []
    assert "ann" not in repr(both)
    assert both.to_dict()["product_ids"] == ["etf", "fund"]


def test_a_saved_pipeline_says_the_same(tmp_path: Path) -> None:
    pipeline = fitted()
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert loaded.what_if("ann", "fund") == pipeline.what_if("ann", "fund")
    assert loaded.lessons("ann") == pipeline.lessons("ann")


def test_what_the_call_proposes_is_not_to_be_changed() -> None:
    text = '[policy]\nid = "p"\n[changeable]\n"user.amount_to_invest" = "Invest less."\n'
    text += '[[rules]]\nid = "r"\nrequire = "amount <= 100"\n'
    users = pd.DataFrame({"user_id": [1], "amount_to_invest": [500.0]})
    products = pd.DataFrame({"product_id": [1, 2]})
    log = pd.DataFrame({"user_id": [1], "product_id": [1]})
    pipeline = st.Pipeline(policy=st.Policy.from_toml(text), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(users, products, log))
    assert [found.changes for found in pipeline.what_if(1, 2)] == [("user.amount_to_invest",)]
    assert pipeline.what_if(1, 2, amount=300) == []
    assert pipeline.what_if(1, 2, amount=50) == []


def test_unknown_ids_and_numbers_of_lessons_are_refused() -> None:
    pipeline = fitted()
    with pytest.raises(DataError):
        pipeline.what_if("zoe", "bond")
    with pytest.raises(DataError):
        pipeline.what_if("ann", "no such product")
    with pytest.raises(DataError):
        pipeline.lessons("zoe")
    with pytest.raises(ValueError, match="positive integer"):
        pipeline.lessons("ann", k=0)


def test_answers_hold_in_the_bank_simulation() -> None:
    bank = st.data.simulate_bank(users=60, products=40, seed=3)
    pipeline = st.Pipeline(
        profiles=[st.profiles.RiskAppetite()], policy="cn-csrc-amac", ranker=st.ranking.Popularity()
    ).fit(bank)
    eligible = pipeline.eligibility().mask()
    assert pipeline.as_of_ is not None
    today = pipeline.as_of_ - pd.Timedelta(microseconds=1)
    renewed = bank.users.copy()
    renewed["questionnaire_date"] = today.to_datetime64()
    after = st.Pipeline(
        profiles=[st.profiles.RiskAppetite()], policy="cn-csrc-amac", ranker=st.ranking.Popularity()
    ).fit(st.Dataset(renewed, bank.products, bank.interactions, columns=bank.columns))
    open_then = after.eligibility(as_of=pipeline.as_of_).mask()
    for row, user in enumerate(pipeline.user_ids[:25].tolist()):
        for column, item in enumerate(pipeline.product_ids.tolist()):
            found = [one.changes for one in pipeline.what_if(user, item)]
            opens = bool(open_then[row, column] and not eligible[row, column])
            assert found == [("user.questionnaire_date",)] * opens


def test_lessons_of_who_has_not_consented_do_not_hang_on_their_history() -> None:
    consent = st.governance.Consent(
        pd.DataFrame(
            {
                "user_id": ["eve", "fay", "guy", "hal"],
                "purpose": ["personalisation"] * 4,
                "granted_at": pd.to_datetime(["2023-01-01"] * 4),
                "withdrawn_at": pd.Series([pd.NaT] * 4, dtype="datetime64[us]"),
            }
        )
    )
    more = pd.DataFrame(
        {"user_id": ["bob"], "product_id": ["fund"], "timestamp": pd.to_datetime(["2024-01-05"])}
    )
    found = []
    for log in (LOG, pd.concat([LOG, more])):
        users = pd.concat([USERS, pd.DataFrame({"user_id": ["eve", "fay", "guy", "hal"]})])
        pipeline = st.Pipeline(
            profiles=[st.profiles.RiskAppetite()],
            policy=st.Policy.from_toml(POLICY),
            ranker=st.ranking.ItemKNN(),
            consent=consent,
        ).fit(st.Dataset(users, PRODUCTS, log))
        found.append(pipeline.lessons("bob"))
    assert found[0] == found[1] != []
