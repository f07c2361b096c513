"""Every public class shows how it is used, and the examples that need no data set can be run."""

import io
import runpy
import tempfile
from contextlib import chdir, redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOMS = ("data", "profiles", "reranking")
CLASSES = [
    getattr(module, name)
    for module in (import_module(f"suitably.{room}") for room in ROOMS)
    for name in module.__all__
    if isinstance(getattr(module, name), type)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_it_has_an_example(cls: type) -> None:
    assert ">>> " in (cls.__doc__ or "")


# Those that are not named here, `.ci/run` runs.
EXAMPLES = [
    "quickstart",
    "crowdfunding",
    "crypto_onboarding",
    "portfolio",
    "internet_bank",
    "wallet",
    "fund_returns",
    "super_app",
    "audit_trail",
    "marketing_desk",
    "retention",
    "consumer_credit",
    "service",
]


@cache
def printed(name: str) -> list[str]:
    """Return the lines that an example prints."""
    example = Path(__file__).parents[1] / "examples" / f"{name}.py"
    out = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(out):
        runpy.run_path(str(example))  # some write a picture
    return out.getvalue().splitlines()


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_can_be_run(name: str) -> None:
    assert len(printed(name)) > 5


def test_a_portfolio_is_judged_step_by_step() -> None:
    *_, alone, stepwise = printed("portfolio")
    assert "theme fund" in alone
    assert "theme fund" not in stepwise  # two high ones would be too much
