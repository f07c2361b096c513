"""Every language says everything, with the same facts."""

import string
from dataclasses import fields

import pytest

from suitably.suitability.messages import LANGUAGES, explain_verdict, show_value
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
        assert value or field.name == "currencies", field.name
        if isinstance(value, str):
            assert facts(value) == facts(getattr(english, field.name))


def test_sentences_are_made_of_facts() -> None:
    inputs = {"user.a": 1.0, "user.b": None}
    assert explain_verdict("r", "fail", inputs, "en") == (
        "The rule r is not met: user.a = 1, user.b = missing."
    )
    assert explain_verdict("r", "pass", inputs, "zh") == "符合规则r：user.a为1，user.b缺失。"
    assert explain_verdict("r", "unknown", {}, "en") == "The rule r cannot be judged."
    assert [show_value(["x", False], language) for language in ("en", "zh")] == ["x, no", "x、否"]
