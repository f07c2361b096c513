"""What reasons keep from each user, from the tables of masks, against counting every verdict."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import suitably
from suitably.suitability import eligibility
from suitably.suitability.engine import tables
from suitably.utils import bitset
from support.random_policies import Case, cases


@pytest.fixture(autouse=True, params=[None, 3], ids=["as many rows as usual", "few at a time"])
def always_tabulated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eligibility, "_WORTH_TABULATING", 0)
    if request.param is not None:
        monkeypatch.setattr(bitset, "_MOST_ROWS", request.param)


def kept_out(found: suitably.Eligibility) -> NDArray[np.bool_]:
    """Judge pair by pair what each reason keeps out: bool (users, products, reasons)."""
    names = list(found.reasons)
    out = np.zeros((len(found.user_ids), len(found.product_ids), len(names)), bool)
    for row, user in enumerate(found.user_ids):
        for column, product in enumerate(found.product_ids):
            for one in found.verdicts(user, product):
                if one.verdict != "pass":
                    out[row, column, names.index(one.rule)] = True
    return out


# Tables as they are, none merged, none at all, and combinations taken apart.
@pytest.mark.parametrize(
    "limits",
    [{}, {"_MERGED_BYTES": 0}, {"_MOST_BYTES": 0}, {"_MOST_COMBINED": 1}],
)
@settings(max_examples=10)
@given(case=cases(most=8), seed=st.integers(0, 1000))
def test_counts_are_those_of_the_verdicts(limits: dict[str, int], case: Case, seed: int) -> None:
    policy = suitably.Policy.from_toml(case.text)
    found = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    rng = np.random.default_rng(seed)
    rows = np.arange(len(found.user_ids))[::-1]
    with pytest.MonkeyPatch.context() as patch:
        for name, most in limits.items():
            patch.setattr(tables, name, most)
        found.bits(rows)
    out = kept_out(found)
    for share in (1.0, 0.6):  # what was counted of some products is not taken for others
        among = rng.random(len(found.product_ids)) < share
        by_user = found.exclusions(rows, bitset.pack(among[None]))
        np.testing.assert_array_equal(by_user, out[:, among].sum(axis=1)[rows])


POLICY = """
[policy]
id = "p"
[[rules]]
id = "wealth"
require = "user.wealth >= product.least and user.age >= 30 and user.wealth < 9 * product.least"
[[rules]]
id = "age"
require = "age(user.born) + product.years <= 90"
[[rules]]
id = "either"
applies = "user.wealth * product.years > 100 or product.kind == 'a'"
require = "not (user.wealth < product.least and user.age - product.years > 20)"
"""


@pytest.mark.parametrize(
    "limits", [{}, {"_MERGED_BYTES": 0}, {"_MERGED_BYTES": 2**13}, {"_MOST_COMBINED": 200}]
)
def test_many_users_as_few(limits: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    users = pd.DataFrame(
        {
            "user_id": np.arange(3000),
            "wealth": np.where(rng.random(3000) < 0.1, np.nan, rng.lognormal(3, 1, 3000)),
            "age": rng.integers(18, 90, 3000),
            "born": np.datetime64("1940-01-01") + rng.integers(0, 30_000, 3000),
        }
    )
    products = pd.DataFrame(
        {
            "product_id": np.arange(150),
            "least": rng.lognormal(3, 1, 150),
            "years": rng.integers(0, 30, 150),
            "kind": rng.choice(["a", "b"], 150),
        }
    )
    found = suitably.Policy.from_toml(POLICY).evaluate(users, products, "2026-01-01")
    every = bitset.pack(np.ones((1, 150), bool))
    rows = rng.permutation(3000)
    monkeypatch.setattr(eligibility, "_WORTH_TABULATING", 10_000)
    alone = found.exclusions(rows, every)
    for name, most in limits.items():
        monkeypatch.setattr(tables, name, most)
    monkeypatch.setattr(eligibility, "_WORTH_TABULATING", 0)
    np.testing.assert_array_equal(found.exclusions(rows, every), alone)
    assert alone.any(axis=0).tolist() == [False, True, True, True]
