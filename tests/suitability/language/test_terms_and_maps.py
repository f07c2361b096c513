"""Named expressions, and tables between scales: used, refused, and the same as written out."""

import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from suitably.suitability import check_policy
from support.one_pair import rule

SCALES = """
[policy]
id = "test"
version = "1"
[scales]
investor = ["C1", "C2", "C3"]
risk = ["R1", "R2", "R3"]
sri = [1, 2, 3]
[fields]
"user.level" = "investor"
"product.level" = "risk"
"product.sri" = "sri"
"""
REACH = '[maps]\nreach = { C1 = "R1", C2 = "R2", C3 = "R3" }\n'


def found(text: str, user: dict[str, Any] | None = None, product: Any = None) -> str:
    users = pd.DataFrame([{"user_id": "u", "level": "C2", "n": 3.0, "kind": "a", **(user or {})}])
    shelf = {"product_id": "p", "level": "R2", "sri": 2, "n": 10.0, **(product or {})}
    eligibility = st.Policy.from_toml(text).evaluate(users, pd.DataFrame([shelf]), "2024-01-01")
    (verdict,) = eligibility.verdicts("u", "p")
    assert eligibility.mask().tolist() == [[verdict.verdict == "pass"]]
    return str(verdict.verdict)


# --- terms -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "require", "expected"),
    [
        ({"total": "user.n + product.n"}, "term.total == 13", "pass"),
        ({"total": "user.n + product.n"}, "term.total * 2 == 23", "fail"),  # (3 + 10) * 2
        ({"small": "user.n < 3"}, "not term.small", "pass"),
        ({"a": "term.b * 2", "b": "user.n"}, "term.a == 6", "pass"),
        ({"a": "user.n / (user.n - 3)"}, "term.a > 0", "unknown"),
        ({"level": "user.level"}, "term.level >= 'C2'", "pass"),
        ({"level": "user.level"}, "rank(term.level) > 2", "fail"),
    ],
)
def test_a_term(terms: dict[str, str], require: str, expected: str) -> None:
    lines = "".join(f'{name} = "{text}"\n' for name, text in terms.items())
    assert found(f"{SCALES}[terms]\n{lines}{rule(require)}") == expected


def test_a_term_serves_governs_and_applies() -> None:
    head = SCALES.replace('version = "1"', 'version = "1"\ngoverns = "term.ours"')
    terms = "[terms]\nours = \"product.level == 'R2'\"\nbig = 'user.n > 2'\n"
    text = head + terms + rule("False", more="applies = 'term.big'")
    assert found(text) == "fail"
    policy = st.Policy.from_toml(text)
    assert policy.terms == {"ours": "product.level == 'R2'", "big": "user.n > 2"}
    assert [str(field) for field in policy.rules[0].fields] == ["user.n"]
    assert [str(field) for field in policy.reads] == ["product.level", "user.n"]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("a = 'term.a + 1'", r"term 'a'.*line 1, column 1.*made of itself \(a -> a\)"),
        ("a = 'term.b'\nb = '1 + term.a'", r"term 'b'.*column 5.*\(a -> b -> a\)"),
        ("a = 'term.b'", "term 'a'.*unknown term 'b'; there are a"),
        ("a = '1 +'", "term 'a': line 1"),
        ("a = ''", "terms: a must be text"),
        ("a = 3", "terms: a must be text, got 3"),
        ("'a b' = '1'", "terms: 'a b'"),
        ("if = '1'", "terms: 'if'"),
    ],
)
def test_a_bad_term(terms: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        st.Policy.from_toml(f"{SCALES}[terms]\n{terms}\n{rule('user.n > 0')}")


def test_an_unknown_term_is_named_where_it_is_used() -> None:
    with pytest.raises(st.PolicyError, match=r"rule 'rule'.*column 5: unknown term 'x'; .*none"):
        st.Policy.from_toml(SCALES + rule("1 < term.x"))
    with pytest.raises(st.PolicyError, match=r"as in term\.name"):
        st.Policy.from_toml(SCALES + rule("term > 1"))


def test_an_error_of_type_names_the_term() -> None:
    text = SCALES + '[terms]\nodd = "1 + user.level"\n' + rule("term.odd > 1")
    with pytest.raises(st.PolicyError, match=r"require: term 'odd': line 1, column 1: .*1 \+ user"):
        found(text)
    gone = SCALES + '[terms]\nodd = "1 + user.nn"\n' + rule("term.odd > 1")
    with pytest.raises(st.PolicyError, match=r"term 'odd': line 1, column 5: no field user\.nn"):
        found(gone)


def test_terms_of_terms_do_not_explode() -> None:
    lines = "a0 = 'user.n'\n" + "".join(
        f"a{i} = 'term.a{i - 1} + term.a{i - 1}'\n" for i in range(1, 60)
    )
    with pytest.raises(st.PolicyError, match="too large with its terms"):
        st.Policy.from_toml(f"{SCALES}[terms]\n{lines}{rule('term.a59 > 0')}")
    deep = "a0 = 'user.n'\n" + "".join(f"a{i} = 'term.a{i - 1} + 1'\n" for i in range(1, 200))
    with pytest.raises(st.PolicyError, match="too large with its terms"):
        st.Policy.from_toml(f"{SCALES}[terms]\n{deep}{rule('term.a199 > 0')}")


# --- maps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maps", "require", "expected"),
    [
        (REACH, "product.level <= map('reach', user.level)", "pass"),
        (REACH, "product.level > map('reach', user.level)", "fail"),
        (REACH, "map('reach', 'C3') == 'R3'", "pass"),
        (REACH, "rank(map('reach', user.level)) == 2", "pass"),
        ("[maps]\nm = { C1 = 1, C2 = 2, C3 = 2 }\n", "product.sri == map('m', user.level)", "pass"),
        ("[maps]\nm = { C1 = 0.1, C2 = 0.2, C3 = 0.3 }\n", "map('m', user.level) == 0.2", "pass"),
        ("[maps]\nm = { 1 = 'C1', 2 = 'C2', 3 = 'C3' }\n", "map('m', product.sri) == 'C2'", "pass"),
        ("[maps]\nm = { a = 1.5, b = 2.5 }\n", "map('m', user.kind) == 1.5", "pass"),
        ("[maps]\nm = { b = 2.5, z = 1 }\n", "map('m', user.kind) > 0", "unknown"),
        ("[maps]\nm = { a = 'R2', b = 'R1' }\n", "product.level <= map('m', user.kind)", "pass"),
        (
            "[maps]\nm = { from = 'investor', to = 'number', levels = { C1=1, C2=2, C3=3 } }\n",
            "map('m', user.level) + 1 == 3",
            "pass",
        ),
        (
            "[maps]\nm = { from = 'text', to = 'text', levels = { a = 'x', C1 = 'y' } }\n",
            "map('m', user.kind) == 'x'",
            "pass",
        ),
    ],
)
def test_a_map(maps: str, require: str, expected: str) -> None:
    assert found(SCALES + maps + rule(require)) == expected


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_map_of_what_is_missing_is_unknown(value: Any) -> None:
    text = SCALES + REACH + rule("product.level <= map('reach', user.level)")
    assert found(text, {"level": value}) == "unknown"
    numbers = "[maps]\nm = { a = 1, b = 7 }\n"
    assert found(SCALES + numbers + rule("map('m', user.kind) > 0"), {"kind": None}) == "unknown"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("{ C1 = 'R1', C2 = 'R2' }", r"reach: has no entry for \['C3'\] of scale 'investor'"),
        ("{ C1 = 'R1', C2 = 'R2', C4 = 'R3' }", r"no entry for \['C3'\]"),
        ("{ C1 = 'R1', C2 = 'R2', C3 = 'R3', C4 = 'R3' }", r"\['C4'\] are not on scale 'investor'"),
        ("{ C1 = 'R1', C2 = 'R2', C3 = 'R9' }", r"\['R9'\] are not on scale 'risk'"),
        ("{ C1 = 'x', C2 = 'y', C3 = 'z' }", "not on any scale"),
        ("{ C1 = 'R1', C2 = 2, C3 = 3 }", "all of one kind"),
        ("{ C1 = true, C2 = true, C3 = true }", "all of one kind"),
        ("{ C1 = nan, C2 = 1.5, C3 = 3 }", "all of one kind"),
        ("{}", "must be a table"),
        ("3", "must be a table"),
        (
            "{ from = 'investor', to = 'sri', levels = { C1 = 1, C2 = 2, C3 = 4 } }",
            r"\[4\] are not",
        ),
        ("{ from = 'nobody', levels = { C1 = 1 } }", "neither a scale"),
        ("{ to = 'text', levels = { C1 = 1, C2 = 2, C3 = 2 } }", "neither a scale"),
        ("{ form = 'investor', levels = { C1 = 1 } }", "unknown keys"),
        ("{ C1 = 9007199254740993, C2 = 2, C3 = 2 }", r"2\*\*53"),
    ],
)
def test_a_bad_map(table: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        st.Policy.from_toml(f"{SCALES}[maps]\nreach = {table}\n{rule('user.n > 0')}")


def test_scales_that_cannot_be_told_must_be_said() -> None:
    twice = SCALES.replace("sri =", 'other = ["C1", "C2", "C3"]\nsri =')
    with pytest.raises(st.PolicyError, match=r"from any of \['investor', 'other'\]"):
        st.Policy.from_toml(twice + REACH + rule("user.n > 0"))
    said = REACH.replace("{ C1", "{ from = 'investor', levels = { C1").replace("}", "} }")
    text = twice + said + rule("product.level <= map('reach', user.level)")
    assert found(text) == "pass"
    policy = st.Policy.from_toml(text)
    assert policy.maps["reach"].source == policy.scales["investor"]


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("map('rich', user.level) == 'R1'", "column 5: unknown map 'rich'; there are 'reach'"),
        ("map(user.level, user.level) == 'R1'", "write the name of a map"),
        ("map(3, user.level) == 'R1'", "write the name of a map"),
        ("map('reach') == 'R1'", r"map takes 2 argument\(s\)"),
    ],
)
def test_a_bad_call_of_a_map(require: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        st.Policy.from_toml(SCALES + REACH + rule(require))


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("map('reach', product.level) == 'R1'", "from a level of scale 'investor', not from"),
        ("map('reach', user.n) == 'R1'", "not from number"),
        ("map('reach', 'C7') == 'R1'", "'C7' is not on scale 'investor'"),
        ("map('reach', user.level) == user.level", "cannot compare"),
        ("map('reach', user.level) > 1", "cannot compare"),
    ],
)
def test_a_map_of_the_wrong_type(require: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=said):
        found(SCALES + REACH + rule(require))


def test_a_map_of_texts_has_an_entry_for_every_value_declared() -> None:
    text = SCALES + '"user.kind" = { type = "text", values = ["a", "b"] }\n'
    whole = text + "[maps]\nm = { a = 1.5, b = 2.5 }\n" + rule("map('m', user.kind) == 1.5")
    assert found(whole) == "pass"
    with pytest.raises(st.PolicyError, match=r"require.*no entry for \['b'\] of user\.kind"):
        st.Policy.from_toml(whole.replace(", b = 2.5", ", c = 2.5"))


def test_what_nothing_uses_is_noted() -> None:
    text = SCALES + REACH + "[terms]\nidle = 'user.n'\n"
    text += '[labels]\n"user.level" = { C1 = "careful" }\n'
    texts = [finding.text for finding in check_policy(text + rule("user.n > 0"))]
    for kind, name in (("term", "idle"), ("map", "reach"), ("label", "user.level")):
        assert f"has a {kind} {name!r} that no rule uses" in texts
    used = text + rule("term.idle > rank(map('reach', user.level))")
    assert not any("that no rule uses" in finding.text for finding in check_policy(used))


def test_the_linter_reads_through_terms_and_maps() -> None:
    text = SCALES + REACH + "[terms]\nhigh = \"map('reach', user.level) > 'R3'\"\n"
    kinds = [finding.kind for finding in check_policy(text + rule("term.high"))]
    assert "excludes-everything" in kinds


# --- the same as written out -----------------------------------------------------------------

NUMBERS = {"C1": 1.5, "C2": 0.5, "C3": 2.5}
NAMED = {
    "gap": "user.n - product.n",
    "bold": "user.level >= 'C2'",
    "share": "product.n / user.n",
}


@some.composite
def conditions(draw: Any) -> tuple[str, str]:
    """Draw a condition with terms and maps, and the same by hand."""
    cut = draw(some.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 2.5]))
    operator = draw(some.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    compare = {
        "<": lambda a: a < cut,
        "<=": lambda a: a <= cut,
        ">": lambda a: a > cut,
        ">=": lambda a: a >= cut,
        "==": lambda a: a == cut,
        "!=": lambda a: a != cut,
    }[operator]
    levels = [level for level, number in NUMBERS.items() if compare(number)]
    options = [
        (f"map('n', user.level) {operator} {cut}", f"user.level in {levels}"),
        (f"term.gap {operator} {cut}", f"({NAMED['gap']}) {operator} {cut}"),
        (f"term.share {operator} {cut}", f"({NAMED['share']}) {operator} {cut}"),
        ("term.bold", f"({NAMED['bold']})"),
        (
            "product.level <= map('reach', user.level)",
            "rank(product.level) <= rank(user.level)",
        ),
    ]
    chosen = draw(some.lists(some.sampled_from(options), min_size=1, max_size=3))
    joined = draw(some.sampled_from([" and ", " or ", " or not "]))
    short, long = (joined.join(f"({one[side]})" for one in chosen) for side in (0, 1))
    return short, long


@settings(max_examples=60)
@given(texts=some.lists(conditions(), min_size=1, max_size=3), seed=some.integers(0, 2**16))
def test_a_policy_is_what_it_is_with_its_names_written_out(
    texts: list[tuple[str, str]], seed: int
) -> None:
    terms = "[terms]\n" + "".join(f'{name} = "{text}"\n' for name, text in NAMED.items())
    maps = REACH + "n = { C1 = 1.5, C2 = 0.5, C3 = 2.5 }\n"
    short, long = (
        head + "".join(rule(pair[side], f"r{place}") for place, pair in enumerate(texts))
        for side, head in ((0, SCALES + terms + maps), (1, SCALES))
    )
    rng = random.Random(seed)
    users = pd.DataFrame(
        {
            "user_id": range(12),
            "level": [rng.choice(["C1", "C2", "C3", None]) for _ in range(12)],
            "n": [rng.choice([0.0, 1.0, 2.5, -1.0, None]) for _ in range(12)],
        }
    )
    products = pd.DataFrame(
        {
            "product_id": range(9),
            "level": [rng.choice(["R1", "R2", "R3", None]) for _ in range(9)],
            "n": [rng.choice([0.0, 1.0, 0.5, -1.0, None]) for _ in range(9)],
            "sri": [1] * 9,
        }
    )
    one, other = (
        st.Policy.from_toml(text).evaluate(users, products, "2024-01-01") for text in (short, long)
    )
    assert (one.mask() == other.mask()).all()
    pd.testing.assert_frame_equal(one.counts(), other.counts())
    for user, product in ((0, 0), (5, 3), (11, 8)):
        assert [v.verdict for v in one.verdicts(user, product)] == [
            v.verdict for v in other.verdicts(user, product)
        ]
