"""Counts from tables against counting the verdicts of every pair."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.suitability.engine import tables
from suitably.utils import bitset
from support.random_policies import Case, cases


@pytest.mark.parametrize("most", [2**26, 200, 0])
@settings(max_examples=10)
@given(case=cases(most=8))
def test_counts_are_those_of_the_verdicts(most: int, case: Case) -> None:
    policy = suitably.Policy.from_toml(case.text)
    found = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    users, products = list(found.user_ids), list(found.product_ids)
    names = list(found.reasons)
    totals = np.zeros((len(names), 3), int)
    for user in users:
        for product in products:
            verdicts = {one.rule: one.verdict for one in found.verdicts(user, product)}
            kept_out = Counter(name for name, verdict in verdicts.items() if verdict != "pass")
            for name in kept_out:
                place = names.index(name)
                totals[place, 0 if verdicts[name] == "fail" else 1] += 1
                totals[place, 2] += len(kept_out) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_MOST_BYTES", most)
        patch.setattr(bitset, "_MOST_ROWS", 3)
        found_totals = found._exclusions.totals()
    assert found_totals.tolist() == totals.tolist()


@settings(max_examples=10)
@given(case=cases(most=8), seed=st.integers(0, 1000))
def test_products_that_count_may_differ_by_user(case: Case, seed: int) -> None:
    policy = suitably.Policy.from_toml(case.text)
    found = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    rows = np.arange(len(found.user_ids))
    among = np.random.default_rng(seed).random((len(rows), len(found.product_ids))) < 0.5
    one_by_one = [found.exclusions(rows[i : i + 1], bitset.pack(among[i : i + 1])) for i in rows]
    found._exclusions.totals()  # made before, they must not be taken for everybody's
    np.testing.assert_array_equal(
        found.exclusions(rows, bitset.pack(among)), np.concatenate(one_by_one)
    )
