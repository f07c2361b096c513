"""The tables of cases that ship with built-in policies hold, on both sides of every boundary."""

from importlib import resources

import pytest

import suitably as st
from suitably.suitability import run_cases
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


def test_every_table_is_of_a_policy() -> None:
    assert set(TABLES) <= set(POLICIES)
