"""What is wrong with a policy is named: file, line, column, field, and what would be right."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.suitability.language.places import line_and_column
from suitably.suitability.language.toml_index import index_toml
from suitably.suitability.policy import built_in_folder

TEXT = """[policy]
id = "p"
version = "1"
governs = "product.sri > 0"
title = { en = "P" }

[scales]
a = ["C1", "C2"]
b = ["R1", "R2"]

[fields]
"user.level" = "a"
  'user.share' = "number"
"user.kind" = { type = "text", values = ["x", "y"] }
"user.born" = { type = "date" }

[maps.m]
C1 = "R1"
C2 = "R2"

[terms]
first = "user.share"
loss = "term.first * 2"

[labels]
"user.kind" = { x = { en = "X" } }

[[rules]]
id = "one"
require = "term.loss > 1"
because = { customer = { en = "Share {user.share}." } }

[[rules]]
id = "two"
effect = "flag"
require = '''
rank(map('m', user.level)) >= 1
  and user.share > 0'''
applies = "user.share > 0"
expires = 2030-01-01
[rules.because]
en = "Level {user.level}."
"""


def wrong(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def test_what_is_right_is_read() -> None:
    assert len(st.Policy.from_toml(TEXT).rules) == 2


# What is changed to what, what is marked in its line ("": the first thing there), what is said.
CASES = {
    # --- the whole, and [policy]
    "not TOML": ('version = "1"', "version = 1 2", "2", "is not TOML"),
    "never ends": ('en = "Level {user.level}."\n', "en = [", "", "is not TOML"),
    "a table too many": ("[scales]", "[more]\n[scales]", "[more]", r"unknown keys \['more'\]; the"),
    "no id": ('[policy]\nid = "p"', "[policy]", "[policy]", "policy: id must be text, got None"),
    "no text": ('version = "1"', "version = 1", "", "version must be text, got 1"),
    "a key too many": ("version =", "versoin =", "", "unknown keys .*there are .*'version'"),
    "a language": ('{ en = "P" }', '{ fr = "P" }', "fr", "title: unknown keys .*'en', 'zh'"),
    "a title of lists": ('{ en = "P" }', "{ en = [] }", "title", "language such as"),
    "no date": ('version = "1"', 'effective = "soon"', "", "such as 2026-03-01.*got 'soon'"),
    "dates upside down": (
        'version = "1"', "effective = 2030-01-01\nexpires = 2029-01-01", "expires",
        "expires must be after effective",
    ),
    "governs": ("product.sri > 0", "product.sri > nobody", "nobody", "governs: line 1, column 15"),
    "empty governs": ('"product.sri > 0"', '" "', "", "governs: is empty: say what must hold"),
    # --- [scales]
    "a scale": ('["C1", "C2"]', '["C1", "C1"]', "a = ", "scale 'a': must list distinct levels"),
    "a scale's name": ('a = ["C1"', 'list = ["C1"', "", "scale 'list': has the name of a type"),
    "scales": ('[scales]\na = ["C1", "C2"]\nb = ["R1", "R2"]\n', "", None, "neither a scale"),
    # --- [fields]
    "a field's name": ('"user.level" =', '"users.level" =', "", "'users.level' must be user.x or"),
    "a type": ("'user.share' = \"number\"", "'user.share' = \"nmber\"", "", "a type .*'number'"),
    "upside down": (
        '"number"', '{ type = "number", min = 1, max = 0 }', "min",
        "user.share: the range is upside down: min 1 is above max 0; swap them",
    ),
    "an end": ('"date" }', '"date", max = 3 }', "max", "user.born: max must be a date"),
    "a key of a field": ('"date" }', '"date", maxi = 3 }', "maxi", "there are .*'max'"),
    "values": ('["x", "y"]', '["x", 1]', "1", "user.kind: values must be texts, got 1"),
    "a value twice": ('["x", "y"]', '["x", "x"]', '"x"]', "must be distinct"),
    "a unit": ('"number"', '{ type = "number", unit = "parts" }', "unit", "there are share, perc"),
    "a currency": (
        '"number"', '{ type = "number", unit = "money", currency = "yuan" }', "currency = ",
        "user.share: currency must be a code such as 'CNY'",
    ),
    # --- [maps]
    "a hole": ('C2 = "R2"\n', "", None, r"maps: m: has no entry for \['C2'\] of scale 'a': add"),
    "off the scale": ('C2 = "R2"', 'C2 = "R9"', "", r"m: \['R9'\] are not on scale 'b' \['R1'"),
    "a level too many": ('C2 = "R2"', 'C2 = "R2"\nC3 = "R2"', "C3", r"\['C3'\] are not on scale"),
    "neither level nor number": ('C2 = "R2"', "C2 = true", None, "all of one kind"),
    # --- [terms]
    "a circle": ("term.first * 2", "1 + term.loss", "term.loss", "made of itself.*name fields ins"),
    "a term's name": ("first =", '"first one" =', "", "use letters, digits and _"),
    "a term's text": ('"user.share"\n', "3\n", "first", "terms: first must be text, got 3"),
    "a term of nothing": ("term.first * 2", "term.frst", "term.frst", "there are first, loss"),
    # --- [labels]
    "a label's field": ('"user.kind" = { x', '"kind" = { x', "", "'kind' must be user.x or produ"),
    "a label's code": ("{ x = {", "{ z = {", "z", r"user.kind: \['z'\] are none of \['x', 'y'\]"),
    "a label's language": ('{ en = "X" }', '{ de = "X" }', "de", "user.kind: x: unknown keys"),
    # --- [[rules]]
    "no require": ('require = "term.loss > 1"\n', "", None, "require must be text, got None"),
    "a rule twice": ('id = "two"', 'id = "one"', "", r"must be unique, repeated: \['one'\]"),
    "a rule's name": ('id = "two"', 'id = "owned"', "", "own reasons: choose another"),
    "an effect": ('effect = "flag"', 'effect = "flags"', "", "'bar' or 'flag', got 'flags'"),
    "a key of a rule": ('effect = "flag"', 'efect = "flag"', "", "unknown keys .*'effect'"),
    "a rule's date": ("2030-01-01", '"2030-01-01"', None, "rule 'two': expires must be a date"),
    "applies": ('applies = "user.share', 'applies = "what(user.share)', "what", "unknown function"),
    "no term": ('applies = "user.share', 'applies = "term.gone', "term.gone", "there are first,"),
    "the second line": ("and user.share > 0", "and user.share >< 0", "< 0", "cannot be read"),
    "an unknown map": ("map('m',", "map('n',", "'n'", "unknown map 'n'; there are 'm'"),
    # --- texts
    "a brace": ("Share {user.share}", "Share {share}", "{share}", "only {user.x}, {product.x}"),
    "a text's term": ("Share {user.share}", "A {term.x}", "{term.x}", "unknown term 'x'; there ar"),
    "a format": ("{user.level}", "{user.level:date}", "{user", "is for a date, not for a level"),
    "an audience": ("{ customer =", "{ client =", "client", "unknown keys .*'adviser', 'cust"),
    "a text that is none": ('en = "Level {user.level}."', "en = 3", "", "must be text, or"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_named_with_its_place(name: str, tmp_path: Path) -> None:
    old, new, mark, said = CASES[name]
    text = wrong(old, new)
    file = tmp_path / "house.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(st.PolicyError, match=f"(?s){said}") as refused:
        st.Policy.load(file)
    if mark is not None:
        start = TEXT.rfind("\n", 0, TEXT.index(old)) + 1
        start += len(text[start:]) - len(text[start:].lstrip(" "))
        place = len(text) if name == "never ends" else text.index(mark, start)
        line, column = line_and_column(text, place)
        assert f"line {line}, column {column}" in str(refused.value)
    assert "house.toml" in str(refused.value)
    assert len([*_places(str(refused.value))]) == 1
    with pytest.raises(st.PolicyError, match=r"line \d+, column \d+"):
        st.Policy.from_toml(text)


def _places(message: str) -> Iterator[str]:
    """Iterate the places in the TOML: one is named, and one only."""
    yield from (part for part in message.split("(") if part.startswith(("line", "at line")))


# Where nothing is left to point at: what it would belong to.
ENTRIES = {
    "a hole": "[maps.m]",
    "no require": "[[rules]]",
    "scales": '"user.level"',
    "neither level nor number": "[maps.m]",
    "a rule's date": "expires",
}


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_missing_is_named_where_it_belongs(name: str) -> None:
    text = wrong(*CASES[name][:2])
    line, column = line_and_column(text, text.index(ENTRIES[name]))
    with pytest.raises(st.PolicyError, match=f"line {line}, column {column} of the policy"):
        st.Policy.from_toml(text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_bytes(b"[policy]\nid = '\xff'")
    with pytest.raises(st.PolicyError, match=r"house\.toml: line 2, column 7: is not UTF-8"):
        st.Policy.load(file)


@pytest.mark.parametrize(
    ("old", "new", "mark", "said"),
    [
        ('applies = "user.share', 'applies = "user.shore', "user.shore", "rule 'two': applies"),
        ("term.loss > 1", "term.loss > 'a'", "term.loss", "rule 'one': require"),
        ('"user.share"\n', '"user.shore"\n', "user.shore", "rule 'one': require: term 'first'"),
        ("Share {user.share}", "{user.shore}", "because", "rule 'one': because: .*user.shore"),
        ("product.sri > 0", "product.sri == 'x'", "product.sri", "governs"),
    ],
)
def test_what_does_not_fit_the_data_is_named_with_its_place(
    old: str, new: str, mark: str, said: str
) -> None:
    users = pd.DataFrame({"user_id": ["u"], "level": ["C1"], "share": [0.5], "kind": ["x"]})
    text = wrong(old, new)
    policy = st.Policy.from_toml(text)
    with pytest.raises(st.PolicyError, match=said) as refused:
        policy.evaluate(users, pd.DataFrame({"product_id": ["p"], "sri": [1]}), "2026-01-01")
    start = TEXT.rfind("\n", 0, TEXT.index(old))
    line, column = line_and_column(text, text.index(mark, start))
    assert f"line {line}, column {column} of the policy)" in str(refused.value)


# --- the index, against the standard library's parser ------------------------------------------

ODD = (
    r"""
# a comment [with] "brackets" = 1
a.b."c.d" = "x\ty" # end
'e' = [1, [2, "three"], { four = 4, 'f.i' = """
    + "'''"
    + r"""
l\n ''quoted'' """
    + "'''"
    + r''' }, ]
long = """
one \
   two \u00e9 \U0001F600 "quotes" """""
when = 2024-01-01 10:00:00
[g.h]
i = -1.5e3
[[j]]
k = "first"
[[j]]
k = "second"
[[j.l]]
m = 1
[[j.l]]
m = 2
[j.n]
o = true
'''
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if path:
        yield path, value
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from paths(inner, (*path, key))


TEXTS = {file.name: file.read_text("utf-8") for file in Path(str(built_in_folder())).glob("*.toml")}


@pytest.mark.parametrize("text", [TEXT, ODD, *TEXTS.values()], ids=["text", "odd", *TEXTS])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_index_has_every_path_and_every_character(text: str, end: str) -> None:
    index = index_toml(text.replace("\n", end))
    found = dict(paths(tomllib.loads(text)))
    assert {*index.keys} == {*found}
    for path, value in found.items():
        last = path[-1]
        here = text[index.keys[path] :]
        if isinstance(last, str) and not here.startswith(("[", last, f'"{last}"', f"'{last}'")):
            assert last in here.split("=")[0].replace('"', "")  # a dotted key
        if isinstance(value, str):
            characters = index.texts[path]
            assert len(characters) == len(value) + 1
            plain = [(text[at], c) for at, c in zip(characters, value, strict=False)]
            assert all(at == c for at, c in plain if at != "\\")
    assert {*index.texts} == {path for path, value in found.items() if isinstance(value, str)}


# --- what goes too deep --------------------------------------------------------------------------

SHALLOW = '[policy]\nid = "p"\nnote = """' + "[" * 50 + '"""  # ' + "{" * 50 + "\n"


@pytest.mark.parametrize(
    ("more", "column"),
    [
        ("x = " + "[" * 21 + "]" * 21, 25),
        ("x = " + "[" * 100_000, 25),
        ("x = " + "{a = " * 21 + "1" + "}" * 21, 105),
        ("x" + ".'a.b'" * 20 + " = 1", 116),
        ("x" + " . y" * 100_000 + " = 1", 79),
        ("[x" + ".y" * 100_000 + "]", 41),
    ],
)
def test_a_document_that_goes_too_deep_is_refused_with_its_place(more: str, column: int) -> None:
    said = f"^policy: line 4, column {column}: nested more than 20 deep; .*because = {{"
    with pytest.raises(st.PolicyError, match=said):
        st.Policy.from_toml(SHALLOW + more)


def test_as_deep_as_it_may_go() -> None:
    deep = "[" * 20 + "]" * 20
    for more in (f"x = {deep}", "x" + ".y" * 19 + " = 1", f"x = '{deep}['", f'x = "\\"{deep}["'):
        with pytest.raises(st.PolicyError, match=r"unknown keys \['x'\]"):
            st.Policy.from_toml(SHALLOW + more)


@pytest.mark.parametrize("deep", ["not ", "-", "1 + ", "abs("])
def test_an_expression_that_goes_too_deep_is_refused_with_its_place(deep: str) -> None:
    def written(times: int) -> str:
        inner = "user.x" if deep == "not " else "user.n"
        after = "" if deep == "not " else ")" * (times * deep.count("(")) + " > 0"
        require = f"{deep * times}{inner}{after}"
        return f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{require}"\n'

    users = pd.DataFrame({"user_id": ["u"], "x": [True], "n": [1.0]})
    products = pd.DataFrame({"product_id": ["p"]})
    policy = st.Policy.from_toml(written(90))
    assert len(policy.evaluate(users, products, "2026-01-01").verdicts("u", "p")) == 1
    for times in (120, 190, 2000, 3000):
        with pytest.raises(st.PolicyError, match=r"rule 'r': require: line 1, column \d+: ") as no:
            st.Policy.from_toml(written(times))
        assert any(said in str(no.value) for said in ("make it several", "parenthes", "10,000"))
