"""The built-in policies: that they load, speak both languages, and what they say."""

import hashlib
import json
import tomllib
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st

FOLDER = files("suitably.suitability") / "regimes"
NAMES = sorted(
    file.name.removesuffix(".toml") for file in FOLDER.iterdir() if file.name.endswith(".toml")
)
LEVELS = ["Conservative", "Income", "Balanced", "Aggressive"]


def source(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def fingerprint(text: str) -> str:
    """Compute it as the documents say, apart from the library."""

    def plain(value: Any) -> str:
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(type(value))

    parsed = tomllib.loads(text)
    written = json.dumps(
        parsed, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=plain
    )
    return hashlib.sha256(written.encode("utf-8")).hexdigest()


def test_far_trans_is_built_in() -> None:
    assert "far-trans" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_loads(name: str) -> None:
    policy = st.Policy.load(name)
    parsed = tomllib.loads(source(name))
    assert policy.id == parsed["policy"]["id"] == name
    assert policy.version == parsed["policy"]["version"]
    assert [rule.id for rule in policy.rules] == [rule["id"] for rule in parsed["rules"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_an_article_and_both_languages(name: str) -> None:
    parsed = tomllib.loads(source(name))
    assert set(parsed["policy"]["title"]) >= {"en", "zh"}
    for rule in parsed["rules"]:
        assert rule["article"].strip(), rule["id"]
        assert set(rule["because"]) >= {"en", "zh"}, rule["id"]
        assert any("\u4e00" <= sign <= "\u9fff" for sign in rule["because"]["zh"]), rule["id"]
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in rule["because"]["en"]), rule["id"]


@pytest.mark.parametrize("name", NAMES)
def test_never_reads_a_predicted_level(name: str) -> None:
    assert "predicted" not in json.dumps(tomllib.loads(source(name))["rules"], default=str)


@pytest.mark.parametrize("name", NAMES)
def test_fingerprint(name: str) -> None:
    assert st.Policy.load(name).fingerprint == fingerprint(source(name))


TEXT = """
[policy]
id = "p"
version = "1"
effective = 2020-01-01
expires = 2030-01-01T10:00:00.5
title = { zh = "适当性", en = "Title" }
[[rules]]
id = "r"
require = "user.t"
because = { zh = "否", en = "no" }
"""


def test_fingerprint_ignores_layout_and_nothing_else() -> None:
    policy = st.Policy.from_toml(TEXT)
    assert policy.fingerprint == fingerprint(TEXT)
    spaced = TEXT.replace(" = ", "   =   ").replace("[[rules]]", "# a remark\n\n[[rules]]")
    assert st.Policy.from_toml(spaced).fingerprint == policy.fingerprint
    swapped = TEXT.replace('{ zh = "否", en = "no" }', '{ en = "no", zh = "否" }')
    assert st.Policy.from_toml(swapped).fingerprint == policy.fingerprint
    for old, new in [("否", "不"), ("no", "No"), ("2020", "2021"), ("user.t", "user.t ")]:
        changed = TEXT.replace(old, new)
        assert (
            st.Policy.from_toml(changed).fingerprint == fingerprint(changed) != policy.fingerprint
        )


def test_loads_from_a_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT, encoding="utf-8")
    for path in (file, str(file)):
        assert st.Policy.load(path).fingerprint == fingerprint(TEXT)


@pytest.mark.parametrize("name", ["far-tran", "", "nowhere/none.toml", "../far-trans", "FAR-TRANS"])
def test_unknown_policy(name: str) -> None:
    with pytest.raises(st.PolicyError):
        st.Policy.load(name)


def test_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(st.PolicyError, match="far-trans"):
        st.Policy.load("far-tran")


def test_file_that_is_no_utf8(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(TEXT.encode("gb18030"))
    with pytest.raises(st.PolicyError):
        st.Policy.load(file)


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    users = pd.DataFrame({"user_id": ["none", *LEVELS], "risk_level": [None, *LEVELS]})
    users["predicted_risk_level"] = "Aggressive"
    users["questionnaire_date"] = pd.Timestamp("2020-01-01")
    products = pd.DataFrame({"product_id": ["none", *LEVELS], "risk_level": [None, *LEVELS]})
    return users, products


def test_far_trans_is_the_order_of_levels() -> None:
    users, products = frames()
    eligibility = st.Policy.load("far-trans").evaluate(users, products, datetime(2020, 12, 18))
    assert list(eligibility.user_ids) == ["none", *LEVELS]
    expected = [[False] * 5]
    expected += [[False, *(product <= user for product in range(4))] for user in range(4)]
    assert eligibility.mask().tolist() == expected


def test_far_trans_says_why() -> None:
    users, products = frames()
    eligibility = st.Policy.load("far-trans").evaluate(users, products, datetime(2020, 12, 18))
    failed = [v for v in eligibility.verdicts("Income", "Balanced") if v.verdict == "fail"]
    assert len(failed) == 1
    assert failed[0].inputs == {"user.risk_level": "Income", "product.risk_level": "Balanced"}
    assert "Balanced" in failed[0].text["en"]
    assert set(failed[0].text) >= {"en", "zh"}
    assert {v.verdict for v in eligibility.verdicts("none", "Income")} >= {"unknown"}
    assert {v.verdict for v in eligibility.verdicts("Income", "none")} >= {"unknown"}
    assert {v.verdict for v in eligibility.verdicts("Income", "Income")} == {"pass"}


@pytest.mark.parametrize("level", ["Predicted_Income", "Not_Available", "conservative", "Income "])
def test_far_trans_refuses_what_is_no_stated_level(level: str) -> None:
    users, products = frames()
    users.loc[0, "risk_level"] = level
    with pytest.raises(st.DataError, match="risk_level"):
        st.Policy.load("far-trans").evaluate(users, products, datetime(2020, 12, 18))
