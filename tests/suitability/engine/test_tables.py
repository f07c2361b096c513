"""The tables for many users against the composition that the slow evaluator is the twin of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.suitability import eligibility
from suitably.suitability.engine import combinations, kernels, tables
from support.random_policies import Case, cases


@pytest.fixture(autouse=True)
def always_tabulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eligibility, "_WORTH_TABULATING", 0)


def composed(found: suitably.Eligibility, rows: np.ndarray) -> np.ndarray:
    return found._composed(found._conditions, found._batch(rows))


@settings(max_examples=150)
@given(cases())
def test_tables_agree_with_the_composition(case: Case) -> None:
    policy = suitably.Policy.from_toml(case.text)
    found = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    rows = np.arange(len(found.user_ids))
    assert np.array_equal(found.bits(rows), composed(found, rows))
    assert sorted(found.order()) == rows.tolist()


def population(users: int, products: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "user_id": np.arange(users),
            "wealth": np.where(rng.random(users) < 0.1, np.nan, rng.lognormal(3, 1, users)),
            "born": np.datetime64("1940-01-01")
            + rng.integers(0, 30_000, users) * np.timedelta64(1, "D"),
            "level": rng.choice(["a", "b", "c", None], users),
        }
    )
    shelf = pd.DataFrame(
        {
            "product_id": np.arange(products),
            "least": rng.lognormal(3, 1, products),
            "years": rng.integers(0, 30, products),
            "level": rng.choice(["a", "b", "c"], products),
        }
    )
    return people, shelf


POLICY = """
[policy]
id = "p"
[scales]
s = ["a", "b", "c"]
[fields]
"user.level" = "s"
"product.level" = "s"
[[rules]]
id = "wealth"
require = "user.wealth >= product.least and user.wealth < 100 * product.least"
[[rules]]
id = "age"
require = "age(user.born) + product.years <= 90"
[[rules]]
id = "level"
require = "product.level <= user.level or user.wealth - product.least > 30"
[[rules]]
id = "either"
applies = "user.wealth * product.years > 100 or product.level == 'a'"
require = "not (user.wealth < product.least and age(user.born) - product.years > 20)"
"""


@pytest.mark.parametrize("most", [1, 200, 10_000])
@pytest.mark.parametrize("ors", [0, 2**14])
@pytest.mark.parametrize("compiled", [True, False])
def test_every_way_to_tabulate_gives_the_same_bits(
    most: int, ors: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables, merged tables, tables too large and so evaluated block by block: one answer."""
    people, shelf = population(3_000, 130)
    found = suitably.Policy.from_toml(POLICY).evaluate(people, shelf, "2024-06-01")
    monkeypatch.setattr(combinations, "_MOST_COMBINATIONS", most)
    monkeypatch.setattr(tables, "_MERGED_BYTES", most * 24)
    monkeypatch.setattr(tables, "_COUNTABLE", most * 100)
    monkeypatch.setattr(tables, "_WORTH_THREADS", 0)
    monkeypatch.setattr(tables, "_MOST_COMBINED", ors)
    if not compiled:
        monkeypatch.setattr(kernels, "_compiled", lambda: None)
    rows = np.random.default_rng(1).permutation(3_000)
    assert np.array_equal(found.bits(rows), composed(found, rows))


@given(st.integers(1, 200), st.integers(1, 150), st.integers(0, 5))
@settings(max_examples=25)
def test_pairs_agree_with_the_mask(users: int, products: int, seed: int) -> None:
    people, shelf = population(users, products, seed)
    found = suitably.Policy.from_toml(POLICY).evaluate(people, shelf, "2024-06-01")
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, users, 300), rng.integers(0, products, 300)
    assert np.array_equal(found.pairs(rows, columns), found.mask()[rows, columns])


def test_like_users_stand_together() -> None:
    people, shelf = population(2_000, 60)
    found = suitably.Policy.from_toml(POLICY).evaluate(people, shelf, "2024-06-01")
    words = found.bits(found.order())
    runs = 1 + int((words[1:] != words[:-1]).any(axis=1).sum())
    shuffled = found.bits(np.random.default_rng(0).permutation(2_000))
    assert runs < 1 + int((shuffled[1:] != shuffled[:-1]).any(axis=1).sum())
