"""The fast path against the slow one, on random policies, users and products."""

import random
import re
from collections import Counter
from datetime import UTC
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings

import suitably as st
from support.oracle import Judgement, fields_of, judge
from support.random_policies import Case, cases, permuted

SAMPLE = 5


class Tally:
    """Counts what was compared, so that the target is reached and no verdict is untested."""

    def __init__(self) -> None:
        self.pairs = 0
        self.kinds: Counter[str] = Counter()
        self.eligible = 0


def check(case: Case, tally: Tally) -> None:
    """Compare every answer for one case; the message is the smallest example of a quarrel."""
    policy = st.Policy.from_toml(case.text)
    eligibility = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    users, products = case.visible("user"), case.visible("product")
    assert set(eligibility.user_ids) == set(users)
    assert set(eligibility.product_ids) == set(products)
    user_ids, product_ids = list(eligibility.user_ids), list(eligibility.product_ids)
    mask = eligibility.mask()
    assert mask.dtype == np.bool_
    assert mask.shape == (len(users), len(products))
    parsed = case.policy
    judged: dict[tuple[int, int], Judgement] = {}
    for row, user_id in enumerate(user_ids):
        for column, product_id in enumerate(product_ids):
            user, product = users[user_id], products[product_id]
            expected = judge(parsed, user, product, case.as_of)
            judged[row, column] = expected
            if mask[row, column] != expected.eligible:
                found = eligibility.verdicts(user_id, product_id)
                pytest.fail(quarrel(case, user, product, expected, found, mask[row, column]))
    rng = random.Random(len(case.text))
    pairs = list(judged)
    for row, column in rng.sample(pairs, min(SAMPLE, len(pairs))):
        user_id, product_id = user_ids[row], product_ids[column]
        compare_verdicts(
            case, users[user_id], products[product_id], judged[row, column],
            eligibility.verdicts(user_id, product_id),
        )  # fmt: skip
    compare_counts(parsed, judged, eligibility.counts())
    some = rng.sample(range(len(user_ids)), min(3, len(user_ids)))
    np.testing.assert_array_equal(eligibility.mask([user_ids[row] for row in some]), mask[some])
    tally.pairs += len(judged)
    tally.eligible += sum(found.eligible for found in judged.values())
    for found in judged.values():
        tally.kinds.update(verdict for _, verdict in found.verdicts)


def compare_verdicts(
    case: Case, user: dict[str, Any], product: dict[str, Any], expected: Judgement, found: list[Any]
) -> None:
    """Compare verdicts, inputs and texts of one pair."""
    rules = {rule["id"]: rule for rule in case.policy["rules"]}
    got = [(verdict.rule, verdict.verdict) for verdict in found]
    message = quarrel(case, user, product, expected, found, None)
    assert got == expected.verdicts, message
    flags = [(one.rule, "unknown" if one.unknown else "fail") for one in found if one.flag]
    assert flags == expected.flags, message
    for verdict in found:
        assert set(verdict.text) >= {"en", "zh"}, message
        assert all(verdict.text.values()), message
        if verdict.rule not in rules:
            continue
        rule = rules[verdict.rule]
        assert verdict.article == rule["article"], message
        if verdict.verdict == "fail" or (verdict.flag and not verdict.unknown):
            assert dict(verdict.text) == rule["because"], message
        terms = case.policy.get("terms", {})
        required = fields_of(rule["require"], terms)
        allowed = required | fields_of(rule.get("applies", "1"), terms) | {"as_of"}
        assert required <= set(verdict.inputs) | {"as_of"}, message
        assert set(verdict.inputs) <= allowed, message
        for name, value in verdict.inputs.items():
            side, _, field = name.partition(".")
            held = {"user": user, "product": product}.get(side, {}).get(field)
            if field and (held is None or isinstance(held, str | bool | int | float)):
                assert value == held, f"{name}\n{message}"


def compare_counts(
    policy: dict[str, Any], judged: dict[tuple[int, int], Judgement], counts: Any
) -> None:
    """Compare counts per rule, and of the library's own reasons."""
    verdicts = [found.verdicts for found in judged.values()]
    rows = {row["rule"]: row for row in nw.from_native(counts).iter_rows(named=True)}
    names = [rule["id"] for rule in policy["rules"]]
    for name in [*names, "policy:governs", "policy:effective"]:
        failed = sum((name, "fail") in found for found in verdicts)
        unknown = sum((name, "unknown") in found for found in verdicts)
        kept_out = [[r for r, verdict in found if verdict != "pass"] for found in verdicts]
        only = kept_out.count([name])
        flagged = sum(name in dict(found.flags) for found in judged.values())
        if name not in rows:  # a rule out of its dates, or a reason that keeps nothing out
            assert failed == unknown == only == flagged == 0
            continue
        got = tuple(rows[name][figure] for figure in ("failed", "unknown", "only", "flagged"))
        assert got == (failed, unknown, only, flagged), policy


def quarrel(
    case: Case, user: Any, product: Any, expected: Judgement, found: list[Any], eligible: Any
) -> str:
    """Describe one pair on which the two disagree."""
    got = [(verdict.rule, verdict.verdict) for verdict in found]
    return (
        f"\n{case.text}\nas_of: {case.as_of!r}\nuser: {user}\nproduct: {product}\n"
        f"slow: {expected}\nfast: eligible={eligible} {got}"
    )


def compare_at_least(pairs: int, first_seed: int) -> Tally:
    """Compare case after case until so many pairs have been compared."""
    tally = Tally()
    for number in range(first_seed, first_seed + 100_000):

        @seed(number)
        @settings(
            max_examples=50,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases())
        def compare(case: Case) -> None:
            check(case, tally)

        compare()
        if tally.pairs >= pairs:
            break
    return tally


@pytest.mark.parametrize("pairs", [20_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_agrees_on_many_pairs(pairs: int) -> None:
    tally = compare_at_least(pairs, first_seed=0)
    assert tally.pairs >= pairs
    assert min(tally.kinds[kind] for kind in ("pass", "fail", "unknown")) > pairs / 10
    assert tally.eligible > pairs / 100


@pytest.mark.long
def test_agrees_on_10_million_pairs() -> None:
    tally = compare_at_least(10_000_000, first_seed=1_000_000)
    assert tally.pairs >= 10_000_000
    assert min(tally.kinds[kind] for kind in ("pass", "fail", "unknown")) > 1_000_000
    assert tally.eligible > 100_000


@settings(max_examples=25)
@given(cases())
def test_order_of_rows_does_not_matter(case: Case) -> None:
    policy = st.Policy.from_toml(case.text)
    one = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    other_case = permuted(case, random.Random(7))
    two = policy.evaluate(other_case.users_frame, other_case.products_frame, case.as_of)
    users, products = list(two.user_ids), list(two.product_ids)
    rows = [users.index(user_id) for user_id in one.user_ids]
    columns = [products.index(product_id) for product_id in one.product_ids]
    np.testing.assert_array_equal(one.mask(), two.mask()[rows][:, columns])


@settings(max_examples=25)
@given(cases())
def test_frames_of_the_caller_stay_as_they_are(case: Case) -> None:
    frames = (case.users_frame, case.products_frame)
    before = [repr(nw.from_native(frame).to_arrow().to_pylist()) for frame in frames]
    types = [str(nw.from_native(frame).schema) for frame in frames]
    policy = st.Policy.from_toml(case.text)
    policy.evaluate(*frames, case.as_of).mask()
    assert [repr(nw.from_native(frame).to_arrow().to_pylist()) for frame in frames] == before
    assert [str(nw.from_native(frame).schema) for frame in frames] == types


@settings(max_examples=25)
@given(cases())
def test_utc_judges_as_naive_data_does(case: Case) -> None:
    assume(not re.search(r"^(effective|expires) = .*T", case.text, re.MULTILINE))  # naive moments
    policy = st.Policy.from_toml(case.text)
    frames = [nw.from_native(frame).to_arrow() for frame in (case.users_frame, case.products_frame)]
    naive = policy.evaluate(*frames, case.as_of)
    aware = policy.evaluate(*map(in_utc, frames), case.as_of.replace(tzinfo=UTC))
    np.testing.assert_array_equal(aware.mask(), naive.mask())


def in_utc(table: pa.Table) -> pa.Table:
    """Give every moment of a table the time zone UTC; bare dates stay bare."""
    aware = pa.timestamp("us", "UTC")
    return table.cast(
        pa.schema(
            [field.with_type(aware) if pa.types.is_timestamp(field.type) else field
             for field in table.schema]
        )
    )  # fmt: skip
