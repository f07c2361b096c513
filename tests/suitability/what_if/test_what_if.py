"""What would make a pair pass: by hand, for every kind of atom, and what is refused."""

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.errors import DataError, PolicyError
from suitably.suitability.lint.render import list_policy

AS_OF = "2026-01-01"
HEAD = """
[policy]
id = "house"
[scales]
level = ["C1", "C2", "C3"]
[fields]
"user.risk_level" = "level"
"product.risk_level" = "level"
"user.tests" = { type = "number", min = 0, max = 5 }
"""


def policy(changeable: list[str], *rules: str, head: str = HEAD) -> st.Policy:
    lines = [one if "=" in one else f'"user.{one}" = "Change {one}."' for one in changeable]
    text = head + "[changeable]\n" + "\n".join(lines) + "\n"
    for number, rule in enumerate(rules):
        text += f'[[rules]]\nid = "r{number}"\nrequire = "{rule}"\n'
    return st.Policy.from_toml(text)


def asked(one: st.Policy, user: dict[str, Any], product: dict[str, Any] | None = None) -> Any:
    offer = {"risk_level": "C1", "topic": "funds", "n": 2.0, **(product or {})}
    users = pd.DataFrame([{"user_id": "ann-the-user", **user}])
    products = pd.DataFrame([{"product_id": "x", **offer}])
    return one.evaluate(users, products, AS_OF).what_if("ann-the-user", "x")


def changes(*args: Any) -> list[tuple[str, ...]]:
    return [one.changes for one in asked(*args)]


@pytest.mark.parametrize(
    ("rule", "user", "expected"),
    [
        ("user.passed", {"passed": False}, True),
        ("user.n >= product.n", {"n": 1.0}, True),
        ("product.n < user.n < 2.0000000000000009", {"n": 1.0}, True),
        ("product.n < user.n < 2.0000000000000004", {"n": 1.0}, False),  # one double, not between
        ("product.n < user.n < 3", {"n": 1}, False),  # no whole number lies between
        ("user.n != product.n", {"n": 2.0}, True),
        ("not (user.n == product.n or user.n > 0)", {"n": 2.0}, True),
        ("user.t in ['a', 'b']", {"t": "c"}, True),
        ("user.t not in ['a', 'b']", {"t": "a"}, True),
        ("product.topic in user.known", {"known": ["loans"]}, True),
        ("product.topic in user.known", {"known": ["loans", None]}, True),
        ("product.topic not in user.known", {"known": ["funds"]}, True),
        ("subset(user.known, user.known)", {"known": None}, False),  # of no type: nobody can tell
        ("user.day < as_of < user.day + months(12)", {"day": date(2020, 1, 1)}, True),
        ("user.day < as_of < user.day + months(12)", {"day": pd.Timestamp("2020-01-01")}, True),
        ("user.day < as_of < user.day + months(12)", {"day": None}, True),
        ("user.day > as_of and user.day < as_of", {"day": date(2020, 1, 1)}, False),
        ("user.n > 0 and user.n < 0", {"n": 1.0}, False),
        ("missing(user.n)", {"n": 1.0}, False),  # null is no value
        ("not missing(user.n) and user.n > 1", {"n": None}, True),
        ("user.n * 1e308 > 1", {"n": 1e300}, False),  # solved for, and overflow stays unknown
        ("lookup(user.at, product.topic) < as_of", {"at": {"loans": date(2020, 1, 1)}}, True),
    ],
)
def test_a_fact_that_some_value_turns_is_named_and_no_other(
    rule: str, user: dict[str, Any], expected: bool
) -> None:
    (name,) = user
    found = changes(policy([name], rule), user)
    if rule.startswith("user.n * 1e308"):
        assert found in ([], [("user.n",)])  # solving is more than is promised
        return
    assert found == [(f"user.{name}",)] * expected


@pytest.mark.parametrize(
    ("rule", "born", "possible"),
    [
        ("age(user.day) >= 18", date(2020, 1, 1), [[], [("user.day",)]]),
        ("age(user.day) < 18", date(1990, 1, 1), [[], [("user.day",)]]),
        ("age(user.day) > 1000", date(1990, 1, 1), [[]]),
        ("age(user.day) >= 18 and age(user.day) < 18", date(1990, 1, 1), [[]]),
        ("age(user.day) < 0", date(1990, 1, 1), [[]]),
    ],
)
def test_an_age_is_left_as_it_is_or_turned_by_a_value_that_is_proved(
    rule: str, born: date, possible: list[list[tuple[str, ...]]]
) -> None:
    assert changes(policy(["day"], rule), {"day": born}) in possible


def test_what_stands_beside_an_age_is_found() -> None:
    user = {"day": date(2020, 1, 1), "a": False}
    found = changes(policy(["day", "a"], "age(user.day) >= 18 or user.a"), user)
    assert found in ([("user.a",)], [("user.a",), ("user.day",)])


def test_sets_are_minimal_and_ordered_by_size_then_name() -> None:
    one = policy(["a", "b", "c", "d"], "user.d or (user.a and user.b) or (user.a and user.c)")
    user = dict.fromkeys("abcd", False)
    assert changes(one, user) == [("user.d",), ("user.a", "user.b"), ("user.a", "user.c")]


def test_what_is_not_listed_is_never_suggested() -> None:
    one = policy(["a"], "user.a or user.b", "product.risk_level <= user.risk_level")
    user = {"a": False, "b": False, "risk_level": "C1"}
    assert changes(one, user) == [("user.a",)]
    assert changes(one, user, {"risk_level": "C3"}) == []
    assert changes(policy([], "user.b"), {"b": False}) == []
    without = st.Policy.from_toml(HEAD + '[[rules]]\nid = "r"\nrequire = "user.b"\n')
    assert changes(without, {"b": False}) == []


def test_an_eligible_pair_needs_nothing() -> None:
    assert changes(policy(["a"], "user.a"), {"a": True}) == []


def test_facts_of_one_atom_are_changed_together() -> None:
    one = policy(["n", "m"], "product.n < user.n", "user.n < user.m", "user.m < 3")
    assert changes(one, {"n": 0.0, "m": 1.0}) == [("user.m", "user.n")]
    assert changes(one, {"n": 2.5, "m": 1.0}) == [("user.m",)]


def test_a_value_outside_its_range_is_no_value() -> None:
    assert changes(policy(["tests"], "user.tests > 5"), {"tests": 1.0}) == []
    assert changes(policy(["tests"], "user.tests >= 5"), {"tests": 1.0}) == [("user.tests",)]
    assert changes(policy(["tests"], "user.tests < 0"), {"tests": 1.0}) == []


def test_texts_are_joined_in_the_order_of_changes_and_filled() -> None:
    one = policy(
        [
            '"user.b" = { en = "Learn of {product.topic}.", zh = "学习{product.topic}。" }',
            '"user.a" = { en = "It was {user.a}." }',
        ],
        "user.a and user.b",
    )
    (found,) = asked(one, {"a": False, "b": False})
    assert found.text["en"] == "It was no. Learn of funds."
    assert found.text["zh"] == "请更新user.a。学习funds。"
    assert found.to_dict()["changes"] == ["user.a", "user.b"]
    assert "ann" not in repr(found)
    assert pickle.loads(pickle.dumps(found)) == found


def test_flags_bar_nothing_and_need_no_change() -> None:
    text = HEAD + '[changeable]\n"user.a" = "A."\n'
    text += '[[rules]]\nid = "f"\neffect = "flag"\nrequire = "user.a"\n'
    assert changes(st.Policy.from_toml(text), {"a": False}) == []


def test_policies_join_their_facts_and_the_first_says_what_to_do() -> None:
    first = policy(['"user.a" = "First."'], "user.a")
    second = policy(
        ['"user.a" = "Second."', '"user.b" = "Other."'], "user.b", head='[policy]\nid = "second"\n'
    )
    users = pd.DataFrame({"user_id": [1], "a": [False], "b": [False], "risk_level": ["C1"]})
    products = pd.DataFrame({"product_id": [1], "risk_level": ["C1"]})
    data = st.Dataset(users, products, pd.DataFrame({"user_id": [1], "product_id": [1]}))
    pipeline = st.Pipeline(policy=[first, second], ranker=st.ranking.Popularity()).fit(data)
    (found,) = pipeline.what_if(1, 1)
    assert found.changes == ("user.a", "user.b")
    assert found.text["en"] == "First. Other."


def test_what_governs_may_hang_on_a_fact() -> None:
    text = '[policy]\nid = "p"\ngoverns = "user.place == product.topic"\n'
    text += '[changeable]\n"user.place" = "Move."\n[[rules]]\nid = "r"\nrequire = "product.n > 1"\n'
    assert changes(st.Policy.from_toml(text), {"place": "loans"}) == [("user.place",)]
    assert changes(st.Policy.from_toml(text), {"place": None}) == [("user.place",)]


def test_a_policy_out_of_force_is_opened_by_nothing() -> None:
    text = HEAD.replace('"house"', '"house"\neffective = 2030-01-01')
    assert changes(policy(["a"], "user.a", head=text), {"a": False}) == []


def test_aware_data_keep_their_time_zone() -> None:
    one = policy(["day"], "user.day < as_of < user.day + months(12)")
    users = pd.DataFrame({"user_id": [1], "day": [pd.Timestamp("2020-01-01", tz="Asia/Shanghai")]})
    products = pd.DataFrame({"product_id": [1], "risk_level": ["C1"]})
    eligibility = one.evaluate(users, products, datetime(2026, 1, 1, tzinfo=UTC))
    assert [found.changes for found in eligibility.what_if(1, 1)] == [("user.day",)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"product.n" = "x"', "only facts about the user"),
        ('"n" = "x"', "only facts about the user"),
        ('"user.risk_level" = "x"', "appetite for risk"),
        ('"user.objective" = { en = "x" }', "appetite for risk"),
        ('"user.a" = 3', "must be text"),
        ('"user.a" = " "', "must say what to do"),
        ('"user.a" = { fr = "x" }', "unknown keys"),
        ('"user.a" = "of {user.a"', "in braces"),
        ('"user.a" = "of {term.b}"', "unknown term"),
        ('"user.a" = "of {user.a:percents}"', "unknown format"),
    ],
)
def test_a_table_that_means_nothing_is_refused_with_its_place(line: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=problem) as error:
        policy([line], "user.a")
    assert "(line 1" in str(error.value)


def test_names_that_the_data_lacks_are_refused_with_the_nearest() -> None:
    with pytest.raises(PolicyError, match=r"no field user\.pased; did you mean passed"):
        asked(policy(["pased"], "user.passed"), {"passed": False})
    with pytest.raises(PolicyError, match=r"no field product\.topics; did you mean topic"):
        asked(policy(['"user.passed" = "{product.topics}"'], "user.passed"), {"passed": False})


def test_it_is_part_of_the_fingerprint_and_of_what_is_listed() -> None:
    one, other = policy(["a"], "user.a"), policy(["b"], "user.a")
    assert one.fingerprint != other.fingerprint
    assert one.named["changeable user.a"] == "Change a."
    assert "Change a." in list_policy(one)


def test_unknown_ids_are_refused() -> None:
    users = pd.DataFrame({"user_id": [1], "a": [False], "risk_level": ["C1"]})
    products = pd.DataFrame({"product_id": [1], "risk_level": ["C1"]})
    eligibility = policy(["a"], "user.a").evaluate(users, products, AS_OF)
    with pytest.raises(DataError, match="unknown"):
        eligibility.what_if(2, 1)
    with pytest.raises(DataError, match="not in the catalogue"):
        eligibility.what_if(1, 2)
