"""Rules that flag and never bar: verdicts, texts, counts and frames of flags."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

import suitably as st
from suitably.data.frames import read_frame
from suitably.suitability.engine import tables
from suitably.suitability.frames import evaluate_frames
from support.agreement import assert_as_judged, evaluated
from support.one_pair import HEAD, evaluate, rule
from support.oracle import judge
from support.random_policies import Case, cases, quote

FLAG = 'effect = "flag"'
USERS = {"user_id": ["a", "b", "c"], "age": [70.0, 64.0, None], "new": [True, None, False]}
PRODUCTS = {"product_id": ["x", "y", "z"], "risky": [True, False, None], "from_age": [18, 65, 0]}
POLICY = """
[policy]
id = "care"
version = "1"
[[rules]]
id = "special-care"
effect = "flag"
article = "Art. 7"
require = "user.age < 65"
because = { en = "Special duty of care at {user.age}", zh = "{user.age}岁，特别注意义务" }
[[rules]]
id = "of-age"
effect = "bar"
require = "user.age >= product.from_age"
[[rules]]
id = "declaration"
effect = "flag"
applies = "product.risky"
require = "not user.new"
"""


def as_pandas(frame: Any) -> pd.DataFrame:
    return frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()


def judged(frame: Any = pd.DataFrame, text: str = POLICY) -> Any:
    return st.Policy.from_toml(text).evaluate(frame(USERS), frame(PRODUCTS), "2024-06-01")


# --- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("require", "applies", "flag", "unknown"),
    [
        ("user.t", "True", False, False),
        ("user.f", "True", True, False),
        ("user.u", "True", True, True),
        ("user.f", "user.u", True, True),
        ("user.t", "user.u", True, True),
        ("user.f", "user.t", True, False),
        ("product.n / 0 > 1", "True", True, True),
    ],
)
def test_a_flag_passes_whatever_it_comes_to(
    require: str, applies: str, flag: bool, unknown: bool
) -> None:
    text = HEAD + rule(require, more=f"{FLAG}\napplies = {quote(applies)}")
    eligibility = evaluate(text)
    (found,) = eligibility.verdicts("u", "p")
    assert (found.verdict, found.flag, found.unknown) == ("pass", flag, unknown)
    assert eligibility.mask().tolist() == [[True]]
    assert eligibility.judge({"t": True}).tolist() == [True]
    (row,) = eligibility.counts().to_pylist()
    assert row == {"rule": "rule", "failed": 0, "unknown": 0, "only": 0, "flagged": int(flag)}


def test_a_flag_that_does_not_apply_is_left_out() -> None:
    text = HEAD + rule("user.f", more=f'{FLAG}\napplies = "user.f"')
    assert evaluate(text).verdicts("u", "p") == []
    assert evaluate(text).flags(["u"], ["p"]).num_rows == 0


@pytest.mark.parametrize("effect", ["", 'effect = "bar"'])
def test_without_a_flag_a_rule_bars(effect: str) -> None:
    for require, verdict in [("user.f", "fail"), ("user.u", "unknown")]:
        eligibility = evaluate(HEAD + rule(require, more=effect))
        (found,) = eligibility.verdicts("u", "p")
        assert (found.verdict, found.flag) == (verdict, False)
        assert found.unknown == (verdict == "unknown")
        assert eligibility.mask().tolist() == [[False]]
        assert eligibility.counts().to_pylist()[0]["flagged"] == 0
        assert eligibility.flag_ids == ()


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ("effective = 2024-02-29T12:00:00", 1),
        ("effective = 2024-02-29T12:00:00.000001", 0),
        ("expires = 2024-02-29T12:00:00", 0),
        ("expires = 2024-02-29T12:00:00.000001", 1),
    ],
)
def test_a_flag_outside_its_dates_is_left_out(dates: str, expected: int) -> None:
    found = evaluate(HEAD + rule("user.f", more=f"{FLAG}\n{dates}"))
    assert len(found.verdicts("u", "p")) == expected
    assert found.flags(["u"], ["p"]).num_rows == expected
    assert found.counts().num_rows == expected
    assert found.mask().tolist() == [[True]]


@pytest.mark.parametrize(
    ("governs", "said"),
    [
        ("user.t", [("rule", "pass", True)]),
        ("user.f", [("policy:governs", "fail", False)]),
        ("user.u", [("policy:governs", "unknown", False)]),
    ],
)
def test_a_flag_speaks_where_its_policy_governs(governs: str, said: list[Any]) -> None:
    text = HEAD.replace("[scales]", f"governs = {quote(governs)}\n[scales]")
    found = evaluate(text + rule("user.f", more=FLAG))
    assert [(v.rule, v.verdict, v.flag) for v in found.verdicts("u", "p")] == said
    assert found.mask().tolist() == [[governs == "user.t"]]
    assert found.flags(["u"], ["p"]).num_rows == (governs == "user.t")


def test_texts() -> None:
    found = judged()
    raised, _, declared = found.verdicts("a", "x")
    assert dict(raised.text) == {
        "en": "Special duty of care at 70",
        "zh": "70岁，特别注意义务",
    }
    assert (raised.article, raised.policy) == ("Art. 7", "care")
    assert repr(raised) == "RuleVerdict('special-care', 'pass', flag=True)"
    assert raised.to_dict()["flag"] is True
    assert dict(declared.text) == {
        "en": "Flagged by the rule declaration, which bars nothing: "
        "product.risky = yes, user.new = yes.",
        "zh": "规则declaration提示注意，但不禁止推荐：product.risky为是，user.new为是。",
    }
    missing, barred, _ = found.verdicts("c", "z")
    assert dict(missing.text) == {
        "en": "It is unknown whether the rule special-care, which bars nothing, flags this: "
        "user.age = missing.",
        "zh": "规则special-care仅作提示，无法判断是否需要提示：user.age缺失。",
    }
    assert repr(missing) == "RuleVerdict('special-care', 'pass', flag=True, unknown=True)"
    assert missing.to_dict()["unknown"] is True
    assert repr(barred) == "RuleVerdict('of-age', 'unknown')"
    below = found.verdicts("b", "x")[0]
    assert below.text["en"] == "The rule special-care is met: user.age = 64."


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ['"flags"', '"Flag"', '""', "true", "1", '["flag"]', '" flag"'])
def test_another_effect_is_refused(effect: str) -> None:
    said = r"policy 'test', rule 'r': effect must be 'bar' or 'flag', got "
    with pytest.raises(st.PolicyError, match=said):
        st.Policy.from_toml(HEAD + rule("user.f", "r", f"effect = {effect}"))


def test_a_policy_as_a_whole_has_no_effect() -> None:
    with pytest.raises(st.PolicyError, match="unknown keys"):
        st.Policy.from_toml('rules = []\n[policy]\nid = "p"\neffect = "flag"\n')


@pytest.mark.parametrize(
    ("applies", "said"),
    [
        ("user.nobody", "line 1, column 1.*user.nobody"),
        ("user.n", "line 1, column 1.*condition"),
        ("user.n ==", "line 1"),
        ("", "is not a sentence|empty|line 1"),
    ],
)
def test_what_a_flag_cannot_read_is_refused_as_elsewhere(applies: str, said: str) -> None:
    more = f"applies = {quote(applies)}"
    with pytest.raises(st.PolicyError) as bar:
        evaluate(HEAD + rule("user.t", "r", more))
    with pytest.raises(st.PolicyError) as flag:
        evaluate(HEAD + rule("user.t", "r", f"{more}\n{FLAG}"))
    assert str(flag.value) == str(bar.value)
    assert re.search(said, str(flag.value), re.DOTALL), str(flag.value)


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_counts_and_frames_by_hand(frame: Any) -> None:
    found = judged(frame)
    counts, flags = found.counts(), found.flags(["a", "c", "b"], ["x", "z", "z"])
    assert isinstance(flags, type(counts))
    assert as_pandas(counts).to_dict("records") == [
        {"rule": "special-care", "failed": 0, "unknown": 0, "only": 0, "flagged": 6},
        {"rule": "of-age", "failed": 1, "unknown": 3, "only": 4, "flagged": 0},
        # x for a and, unknown, b; z for everybody, since it may or may not be risky
        {"rule": "declaration", "failed": 0, "unknown": 0, "only": 0, "flagged": 5},
    ]
    assert as_pandas(flags).to_dict("records") == [
        {"user_id": "a", "product_id": "x", "rule": "special-care", "unknown": False},
        {"user_id": "a", "product_id": "x", "rule": "declaration", "unknown": False},
        {"user_id": "c", "product_id": "z", "rule": "special-care", "unknown": True},
        {"user_id": "c", "product_id": "z", "rule": "declaration", "unknown": True},
        {"user_id": "b", "product_id": "z", "rule": "declaration", "unknown": True},
    ]
    assert list(as_pandas(found.flags([], [])).columns) == list(as_pandas(flags).columns)
    named = as_pandas(found.to_frame(["a", "b"], verdicts=True)).set_index("user_id")
    assert named.loc["a", "x"] == "pass; flag: special-care; flag: declaration"
    assert named.loc["b", "y"] == "fail: of-age"
    assert named.loc["b", "x"] == "pass; flag unknown: declaration"
    assert as_pandas(found.to_frame(["a"])).loc[0, "x"] == "pass"


@pytest.mark.parametrize(
    ("users", "products"), [(["nobody"], ["x"]), (["a"], ["nothing"]), (["a", "b"], ["x"])]
)
def test_flags_of_strangers_are_refused_not_left_out(users: Any, products: Any) -> None:
    with pytest.raises(st.DataError):
        judged().flags(users, products)


def test_policies_that_share_the_id_of_a_bar_and_a_flag() -> None:
    bars = '[policy]\nid = "bars"\n' + rule("user.age > 65", "r")
    flags = '[policy]\nid = "flags"\n' + rule("user.age > 71", "r", FLAG)
    policies = [st.Policy.from_toml(text) for text in (flags, bars)]
    found = evaluate_frames(
        policies, pa.table(USERS), pa.table(PRODUCTS), datetime(2024, 6, 1), st.Columns()
    )
    assert found.counts().to_pylist() == [
        {"rule": "r", "failed": 3, "unknown": 3, "only": 6, "flagged": 9}
    ]
    assert [(v.verdict, v.flag) for v in found.verdicts("a", "x")] == [
        ("pass", True),
        ("pass", False),
    ]


def test_a_bar_that_becomes_a_flag_is_a_change() -> None:
    other = POLICY.replace('effect = "bar"', FLAG)
    assert st.Policy.from_toml(other).fingerprint != st.Policy.from_toml(POLICY).fingerprint
    frames = (pd.DataFrame(USERS), pd.DataFrame(PRODUCTS))
    policies = [st.Policy.from_toml(text) for text in (POLICY, other)]
    change = st.suitability.impact(*policies, *frames, "2024-06-01")
    assert (change.gained, change.lost) == (4, 0)
    row = change.rules().set_index("rule").loc["of-age"]
    assert (row["flagged_before"], row["flagged_after"]) == (0, 4)
    assert (row["only_before"], row["only_after"]) == (4, 0)
    back = st.suitability.impact(*policies[::-1], *frames, "2024-06-01")
    assert (back.gained, back.lost) == (0, 4)


# --- against the slow evaluator ------------------------------------------------------------------


@pytest.mark.parametrize("most", [2**26, 300, 0])
@settings(max_examples=12)
@given(case=cases(policies=2, most=10))
def test_flags_are_those_of_the_slow_evaluator(most: int, case: Case) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_MOST_BYTES", most)
        found = evaluated(case)
        assert_as_judged(found, case, case.as_of)
        users, products = case.visible("user"), case.visible("product")
        asked = [(user, product) for user in found.user_ids for product in found.product_ids]
        expected = []
        for user, product in asked:
            flags = judge(case.policies, users[user], products[product], case.as_of).flags
            raised: dict[str, bool] = {}
            for name, verdict in flags:
                raised[name] = raised.get(name, True) and verdict == "unknown"
            expected += [(user, product, *raised_as) for raised_as in sorted(raised.items())]
        pairs = [user for user, _ in asked], [product for _, product in asked]
        few = evaluated(case)
        for one in (found, few):  # by tables, since they were made for the counts; and without
            got = read_frame(one.flags(*pairs), "flags")[0]
            rows = zip(*(got[name].to_pylist() for name in got.column_names), strict=True)
            order = {pair: place for place, pair in enumerate(asked)}
            assert sorted(rows, key=lambda r: (order[r[:2]], r[2])) == expected


@settings(max_examples=25)
@given(case=cases(policies=2, most=12))
def test_without_its_flags_a_policy_lets_the_same_through(case: Case) -> None:
    texts = []
    for text in case.texts:
        head, *rules = text.split("[[rules]]")
        kept = [one for one in rules if FLAG not in one]
        none = "rules = []\n" * (bool(rules) and not kept)
        texts.append(none + "[[rules]]".join([head, *kept]))
    bare = replace(case, texts=tuple(texts))
    assert (evaluated(bare).mask() == evaluated(case).mask()).all()
    assert evaluated(bare).flag_ids == ()
