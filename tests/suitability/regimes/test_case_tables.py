"""The tables of cases that ship with built-in policies hold, on both sides of every boundary."""

from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

import suitably as st
from suitably.suitability import CaseTable, run_cases
from suitably.suitability.workbench import Case
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
    table = CaseTable.built_in(policy)
    for case in table.cases:
        pair = {side: dict(getattr(case, side)) for side in ("user", "product")}
        if judged(policy, case, pair):
            continue
        for side in pair:
            for field, value in pair[side].items():
                if value is None or (name, field) in STANDS_ASIDE:
                    continue
                without = {**pair, side: {**pair[side], field: None}}
                assert not judged(policy, case, without), (case.name, field)


STANDS_ASIDE = {
    # The minimum stands in for an amount that is not proposed, and the other way round.
    *((name, field) for name in POLICIES for field in ("amount_to_invest", "min_amount")),
    # C1 is offered R1 only as it is, so that the lowest class adds nothing where it is not known.
    *((name, "is_lowest_class") for name in POLICIES),
    # Who has never been contacted, refused, complained or named a quiet channel has no such date.
    *(("contact", field) for field in ("last_contact", "last_refusal", "last_complaint")),
    ("contact", "quiet_channels"),
}


def judged(policy: st.Policy, case: Case, pair: dict[str, dict[str, Any]]) -> bool:
    tried = replace(case, user=pair["user"], product=pair["product"], expected={}, eligible=True)
    (check,) = run_cases(policy, CaseTable((tried,), "", "tried")).checks
    return check.found == "true"


def test_every_table_is_of_a_policy() -> None:
    assert set(TABLES) <= set(POLICIES)
