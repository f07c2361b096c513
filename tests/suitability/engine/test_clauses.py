"""From verdicts on rules to verdicts on pairs: applies, governs, dates, counts, versions."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably.suitability.frames import evaluate_frames
from support.one_pair import AS_OF, HEAD, PRODUCT, USER, evaluate, rule, table
from support.random_policies import quote


def verdicts(text: str, **more: Any) -> list[tuple[str, str]]:
    eligibility = evaluate(text, **more)
    found = [(verdict.rule, verdict.verdict) for verdict in eligibility.verdicts("u", "p")]
    assert eligibility.mask().tolist() == [[all(v == "pass" for _, v in found)]]
    return found


@pytest.mark.parametrize(
    ("applies", "expected"),
    [("user.t", [("r", "fail")]), ("user.f", []), ("user.u", [("r", "unknown")])],
)
def test_applies(applies: str, expected: list[Any]) -> None:
    text = HEAD + rule("user.t", "first") + rule("user.f", "r", f"applies = {quote(applies)}")
    assert verdicts(text) == [("first", "pass"), *expected]


def test_unknown_applies_is_unknown_though_the_rule_would_pass() -> None:
    text = HEAD + rule("user.t", "r", 'applies = "user.u"')
    assert verdicts(text) == [("r", "unknown")]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ("effective = 2024-02-29T12:00:00", True),
        ("effective = 2024-02-29T12:00:00.000001", False),
        ("effective = 2024-02-29", True),
        ("effective = 2024-03-01", False),
        ("expires = 2024-02-29T12:00:00", False),
        ("expires = 2024-02-29T12:00:00.000001", True),
        ("expires = 2024-02-29", False),
        ("expires = 2024-03-01", True),
        ("effective = 2024-02-29\nexpires = 2024-03-01", True),
        ("effective = 2023-02-28\nexpires = 2024-02-29", False),
    ],
)
def test_dates_in_force(dates: str, expected: bool) -> None:
    ours = verdicts(HEAD + rule("user.t", "first") + rule("user.f", "r", dates))
    assert ours == [("first", "pass"), *([("r", "fail")] if expected else [])]
    policy = verdicts(HEAD.replace('version = "1"', f'version = "1"\n{dates}') + rule("user.t"))
    assert (("policy:effective", "fail") in policy) == (not expected)
    if expected:
        assert policy == [("rule", "pass")]


@pytest.mark.parametrize(
    ("governs", "expected"),
    [
        ("product.key == 'x'", None),
        ("product.key == 'y'", "fail"),
        ("product.n / 0 > 1", "unknown"),
    ],
)
def test_governs(governs: str, expected: str | None) -> None:
    text = HEAD.replace('version = "1"', f'version = "1"\ngoverns = {quote(governs)}')
    found = verdicts(text + rule("user.t"))
    if expected is None:
        assert found == [("rule", "pass")]
    else:
        assert ("policy:governs", expected) in found


# --- verdicts and counts ---------------------------------------------------------------------


def test_verdicts_carry_inputs_article_and_texts() -> None:
    texts = 'en = "{product.level} above {user.level}", zh = "{product.level}高于{user.level}"'
    more = f'article = "Art. 1"\nbecause = {{ {texts} }}'
    text = HEAD + rule("rank(product.level) > rank(user.level)", "risk", more)
    (found,) = evaluate(text).verdicts("u", "p")
    assert (found.rule, found.verdict, found.article) == ("risk", "fail", "Art. 1")
    assert dict(found.inputs) == {"user.level": "C3", "product.level": "R2"}
    assert dict(found.text) == {"en": "R2 above C3", "zh": "R2高于C3"}
    (missing,) = evaluate(text, {"level": None}).verdicts("u", "p")
    assert missing.verdict == "unknown"
    assert missing.inputs["user.level"] is None
    assert set(missing.text) == {"en", "zh"}
    assert all(missing.text.values())
    assert "above" not in missing.text["en"]
    (passed,) = evaluate(text.replace(" > ", " < ")).verdicts("u", "p")
    assert passed.verdict == "pass"
    assert all(passed.text.values())
    assert "above" not in passed.text["en"]


def test_every_applicable_rule_is_listed_in_the_order_of_the_policy() -> None:
    names = ["z", "a", "m"]
    text = HEAD + "".join(map(rule, ["user.t", "user.f", "user.u"], names))
    assert verdicts(text) == [("z", "pass"), ("a", "fail"), ("m", "unknown")]


def test_counts_by_hand() -> None:
    users = pd.DataFrame({"user_id": [1, 2, 3], "n": [1.0, 5.0, None]})
    products = pd.DataFrame({"product_id": ["a", "b"], "n": [2.0, 9.0], "ok": [True, False]})
    text = HEAD.split("[scales]", maxsplit=1)[0]
    text += rule("user.n >= product.n", "enough") + rule("product.ok", "ok")
    eligibility = evaluate(text, users, products)
    assert eligibility.mask().tolist() == [[False, False], [True, False], [False, False]]
    counts = eligibility.counts()
    assert isinstance(counts, pd.DataFrame)
    rows = counts.set_index("rule")[["failed", "unknown", "only"]].to_dict("index")
    # enough: (1,a) (1,b) (2,b) fail, 3 unknown twice; ok fails on every b
    assert rows["enough"] == {"failed": 3, "unknown": 2, "only": 2}
    assert rows["ok"] == {"failed": 3, "unknown": 0, "only": 0}


def test_unrestricted_passes_everything() -> None:
    eligibility = st.Policy.unrestricted().evaluate(table(USER), table(PRODUCT), AS_OF)
    assert eligibility.mask().tolist() == [[True]]
    assert list(eligibility.verdicts("u", "p")) == []


@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_empty_frames_are_refused(build: Any) -> None:
    text = HEAD.split("[scales]", maxsplit=1)[0] + rule("user.n < product.n")
    users, products = build({"user_id": ["a"], "n": [1.0]}), build({"product_id": [3], "n": [2.0]})
    assert evaluate(text, users, products).mask().tolist() == [[True]]
    with pytest.raises(st.DataError, match="empty"):
        evaluate(text, users[:0], products)
    with pytest.raises(st.DataError, match="empty"):
        evaluate(text, users, products[:0])


def test_mask_above_two_to_the_31_cells_points_to_blocks() -> None:
    size = 46_341  # its square is just above 2**31
    users = pa.table({"user_id": np.arange(size), "n": np.arange(size) % 7.0})
    products = pa.table({"product_id": np.arange(size), "n": np.arange(size) % 5.0})
    text = HEAD.split("[scales]", maxsplit=1)[0] + rule("user.n < product.n")
    eligibility = evaluate(text, users, products)
    with pytest.raises(st.DataError, match="block"):
        eligibility.mask()
    assert eligibility.mask([6, 0]).shape == (2, size)
    assert eligibility.mask([6, 0]).sum(axis=1).tolist() == [
        0,
        int((np.arange(size) % 5 > 0).sum()),
    ]


# --- versions and columns --------------------------------------------------------------------


def test_last_visible_version_counts() -> None:
    step = timedelta(microseconds=1)
    users = pd.DataFrame(
        {
            "who": ["u", "u", "u", "v", "w"],
            "since": [AS_OF, AS_OF - step, AS_OF - 2 * step, AS_OF, AS_OF - step],
            "n": [1.0, 2.0, 3.0, 2.0, 2.0],
        }
    )
    products = pd.DataFrame(
        {"what": ["p", "q"], "since": [AS_OF - step, AS_OF], "ok": [True, True]}
    )
    columns = st.Columns(
        user="who", product="what", user_timestamp="since", product_timestamp="since"
    )
    text = HEAD.split("[scales]", maxsplit=1)[0] + rule("user.n == 2 and product.ok")
    policy = st.Policy.from_toml(text)
    eligibility = policy.evaluate(users, products, AS_OF, columns=columns)
    assert sorted(eligibility.user_ids) == ["u", "v", "w"]
    assert list(eligibility.product_ids) == ["p"]
    assert eligibility.mask(["u", "v", "w"]).tolist() == [[True], [False], [True]]
    (unseen,) = eligibility.verdicts("v", "p")
    assert unseen.verdict == "unknown"
    later = policy.evaluate(users, products, AS_OF + step, columns=columns)
    assert sorted(later.product_ids) == ["p", "q"]
    assert later.mask(["u", "v", "w"]).tolist() == [[False] * 2, [True] * 2, [True] * 2]


def test_same_id_at_the_same_moment_is_refused() -> None:
    users = pd.DataFrame({"user_id": ["u", "u"], "user_timestamp": [AS_OF, AS_OF], "t": [True] * 2})
    with pytest.raises(st.DataError):
        evaluate(HEAD.split("[scales]", maxsplit=1)[0] + rule("user.t"), users)


def test_a_raw_row_without_a_map_is_unknown() -> None:
    found = evaluate(HEAD + rule("lookup(user.map, product.key) < 1"))
    assert found.judge({"map": {"x": 0.5}}).tolist() == [True]
    for row in ({}, {"map": None}, {"map": {}}, {"map": {"x": None}}):
        assert found.judge(row).tolist() == [False]


def test_where_no_policy_is_known_to_govern_nothing_passes() -> None:
    """A policy that may govern leaves a pair unknown, also where none of its rules is in force."""
    free = st.Policy.from_toml('rules = []\n[policy]\nid = "free"\n')
    rules = {
        "none": "rules = []\n[policy]\n",
        "over": f"{rule('user.f', more='expires = 2020-01-01')}[policy]\n",
        "passing": f"{rule('user.t')}[policy]\n",
    }
    for name, text in rules.items():
        special = st.Policy.from_toml(f'{text}id = "{name}"\ngoverns = "user.u"\n')
        found = evaluate_frames(
            (free, special), table(USER | {"u": None}), table(PRODUCT), AS_OF, st.Columns()
        )
        said = [(v.rule, v.verdict) for v in found.verdicts("u", "p")]
        assert said == [("policy:governs", "unknown")]
        assert found.mask().tolist() == [[False]]
        assert found.judge({"t": True}).tolist() == [False]
        row = found.counts().to_pylist()[0]
        assert row == {
            "rule": "policy:governs", "failed": 0, "unknown": 1, "only": 1, "flagged": 0,
        }  # fmt: skip


def test_an_empty_governs_is_refused() -> None:
    for governs in ("", "  "):
        with pytest.raises(st.PolicyError, match="governs: is empty"):
            st.Policy.from_toml(f'rules = []\n[policy]\nid = "p"\ngoverns = "{governs}"\n')


def test_a_rule_of_unknown_dates_is_left_out_where_it_does_not_apply() -> None:
    more = 'effective = 2020-01-01\napplies = "product.n > 100"'
    found = evaluate(HEAD + rule("user.f", more=more)).at(None)
    assert found.mask().tolist() == [[True]]
    assert found.verdicts("u", "p") == []
    more = more.replace("> 100", "< 100")
    found = evaluate(HEAD + rule("user.f", more=more)).at(None)
    assert found.mask().tolist() == [[False]]
    assert [v.verdict for v in found.verdicts("u", "p")] == ["unknown"]
