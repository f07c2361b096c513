"""A pipeline with something off: every answer against the one with nothing off, pair by pair."""

import copy
import pickle
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from serving.banks import FUNDS, POLICY, fitted
from suitably.governance import Consent
from suitably.ranking import Explore, Popularity
from suitably.reranking import Diversity
from suitably.serving import SwitchState, switched

GROWN = """
[policy]
id = "grown"
version = "1"
governs = "user.age >= 40"
[[rules]]
id = "level-of-the-grown"
require = "product.level <= 3"
[[rules]]
id = "fit"
require = "product.level <= user.level"
"""
POLICIES = [POLICY, FUNDS, GROWN]
USERS = [f"u{n:02}" for n in range(40)]
PRODUCTS = [f"p{n}" for n in range(9)]
PIPELINE = fitted(POLICIES)
EVERY = 9


def off(users: Any = (), products: Any = (), policies: Any = (), everything: bool = False) -> Any:
    return SwitchState(everything, frozenset(users), frozenset(products), frozenset(policies))


def is_off(state: SwitchState, user: int, product: int) -> bool:
    """Say the same in the slow and obvious way."""
    governing = {"levels"} | ({"funds"} if product < 4 else set())
    governing |= {"grown"} if 17 + user >= 40 else set()
    return (
        state.everything
        or USERS[user] in state.users
        or PRODUCTS[product] in state.products
        or bool(governing & state.policies)
    )


def lists_of(pipeline: st.Pipeline, users: Any = None, **asked: Any) -> dict[Any, list[Any]]:
    made = pipeline.recommend(users, **asked)
    return {one.user_id: list(one.product_ids) for one in made}


STATES = some.builds(
    SwitchState,
    some.sampled_from([False] * 9 + [True]),
    some.frozensets(some.sampled_from([*USERS, "stranger", "7"]), max_size=10),
    some.frozensets(some.sampled_from([*PRODUCTS, "p99", "-1"]), max_size=6),
    some.frozensets(some.sampled_from(["funds", "grown", "unknown"] * 2 + ["levels"]), max_size=2),
)


@settings(max_examples=20)
@given(STATES, some.integers(1, 9), some.booleans())
def test_lists_are_those_with_nothing_off_less_what_is_off(
    state: SwitchState, k: int, owned: bool
) -> None:
    whole = lists_of(PIPELINE, k=EVERY, exclude_owned=owned)
    made = switched(PIPELINE, state).recommend(k=k, exclude_owned=owned)
    why = made.abstentions()
    for user, one in enumerate(made):
        expected = [p for p in whole[USERS[user]] if not is_off(state, user, int(p[1:]))]
        assert list(one.product_ids) == expected[:k]
        count = sum(is_off(state, user, product) for product in range(9))
        told = why[why["user_id"] == USERS[user]].set_index("reason")["count"].to_dict()
        if len(expected) < k:
            assert told.get("switched-off", 0) == count
            if state.everything or USERS[user] in state.users:
                assert told == {"switched-off": 9}
        assert dict(one.reasons) == told
        assert made.candidates[user] == len(expected)


@given(STATES, some.integers(0, 39), some.integers(0, 8))
def test_one_pair_at_a_time(state: SwitchState, user: int, product: int) -> None:
    narrowed = switched(PIPELINE, state)
    ids = USERS[user], PRODUCTS[product]
    before = [(one.rule, one.verdict) for one in PIPELINE.why_not(*ids, k=3)]
    after = [(one.rule, one.verdict) for one in narrowed.why_not(*ids, k=3)]
    if not is_off(state, user, product):
        later = ("pipeline:ranked-below-k", "fail")  # what stood above it may be off
        assert after in (before, [one for one in before if one != later])
        assert narrowed.what_if(*ids) == PIPELINE.what_if(*ids)
        return
    at = after.index(("service:switched-off", "fail"))
    rules = [one for one in before if ":" not in one[0]]
    assert after[:at] == rules
    assert all(one[0] == "pipeline:owned" for one in after[at + 1 :])
    assert narrowed.what_if(*ids) == []
    with pytest.raises(KeyError, match="why_not"):
        narrowed.recommend([ids[0]], k=EVERY).explain(*ids)


def test_what_is_told_of_it() -> None:
    narrowed = switched(PIPELINE, off(products=["p0"]))
    (one,) = [v for v in narrowed.why_not("u02", "p0") if v.rule == "service:switched-off"]
    assert one.text == {"en": "It is switched off for now.", "zh": "目前已停用。"}
    assert one.verdict == "fail"


def test_nothing_off_is_the_very_same_object() -> None:
    assert switched(PIPELINE, SwitchState()) is PIPELINE
    state = off(users=["u00"])
    made = switched(PIPELINE, state)
    assert made is switched(PIPELINE, state)
    assert made is switched(PIPELINE, off(users=["u00"]))
    assert made is not switched(PIPELINE, off(users=["u01"]))


def test_after_an_update_and_with_another_register_it_is_made_anew() -> None:
    pipeline = fitted()
    state = off(products=["p0"])
    first = switched(pipeline, state)
    log = pd.DataFrame({"user_id": ["u01"], "product_id": ["p1"], "timestamp": ["2024-03-01"]})
    pipeline.update(log)
    second = switched(pipeline, state)
    assert second.as_of_ == pipeline.as_of_ != first.as_of_
    pipeline.consent = Consent(
        pd.DataFrame({"user_id": ["u01"], "purpose": "personalisation", "granted_at": "2024-01-01",
                      "withdrawn_at": None})
    )  # fmt: skip
    assert switched(pipeline, state).consent is pipeline.consent
    assert all("p0" not in one for one in lists_of(switched(pipeline, state), k=9).values())


def test_everything_made_of_it_goes_on_with_what_is_off() -> None:
    narrowed = switched(PIPELINE, off(products=["p0", "p1"], users=["u02"]))
    again = [
        narrowed.with_audit(None),
        narrowed.with_consent(None),
        narrowed.greedy(),
        narrowed.under([st.Policy.from_toml(POLICY)]),
        pickle.loads(pickle.dumps(narrowed)),
        copy.copy(narrowed),
        copy.deepcopy(narrowed),
    ]
    for one in again:
        lists = lists_of(one, k=9)
        assert lists["u02"] == []
        assert all(not {"p0", "p1"} & set(listed) for listed in lists.values())
    people = pd.DataFrame({"user_id": ["u02", "u05"], "level": 3, "age": 50})
    shelf = pd.DataFrame({"product_id": ["p0", "p2"], "level": 1, "kind": "fund"})
    log = pd.DataFrame({"user_id": ["u02", "u05"], "product_id": ["p0", "p2"]})
    fresh = narrowed.clone().fit(st.Dataset(people, shelf, log))
    assert lists_of(fresh) == {"u02": [], "u05": []}
    unfitted = pickle.loads(pickle.dumps(narrowed.clone()))
    assert lists_of(unfitted.fit(st.Dataset(people, shelf, log))) == {"u02": [], "u05": []}


def test_an_update_of_the_narrowed_one_goes_on_too() -> None:
    narrowed = switched(fitted(), off(products=["p0", "new"]))
    people = pd.DataFrame({"user_id": ["late"], "level": [3], "age": [30]})
    shelf = pd.DataFrame({"product_id": ["new"], "level": [1], "kind": ["fund"]})
    log = pd.DataFrame({"user_id": ["u01"], "product_id": ["new"], "timestamp": ["2024-03-01"]})
    narrowed.update(log, people, shelf)
    made = lists_of(narrowed, k=10)
    assert all(not {"p0", "new"} & set(listed) for listed in made.values())
    assert ("service:switched-off", "fail") in [
        (one.rule, one.verdict) for one in narrowed.why_not("late", "new")
    ]


def test_arrow_batches() -> None:
    narrowed = switched(PIPELINE, off(users=["u00"], products=["p2"]))
    batches = [pa.record_batch({"user_id": USERS[:5]}), pa.record_batch({"user_id": ["u00", "x"]})]
    rows = pa.Table.from_batches(narrowed.apply_arrow(batches, k=9)).to_pylist()
    expected = lists_of(narrowed, USERS[:5], k=9)
    found: dict[str, list[str]] = {user: [] for user in USERS[:5]}
    for row in rows:
        found[row["user_id"]].append(row["product_id"])
    assert found == expected
    assert found["u00"] == []


def test_narrowing_is_counted_apart() -> None:
    narrowed = switched(PIPELINE, off(users=["u00"], products=["p2", "p5"]))
    made = narrowed.recommend(["u00", "u02", "nobody"], k=9, product_ids=["p1", "p2"])
    reasons = {one.user_id: dict(one.reasons) for one in made}
    assert reasons["u00"] == {"switched-off": 2}
    assert reasons["u02"]["switched-off"] == 1
    assert reasons["u02"]["narrowed"] == 7
    assert reasons["nobody"] == {"unknown-user": 2}
    empty = narrowed.recommend(["u00"], k=9, product_ids=[])
    assert {one.user_id: dict(one.reasons) for one in empty} == {"u00": {"narrowed": 9}}
    everything = switched(PIPELINE, off(everything=True))
    assert [dict(one.reasons) for one in everything.recommend(["u00", "nobody"], k=2)] == [
        {"switched-off": 9}, {"unknown-user": 9},
    ]  # fmt: skip


def test_a_trace_has_a_stage_of_its_own() -> None:
    assert "not switched off" not in PIPELINE.trace("u02").stages
    stages = switched(PIPELINE, off(products=["p2", "p5"])).trace("u02").stages
    names = list(stages)
    assert names[names.index("candidates") + 1] == "not switched off"
    assert (stages["candidates"], stages["not switched off"]) == (9, 7)
    assert list(stages.values()) == sorted(stages.values(), reverse=True)
    nothing = switched(PIPELINE, off(users=["u02"])).trace("u02")
    assert nothing.stages["not switched off"] == nothing.stages["listed"] == 0
    assert nothing.products.num_rows == 0


def test_candidates() -> None:
    state = off(users=["u02"], products=["p0"], policies=["funds"])
    pairs = {}
    for places, lists in switched(PIPELINE, state).candidates().map(lambda _, part: part.lists):
        for place, codes in zip(places.tolist(), lists.products, strict=True):
            pairs[USERS[place]] = {f"p{code}" for code in codes if code >= 0}
    assert pairs["u02"] == set()
    assert all(not {"p0", "p1", "p2", "p3"} & listed for listed in pairs.values())
    assert pairs["u05"] == set(lists_of(PIPELINE, ["u05"], k=9)["u05"]) - {"p0", "p1", "p2", "p3"}


CHANGEABLE = """
[changeable]
"user.level" = { en = "Raise it.", zh = "提高。" }
"""


def test_lessons_open_nothing_that_is_off() -> None:
    pipeline = fitted(POLICY + CHANGEABLE)
    opened = {p for lesson in pipeline.lessons("u00") for p in lesson.product_ids}
    assert opened
    gone = sorted(opened)[0]
    narrowed = switched(pipeline, off(products=[gone]))
    after = {p for lesson in narrowed.lessons("u00") for p in lesson.product_ids}
    assert after == opened - {gone}
    assert narrowed.what_if("u00", gone) == []
    assert pipeline.what_if("u00", gone) != []
    for state in (off(users=["u00"]), off(everything=True), off(policies=["levels"])):
        assert switched(pipeline, state).lessons("u00") == []
    with pytest.raises(st.DataError, match="not in the catalogue"):
        narrowed.what_if("u00", "p99")
    with pytest.raises(st.DataError, match="unknown"):
        narrowed.what_if("nobody", gone)


@pytest.mark.parametrize(
    "options",
    [
        {"rerankers": [Diversity(by="kind")]},
        {"ranker": Explore(Popularity())},
        {"fallback": None, "ranker": st.ranking.ItemKNN()},
    ],
)
def test_through_rerankers_draws_and_without_fallback(options: Any) -> None:
    pipeline = fitted(POLICIES, **options)
    narrowed = switched(pipeline, off(users=["u02"], products=["p2"], policies=["funds"]))
    for asked in ({}, {"stepwise": True}, {"exclude_owned": False}):
        lists = lists_of(narrowed, k=4, **asked)
        assert lists["u02"] == []
        assert all(int(p[1:]) >= 4 for listed in lists.values() for p in listed)


def test_those_who_have_opted_out() -> None:
    nobody = pd.DataFrame({"user_id": ["u01"], "purpose": "personalisation",
                           "granted_at": "2023-01-01", "withdrawn_at": None})  # fmt: skip
    narrowed = switched(fitted(consent=Consent(nobody)), off(users=["u02"], products=["p2"]))
    lists = lists_of(narrowed, k=9)
    assert lists["u02"] == []
    assert all("p2" not in listed for listed in lists.values())


def test_ids_that_are_numbers() -> None:
    people = pd.DataFrame({"user_id": [7, 8, -9], "level": 3, "age": 50})
    shelf = pd.DataFrame({"product_id": [10, 11], "level": 1, "kind": "fund"})
    log = pd.DataFrame({"user_id": [7, 8, -9], "product_id": [10, 11, 10]})
    given = {"policy": st.Policy.unrestricted(), "ranker": Popularity()}
    pipeline = st.Pipeline(**given).fit(st.Dataset(people, shelf, log))
    state = off(users=["7", "x", "1" * 60, "-9", "", "-"], products=["11", "²"])
    assert lists_of(switched(pipeline, state), k=5, exclude_owned=False) == {7: [], 8: [10], -9: []}
    texts = pd.DataFrame({"user_id": ["7", "07"], "level": 3, "age": 50})
    log = pd.DataFrame({"user_id": ["7", "07"], "product_id": [10, 11]})
    pipeline = st.Pipeline(**given).fit(st.Dataset(texts, shelf, log))
    assert lists_of(switched(pipeline, off(users=["7"])), k=5) == {"7": [], "07": [10]}


def test_a_policy_that_may_govern_is_treated_as_governing() -> None:
    people = pd.DataFrame({"user_id": ["a", "b"], "age": [20.0, None]})
    shelf = pd.DataFrame({"product_id": ["x", "y", "z"], "kind": ["fund", "loan", None]})
    log = pd.DataFrame({"user_id": ["a", "b"] * 3, "product_id": ["x", "y", "z"] * 2})
    free = 'rules = []\n[policy]\nid = "ID"\nversion = "1"\ngoverns = "GOVERNS"\n'

    def governed(governs: str) -> list[tuple[str, str]]:
        policy = st.Policy.from_toml(free.replace("ID", "one").replace("GOVERNS", governs))
        given = {"policy": policy, "ranker": Popularity()}
        pipeline = st.Pipeline(**given).fit(st.Dataset(people, shelf, log))
        narrowed = switched(pipeline, off(policies=["one"]))
        told = [(u, p, [v.rule for v in narrowed.why_not(u, p)]) for u in "ab" for p in "xyz"]
        return [(user, product) for user, product, rules in told if "service:switched-off" in rules]

    assert governed("product.kind == 'fund'") == [(u, p) for u in "ab" for p in "xz"]
    assert governed("user.age >= 30") == [("b", p) for p in "xyz"]
    assert governed("user.age >= 18 and product.kind == 'loan'") == [
        ("a", "y"), ("a", "z"), ("b", "y"), ("b", "z"),
    ]  # fmt: skip


def test_many_users_and_one_get_the_same() -> None:
    pipeline = fitted(POLICIES, users=900)
    state = off(users=["u07", "u123"], products=["p1"], policies=["funds", "grown"])
    narrowed = switched(pipeline, state)
    whole = lists_of(narrowed, k=6)
    for user in ("u00", "u07", "u123", "u10", "u22", "u24", "u899"):
        assert lists_of(narrowed, [user], k=6)[user] == whole[user]
