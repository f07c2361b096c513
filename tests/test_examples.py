"""Every public class shows how it is used, and the examples that need no data set can be run."""

import runpy
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


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_can_be_run(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write a picture
    runpy.run_path(str(Path(__file__).parents[1] / "examples" / f"{name}.py"))
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_a_portfolio_is_judged_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(Path(__file__).parents[1] / "examples" / "portfolio.py"))
    *_, alone, stepwise = capsys.readouterr().out.splitlines()
    assert "theme fund" in alone
    assert "theme fund" not in stepwise  # two high ones would be too much
