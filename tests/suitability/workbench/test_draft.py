"""Drafts pass their own check and their own cases, whatever is put together."""

from pathlib import Path

import pytest

import suitably as st
from suitably.cli import main
from suitably.suitability import CaseTable, check_policy, draft_policy, run_cases
from suitably.suitability.lint.text_checks import check_languages
from suitably.suitability.workbench import PRODUCT_TYPES, REGIMES


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("products", [*[[one] for one in PRODUCT_TYPES], list(PRODUCT_TYPES)])
def test_every_draft(regime: str, products: list[str]) -> None:
    draft = draft_policy(regime, products, "my-own")
    policy = st.Policy.from_toml(draft.toml)
    assert policy.id == "my-own"
    assert list(check_policy(policy)) == []
    assert list(check_languages(policy, ("en", "zh"))) == []
    run = run_cases(policy, CaseTable.from_csv(draft.cases, policy))
    assert run.passed, run.failures
    assert not run.one_sided
    assert run.cases == 1 + 2 * len(policy.rules)
    assert "compliant" in draft.toml


@pytest.mark.parametrize(
    ("regime", "products", "name", "words"),
    [("fr", ["funds"], "p", "regime 'fr'"), ("eu", ["fund"], "p", "'fund'; name some of funds"),
     ("eu", [], "p", "none; name some of"), ("eu", ["funds"], "My policy", "small letters")],
)  # fmt: skip
def test_what_cannot_be_drafted(regime: str, products: list[str], name: str, words: str) -> None:
    with pytest.raises(st.PolicyError, match=words):
        draft_policy(regime, products, name)


def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    new = ["policy", "new", "--regime", "cn", "--products", "funds,private", "--id", "mine"]
    assert main(new) == 0
    assert "suitably policy test mine.toml mine.csv" in capsys.readouterr().out
    assert main(["policy", "check", "mine.toml"]) == 0
    capsys.readouterr()
    assert main(["policy", "test", "mine.toml", "mine.csv", "--sheet", "sheet.md"]) == 0
    assert "verdicts as expected" in capsys.readouterr().out
    assert "Signature" in (tmp_path / "sheet.md").read_text(encoding="utf-8")
    assert main(new) == 1
    assert "is there already" in capsys.readouterr().err
    cases = (tmp_path / "mine.csv").read_text(encoding="utf-8")
    (tmp_path / "mine.csv").write_text(cases.replace(",fail,", ",pass,", 1), encoding="utf-8")
    assert main(["policy", "test", "mine.toml", "mine.csv"]) == 1
    assert "+ risk-level: fail" in capsys.readouterr().out


def test_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = iter(["eu", "deposits, loans", ""])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert main(["policy", "new"]) == 0
    policy = st.Policy.load(tmp_path / "my-policy.toml")
    assert [rule.id for rule in policy.rules] == ["adult", "affordable-deposit", "repayment"]

    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert main(["policy", "new"]) == 1
    assert "--regime" in capsys.readouterr().err
