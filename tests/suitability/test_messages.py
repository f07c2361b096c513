"""Every language says everything, with the same facts."""

import string
from dataclasses import fields
from datetime import date

import pytest

from suitably.suitability.messages import LANGUAGES, explain_verdict, show_value
from suitably.suitability.messages.margins import explain_margin
from suitably.suitability.messages.place_in_list import explain_risk
from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

TOLD = [reason for reason in Reason if ":" in reason]


def facts(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("said", LANGUAGES.values(), ids=LANGUAGES)
def test_a_language_is_complete(said: Sentences) -> None:
    english = LANGUAGES["en"]
    assert set(said.reasons) == set(TOLD)
    for reason in TOLD:
        assert facts(said.reasons[reason]) == facts(english.reasons[reason])
    for field in fields(Sentences):
        value = getattr(said, field.name)
        assert value or field.name in ("currencies", "between_sentences"), field.name
        if isinstance(value, str):
            assert facts(value) == facts(getattr(english, field.name))


@pytest.mark.parametrize("said", LANGUAGES.values(), ids=LANGUAGES)
def test_no_sentence_promises_or_baits(said: Sentences) -> None:
    found = [getattr(said, field.name) for field in fields(Sentences) if field.name != "barred"]
    sentences = " ".join(map(str, found)).lower()
    assert [word for word in said.barred if word in sentences] == []


@pytest.mark.parametrize("said", LANGUAGES.values(), ids=LANGUAGES)
def test_spans_of_every_unit(said: Sentences) -> None:
    assert set(said.spans) == {"level", "days", "months", "years", "points"}
    for one, several in said.spans.values():
        assert facts(one) == set()
        assert facts(several) == {"count"}


def test_margins_in_words() -> None:
    cases = [
        ((1.0, "level", ("R2", "C3")), "r, with one level to spare: R2 against C3"),
        ((2.0, "level", ("R1", "C3")), "r, with 2 levels to spare: R1 against C3"),
        ((0.0, "level", ("R3", "C3")), "r, right at its limit: R3 against C3"),
        ((37.9, "days", (date(2024, 1, 1), date(2024, 2, 7))),
         "r, with 37 days to spare: 2024-01-01 against 2024-02-07"),
        ((0.05, "share", (0.2, 0.25)), "r, with 5 percentage points to spare: 20% against 25%"),
        ((1.0, "percent", (20.0, 21.0)), "r, with one percentage point to spare: 20% against 21%"),
        ((6.5, "months", (12, 18.5)), "r, with 6.5 months to spare: 12 against 18.5"),
        ((3.0, "", (1, 4)), "r, with 3 to spare: 1 against 4"),
    ]  # fmt: skip
    for (spare, unit, sides), text in cases:
        assert explain_margin("r", spare, unit, sides, "en") == text
    money = explain_margin("r", 1e4, "money", (1e4, 2e4), "zh", "CNY")
    assert money == "r尚余人民币10,000元，人民币10,000元对人民币20,000元"


def test_risk_in_words_by_position() -> None:
    texts = [explain_risk(f"R{i}", i, 6, "en") for i in range(1, 7)]
    assert texts[0].startswith("Risk level R1, the lowest of 6: ")
    assert all(f"number {i} of 6 from the lowest" in texts[i - 1] for i in range(2, 6))
    assert "the highest of 6: you may lose part or all" in texts[5]
    assert "the highest of 1" in explain_risk("only", 1, 1, "en")  # the graver of the two


def test_sentences_are_made_of_facts() -> None:
    inputs = {"user.a": 1.0, "user.b": None}
    assert explain_verdict("r", "fail", inputs, "en") == (
        "The rule r is not met: user.a = 1, user.b = missing."
    )
    assert explain_verdict("r", "pass", inputs, "zh") == "符合规则r：user.a为1，user.b缺失。"
    assert explain_verdict("r", "unknown", {}, "en") == "The rule r cannot be judged."
    assert [show_value(["x", False], language) for language in ("en", "zh")] == ["x, no", "x、否"]
