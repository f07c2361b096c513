"""What is no sentence, or one that does not fit the data: each mistake and its error."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

import suitably as st
from support.one_pair import AS_OF, HEAD, PRODUCT, USER, evaluate, rule, table, verdict
from support.random_policies import quote

NO_SENTENCES = [
    "# only a comment",
    "user.t and",
    "user.t = user.f",
    "user.t; user.f",
    "import os",
    "__import__('os')",
    "open('x')",
    "eval('1')",
    "len(user.tags) > 1",
    "user.s.upper() == 'ABC'",
    "user.s.strip == 'ABC'",
    "user.t.__class__",
    "as_of.year == 2024",
    "'a'.join(user.tags) == 'a'",
    "(lambda: user.t)()",
    "lambda: user.t",
    "[x for x in user.tags]",
    "{x for x in user.tags} == user.tags",
    "max(x for x in user.tags) == 'a'",
    "{'a': 1} == user.map",
    "{1, 2} == user.n",
    "f'{user.s}' == 'Abc'",
    "(x := user.n) > 1",
    "user.tags[0] == 'a'",
    "user.map['x'] > 0",
    "user['n'] > 1",
    "max(*user.numbers) > 1",
    "min(**user.map) > 1",
    "rank(x=user.level) > 1",
    "user.n if user.t else user.f",
    "user.t is user.f",
    "user.n is not None",
    "user.u == None",
    "user.n ** 2 > 1",
    "user.n // 2 > 1",
    "user.n % 2 == 1",
    "user.n @ 2 == 1",
    "user.n | 1 == 1",
    "user.n & 1 == 1",
    "user.n ^ 1 == 1",
    "user.n << 1 == 1",
    "~user.n == 1",
    "+user.n == 1",
    "user.n == 1j",
    "user.s == b'Abc'",
    "user.n == ...",
    "await user.t",
    "yield user.t",
    "user",
    "product",
    "user == product",
    "customer.n > 1",
    "n > 1",
    "nan > 1",
    "rank",
    "rank > 1",
    "user() == 1",
    "user.t()",
    "user.n.m > 1",
    "(user).n.real > 1",
    "rank() > 1",
    "rank(user.level, user.level) > 1",
    "age() > 1",
    "months() == months()",
    "missing()",
    "missing(user.n, user.n)",
    "contains(user.tags)",
    "lookup(user.map) > 1",
    "abs(1, 2) > 1",
    "min() > 1",
    "rank(user.level)(1) > 1",
    "user.t\x00",
    "user.t\nuser.f",
    "user.n > 0x",
    "'unclosed",
    "user..n > 1",
    "user. > 1",
    "user.n > > 1",
    "user.n <> 1",
    "“user.n” > 1",
    "user.n ＞ 1",
]


@pytest.mark.parametrize("require", NO_SENTENCES)
def test_no_sentence(require: str) -> None:
    with pytest.raises(st.PolicyError) as error:
        st.Policy.from_toml(HEAD + rule(require))
    assert re.search(r"line \d+.*column \d+", str(error.value), re.IGNORECASE | re.DOTALL)


@pytest.mark.parametrize("key", ["applies", "governs"])
def test_no_sentence_elsewhere(key: str) -> None:
    line = f'{key} = "user.s.upper()"'
    head = HEAD.replace('version = "1"', f'version = "1"\n{line}') if key == "governs" else HEAD
    with pytest.raises(st.PolicyError, match=r"line \d+"):
        st.Policy.from_toml(head + rule("user.t", "r", line if key == "applies" else ""))


def test_the_error_points_at_the_place() -> None:
    with pytest.raises(st.PolicyError) as error:
        st.Policy.from_toml(HEAD + rule("user.t and user.n ** 2 > 1", "my-rule"))
    message = str(error.value)
    assert "my-rule" in message
    assert re.search(r"column 12\b", message)
    assert "user.n ** 2" in message


DEEP = {
    "parentheses": "(" * 10_000 + "user.t" + ")" * 10_000,
    "nots": "not " * 10_000 + "user.t",
    "minuses": "-" * 10_000 + "1 < 0",
    "plus": "1 + " * 10_000 + "1 > 0",
    "functions": "abs(" * 10_000 + "1" + ")" * 10_000 + " > 0",
    "lists": "1 in " + "[" * 10_000 + "]" * 10_000,
    "alternating": "(not " * 5_000 + "user.t" + ")" * 5_000,
    "attributes": "user" + ".n" * 10_000,
    "chain": "1 < " * 10_000 + "2",
    "long": "user.t" + " or user.t" * 100_000,
    "spaces": "user.t" + " " * 1_000_000,
    "text": "user.s == '" + "x" * 1_000_000 + "'",
    "digits": "user.n < " + "9" * 5_000,
    "field": "user." + "n" * 1_000_000 + " > 1",
}
REFUSED_FOR_SIZE = ["parentheses", "nots", "minuses", "functions", "lists", "long", "text", "field"]


@pytest.mark.parametrize("name", DEEP)
def test_size_and_depth_end_in_an_error_or_a_policy(name: str) -> None:
    message = None
    try:
        policy = st.Policy.from_toml(HEAD + rule(DEEP[name]))
        policy.evaluate(table(USER), table(PRODUCT), AS_OF).mask()
    except st.PolicyError as error:
        message = str(error)
    if name in REFUSED_FOR_SIZE:
        assert message
    assert len(message or "") < 2_000  # the text is quoted in part


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "1e308 * 10"])
def test_literal_beyond_doubles_is_never_a_pass(number: str) -> None:
    try:
        found = [verdict(f"user.n < {number}"), verdict(f"user.n > {number}")]
    except st.PolicyError:
        return
    assert found == ["unknown", "unknown"]


@given(hs.text(max_size=200))
@settings(max_examples=300)
def test_any_text_is_a_policy_error_or_a_policy(text: str) -> None:
    for source in (HEAD + rule(text), text):
        try:
            policy = st.Policy.from_toml(source)
        except st.PolicyError:
            continue
        assert isinstance(policy, st.Policy)


WORDS = [
    *(
        "user.n",
        "user.t",
        "user.level",
        "product.level",
        "user.map",
        "user.tags",
        "user.s",
        "as_of",
    ),
    *(
        "user.born",
        "product.end",
        "user.x",
        "and",
        "or",
        "not",
        "in",
        "<",
        "<=",
        "==",
        "!=",
        "+",
        "-",
    ),
    *("*", "/", "(", ")", "[", "]", ",", "1", "0", "1e308", "'C3'", "'a'", "''", "True", "rank("),
    *("days(", "months(", "years(", "missing(", "contains(", "subset(", "lookup(", "age(", "min("),
    *(
        "abs(",
        ".",
        ":",
        "lambda",
        "if",
        "else",
        "for",
        "{",
        "}",
        "**",
        "~",
        "\n",
        "#",
        "\\",
        "`",
        "is",
    ),
]


@given(hs.lists(hs.sampled_from(WORDS), max_size=25))
@settings(max_examples=600)
def test_any_words_are_a_policy_error_or_an_answer(words: list[str]) -> None:
    try:
        found = verdict(" ".join(words))
    except st.PolicyError:
        return
    assert found in ("pass", "fail", "unknown")


# --- types -----------------------------------------------------------------------------------

MISTYPED = [
    "user.level < 3",
    "user.level == 3",
    "3 <= user.level",
    "user.level == product.level",
    "product.level <= user.level",
    "user.level in [1, 2]",
    "user.level in [product.level]",
    "user.level == user.s",
    "user.level == 'C9'",
    "user.level == 'c3'",
    "user.level == ' C3'",
    "user.level == ''",
    "user.level in ['C3', 'R1']",
    "'R1' < user.level",
    "user.level + 1 > 2",
    "-user.level == 1",
    "max(user.level, product.level) == 'C1'",
    "max(user.level, 3) == 'C1'",
    "user.level == user.t",
    "user.day == '2024-01-01'",
    "user.day < 'x'",
    "user.day < 3",
    "user.day < user.n",
    "user.day == user.s",
    "as_of == 'now'",
    "as_of > 2024",
    "user.day + 1 > as_of",
    "user.day + user.day > as_of",
    "1 + user.day > as_of",
    "user.day * 2 > as_of",
    "-user.day < as_of",
    "user.day - as_of > 3",
    "user.day - as_of > as_of",
    "user.day + months(1) > 3",
    "days(1) > 1",
    "days(1) == user.day",
    "days(1) < months(1)",
    "months(1) < months(2)",
    "months(12) == years(1)",
    "as_of - user.day > years(18)",
    "as_of - user.day < months(1)",
    "days('1') < as_of - user.day",
    "days(user.s) < as_of - user.day",
    "months(user.t) == 1",
    "user.n == 'a'",
    "user.n == user.s",
    "user.n < user.s",
    "user.n + user.s == 1",
    "user.n in ['a', 'b']",
    "user.n in [1, 'b']",
    "user.s in [1]",
    "user.s in user.s",
    "user.s in 'Abc'",
    "'b' in user.s",
    "user.n in user.n",
    "user.n in user.map",
    "user.s < 'b'",
    "user.s >= product.s",
    "'a' < 'b'",
    "user.s + 'x' == 'Abcx'",
    "user.s * 2 == 'AbcAbc'",
    "-user.s == 'x'",
    "user.t < user.f",
    "user.t >= True",
    "user.t == 1",
    "user.n == True",
    "user.t + 1 == 2",
    "-user.t == 1",
    "user.t == 'true'",
    "user.tags == user.tags",
    "user.tags == 'a'",
    "user.tags < product.market",
    "user.map == user.map",
    "user.map < 1",
    "rank(user.n) > 1",
    "rank(user.s) > 1",
    "rank('C1') == 1",
    "rank(user.day) > 1",
    "age(user.n) > 1",
    "age(user.s) > 1",
    "min(user.n) > 1",
    "max(user.tags) == 'a'",
    "min(user.born) < as_of",
    "count(user.n) > 1",
    "disjoint(user.tags, user.numbers)",
    "lookup(user.map, product.key, 'a') > 1",
    "lookup(user.map, product.key, as_of) > 1",
    "hours(user.s) > days(1)",
    "abs(user.s) > 1",
    "abs(user.t) == 1",
    "abs(user.day) == 1",
    "min(user.n, 'a') == 1",
    "min(user.n, user.day) == 1",
    "max(user.s, 'b') == 'b'",
    "max(user.t, user.f) == True",
    "contains(user.n, 1)",
    "contains(user.s, 'A')",
    "contains(user.map, 'x')",
    "contains(user.tags, 1)",
    "contains(user.tags, user.t)",
    "contains(user.numbers, 'a')",
    "contains(user.tags, user.tags)",
    "subset(user.n, user.tags)",
    "subset(user.tags, 'abc')",
    "subset(user.numbers, user.tags)",
    "lookup(user.tags, 'a') == 1",
    "lookup(user.n, 'a') == 1",
    "lookup(user.map, 1) == 1",
    "lookup(user.map, user.t) == 1",
    "lookup(user.map, 'x') == 'y'",
    "user.n and user.t",
    "user.t or user.s",
    "user.t or 1",
    "not user.n",
    "not 'a'",
    "not as_of",
    "user.n",
    "1",
    "'a'",
    "user.s",
    "user.level",
    "user.day",
    "as_of",
    "user.tags",
    "user.map",
    "user.n + 1",
    "days(1)",
    "months(1)",
    "as_of - user.day",
    "lookup(user.map, 'x')",
    "[user.t]",
    "missing(user.n) < 1",
]


@pytest.mark.parametrize("require", MISTYPED)
def test_mistyped_before_any_row_is_read(require: str) -> None:
    bad_row = {"level": "off every scale", "lower": "c1"}
    with pytest.raises(st.PolicyError):
        evaluate(HEAD + rule(require), bad_row)


@pytest.mark.parametrize("require", ["user.level < 3", "user.day == 'x'", "user.s < 'b'"])
@pytest.mark.parametrize(
    "context", ["user.f and {}", "user.t or {}", "not {}", "missing({})", "({}) == user.t"]
)
def test_mistyped_where_nobody_looks(require: str, context: str) -> None:
    with pytest.raises(st.PolicyError):
        evaluate(HEAD + rule(context.format(f"({require})")))


@pytest.mark.parametrize("key", ["applies", "governs"])
def test_mistyped_elsewhere(key: str) -> None:
    line = f'{key} = "user.n"'
    head = HEAD.replace('version = "1"', f'version = "1"\n{line}') if key == "governs" else HEAD
    with pytest.raises(st.PolicyError):
        evaluate(head + rule("user.t", "r", line if key == "applies" else ""))


@pytest.mark.parametrize(
    "require",
    [
        "user.u < 3",
        "user.u == 'a'",
        "user.u < as_of",
        "user.u",
        "contains(user.u, 'a')",
        "lookup(user.u, 'a') < 3",
        "user.u == user.u",
        "age(user.u) > 3",
        "user.u + days(1) > as_of",
        "user.u == user.level",
    ],
)
@pytest.mark.parametrize("kind", [pa.null(), pa.float64(), pa.string(), pa.timestamp("us")])
def test_column_of_nulls_has_any_type(require: str, kind: pa.DataType) -> None:
    user = table(USER).drop_columns(["u"]).append_column("u", pa.nulls(1, kind))
    assert verdict(require, user) == "unknown"


@pytest.mark.parametrize("field", ["no_level", "no_number"])
def test_declared_column_of_nulls(field: str) -> None:
    for kind in (pa.null(), pa.float64(), pa.string()):
        user = table(USER).drop_columns([field]).append_column(field, pa.nulls(1, kind))
        assert verdict(f"missing(user.{field})", user) == "pass"


# --- names -----------------------------------------------------------------------------------


def test_unknown_field_names_the_nearest() -> None:
    with pytest.raises(st.PolicyError) as error:
        evaluate(HEAD + rule("user.levl == 'C1'"))
    assert "user.levl" in str(error.value)
    assert "level" in str(error.value).replace("user.levl", "")


@pytest.mark.parametrize(
    ("require", "owner"), [("user.key == 'x'", "product"), ("product.born < as_of", "user")]
)
def test_field_of_the_other_side(require: str, owner: str) -> None:
    with pytest.raises(st.PolicyError) as error:
        evaluate(HEAD + rule(require))
    assert owner in str(error.value)


def test_unknown_field_is_refused_in_a_rule_not_in_force() -> None:
    with pytest.raises(st.PolicyError):
        evaluate(HEAD + rule("user.t") + rule("user.nope", "later", 'applies = "user.f"'))


@pytest.mark.parametrize(
    "text", ["{user.nope}", "{user.s.__class__}", "{customer}", "{user}", "{0}"]
)
def test_text_speaks_only_of_fields(text: str) -> None:
    more = f"because = {{ en = {quote(text)}, zh = {quote(text)} }}"
    with pytest.raises(st.PolicyError):
        evaluate(HEAD + rule("user.f", "r", more))


@pytest.mark.parametrize("terms", [1, 7, 14, 15, 30, 60])
def test_a_sum_of_durations_never_wraps_round(terms: int) -> None:
    days = " + ".join(["days(7320000)"] * terms)
    assert verdict(f"{days} < days(0)") in ("fail", "unknown")
    assert verdict(f"{days} > days(0)") == ("pass" if terms <= 7 else "unknown")
    months = " + ".join(["months(240000)"] * terms)
    assert verdict(f"user.day + ({months}) > user.day") == "unknown"
    assert verdict(f"user.day + ({days}) > user.day") == "unknown"
    assert verdict(f"user.day - ({days}) < user.day") == "unknown"
