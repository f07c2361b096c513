"""Where rules offer the same thing at other terms to some, against a count person by person."""

from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from suitably.suitability import personal_terms

POLICY = st.Policy.from_toml("""
[policy]
id = "loans"
[[rules]]
id = "young"
applies = "product.young"
require = "user.age < 40"
[[rules]]
id = "known"
require = "user.level >= product.level"
""")
LOANS = {
    "product_id": ["a1", "a2", "a3", "b1", "b2", "c1"],
    "loan": ["a", "a", "a", "b", "b", None],
    "fee_rate": [0.01, 0.03, 0.03, 0.02, 0.02, 0.09],
    "months": [12, 12, 12, 24, 36, 12],
    "young": [True, False, False, False, False, False],
    "level": [1.0, 1.0, 2.0, 1.0, 2.0, 1.0],
}
people = some.lists(
    some.tuples(some.sampled_from([30, 50, None]), some.sampled_from([0.0, 1.0, 2.0, None]),
                some.sampled_from(["A", "B", None])),
    min_size=1, max_size=12,
)  # fmt: skip


def _users(rows: list[Any]) -> dict[str, list[Any]]:
    ages, levels, grades = zip(*rows, strict=True)
    return {"user_id": [f"u{n}" for n in range(len(rows))], "age": list(ages),
            "level": list(levels), "grade": list(grades)}  # fmt: skip


def _evaluated(users: dict[str, list[Any]], frame: Any = pd.DataFrame) -> Any:
    users = {**users, "age": [None if age is None else float(age) for age in users["age"]]}
    if frame is pd.DataFrame:
        frames = frame(users).astype({"age": "Float64", "level": "Float64"}), frame(LOANS)
    else:
        types = {"user_id": pl.String, "age": pl.Float64, "level": pl.Float64, "grade": pl.String}
        frames = pl.DataFrame(users, schema=types), pl.DataFrame(LOANS)
    return POLICY.evaluate(*frames, "2026-01-01")


def _twin(users: dict[str, list[Any]], terms: list[str], grade: bool) -> dict[Any, int]:
    """Count person by person, by what the rules say in words."""
    counts: dict[Any, dict[Any, int]] = {}
    for age, level, mark in zip(users["age"], users["level"], users["grade"], strict=True):
        open_to: dict[str, set[Any]] = {}
        for place, loan in enumerate(LOANS["loan"]):
            young = age is not None and age < 40 if LOANS["young"][place] else True
            able = level is not None and level >= LOANS["level"][place]
            if loan is not None and young and able:
                open_to.setdefault(loan, set()).add(tuple(LOANS[name][place] for name in terms))
        for loan, choices in open_to.items():
            group = counts.setdefault((loan, mark if grade else None), {})
            group[frozenset(choices)] = group.get(frozenset(choices), 0) + 1
    return {
        (*key, choices): count
        for key, group in counts.items()
        if len(group) > 1
        for choices, count in group.items()
    }


@settings(deadline=None)
@given(
    people, some.sampled_from([["fee_rate"], ["months"], ["fee_rate", "months"]]), some.booleans()
)
def test_counts_are_those_person_by_person(rows: Any, terms: list[str], grade: bool) -> None:
    users = _users(rows)
    found = personal_terms(_evaluated(users), "loan", terms, "grade" if grade else None)
    said = {(row.offer, row.grade, row.terms): row.users for row in found.itertuples()}
    wanted = {
        (loan, mark, "; ".join(
            ", ".join(f"{name} {value}" for name, value in zip(terms, values, strict=True))
            for values in sorted(choices, key=repr))): count
        for (loan, mark, choices), count in _twin(users, terms, grade).items()
    }  # fmt: skip
    assert {(a, None if pd.isna(b) else b, c): n for (a, b, c), n in said.items()} == wanted


def test_says_which_rule_and_in_the_callers_kind_of_frame() -> None:
    users = _users([(30, 2.0, "A"), (50, 2.0, "A"), (50, 2.0, "B")])
    eligibility = _evaluated(users, pl.DataFrame)
    found = personal_terms(eligibility, "loan", ["fee_rate"], "grade")
    assert isinstance(found, pl.DataFrame)
    assert found.to_dicts() == [
        {"offer": "a", "grade": "A", "terms": "fee_rate 0.01; fee_rate 0.03", "users": 1,
         "rules": []},
        {"offer": "a", "grade": "A", "terms": "fee_rate 0.03", "users": 1, "rules": ["young"]},
    ]  # fmt: skip
    assert personal_terms(eligibility, "loan", ["months"], "grade").height == 0


def test_bad_input() -> None:
    eligibility = _evaluated(_users([(30, 2.0, "A")]))
    with pytest.raises(st.DataError, match=r"products: no column 'fee_rat'.*fee_rate"):
        personal_terms(eligibility, "loan", ["fee_rat"])
    with pytest.raises(st.DataError, match=r"products: no column 'laon'.*loan"):
        personal_terms(eligibility, "laon", ["fee_rate"])
    with pytest.raises(st.DataError, match=r"users: no column 'grad'.*grade"):
        personal_terms(eligibility, "loan", ["fee_rate"], "grad")
    for wrong in ("fee_rate", []):
        with pytest.raises(ValueError, match="must be a list of columns"):
            personal_terms(eligibility, "loan", wrong)
