"""Answers are those of trying every value of every set, on small worlds."""

from datetime import date, datetime
from itertools import combinations, product
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from suitably import Policy
from suitably.suitability.eligibility import Eligibility

AS_OF = datetime(2026, 3, 31, 12)
DAYS = [date(2025, 2, 27), date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 1)]
DAYS += [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 5, 1)]
GRID: dict[str, list[Any]] = {
    "whole": list(range(-1, 5)),
    "number": [0.25 * n for n in range(-2, 14)],
    "other": [0.25 * n for n in range(-2, 14)],
    "flag": [False, True],
    "text": ["p", "q", "none of these"],
    "day": DAYS,
    "passed": [[], ["x"], ["y"], ["x", "y"]],
    "level": ["low", "mid", "high"],
}
TYPES = {
    "whole": pa.int64(),
    "number": pa.float64(),
    "other": pa.float64(),
    "flag": pa.bool_(),
    "text": pa.string(),
    "day": pa.date32(),
    "passed": pa.list_(pa.string()),
    "level": pa.string(),
}
ATOMS = [
    "user.whole >= 2",
    "1 < user.whole <= product.n",
    "user.whole != 1",
    "user.number <= product.n",
    "2.5 > user.number > 0.5",
    "user.number < user.other",
    "user.other <= 2",
    "user.number == user.other",
    "user.flag",
    "user.flag == True",
    "not missing(user.flag)",
    "user.text == 'p'",
    "user.text in ('q', product.t)",
    "user.text != product.t",
    "user.day < as_of",
    "user.day < as_of < user.day + months(12)",
    "as_of < user.day",
    "product.topic in user.passed",
    "contains(user.passed, 'x')",
    "not contains(user.passed, 'y')",
    "user.level >= 'mid'",
    "user.level == product.level",
    "rank(user.level) < 3",
    "missing(user.whole)",
    "user.fixed > 0",
]
HEAD = """
[policy]
id = "world"
governs = "{governs}"
[scales]
three = ["low", "mid", "high"]
[fields]
"user.level" = "three"
"product.level" = "three"
[changeable]
{changeable}
"""
RULE = """
[[rules]]
id = "r{n}"
require = "{require}"
applies = "{applies}"
effect = "{effect}"
"""
atoms = st.sampled_from(ATOMS)
sentences = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=3,
)
rules = st.tuples(
    sentences, st.one_of(st.just("True"), sentences), st.sampled_from(["bar", "bar", "bar", "flag"])
)


users = st.fixed_dictionaries(
    {
        **{n: st.one_of(st.none(), st.sampled_from(values)) for n, values in GRID.items()},
        "fixed": st.sampled_from([None, -1.0, 1.0, 1.0, 1.0]),
    }
)
offers = st.fixed_dictionaries(
    {
        "n": st.sampled_from([None, 0.0, 1.5, 2.0]),
        "t": st.sampled_from([None, "p", "q"]),
        "topic": st.sampled_from([None, "x", "y"]),
        "level": st.sampled_from([None, "low", "high"]),
    }
)
World = tuple[str, dict[str, Any], list[dict[str, Any]], list[str]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    said = draw(st.lists(rules, min_size=1, max_size=4))
    changeable = sorted(draw(st.sets(st.sampled_from(list(GRID)), min_size=1, max_size=3)))
    governs = draw(st.one_of(st.just("True"), sentences))
    text = HEAD.format(
        governs=governs, changeable="\n".join(f'"user.{n}" = "Change {n}."' for n in changeable)
    )
    for n, (require, applies, effect) in enumerate(said):
        text += RULE.format(n=n, require=require, applies=applies, effect=effect)
    return text, draw(users), draw(st.lists(offers, min_size=1, max_size=4)), changeable


def users_of(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {n: pa.array([row[n] for row in rows], kind) for n, kind in TYPES.items()}
    fixed = pa.array([row["fixed"] for row in rows], pa.float64())
    return pa.table({"user_id": list(range(len(rows))), **columns, "fixed": fixed})


def products_of(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {"n": pa.float64(), "t": pa.string(), "topic": pa.string(), "level": pa.string()}
    columns = {n: pa.array([row[n] for row in rows], kind) for n, kind in kinds.items()}
    return pa.table({"product_id": list(range(len(rows))), **columns})


def brute_force(
    policy: Policy, user: dict[str, Any], offer: dict[str, Any], changeable: list[str]
) -> list[tuple[str, ...]]:
    """Try every set, smallest first, with every combination of values."""
    if policy.evaluate(users_of([user]), products_of([offer]), AS_OF).mask()[0, 0]:
        return []
    found: list[tuple[str, ...]] = []
    for size in range(1, len(changeable) + 1):
        for names in combinations(changeable, size):
            if any({*smaller} <= {*names} for smaller in found):
                continue
            rows = [
                {**user, **dict(zip(names, values, strict=True))}
                for values in product(*(GRID[name] for name in names))
            ]
            if policy.evaluate(users_of(rows), products_of([offer]), AS_OF).mask().any():
                found.append(names)
    return found


def bound(text: str, rows: list[dict[str, Any]], shelf: list[dict[str, Any]]) -> Eligibility:
    return Policy.from_toml(text).evaluate(users_of(rows), products_of(shelf), AS_OF)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_minimal_set_is_found_and_no_other(world: World) -> None:
    text, user, shelf, changeable = world
    # Two users, so that the types of columns do not hang on one.
    other = {name: values[0] for name, values in GRID.items()} | {"fixed": 1.0}
    found = [one.changes for one in bound(text, [user, other], shelf).what_if(0, 0)]
    expected = brute_force(Policy.from_toml(text), user, shelf[0], changeable)
    assert found == [tuple(f"user.{name}" for name in names) for names in expected]


@settings(max_examples=60, deadline=None)
@given(worlds(), users)
def test_what_is_kept_from_one_pair_to_the_next_changes_no_answer(
    world: World, other: dict[str, Any]
) -> None:
    text, user, shelf, _ = world
    typed = {name: values[0] for name, values in GRID.items()} | {"fixed": 1.0}
    rows, columns = [user, other, typed], range(len(shelf))
    kept = bound(text, rows, shelf)
    together = [kept.what_ifs(row, columns) for row in range(3)]
    for row in range(3):
        for column in columns:
            alone = bound(text, rows, shelf).what_if(row, column)
            assert together[row][column] == alone
            assert kept.what_if(row, column) == alone
