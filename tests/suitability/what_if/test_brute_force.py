"""Answers are those of trying every value of every set, on small worlds."""

from datetime import date, datetime
from itertools import combinations, product
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from suitably import Policy

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


@st.composite
def worlds(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any], list[str]]:
    said = draw(st.lists(rules, min_size=1, max_size=4))
    changeable = sorted(draw(st.sets(st.sampled_from(list(GRID)), min_size=1, max_size=3)))
    governs = draw(st.one_of(st.just("True"), sentences))
    text = HEAD.format(
        governs=governs, changeable="\n".join(f'"user.{n}" = "Change {n}."' for n in changeable)
    )
    for n, (require, applies, effect) in enumerate(said):
        text += RULE.format(n=n, require=require, applies=applies, effect=effect)
    user = {n: draw(st.one_of(st.none(), st.sampled_from(v))) for n, v in GRID.items()}
    user["fixed"] = draw(st.sampled_from([None, -1.0, 1.0, 1.0, 1.0]))
    offer = {
        "n": draw(st.sampled_from([None, 0.0, 1.5, 2.0])),
        "t": draw(st.sampled_from([None, "p", "q"])),
        "topic": draw(st.sampled_from([None, "x", "y"])),
        "level": draw(st.sampled_from([None, "low", "high"])),
    }
    return text, user, offer, changeable


def users_of(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {n: pa.array([row[n] for row in rows], kind) for n, kind in TYPES.items()}
    fixed = pa.array([row["fixed"] for row in rows], pa.float64())
    return pa.table({"user_id": list(range(len(rows))), **columns, "fixed": fixed})


def products_of(offer: dict[str, Any]) -> pa.Table:
    kinds = {"n": pa.float64(), "t": pa.string(), "topic": pa.string(), "level": pa.string()}
    return pa.table({"product_id": [0], **{n: pa.array([offer[n]], k) for n, k in kinds.items()}})


def brute_force(
    policy: Policy, user: dict[str, Any], offer: dict[str, Any], changeable: list[str]
) -> list[tuple[str, ...]]:
    """Try every set, smallest first, with every combination of values."""
    if policy.evaluate(users_of([user]), products_of(offer), AS_OF).mask()[0, 0]:
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
            if policy.evaluate(users_of(rows), products_of(offer), AS_OF).mask().any():
                found.append(names)
    return found


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_minimal_set_is_found_and_no_other(
    world: tuple[str, dict[str, Any], dict[str, Any], list[str]],
) -> None:
    text, user, offer, changeable = world
    policy = Policy.from_toml(text)
    # Two users, so that the types of columns do not hang on one.
    other = {name: values[0] for name, values in GRID.items()} | {"fixed": 1.0}
    eligibility = policy.evaluate(users_of([user, other]), products_of(offer), AS_OF)
    found = [one.changes for one in eligibility.what_if(0, 0)]
    expected = brute_force(policy, user, offer, changeable)
    assert found == [tuple(f"user.{name}" for name in names) for names in expected]
