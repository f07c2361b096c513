"""What a check of a policy finds, and that what it claims to be never so never is."""

import random
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hst

import suitably as st
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.lint import check_policy, check_versions
from suitably.suitability.lint.proofs import conflicts
from suitably.suitability.policy import Policy
from support.oracle import judge
from support.random_policies import Case, cases, quote

CLEAN = """
[policy]
id = "house"
version = "1"
title = { en = "House", zh = "内部" }
MORE
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
"user.vulnerable" = "boolean"
[[rules]]
id = "level"
article = "Art. 1"
require = "rank(product.risk_level) <= rank(user.risk_level) and not user.vulnerable"
because = { en = "Too risky.", zh = "风险过高。" }
"""
TEXTS = 'article = "Art. 2"\nbecause = { en = "No.", zh = "否。" }\n'


def rule(require: str, name: str = "r", applies: str | None = None, more: str = TEXTS) -> str:
    narrow = "" if applies is None else f"applies = {quote(applies)}\n"
    return f"[[rules]]\nid = {quote(name)}\nrequire = {quote(require)}\n{narrow}{more}"


def clean(more: str = "") -> str:
    return CLEAN.replace("MORE", more)


def found(text: str, name: str = "r", *kinds: str) -> list[tuple[str, str]]:
    some = [f for f in check_policy(text) if f.rule == name]
    return [(f.severity, f.kind) for f in some if not kinds or f.kind in kinds]


PROVED = ("unreachable", "excludes-everything", "never-fails", "conflict", "flags-everything")


def test_nothing_is_found_in_a_policy_without_fault() -> None:
    assert check_policy(clean()) == []
    assert check_policy(Policy.from_toml(clean())) == []


@pytest.mark.parametrize(
    "name", [p.stem for p in Path(st.suitability.__file__).parent.glob("regimes/*.toml")]
)
def test_nothing_is_wrong_with_the_built_in_policies(name: str) -> None:
    assert [f for f in check_policy(name) if f.severity != "note"] == []


NEVER = [
    "user.net_worth > 5 and user.net_worth < 3",
    "user.net_worth > 5 and user.net_worth <= 5",
    "18 <= age(user.birth_date) < 18",
    "age(user.birth_date) < 0",
    "17 < age(user.birth_date) < 18",
    "abs(user.net_worth) < 0",
    "rank(user.risk_level) > 3",
    "rank(user.risk_level) + rank(product.risk_level) > 6",
    "user.risk_level == 'C1' and rank(user.risk_level) >= 2",
    "user.risk_level not in ['C1', 'C2', 'C3']",
    "user.objective == 'growth' and user.objective == 'income'",
    "user.objective in []",
    "user.objective in ['a', 'b'] and user.objective == 'c'",
    "user.vulnerable and not user.vulnerable",
    "user.vulnerable == True and user.vulnerable == False",
    "user.questionnaire_date < as_of and user.questionnaire_date > as_of",
    "product.sale_start > as_of and as_of > product.sale_start",
    "as_of - user.questionnaire_date > days(3) and as_of - user.questionnaire_date < days(3)",
    "missing(user.birth_date) and age(user.birth_date) >= 18",
    "missing(user.net_worth) and user.net_worth > product.min_amount",
    "product.category in user.knowledge_passed and not contains(user.knowledge_passed, "
    "product.category)",
    "user.net_worth > 1 / 0",
    "user.net_worth < user.net_worth",
    "1 > 2",
    "False",
]
SOMETIMES = [
    "user.net_worth >= 5 and user.net_worth <= 5",
    "user.net_worth > 5 and user.net_worth < 6",
    "0.1 < user.net_worth < 0.30000000000000004",
    "user.net_worth > 1e308",
    "age(user.birth_date) >= 0 and age(user.birth_date) < 1",
    "rank(user.risk_level) >= 3",
    "user.risk_level == 'C1' and rank(user.risk_level) < 2",
    "user.objective != 'growth' and user.objective != 'income'",
    "user.objective == product.category and user.objective == 'a'",
    "user.questionnaire_date <= as_of and user.questionnaire_date >= as_of",
    "as_of - user.questionnaire_date > days(3) and as_of - user.questionnaire_date < days(4)",
    "missing(user.net_worth) or user.net_worth > 5",
    "missing(user.net_worth > 5) and not missing(user.vulnerable)",
    "user.net_worth > 5 and user.annual_income < 3",
    "lookup(user.exposure, product.issuer) < 0.1",
    "user.net_worth + 1 > user.net_worth",  # always so, but that is more than is looked at
]


@pytest.mark.parametrize("sentence", NEVER)
def test_what_is_never_true_is_found(sentence: str) -> None:
    bare = found(clean() + rule(sentence), "r", *PROVED)
    assert bare == [("error", "excludes-everything")]
    narrow = found(clean() + rule("user.vulnerable", applies=sentence), "r", *PROVED)
    assert narrow == [("error", "unreachable")]
    if "missing(" not in sentence and "1 / 0" not in sentence:
        opposite = found(clean() + rule(f"not ({sentence})"), "r", *PROVED)
        assert opposite == [("warning", "never-fails")]


@pytest.mark.parametrize("sentence", SOMETIMES)
def test_what_can_be_true_is_not_called_never(sentence: str) -> None:
    assert found(clean() + rule(sentence), "r", "excludes-everything", "unreachable") == []
    assert found(clean() + rule("user.vulnerable", applies=sentence), "r", *PROVED) == []


def test_together_with_what_applies_and_governs() -> None:
    text = clean("governs = \"product.regime == 'csrc'\"")
    assert found(text + rule("user.vulnerable", applies="product.regime == 'nfra'"), "r") == [
        ("error", "unreachable")
    ]
    assert found(text + rule("product.regime == 'nfra'"), "r") == [("error", "excludes-everything")]
    assert found(text + rule("product.regime == 'csrc'"), "r") == [("warning", "never-fails")]
    within = rule("user.net_worth < 3", applies="user.net_worth > 5")
    assert found(clean() + within, "r") == [("warning", "excludes-everything")]
    within = rule("user.net_worth > 3", applies="user.net_worth > 5")
    assert found(clean() + within, "r") == [("warning", "never-fails")]
    assert found(clean() + rule("False", applies="user.vulnerable"), "r") == [
        ("note", "excludes-everything")
    ]
    nothing = check_policy(clean('governs = "product.complex and not product.complex"'))
    assert [(f.severity, f.kind, f.rule) for f in nothing] == [("error", "governs-nothing", "")]


def test_two_rules_that_can_never_both_pass() -> None:
    pair = rule("user.net_worth > 5", "a") + rule("user.net_worth < 3", "b")
    assert found(clean() + pair, "b") == [("error", "conflict")]
    apart = rule("user.net_worth > 5", "a", more=TEXTS + "expires = 2024-01-01\n")
    apart += rule("user.net_worth < 3", "b", more=TEXTS + "effective = 2024-01-01\n")
    assert found(clean() + apart, "b") == []


def test_more_worlds_than_can_be_tried_are_left_alone() -> None:
    many = " and ".join(f"user.n{i} > {i}" for i in range(40))
    assert found(clean() + rule(f"{many} and user.n0 < 0"), "r", *PROVED) == []


# --- soundness: nothing that is claimed has a counterexample ----------------------------------

FIELDS = {
    "user.x": [None, -1.0, 0.0, 1.0, 1.5, 2.0, 3.0],
    "product.x": [None, 0.0, 1.0, 2.0, 1e308],
    "user.risk_level": [None, "C1", "C2", "C3"],
    "product.risk_level": [None, "R1", "R2", "R3"],
    "user.t": [None, "", "a", "b", "c"],
    "product.t": [None, "a", "c"],
    "user.vulnerable": [None, True, False],
    "user.tags": [None, [], ["a"], ["a", "b"], ["a", None]],
}
AS_OF = datetime(2024, 2, 29)
DAYS = [None, AS_OF, *(AS_OF + timedelta(days=n) for n in (-400, -366, -365, -1, 1))]
NUMBERS = ["user.x", "product.x", "user.x + product.x", "-user.x", "abs(user.x)", "age(user.d)"]
NUMBERS += ["0", "1", "1.5", "2", "rank(user.risk_level)", "rank(product.risk_level)"]
DATES = ["user.d", "product.d", "as_of", "user.d + months(12)"]
ORDERS = ["<", "<=", "==", "!=", ">=", ">"]


@hst.composite
def sentences(draw: Any, depth: int = 2) -> str:
    """Draw a condition over few fields and constants, so that contradictions are common."""

    def pick(*options: str) -> str:
        return draw(hst.sampled_from(options))

    def compared(values: list[str]) -> str:
        return f"{pick(*values)} {pick(*ORDERS)} {pick(*values)}"

    leaves = ["number", "number", "date", "level", "text", "flag", "missing", "list"]
    match pick(*leaves, *["join"] * (6 * depth)):
        case "join":
            left, right = draw(sentences(depth=depth - 1)), draw(sentences(depth=depth - 1))
            return f"({pick('', '', 'not ')}({left}) {pick('and', 'and', 'or', '==')} ({right}))"
        case "number":
            return compared(NUMBERS)
        case "date":
            return compared(DATES)
        case "level":
            group = pick("['C1']", "['C1', 'C3']", "['C1', 'C2', 'C3']")
            name = pick("'C1'", "'C2'")
            order = f"user.risk_level {pick(*ORDERS)} {name}"
            return pick(order, f"user.risk_level in {group}", f"user.risk_level not in {group}")
        case "text":
            group = pick("[]", "['a', 'b']", "[product.t]")
            other = pick("'a'", "'z'", "product.t")
            equal = f"user.t {pick('==', '!=')} {other}"
            return pick(equal, f"user.t in {group}", f"user.t not in {group}")
        case "flag":
            return pick("user.vulnerable", "not user.vulnerable", "user.vulnerable == False")
        case "missing":
            return f"missing({pick(*NUMBERS, *DATES, 'user.t', 'user.vulnerable')})"
        case _:
            return pick("contains(user.tags, 'a')", "product.t in user.tags")


def row(rng: random.Random, side: str) -> dict[str, Any]:
    pools = {**FIELDS, f"{side}.d": DAYS}
    mine = {name: pool for name, pool in pools.items() if name.startswith(f"{side}.")}
    return {name.split(".")[1]: rng.choice(pool) for name, pool in mine.items()}


def refute(text: str, pairs: list[tuple[Any, Any]], as_of: datetime, tally: Counter[str]) -> None:
    """Look for a pair that a claim says there is not, by the slow evaluator."""
    policy = tomllib.loads(text)
    claims = {f.rule: f.kind for f in check_policy(text) if f.kind in PROVED}
    nothing = any(f.kind == "governs-nothing" for f in check_policy(text))
    read = Policy.from_toml(text)
    together = [(a.id, b.id) for a, b in conflicts(read, read.rules)]
    tally.update(claims.values())
    tally["governs-nothing"] += nothing
    for user, product in pairs:
        found = judge(policy, user, product, as_of)
        judged = dict(found.verdicts) | dict(found.flags)
        governed = "policy:governs" not in judged
        assert not (governed and nothing), (text, user, product)
        if not governed:
            continue
        for name, kind in claims.items():
            verdict = judged.get(name)
            forbidden = {
                "unreachable": ["pass", "fail"],
                "excludes-everything": ["pass"],
                "flags-everything": ["pass"],
                "never-fails": ["fail"],
                "conflict": [],
            }[kind]
            assert verdict not in forbidden, (kind, name, verdict, text, user, product)
        for one, other in together:
            both = judged.get(one) == judged.get(other) == "pass"
            assert not both, (one, other, text, user, product)


def test_no_claim_has_a_counterexample() -> None:
    tally: Counter[str] = Counter()

    quiet = {"deadline": None, "suppress_health_check": list(HealthCheck)}

    @settings(max_examples=120, derandomize=True, **quiet)
    @given(hst.data())
    def search(data: hst.DataObject) -> None:
        seldom = hst.sampled_from([False, True])
        governs = f"governs = {quote(data.draw(sentences()))}" if data.draw(seldom) else ""
        text = clean(governs)
        for name in "abc":
            applies = data.draw(sentences()) if data.draw(seldom) else None
            text += rule(data.draw(sentences()), name, applies)
        rng = random.Random(data.draw(hst.integers(0, 2**32)))
        pairs = [(row(rng, "user"), row(rng, "product")) for _ in range(150)]
        refute(text, pairs, AS_OF, tally)

    search()
    assert tally.keys() >= {
        "excludes-everything",
        "never-fails",
        "unreachable",
    }


def test_no_claim_on_the_whole_language_has_a_counterexample() -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def search(case: Case) -> None:
        users = list(case.visible("user").values())[:12]
        products = list(case.visible("product").values())[:12]
        pairs = [(user, product) for user in users for product in products]
        refute(case.text, pairs, case.as_of, Counter())

    search()


# --- types, names, texts, dates ------------------------------------------------------------------


def only(text: str, kind: str) -> Finding:
    some = [f for f in check_policy(text) if f.kind == kind]
    assert len(some) == 1, some
    return some[0]


def test_types_that_do_not_go_together() -> None:
    text = (
        clean()
        + rule("user.risk_level > 3")
        + rule("user.vulnerable and", "s").replace("user.vulnerable and", "user.vulnerable > 1")
    )
    errors = [f for f in check_policy(text) if f.kind == "type"]
    assert [(f.severity, f.rule) for f in errors] == [("error", "r"), ("error", "s")]
    assert "line 1, column 1" in errors[0].text
    assert "level of scale 'investor'" in errors[0].text
    off = only(clean() + rule("user.risk_level == 'C9'"), "type")
    assert off.severity == "error"
    assert "'C9' is not on scale 'investor'" in off.text
    usual = only(clean() + rule("user.birth_date > 18"), "type")
    assert usual.severity == "warning"
    assert "cannot compare date with number" in usual.text


def test_a_level_without_a_scale() -> None:
    ranked = only(clean() + rule("rank(user.knowledge_level) > 1"), "type")
    assert ranked.severity == "error"
    assert "declare user.knowledge_level" in ranked.text
    ordered = only(clean() + rule("user.grade < 'B'"), "type")
    assert "declare a scale for user.grade" in ordered.text
    loose = only(clean() + rule("user.knowledge_level == 'high'"), "undeclared-scale")
    assert loose.severity == "warning"
    scales = CLEAN.replace("MORE", "").replace('"R3"]', '"R3", "R4"]')
    assert only(scales, "scale-lengths").rule == "level"


@pytest.mark.parametrize(
    ("field", "severity", "hint"),
    [
        ("user.net_wroth", "warning", "did you mean user.net_worth"),
        ("product.net_worth", "warning", "did you mean user.net_worth"),
        ("user.favourite_colour", "note", "must have such a column"),
    ],
)
def test_a_name_that_is_not_in_the_vocabulary(field: str, severity: str, hint: str) -> None:
    finding = only(clean() + rule(f"{field} > 1"), "unknown-field")
    assert (finding.severity, finding.rule) == (severity, "r")
    assert hint in finding.text
    assert str(finding).startswith(f"{severity}: r: {field}")


def test_a_name_that_only_a_text_mentions() -> None:
    more = 'article = "Art. 2"\nbecause = { en = "{user.net_wroth}", zh = "否" }\n'
    finding = only(clean() + rule("user.net_worth > 1", more=more), "unknown-field")
    assert finding.rule == "r"


def test_missing_texts_and_articles() -> None:
    bare = found(clean() + rule("user.net_worth > 1", more=""), "r")
    assert bare == [("warning", "missing-text"), ("warning", "missing-article")]
    text = 'because = { en = "No.", zh = " " }\narticle = "Art. 3"'
    finding = only(clean() + rule("user.net_worth > 1", more=text), "missing-text")
    assert "Chinese" in finding.text
    assert "English" not in finding.text
    assert (
        only(clean().replace('"House"', '" "').replace('en = " ", ', ""), "missing-text").rule == ""
    )
    assert only(clean().replace('version = "1"', ""), "missing-version").severity == "warning"


def test_declared_and_not_used() -> None:
    text = clean().replace("[scales]", '[scales]\ncolours = ["red", "blue"]')
    assert "'colours'" in only(text, "unused").text
    text = clean().replace("[fields]", '[fields]\n"user.tier" = "text"')
    assert "user.tier" in only(text, "unused").text


def test_a_policy_without_rules() -> None:
    assert [f.kind for f in check_policy(Policy.unrestricted())] == ["no-rules", "missing-text"][
        ::-1
    ]


@pytest.mark.parametrize(
    ("policy", "dates", "kinds"),
    [
        ("expires = 2024-01-01", "effective = 2024-01-01", [("error", "out-of-force")]),
        ("expires = 2024-01-02", "effective = 2024-01-01", []),
        ("effective = 2024-01-01", "expires = 2024-01-01", [("error", "out-of-force")]),
        ("effective = 2024-01-01", "expires = 2024-01-01T00:00:00.000001", []),
        ("effective = 2024-01-01", "expires = 2023-01-01T00:00:00Z", []),  # in which zone?
    ],
)
def test_rules_outside_their_policys_dates(policy: str, dates: str, kinds: list[Any]) -> None:
    text = clean(policy) + rule("user.net_worth > 1", more=f"{TEXTS}{dates}\n")
    assert found(text, "r") == kinds


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        (("cap-v1", ""), ("cap-v2", ""), [("warning", "overlap")]),
        (("cap-2023", "expires = 2024-01-01"), ("cap-2024", "effective = 2024-01-01"), []),
        (
            ("cap-2023", "expires = 2024-01-02"),
            ("cap-2024", "effective = 2024-01-01"),
            [("warning", "overlap")],
        ),
        (("cap-1", ""), ("cap-2", ""), []),  # numbered, not versions
        (("cap", "expires = 2024-01-02"), ("cap-v2", ""), [("warning", "overlap")]),
    ],
)
def test_versions_of_a_rule(first: Any, second: Any, kinds: list[Any]) -> None:
    text = clean() + "".join(
        rule(f"user.net_worth > {n}", name, more=f"{TEXTS}{dates}\n")
        for n, (name, dates) in enumerate((first, second))
    )
    assert found(text, second[0]) == kinds


def test_a_rule_that_is_there_twice() -> None:
    text = clean() + rule("user.net_worth > 1", "a") + rule("user.net_worth  >  1", "b")
    assert found(text, "b") == [("warning", "duplicate")]


def version(number: int, dates: str) -> Policy:
    return Policy.from_toml(clean(dates).replace('version = "1"', f'version = "{number}"'))


def test_versions_of_a_policy() -> None:
    one = version(1, "expires = 2024-01-01")
    assert check_versions([one, version(2, "effective = 2024-01-01")]) == []
    (finding,) = check_versions([one, version(2, "effective = 2023-12-31")])
    assert (finding.severity, finding.kind, finding.policy) == ("error", "overlap", "house")
    assert "1 and 2 are both in force from 2023-12-31 before 2024-01-01" in finding.text
    (finding,) = check_versions([version(2, "effective = 2024-02-01"), one])
    assert (finding.severity, finding.kind) == ("note", "gap")
    assert "from 2024-01-01 to 2024-02-01" in finding.text
    assert check_versions([one]) == check_versions([]) == []
    assert check_versions([one, Policy.unrestricted()]) == []


# --- with data --------------------------------------------------------------------------------

USERS = {"user_id": ["u1", "u2"], "risk_level": ["C1", "C2"], "vulnerable": [False, None]}
PRODUCTS = {"product_id": ["p1"], "risk_level": ["R3"]}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_policy_tried_on_data(frame: Any) -> None:
    users, products = frame(USERS), frame(PRODUCTS)
    (finding,) = check_policy(clean(), users, products, "2024-01-01")
    assert (finding.kind, finding.rule) == ("excludes-this-data", "level")
    assert "all 2 pairs of this data: 2 fail" in finding.text
    assert "u1" not in finding.text
    assert check_policy(clean(), users, frame({**PRODUCTS, "risk_level": ["R1"]}), AS_OF) == []
    (finding,) = check_policy(clean() + rule("user.x > 1"), users, products, AS_OF)
    assert (finding.severity, finding.kind) == ("error", "does-not-fit")
    assert "user.x" in finding.text
    ungoverned = check_policy(clean("governs = 'user.vulnerable'"), users, products, AS_OF)
    assert any("policy:governs" in finding.text for finding in ungoverned)


def test_data_is_all_or_nothing() -> None:
    with pytest.raises(ValueError, match="all three"):
        check_policy(clean(), pd.DataFrame(USERS))
    with pytest.raises(ValueError, match="all three"):
        check_policy(clean(), as_of="2024-01-01")
    wrong = pd.DataFrame({**USERS, "risk_level": ["c1", "C2"]})
    with pytest.raises(st.DataError, match="off the scale"):
        check_policy(clean(), wrong, pd.DataFrame(PRODUCTS), "2024-01-01")


def test_what_is_no_policy(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text(clean(), encoding="utf-8")
    assert check_policy(file) == check_policy(str(file)) == []
    with pytest.raises(st.PolicyError, match="no such file"):
        check_policy("no-such-policy")
    with pytest.raises(st.PolicyError, match="not TOML"):
        check_policy("[policy\n")
    with pytest.raises(st.PolicyError, match="expected a Policy"):
        check_policy(3)  # type: ignore[arg-type]
    with pytest.raises(st.PolicyError, match="line 1"):
        check_policy(clean() + rule("open('x')"))
