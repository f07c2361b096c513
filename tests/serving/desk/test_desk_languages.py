"""The texts: the same in both languages, all of them used, none that promises a return."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import suitably.serving.desk as desk
from suitably.serving.desk.languages import TEXTS, Texts, choose
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.reasons import Reason

NAMES = [one.name for one in fields(Texts)]


def test_there_is_a_text_in_each_language_that_the_library_speaks():
    assert set(TEXTS) == set(LANGUAGES)


@pytest.mark.parametrize("name", NAMES)
def test_texts_have_the_same_places(name):
    english, chinese = (getattr(TEXTS[code], name) for code in ("en", "zh"))
    if isinstance(english, str):
        english, chinese = {"": english}, {"": chinese}
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert text.strip()
        assert chinese[key].strip()
        places = [sorted(re.findall(r"\{\w+\}", said)) for said in (text, chinese[key])]
        assert places[0] == places[1]
        for said, language in ((text, "en"), (chinese[key], "zh")):
            barred = LANGUAGES[language].barred
            assert not any(word in said.lower() for word in barred), said


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_used(name):
    folder = Path(desk.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    assert re.search(rf"\b(texts|other)\.{name}\b", code)


def test_reasons_are_all_named():
    named = TEXTS["en"].reasons
    wanted = {one.value for one in Reason if not one.value.startswith("campaign:")}
    assert wanted <= set(named)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hant-TW,en;q=0.5", "zh"),
        ("en;q=0.2, zh;q=0.9", "zh"),
        ("fr", "en"),
        ("*;q=0.1", "en"),
        (",;=,;q", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=1e400", "zh"),
        ("x" * 10_000, "en"),
        ("," * 10_000 + "zh", "en"),
    ],
)
def test_a_browser_gets_what_it_likes_best(asked, chosen):
    assert choose(asked) == chosen
