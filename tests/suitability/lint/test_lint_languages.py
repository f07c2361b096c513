"""Every finding is said in every language, with the same facts."""

import re
import string
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

import suitably as st
from suitably.suitability import lint
from suitably.suitability.language.functions.model import Kind
from suitably.suitability.language.types import Scale, Type
from suitably.suitability.lint import Finding, check_languages, check_policy, check_versions
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.policy import Policy
from support.random_policies import quote

CODE = re.compile(r"`[^`]*`|\{[^{}]*\}")
WORDS = re.compile(r"[A-Za-z]+ [a-z]+")  # two words of English, one after the other
HAN = re.compile(r"[\u4e00-\u9fff]")


def places(sentence: str) -> set[tuple[str, str]]:
    """Return what stands in braces, and how it is written."""
    parsed = string.Formatter().parse(sentence)
    return {(name, form or "") for _, name, form, _ in parsed if name}


# --- what the languages have --------------------------------------------------------------------


@pytest.mark.parametrize("said", LANGUAGES.values(), ids=LANGUAGES)
def test_a_language_has_every_remark(said: Sentences) -> None:
    english = LANGUAGES["en"]
    assert set(said.remarks) == set(Remark)
    for remark in Remark:
        assert said.remarks[remark].strip()
        assert places(said.remarks[remark]) == places(english.remarks[remark]), remark
    assert set(said.types) == set(english.types)
    assert set(said.look_at) == set(english.look_at)
    assert set(said.severities) == set(english.severities)
    assert all(said.types.values())
    assert all(said.look_at.values())


def test_chinese_is_chinese() -> None:
    said = LANGUAGES["zh"]
    for remark, sentence in said.remarks.items():
        assert HAN.search(sentence) or remark == Remark.IN_WORDS
        assert not WORDS.search(CODE.sub("", sentence)), remark
    assert all(map(HAN.search, [*said.types.values(), *said.look_at.values()]))


def test_every_remark_is_made() -> None:
    folder = Path(st.suitability.__file__).parent
    code = "".join(p.read_text() for p in folder.rglob("*.py") if "messages" not in p.parts)
    assert [one for one in Remark if f"Remark.{one.name}" not in code] == []


def test_types_have_words() -> None:
    scale = Scale("investor", ("C1", "C2"))
    wanted = set(get_args(Kind)) - {"element", "entry", "key", "ordered", "value"}
    assert wanted <= set(LANGUAGES["en"].types)
    for name in LANGUAGES["en"].types:
        assert str(Type(name, element="text" if name == "list" else None))
    cases = {
        Type("number"): ("number", "数值"),
        Type("level", scale): ("a level of scale 'investor'", "等级表'investor'的等级"),
        Type("list", element="text"): ("a list of text", "文本列表"),
        Type("list", scale, "level"): (
            "a list of levels of scale 'investor'",
            "等级表'investor'的等级列表",
        ),
        Type("map", element="date"): ("a map to date", "值为日期的映射"),
        Type("map", element="number"): ("map", "映射"),
    }
    for kind, (english, chinese) in cases.items():
        assert (str(kind), kind.told.texts["zh"]) == (english, chinese)


# --- what checks find ---------------------------------------------------------------------------

HEAD = """
[policy]
id = "p"
version = "1"
title = { en = "P", zh = "政策" }
GOVERNS
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2"]
unused = ["a", "b"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
"user.vulnerable" = "boolean"
"user.kinds" = { type = "text", values = ["retail", "professional"] }
"user.tags" = "list"
"user.amounts" = "map"
"user.declared" = "number"
"""


def rule(require: str, name: str = "r", more: str = "") -> str:
    return f"[[rules]]\nid = {quote(name)}\nrequire = {quote(require)}\n{more}\n"


def policy(*rules: str, head: str = HEAD, governs: str = "") -> str:
    none = "" if any("[[rules]]" in one for one in rules) else "rules = []"
    return none + head.replace("GOVERNS", governs) + "".join(rules)


BARE = '[policy]\nid = "bare"\n'
EMPTY = "rules = []\n" + BARE
FLAG = 'effect = "flag"'
MONTHLY = "user.questionnaire_date + months(12)"
PLANS = "applies = \"product.plan in ['a', 'b']\""
FOR = 'applies = "user.vulnerable"'
BOTH = 'because = { en = "%s", zh = "%s" }'

POLICIES = [
    # what is proved
    policy(governs="governs = 'product.complex and not product.complex'"),
    EMPTY,
    policy(rule("user.age > 1", more=FLAG)),
    policy(rule("user.age > 1", more='applies = "False"')),
    policy(rule("user.vulnerable", more='applies = "user.age > 3 and user.age < 2"')),
    policy(rule("user.age > 1", more='applies = "product.complex"'), governs="governs = 'False'"),
    policy(rule("1 < 2")),
    policy(rule("1 < 2", more=FLAG)),
    policy(rule("user.age == user.age"), rule("user.age == user.age", "s", FLAG)),
    policy(rule("user.age > 2", more='applies = "user.age > 3"')),
    policy(rule("user.age < 2", more='applies = "user.age > 3"')),
    policy(rule("user.age < 2"), governs="governs = 'user.age > 3'"),
    policy(rule("user.age < 2", more=FOR), governs="governs = 'user.age > 3'"),
    policy(rule("False", more=FOR)),
    policy(rule("False"), rule("False", "s", FLAG), rule("1 > 2", "t", f"{FLAG}\n{FOR}")),
    policy(rule("user.age > 5", "a"), rule("user.age < 3", "b")),
    # dates
    policy(rule("user.age > 1", more="effective = 2024-01-01"), governs="expires = 2023-01-01"),
    policy(
        rule("user.age > 1", "cap-v1"),
        rule("user.age > 2", "cap-v2", "expires = 2024-01-01"),
        rule("user.age > 3", "cap-v3", "effective = 2020-01-01\nexpires = 2024-02-01"),
        rule("user.age > 3", "same", "effective = 2021-01-01"),
        rule("user.age > 3", "flag", FLAG),
    ),
    # what is weaker than it looks
    policy(governs="governs = 'known(user.age) and not missing(user.age)'"),
    policy(rule("missing(user.age) or user.age >= 2")),
    policy(rule("product.y > 1", more='applies = "not missing(user.age) and user.age > 3"')),
    policy(rule("lookup(user.amounts, product.issuer, 5) > 3")),
    policy(rule("product.min_amount <= user.liquid_assets", more='article = "COBS"')),
    # texts, and who reads them
    policy(rule("user.age > 1", more=BOTH % ("{user.tier}", "{user.tier}"))),
    policy(rule("min(user.a, user.b) > 1", more=BOTH % ("{user.a}", "{user.a}"))),
    policy(rule("user.kinds == 'retail'", more=BOTH % ("{user.kinds}", "{user.kinds}"))),
    policy(rule("not user.vulnerable", more=BOTH % ("{user.vulnerable}", "否"))),
    policy(rule("user.age > 1", more=BOTH % ("You are vulnerable.", "否"))),
    policy(rule("user.age > 1", more=BOTH.replace(', zh = "%s"', "") % "No.")),
    # declarations and names
    policy(
        '[changeable]\n"user.idle" = { en = "Change it." }\n',
        '[labels]\n"user.idle" = { a = { en = "A" } }\n',
        '[terms]\nidle = "user.age * 2"\n',
        "[maps]\nidle = { C1 = 1, C2 = 2, C3 = 3 }\n",
        rule("user.knowledge_level == 'high' and user.net_wroth > 1 and user.own > 1"),
    ),
    # values
    policy(rule("user.loss_capacity > 0.1")),
    policy(rule("user.kinds == 'Retail'"), rule("user.kinds == 'child'", "s")),
    policy(rule("user.x == 'A'"), rule("user.x != 'a'", "s")),
    policy(governs="governs = \"user.kinds == 'retail'\""),
    policy(rule("user.age > 1", more=PLANS)),
    policy(
        rule("user.age > 1", more=PLANS),
        rule("user.age > 2", "s", PLANS.replace("'a', 'b'", "'c'")),
        head=HEAD + '"product.plan" = { type = "text", values = ["a", "b", "c", "d"] }\n',
    ),
    policy(rule("product.valid_to + days(30) > as_of")),
    # types
    policy(rule("rank(product.risk_level) <= rank(user.risk_level)")),
    policy(rule("rank(user.knowledge_level) > 1"), rule("user.grade < 'B'", "s")),
    policy(rule("user.birth_date > 18")),
    *(
        policy(rule(sentence))
        for sentence in (
            "user.declared",
            "-user.risk_level > 1",
            "(user.declared > 1) + 1 > 2",
            "abs(user.vulnerable) > 2",
            "user.declared == user.tags",
            "user.tags == user.tags",
            "months(12) > months(6)",
            "days(12) > 3",
            "user.vulnerable == user.declared",
            "user.vulnerable > (1 < 2)",
            "user.kinds > user.kinds",
            "as_of + user.declared > as_of",
            "user.risk_level * 2 > 1",
            "rank(user.declared) > 2",
            "lookup(user.amounts, user.declared) > 1",
            "age(user.declared) > 1",
            "abs(as_of) > 1",
            "user.risk_level == 'C9'",
            "min(user.tags) > 1",
            "max(user.kinds) > 'a'",
            "min(user.declared, user.risk_level) > 1",
            "contains(user.tags, 3)",
            "disjoint(user.tags, user.days)",
            "lookup(user.amounts, product.issuer, as_of) > 1",
        )
    ),
    policy("[maps]\nnext = { C1 = 1, C2 = 2, C3 = 3 }\n", rule("map('next', user.tags) == 1")),
]


def dated(version: str, dates: str) -> str:
    return f'rules = []\n[policy]\nid = "p"\n{version}\n{dates}\n'


def on_data(text: str, **user: Any) -> list[Finding]:
    users = pd.DataFrame({"user_id": ["u", "v"], **user})
    shelf = pd.DataFrame({"product_id": ["x"], "category": ["fund"], "tags": [["Retail"]]})
    return check_policy(text, users, shelf, "2026-01-01")


@pytest.fixture(scope="module")
def everything() -> list[Finding]:
    """Return findings of every kind, those that show on data and between versions included."""
    found = [one for text in POLICIES for one in check_policy(text)]
    found += check_languages(Policy.from_toml(EMPTY), ["zh"])
    found += check_versions([dated('version = "1"', ""), dated("", "effective = 2024-01-01")])
    found += check_versions([dated("", "expires = 2024-01-01"), dated("", "")])
    ended, later = dated("", "expires = 2024-01-01"), dated("", "effective = 2024-02-01")
    found += check_versions([ended, later])
    found += on_data(BARE + rule("user.age > 1"))
    found += on_data(BARE + rule("user.age > 1") + rule("user.age > 1", "f", FLAG), age=[0, None])
    found += on_data(BARE + "governs = 'user.age > 1'\n" + rule("user.age > 2"), age=[0, 0])
    found += on_data(BARE + rule("contains(user.tags, 3)"), tags=[["a"], ["b"]])
    found += on_data(BARE + rule("user.since == 3"), since=[{"a": date(2024, 1, 1)}, {}])
    scale = '[scales]\nl = ["a", "b"]\n[fields]\n"user.ls" = "l"\n'
    found += on_data(BARE + scale + rule("user.ls == 3"), ls=[["a"], ["b"]])
    spelt = rule("user.kind == 'retail' and user.kind not in product.tags")
    found += on_data(BARE + spelt, kind=["RETAIL", "retail"])
    return found


def test_all_kinds_are_there(everything: list[Finding]) -> None:
    code = "".join(path.read_text() for path in Path(lint.__file__).parent.glob("*.py"))
    kinds = set(re.findall(r'"(?:error|warning|note)",\s*"([a-z-]+-?[a-z]+)"', code)) - {"warning"}
    # What a proof is called, and what that is called of a flag.
    kinds |= {"unreachable", "excludes-everything", "never-fails", "flags-everything"}
    assert kinds == {one.kind for one in everything}


ELSEWHERE = {Remark.IN_FILE, Remark.DOES_NOT_FIT}  # in errors, and of their words alone
ELSEWHERE |= set(list(Remark)[list(Remark).index(Remark.NO_FIELD) :])


@pytest.mark.parametrize("remark", sorted(set(Remark) - ELSEWHERE))
def test_every_remark_is_in_a_finding(everything: list[Finding], remark: Remark) -> None:
    for code, said in LANGUAGES.items():
        parts = re.split(r"\{\w+[^{}]*\}", said.remarks[remark].replace("{{", "").replace("}}", ""))
        wanted = re.compile(".*".join(map(re.escape, parts)))
        texts = [one.texts[code].replace("{", "").replace("}", "") for one in everything]
        assert any(map(wanted.search, texts)), (remark, code)


def test_findings_are_said_in_every_language(everything: list[Finding]) -> None:
    for one in everything:
        assert list(one.texts) == list(LANGUAGES)
        assert one.texts["en"] == one.text
        assert HAN.search(one.texts["zh"])
        assert one.to_dict()["texts"] == dict(one.texts)
        if one.kind != "does-not-fit":  # an error's own words
            told = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\{.*\}", "", one.texts["zh"])
            assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", told), told


def test_a_finding_of_ones_own_is_in_english_alone() -> None:
    own = Finding("note", "house", "our own")
    assert own.texts == {"en": "our own"}
    assert own == Finding("note", "house", "our own")


def test_some_in_full() -> None:
    def told(text: str, kind: str) -> str:
        return next(one.texts["zh"] for one in check_policy(text) if one.kind == kind)

    assert told(policy(rule("False")), "excludes-everything") == "排除所有组合：`require`不可能为真"
    assert told(policy(rule("user.birth_date > 18")), "type") == (
        "require：第1行第1列：日期与数值不能比较：请与as_of或另一日期比较，"
        "例如`user.x + months(12)`：'user.birth_date > 18'（按各字段的通常类型）"
    )
    assert told(BARE + rule("user.net_wroth > 1"), "unknown-field") == (
        "user.net_wroth不在字段词表中：是否指user.net_worth？"
    )
    assert (
        told(BARE + rule("user.age > 1"), "missing-text")
        == "`because`没有英文或中文文本：不符合时将使用自动生成的文本"
    )
