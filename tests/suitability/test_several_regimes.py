"""One catalogue under several policies: each product is judged by those that govern it."""

import numpy as np
import pandas as pd
import pytest

import suitably as st

POLICY = """
[policy]
id = "{id}"
governs = "product.regime == '{regime}'"
[scales]
levels = {levels}
[fields]
"product.risk_level" = "levels"
[[rules]]
id = "{rule}"
require = "product.risk_level == '{best}'"
"""
FUNDS = POLICY.format(id="funds", regime="csrc", levels=["R1", "R2"], rule="lowest", best="R1")
COINS = POLICY.format(id="coins", regime="crypto", levels=["low", "high"], rule="low", best="low")
USERS = pd.DataFrame({"user_id": [1, 2]})
SHELF = pd.DataFrame(
    {
        "product_id": ["f1", "f2", "c1", "c2", "loan", "?"],
        "regime": ["csrc", "csrc", "crypto", "crypto", "loan", None],
        "risk_level": ["R1", "R2", "low", "high", "grade A", "R1"],
    }
)


def pipeline(*policies: str, shelf: pd.DataFrame = SHELF) -> st.Pipeline:
    log = pd.DataFrame({"user_id": [1], "product_id": ["f1"], "timestamp": ["2024-01-01"]})
    read = [st.Policy.from_toml(text) for text in policies]
    made = st.Pipeline(policy=read, ranker=st.ranking.Popularity())
    return made.fit(st.Dataset(USERS, shelf, log))


def test_each_product_is_judged_by_the_policy_that_governs_it() -> None:
    found = pipeline(FUNDS, COINS).eligibility()
    assert found.mask().tolist() == [[True, False, True, False, False, False]] * 2
    by_rule = found.counts().set_index("rule")
    assert by_rule["failed"].to_dict() == {"policy:governs": 2, "lowest": 2, "low": 2}
    assert by_rule["unknown"].to_dict() == {"policy:governs": 2, "lowest": 0, "low": 0}
    assert [v.rule for v in found.verdicts(1, "f2")] == ["lowest"]
    (outside,) = found.verdicts(1, "loan")
    assert (outside.rule, outside.verdict) == ("policy:governs", "fail")
    (unknown,) = found.verdicts(1, "?")
    assert (unknown.rule, unknown.verdict) == ("policy:governs", "unknown")


def test_a_level_off_the_scale_is_refused_only_where_the_policy_governs() -> None:
    with pytest.raises(st.DataError, match=r"1 values are off the scale.*'high'"):
        pipeline(FUNDS, COINS, shelf=SHELF.replace({"regime": {"crypto": "csrc"}}).drop(index=2))
    alone = st.Policy.from_toml(FUNDS).evaluate(USERS, SHELF, "2024-01-01")
    assert alone.mask()[0].tolist() == [True, False, False, False, False, False]


def test_a_product_of_two_policies_must_meet_both() -> None:
    strict = FUNDS.replace("== 'R1'", "== 'R2'").replace('"lowest"', '"second"')
    strict = strict.replace("funds", "more")
    found = pipeline(FUNDS, strict).eligibility()
    assert not found.mask().any()
    assert [(v.rule, v.verdict) for v in found.verdicts(1, "f1")] == [
        ("lowest", "pass"),
        ("second", "fail"),
    ]


def test_the_same_rule_id_in_two_policies_is_one_reason() -> None:
    twin = COINS.replace('"low"\nrequire', '"lowest"\nrequire')
    found = pipeline(FUNDS, twin)
    counts = found.eligibility().counts()
    assert counts["rule"].tolist() == ["policy:governs", "lowest"]
    assert counts["failed"].tolist() == [2, 4]
    assert counts["only"].tolist() == [4, 4]
    short = found.recommend(exclude_owned=False).abstentions()
    by_user = short.groupby("user_id")["reason"].apply(list).tolist()
    assert by_user == [["policy:governs", "lowest", "no-score", "catalogue"]] * 2


def test_without_timestamps_the_dates_of_a_policy_cannot_be_judged() -> None:
    log = pd.DataFrame({"user_id": [1], "product_id": ["f1"]})
    dated = FUNDS.replace('id = "funds"', 'id = "funds"\neffective = 2020-01-01')
    for text, reason in ((dated, "policy:effective"), (FUNDS + "expires = 2030-01-01\n", "lowest")):
        made = st.Pipeline(policy=st.Policy.from_toml(text), ranker=st.ranking.Popularity())
        found = made.fit(st.Dataset(USERS, SHELF, log)).eligibility()
        assert not found.mask().any()
        assert [(v.rule, v.verdict) for v in found.verdicts(1, "f1")] == [(reason, "unknown")]
        by_rule = found.counts().set_index("rule")
        assert by_rule.loc[reason, ["failed", "unknown"]].tolist() == [0, 2 * 2]


def test_ids_are_fields_too() -> None:
    text = FUNDS.replace("product.risk_level == 'R1'", "product.product_id != 'f1'")
    assert st.Policy.from_toml(text).evaluate(USERS, SHELF, "2024-01-01").mask()[0].sum() == 1
    assert pipeline(text).recommend(exclude_owned=False).to_frame().empty


def test_an_expired_policy_bars_what_it_governs() -> None:
    expired = FUNDS.replace('id = "funds"', 'id = "funds"\nexpires = 2020-01-01')
    found = pipeline(expired, COINS).eligibility()
    assert found.mask()[0].tolist() == [False, False, True, False, False, False]
    assert [v.rule for v in found.verdicts(1, "f1")] == ["policy:effective"]
    for name in ("policy:governs", "policy:effective"):
        assert name in found.counts()["rule"].tolist()
    planned = found.order()  # makes the plan for many users, which must agree
    assert len(planned) == 2
    assert np.array_equal(
        found.bits(np.arange(2)), found._composed(found._conditions, found._batch(np.arange(2)))
    )


def test_whole_levels_with_a_gap_are_read_as_integers() -> None:
    text = FUNDS.replace("['R1', 'R2']", "[1, 2]").replace("== 'R1'", "!= product.other")
    text = text.replace("[[rules]]", '"product.other" = "levels"\n[[rules]]')
    shelf = SHELF.assign(risk_level=[1, 2, None, None, None, None], other=[2.0, 2.0] + [None] * 4)
    found = st.Policy.from_toml(text).evaluate(USERS, shelf, "2024-01-01")
    assert found.mask()[0].tolist() == [True, False, False, False, False, False]
    with pytest.raises(st.DataError, match="off the scale"):
        st.Policy.from_toml(text).evaluate(USERS, shelf.assign(risk_level=1.5), "2024-01-01")
