"""A rule that lets more pass as a field goes missing is found, whatever way it is written."""

from itertools import product
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from suitably.suitability.lint.lint import check_policy
from support.random_policies import quote

POLICY = '[policy]\nid = "p"\nversion = "1"\n'


def written(require: str, applies: str | None = None, note: str = "") -> str:
    narrow = "" if applies is None else f"applies = {quote(applies)}\n"
    return f'{POLICY}[[rules]]\nid = "r"\nrequire = {quote(require)}\n{narrow}note = "{note}"\n'


def told(text: str) -> list[str]:
    return [str(one) for one in check_policy(text) if one.kind == "widens"]


@pytest.mark.parametrize(
    ("require", "applies", "names"),
    [
        ("missing(user.x)", None, ["user.x"]),
        ("missing(user.x) or user.x > 2", None, ["user.x"]),
        ("not (not missing(user.x) and user.x < 2)", None, ["user.x"]),
        ("not (user.y > 1 and not (missing(user.x) or user.x > 2))", None, ["user.x"]),
        ("user.y > 1 or (missing(user.x) and user.z > 1)", None, ["user.x"]),
        ("missing(user.x) == True", None, ["user.x"]),
        ("missing(user.x) in [True]", None, ["user.x"]),
        ("missing(user.x) != user.b", None, ["user.x"]),
        ("missing(user.x) or missing(product.w)", None, ["user.x", "product.w"]),
        ("missing(user.x + user.y) or user.x > 2", None, ["user.x", "user.y"]),
        ("missing(max(user.x, user.y)) or user.x > 2", None, ["user.x", "user.y"]),
        ("missing(user.x > 2) or user.x > 2", None, ["user.x"]),
        ("missing(user.b and user.x > 2) or user.x > 2", None, ["user.b", "user.x"]),
        ("not missing(missing(user.x)) and missing(user.x)", None, ["user.x"]),
        ("user.y > 2", "not missing(user.x)", ["user.x"]),
        ("user.y > 2", "user.y > 1 or not missing(user.x)", ["user.x"]),
        ("user.y > 2", "user.y > 1 and (user.b or not missing(user.x))", ["user.x"]),
        ("user.y > 2", "not (user.b or missing(user.x))", ["user.x"]),
        ("user.y > 2", "missing(user.x) == False", ["user.x"]),
        # --- never: it narrows, or another condition decides
        ("not missing(user.x)", None, []),
        ("not missing(user.x) and user.y > 2", None, []),
        ("(missing(user.x) or user.x > 2) and user.x > 0", None, []),
        ("user.y > 2 and (user.y > 1 or missing(user.x))", None, []),
        ("user.y > 2", "missing(user.x)", []),
        ("user.x > 2 or user.y > 2", "user.b", []),
        ("user.x > 2", "not missing(user.x) or user.x > 2 or True", []),
        ("missing(user.x) and not missing(user.x)", None, []),
        ("amount <= user.x", None, []),
        ("held(product.w) <= 0.2 * portfolio()", None, []),
        # --- what a map does not hold
        ("lookup(user.m, product.k, 5) > 2", None, ["lookup(user.m, product.k, 5)"]),
        ("lookup(user.m, product.k, -1) < 3", None, ["lookup(user.m, product.k, -1)"]),
        ("lookup(user.m, product.k, user.x) < 3", None, ["lookup(user.m, product.k, user.x)"]),
        ("user.x > 2", "lookup(user.m, product.k, 5) < 3", ["lookup(user.m, product.k, 5)"]),
        ("lookup(user.t, product.k, as_of) + days(1) > as_of", None, ["product.k, as_of)"]),
        ("lookup(user.m, product.k, 0) <= 0.1", None, []),
        ("lookup(user.m, product.k, 1) > 2", None, []),
        ("lookup(user.m, product.k) > 2", None, []),
    ],
)  # fmt: skip
def test_each_way_of_writing_it(require: str, applies: str | None, names: list[str]) -> None:
    found = told(written(require, applies))
    assert len(found) == len(names), found
    assert all(name in one for name, one in zip(names, found, strict=True))
    aside = applies is not None and "lookup" not in applies
    assert all(("does not apply where" in one) == aside for one in found)


@pytest.mark.parametrize(
    ("note", "left"),
    [
        ("", ["user.x", "user.y"]),
        ("Asked elsewhere.", ["user.x", "user.y"]),
        ("Rule two asks for user.x.", ["user.y"]),
        ("Rule two asks for x and y.", []),
        ("xy, x_date, axy", ["user.x", "user.y"]),
        ("缺失x时另行判断。", ["user.y"]),
    ],
)
def test_a_note_speaks_for_the_fields_that_it_names(note: str, left: list[str]) -> None:
    found = told(written("(missing(user.x) or user.x > 1) and (missing(user.y) or user.y > 1)",
                         note=note))  # fmt: skip
    assert [name for one in found for name in ("user.x", "user.y") if f"{name} in" in one] == left


def test_a_note_of_a_lookup_names_its_map() -> None:
    require = "lookup(user.m, product.k, 5) > 2"
    assert told(written(require, note="What m lacks is above the limit.")) == []
    assert len(told(written(require, note="Meant."))) == 1


def test_a_policy_that_steps_aside() -> None:
    governs = "governs = 'not missing(product.w)'\n"
    text = written("user.x > 1").replace("[[rules]]", f"{governs}[[rules]]")
    (found,) = told(text)
    assert "does not govern where product.w is missing" in found
    assert told(text.replace("[[rules]]", "note = 'Of those with a w.'\n[[rules]]")) == []


def test_too_many_worlds_to_try_are_not_passed_over() -> None:
    many = " and ".join(f"user.f{i} > {i}" for i in range(20))
    (found,) = told(written(f"missing(user.x) or ({many})"))
    assert "passes where user.x is missing" in found
    assert told(written(f"not missing(user.x) and ({many})")) == []


# --- against the slow way: all values of all fields, by the engine itself -------------------

VALUES: dict[str, list[Any]] = {
    "x": [None, 0, 1, 2, 3], "y": [None, 0, 1, 2, 3], "b": [None, True, False],
}  # fmt: skip
GRID = [dict(zip(VALUES, row, strict=True)) for row in product(*VALUES.values())]
TYPES = {"x": "Int64", "y": "Int64", "b": "boolean"}
FRAME = pd.DataFrame(GRID, dtype=object).astype(TYPES)  # type: ignore[arg-type]
FRAME.insert(0, "user_id", range(len(GRID)))
SHELF = pd.DataFrame({"product_id": [1]})
ATOMS = some.sampled_from(
    ["user.x > 1", "user.y < 2", "user.b", "user.x < user.y", "user.x + user.y > 3",
     "user.x in [1, 3]", "missing(user.x)", "missing(user.y)", "missing(user.b)",
     "missing(user.x + user.y)", "missing(user.x > 1)", "missing(user.b and user.x > 1)",
     "missing(user.x) == user.b"]
)  # fmt: skip
SENTENCES = some.recursive(
    ATOMS,
    lambda inner: some.one_of(
        inner.map(lambda a: f"(not {a})"),
        some.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        some.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(require=SENTENCES, applies=some.one_of(some.none(), SENTENCES))
def test_none_that_widens_is_passed_over(require: str, applies: str | None) -> None:
    text = written(require, applies)
    mask = st.Policy.from_toml(text).evaluate(FRAME, SHELF, "2026-01-01").mask()[:, 0]
    lets = {tuple(row.values()): bool(one) for row, one in zip(GRID, mask, strict=True)}
    found = " ".join(told(text))
    for place, name in enumerate(VALUES):
        widens = any(
            lets[*row[:place], None, *row[place + 1 :]] and not one for row, one in lets.items()
        )
        assert f"user.{name} is missing" in found or not widens
