"""The tables of cases that ship with built-in policies hold, on both sides of every boundary."""

from importlib import resources
from typing import Any

import pyarrow as pa
import pytest

import suitably as st
from suitably.suitability import CaseTable, run_cases
from suitably.suitability.workbench import Case
from suitably.suitability.workbench.run import _frame
from suitably.suitability.workbench.sheet import list_run

REGIMES = resources.files("suitably.suitability") / "regimes"
POLICIES = sorted(f.name[:-5] for f in REGIMES.iterdir() if f.name.endswith(".toml"))
CASES = REGIMES / "cases"
TABLES = sorted(f.name[:-4] for f in CASES.iterdir()) if CASES.is_dir() else []


@pytest.mark.parametrize("name", TABLES)
def test_the_table_holds(name: str) -> None:
    run = run_cases(st.Policy.load(name))
    assert run.passed, list_run(run)
    assert not run.one_sided, run.one_sided


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_field_never_lets_a_pair_through(name: str) -> None:
    """A case that is not eligible stays so whichever of its fields is taken away."""
    policy = st.Policy.load(name)
    for case in CaseTable.built_in(policy).cases:
        user, product = dict(case.user), dict(case.product)
        users, products = without_one(name, user), without_one(name, product)
        asked, *others = judged(policy, case, [user, *users.values()], product)
        if asked:
            continue
        opened = [f"user.{field}" for field, opens in zip(users, others, strict=True) if opens]
        # A product is judged by the catalogue it is in, and so each of these is alone in one.
        opened += [f"product.{field}" for field, less in products.items()
                   if judged(policy, case, [user], less)[0]]  # fmt: skip
        assert opened == [], case.name


def without_one(name: str, fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is left where one field is taken away, by that field."""
    given = [field for field, value in fields.items() if value is not None]
    return {one: {**fields, one: None} for one in given if (name, one) not in STANDS_ASIDE}


STANDS_ASIDE = {
    # The minimum stands in for an amount that is not proposed, and the other way round.
    *((name, field) for name in POLICIES for field in ("amount_to_invest", "min_amount")),
    # C1 is offered R1 only as it is, so that the lowest class adds nothing where it is not known.
    *((name, "is_lowest_class") for name in POLICIES),
    # Who has never been contacted, refused, complained or named a quiet channel has no such date.
    *(("contact", field) for field in ("last_contact", "last_refusal", "last_complaint")),
    ("contact", "quiet_channels"),
}


def judged(
    policy: st.Policy, case: Case, users: list[dict[str, Any]], product: dict[str, Any]
) -> list[bool]:
    """Return whether the product may be offered to each of these."""
    ids = [f"u{number}" for number in range(len(users))]
    rows = [_frame(policy, "user", {**user, "user_id": one})
            for one, user in zip(ids, users, strict=True)]  # fmt: skip
    people = pa.concat_tables(rows, promote_options="permissive")
    shelf = _frame(policy, "product", product)
    eligibility = policy.evaluate(people, shelf, case.as_of or "2000-01-01")
    return [bool(row[0]) for row in eligibility.mask(ids)]


def test_every_table_is_of_a_policy() -> None:
    assert set(TABLES) <= set(POLICIES)
