"""The texts: the same in both languages, all of them used, none that promises a return."""

import re
from dataclasses import fields
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import suitably as st
import suitably.serving.desk as desk
from suitably.serving.desk.languages import TEXTS, Texts, choose
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.reasons import Reason
from support.desk import POLICY, Browser, bank, desk_of, fitted

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


# --- the pages ----------------------------------------------------------------------------------


class Said(HTMLParser):
    """What a page says in its own language: no codes, ids or policies, nothing marked English."""

    _VOID = ("meta", "link", "input")
    _QUOTED = ("code", "bdi", "pre", "textarea", "style", "script", "mark")

    def __init__(self, page):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in self._VOID:
            marked = tag != "html" and dict(attrs).get("lang") == "en"
            self.open.append(tag in self._QUOTED or marked)

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if not any(self.open):
            self.texts.append(data)


def english(body):
    """Return what a page says in three or more words of English, one after the other."""
    plain = (re.sub(r"`[^`]*`|'[^']*'", "", text) for text in Said(body).texts)
    return [text for text in plain if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", text)]


BAD = """
[terms]
gap = "rank(user.level) - rank(product.level)"
idle = "user.age * 2"
[labels]
"user.level" = { C1 = { en = "careful", zh = "谨慎" } }
[maps]
idle = { C1 = 1, C2 = 2, C3 = 3 }
[[rules]]
id = "contradiction"
applies = "user.age > 5"
require = "user.age < 3"
[[rules]]
id = "missing"
article = "House rules"
require = "missing(user.age) or user.age > 1"
[[rules]]
id = "typed"
require = "user.level > 3"
"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_speak_one_language(language):
    users = ["ann", "bob", "cat", "dan"]
    builders = [
        st.profiles.RecencyFrequencyValue(),
        st.profiles.RiskAppetite(level="level", date="asked"),
    ]
    data = bank(people={"asked": pd.to_datetime(["2024-01-01"] * 4)})
    policy = POLICY + BAD.partition("[[rules]]")[0]
    pipeline = fitted(data, [policy], profiles=builders)
    browser = Browser(desk_of(pipeline)[0])
    browser.headers["accept-language"] = language
    pages = {}

    def keep(answer):
        pages[browser.seen[-1][0]] = answer.body

    for address in ("/desk", "/desk/policy", "/desk/try", "/desk/watch", "/desk/none-such"):
        keep(browser.get(address))
    browser.get("/desk")
    browser.post("/desk/find", id=users[1])
    customer = browser.seen[-1][0]
    for address in (customer, f"{customer}?k=1", f"{customer}/product?id=fund"):
        keep(browser.get(address))
    for text in (POLICY, POLICY.replace("<=", "<"), POLICY + BAD):
        browser.get("/desk/try")
        found = browser.post("/desk/try", policy="levels", toml=text)
        pages[f"try {len(text)}"] = found.body
    forms = [
        {"kind": "product", "id": "", "reason": "x"},
        {"kind": "policy", "id": "levels", "reason": " "},
        {"kind": "product", "id": "bond", "reason": "x"},
        {"kind": "everything", "id": "bond", "reason": "x"},
    ]
    for form in forms:
        browser.get("/desk/watch")
        pages[str(form)] = browser.post("/desk/switches", action="off", **form).body
    keep(browser.get(customer))
    told = {where: english(body) for where, body in pages.items()}
    if language == "zh":
        assert {where: said for where, said in told.items() if said} == {}
    else:  # the same words would be found
        assert sum(map(bool, told.values())) > len(told) / 2


def test_findings_are_in_the_language_of_the_page():
    for language, said, other in (
        ("en", "unknown is no pass", "无法判断不等于符合"),
        ("zh", "无法判断不等于符合", "unknown is no pass"),
    ):
        browser = Browser(desk_of()[0])
        browser.headers["accept-language"] = language
        browser.get("/desk/try")
        body = browser.post("/desk/try", policy="levels", toml=POLICY + BAD).body
        assert said in body
        assert other not in body


def test_alarms_are_in_the_language_of_the_page():
    from suitably.serving.desk.reading import Reading
    from suitably.serving.desk.visit import Visit
    from suitably.serving.desk.watch_page import Watched, watch_page

    class Loud:
        """A monitor with one alarm of every kind."""

        def alarms(self):
            kinds = [kind or "other" for kind in LANGUAGES["en"].look_at]
            days = date(2026, 3, 4), date(2026, 3, 5)
            figures = (0.25, 0.41, 0.22, 0.28, 20_000)
            return [
                st.monitoring.Alarm(f"{kind}:a", "above", *days, *figures, over, changes)
                for kind, over, changes in zip(
                    kinds, [True, False] * 10, [(), ("policy p 2",)] * 10, strict=False
                )
            ]

        def to_frame(self):
            row = {"series": "score:a", "day": date(2026, 3, 5), "users": 2, "alarm": True}
            return pd.DataFrame([{**row, "mean": 0.3, "baseline": 0.2, "low": 0.1, "high": 0.25}])

    reading = Reading("1", fitted(), str)
    for language in TEXTS:
        page = watch_page(Visit(language, frozenset()), reading, Watched("1", monitor=Loud()))
        assert bool(english("".join(page.body))) == (language == "en")


@pytest.mark.parametrize(
    ("old", "new", "english_words", "chinese_words"),
    [
        ("rank(product", "ronk(product", "unknown function", "未知函数"),
        ("rank(product.level)", "product.level", "a level of scale", "不能比较"),
        (
            "user.age < 65",
            "user.aeg < 65",
            "no field user.aeg; did you mean",
            "没有字段user.aeg；是否指",
        ),
    ],
)
def test_errors_are_in_the_language_of_the_page(old, new, english_words, chinese_words):
    for language, said, other in (
        ("en", english_words, chinese_words),
        ("zh", chinese_words, english_words),
    ):
        browser = Browser(desk_of()[0])
        browser.headers["accept-language"] = language
        browser.get("/desk/try")
        answer = browser.post("/desk/try", policy="levels", toml=POLICY.replace(old, new))
        assert answer.status == 422
        assert said in answer.body
        assert other not in answer.body
        assert "<mark>" in answer.body
