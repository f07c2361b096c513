"""What a check says of rules that flag: they narrow nothing, so they are held to other claims."""

import pandas as pd
import pytest

from suitably.suitability.lint.lint import check_policy
from suitably.suitability.lint.render import list_policy
from suitably.suitability.policy import Policy
from support.random_policies import quote

HEAD = '[policy]\nid = "p"\nversion = "1"\ntitle = { en = "P", zh = "政策" }\n'
TEXTS = 'article = "Art. 1"\nbecause = { en = "Mind.", zh = "注意。" }\n'
FLAG = 'effect = "flag"\n'
BAR = f"""[[rules]]
id = "bar"
require = "user.age >= 18"
{TEXTS}"""


def rule(require: str, applies: str | None = None, more: str = FLAG, name: str = "r") -> str:
    narrow = "" if applies is None else f"applies = {quote(applies)}\n"
    return f"[[rules]]\nid = {quote(name)}\nrequire = {quote(require)}\n{narrow}{TEXTS}{more}"


def found(text: str) -> list[tuple[str, str, str]]:
    shown = [f for f in check_policy(HEAD + text) if f.kind != "unknown-field"]
    return [(f.severity, f.kind, f.rule) for f in shown]


@pytest.mark.parametrize(
    ("require", "applies", "flag", "bar"),
    [
        ("user.age > 40", None, [], []),
        ("user.age < 0 and user.age > 9", None, "flags-everything", "excludes-everything"),
        ("user.age < 0 and user.age > 9", "user.new", "flags-everything", "excludes-everything"),
        ("False", None, "flags-everything", "excludes-everything"),
        ("False", "user.new", [], "excludes-everything"),
        ("user.age < 9 or user.age > 0", None, "never-fails", "never-fails"),
        ("user.age > 40", "user.new and not user.new", "unreachable", "unreachable"),
    ],
)
def test_what_is_always_so(require: str, applies: str | None, flag: str, bar: str) -> None:
    for more, kind in [(FLAG, flag), ("", bar)]:
        text = rule(require, applies, more)
        assert [one[1] for one in found(BAR + text)] == ([kind] if kind else [])


def test_a_flag_conflicts_with_nothing() -> None:
    for more, kinds in [(FLAG, []), ("", ["conflict"])]:
        assert [one[1] for one in found(BAR + rule("user.age < 18", more=more))] == kinds


def test_of_a_bar_and_a_flag_that_say_the_same_the_flag_is_idle() -> None:
    flag = rule("user.age >= 18")
    for text in (BAR + flag, flag + BAR):
        assert found(text) == [("warning", "duplicate", "r")]
        (said,) = [one for one in check_policy(HEAD + text) if one.kind == "duplicate"]
        assert said.text == "flags only what bar keeps out, at all times"
    twice = BAR + rule("user.age >= 65") + rule("user.age >= 65", name="s")
    assert found(twice) == [("warning", "duplicate", "s")]


def test_a_policy_of_flags_bars_nothing() -> None:
    assert found(rule("user.age > 40")) == [("note", "no-rules", "")]
    assert found(BAR + rule("user.age > 40")) == []


def test_on_data() -> None:
    policy = Policy.from_toml(HEAD + BAR + rule("user.age > 40"))
    products = pd.DataFrame({"product_id": ["x", "y"]})
    for ages, kinds in [([30, 20], ["flags-this-data"]), ([30, 41], [])]:
        users = pd.DataFrame({"user_id": ["a", "b"], "age": ages})
        assert [one.kind for one in check_policy(policy, users, products, "2026-01-01")] == kinds


def test_a_flag_without_text() -> None:
    text = HEAD + BAR + rule("user.age > 40").replace('en = "Mind.", ', "")
    (said,) = [one for one in check_policy(text) if one.kind == "missing-text"]
    assert said.text == "has no `because` in English: a flag gets a generated text"


def test_a_flag_is_told_from_a_bar_where_a_policy_is_shown() -> None:
    policy = Policy.from_toml(HEAD + BAR + rule("user.age > 40"))
    assert list_policy(policy).count("flags what it does not pass, and bars nothing") == 1
    assert policy._repr_html_().count("r (flag, bars nothing)") == 1
