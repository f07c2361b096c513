"""What comes out: frames, abstentions, explanations and why-nots, with counts by hand."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import suitably as st
from properties.twin import Twin
from support.banks import AS_OF, CARE, FUNDS, LEVELS, LOANS, World, bought, popular
from support.frames import KINDS, rows_of
from support.worlds import worlds

COLUMNS = ["user_id", "rank", "product_id", "score"]


def world() -> World:
    """Six products for four customers, everything by hand.

    | | p0 R1 | p1 R1 | p2 R2 | p3 R3 | p4 ? | p5 R1 complex |
    u0 C1, u1 C3 without a questionnaire, u2 without a level, u3 C3. u0 owns p0; u1 owns p1 and p3;
    u3 owns p2. Nobody owns p4 and p5. Popularity: p0 p1 p2 p3 one each.
    """
    base = popular()
    levels = ["C1", "C3", None, "C3"]
    users = [{**row, "risk_level": level} for row, level in zip(base.users, levels, strict=True)]
    users[1]["questionnaire_date"] = None
    risks = ["R1", "R1", "R2", "R3", None, "R1"]
    products = [{**row, "risk_level": r} for row, r in zip(base.products, risks, strict=True)]
    products[5]["complex"] = True
    return World(users, products, bought((0, 0), (1, 1), (1, 3), (3, 2)), (LEVELS,))


def reasons(recs: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows_of(recs.abstentions()):
        found.setdefault(row["user_id"], {})[row["reason"]] = row["count"]
    return found


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("users", [None, ["nobody"], []])
def test_frames_out(kind: str, users: Any) -> None:
    recs = world().but(kind=kind).fitted().recommend(users, k=2)
    frame, aside = recs.to_frame(), recs.abstentions()
    wanted = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "lazy": pl.DataFrame}
    for out in (frame, aside, recs.for_user(users[0] if users else "u0") if users != [] else frame):
        assert type(out) is wanted.get(kind, pa.Table)
    if isinstance(frame, pa.Table):
        assert frame.column_names == COLUMNS
        assert [str(t) for t in frame.schema.types] == ["string", "int32", "string", "float"]
        assert [str(t) for t in aside.schema.types] == ["string", "int32", "string", "int64"]
    elif isinstance(frame, pl.DataFrame):
        assert frame.columns == COLUMNS
        assert frame.dtypes == [pl.String, pl.Int32, pl.String, pl.Float32]
        assert aside.dtypes == [pl.String, pl.Int32, pl.String, pl.Int64]
    else:
        assert list(frame.columns) == COLUMNS
        assert str(frame["rank"].dtype) == "int32"
        assert str(frame["score"].dtype) == "float32"
        assert frame["user_id"].dtype == frame["product_id"].dtype
        assert frame["user_id"].dtype in (object, "str")
    assert list(aside.column_names if isinstance(aside, pa.Table) else aside.columns) == [
        "user_id", "returned", "reason", "count",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_zero_rows_keep_integer_types(kind: str) -> None:
    from support.frames import convert

    log = convert(pa.table({"user_id": [1, 2], "product_id": [7, 8]}), kind)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, None, log))
    for asked in (None, [99], []):
        frame = pipeline.recommend(asked).to_frame()
        names = {str(frame[c].type if kind == "pyarrow" else frame[c].dtype).lower()
                 for c in ("user_id", "product_id")}  # fmt: skip
        assert names == {"int64"}


def test_columns_are_called_as_ever() -> None:
    log = pd.DataFrame({"customerID": ["a", "b"], "ISIN": ["x", "y"], "bought_at":
                        pd.to_datetime(["2024-01-01"] * 2)})  # fmt: skip
    columns = st.Columns(user="customerID", product="ISIN", timestamp="bought_at")
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    recs = pipeline.fit(st.Dataset(None, None, log, columns=columns)).recommend()
    assert list(recs.to_frame().columns) == COLUMNS
    assert recs.abstentions().columns[0] == "user_id"
    (out,) = pipeline.apply_arrow([pa.record_batch({"user_id": ["a"]})])
    assert out.schema.names == ["user_id", "product_id", "rank", "score"]


# --- abstentions ---------------------------------------------------------------------------------


def test_counts_by_hand() -> None:
    recs = world().fitted().recommend(["u0", "u1", "u2", "u3", "nobody"], k=4)
    lists = {user: [row["product_id"] for row in rows_of(recs.for_user(user))]
             for user in ("u0", "u1", "u2", "u3", "nobody")}  # fmt: skip
    assert lists == {"u0": ["p1"], "u1": ["p0", "p2"], "u2": [], "u3": ["p0", "p1", "p3"],
                     "nobody": []}  # fmt: skip
    assert reasons(recs) == {
        # p2 p3 above, p4 unknown; owns p0; p5 unsold
        "u0": {"risk-level": 3, "owned": 1, "no-score": 1},
        # p4 unknown; p5 complex without a questionnaire; owns p1 p3
        "u1": {"risk-level": 1, "questionnaire": 1, "owned": 2},
        # without a level nothing passes; the questionnaire does
        "u2": {"risk-level": 6},
        "u3": {"risk-level": 1, "owned": 1, "no-score": 1},
        "nobody": {"unknown-user": 6},
    }
    returned = {row["user_id"]: row["returned"] for row in rows_of(recs.abstentions())}
    assert returned == {"u0": 1, "u1": 2, "u2": 0, "u3": 3, "nobody": 0}


def test_who_has_k_is_not_listed() -> None:
    assert set(reasons(world().fitted().recommend(k=2))) == {"u0", "u2"}
    assert set(reasons(world().fitted().recommend(k=1))) == {"u2"}


def test_two_rules_both_count() -> None:
    users = [{**row, "risk_level": None, "questionnaire_date": None} for row in world().users]
    recs = world().but(users=users).fitted().recommend(["u3"], k=1)
    assert reasons(recs) == {"u3": {"risk-level": 6, "questionnaire": 1}}


def test_counts_follow_the_candidates() -> None:
    recs = world().fitted().recommend(["u0", "nobody"], k=4, product_ids=["p0", "p2", "p5"])
    assert reasons(recs) == {
        "u0": {"risk-level": 1, "owned": 1, "no-score": 1, "narrowed": 3},
        "nobody": {"unknown-user": 3},
    }
    recs = world().fitted().recommend(["u0"], k=4, exclude_owned=False)
    assert reasons(recs) == {"u0": {"risk-level": 3, "no-score": 1}}


@pytest.mark.parametrize("among", [[], ["gold"]])
def test_an_unknown_user_has_a_reason_even_without_candidates(among: list[str]) -> None:
    recs = world().fitted().recommend(["nobody"], product_ids=among)
    assert list(reasons(recs)) == ["nobody"]
    assert list(reasons(recs)["nobody"]) == ["unknown-user"]


def test_policies_that_do_not_govern() -> None:
    products = [{**row, "regime": regime}
                for row, regime in zip(world().products, ["fund", "loan", None, "crypto"] * 2,
                                       strict=False)]  # fmt: skip
    recs = world().but(products=products, policies=(FUNDS, LOANS)).fitted().recommend(["u2"], k=9)
    assert reasons(recs) == {"u2": {"policy:governs": 2, "no-score": 2, "catalogue": 3}}


def test_two_policies_with_a_rule_of_the_same_name() -> None:
    other = LEVELS.replace('id = "levels"', 'id = "other"').replace('"questionnaire"\n', '"q"\n')
    recs = world().but(policies=(LEVELS, other)).fitted().recommend(["u0"], k=4)
    assert reasons(recs)["u0"] == {
        "risk-level": 3, "owned": 1, "no-score": 1,
    }  # fmt: skip


@given(world_=worlds(), k=hs.integers(1, 4), data=hs.data())
def test_counts_against_the_twin(world_: World, k: int, data: hs.DataObject) -> None:
    among = data.draw(hs.lists(hs.sampled_from([f"p{i}" for i in range(20)]), unique=True))
    recs = world_.fitted().recommend(k=k, product_ids=among)
    twin = Twin(world_)
    assert rows_of(recs.to_frame()) == twin.frame(k, among=among)
    rows = rows_of(recs.abstentions())
    found = {(r["user_id"], r["reason"]): (r["returned"], r["count"]) for r in rows}
    assert found == twin.abstentions(k, among=among)


# --- explain -------------------------------------------------------------------------------------


def test_explain() -> None:
    recs = world().fitted().recommend(k=4)
    why = recs.explain("u3", "p1")
    assert (why.rank, why.score) == (2, 1.0)
    assert [(v.rule, v.verdict, v.article) for v in why.verdicts] == [
        ("risk-level", "pass", "Art. 1")
    ]
    assert dict(why.verdicts[0].inputs) == {
        "product.risk_level": "R1", "user.risk_level": "C3",
    }  # fmt: skip
    assert set(why.text) == {"en", "zh"}
    assert all(why.text.values())
    assert "ranks 2 of 3" in why.text["en"]


@pytest.mark.parametrize(
    ("user", "product"),
    [("u3", "p2"), ("u3", "p4"), ("u0", "p3"), ("u2", "p0"), ("u3", "gold"), ("nobody", "p0"),
     ("stranger", "p0"), ("u3", None)],
)  # fmt: skip
def test_explaining_what_is_not_recommended(user: Any, product: Any) -> None:
    recs = world().fitted().recommend(["u0", "u2", "u3", "nobody"], k=4)
    with pytest.raises(KeyError, match="why_not"):
        recs.explain(user, product)


def test_for_user() -> None:
    recs = world().fitted().recommend(["u3", "u0"], k=2)
    assert [(r["user_id"], r["rank"]) for r in rows_of(recs.for_user("u3"))] == [
        ("u3", 1), ("u3", 2),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        recs.for_user("u1")


# --- why not -------------------------------------------------------------------------------------


def told(pipeline: st.Pipeline, user: str, product: str, **how: Any) -> list[tuple[str, str]]:
    return [(v.rule, v.verdict) for v in pipeline.why_not(user, product, **how)]


def test_why_not_lists_every_applicable_rule() -> None:
    pipeline = world().fitted()
    level, asked = "risk-level", "questionnaire"
    assert told(pipeline, "u0", "p3") == [(level, "fail")]
    assert told(pipeline, "u0", "p4") == [(level, "unknown")]
    assert told(pipeline, "u0", "p0") == [(level, "pass"), ("pipeline:owned", "fail")]
    assert told(pipeline, "u1", "p5")[:2] == [(level, "pass"), (asked, "unknown")]
    assert told(pipeline, "u1", "p3") == [(level, "pass"), ("pipeline:owned", "fail")]
    assert told(pipeline, "u3", "p0") == [(level, "pass")], "it is in the list"
    fail = pipeline.why_not("u0", "p3")[0]
    assert dict(fail.text) == {"en": "R3 is above C1", "zh": "过高"}
    assert dict(fail.inputs) == {"product.risk_level": "R3", "user.risk_level": "C1"}


def test_why_not_says_ranked_below_k() -> None:
    pipeline = world().fitted()
    assert told(pipeline, "u3", "p3", k=2) == [
        ("risk-level", "pass"), ("pipeline:ranked-below-k", "fail"),
    ]  # fmt: skip
    assert told(pipeline, "u3", "p3", k=3) == [("risk-level", "pass")]


def test_why_not_of_what_is_owned_and_barred() -> None:
    pipeline = world().fitted()
    users = [{**row, "risk_level": "C1"} for row in world().users]
    barred = world().but(users=users).fitted()
    assert told(barred, "u1", "p3") == [("risk-level", "fail"), ("pipeline:owned", "fail")]
    assert ("pipeline:no-score", "unknown") in told(pipeline, "u3", "p5")


def test_why_not_agrees_with_the_list_pair_by_pair() -> None:
    pipeline = world().fitted()
    recs = pipeline.recommend(k=2)
    listed = {(row["user_id"], row["product_id"]) for row in rows_of(recs.to_frame())}
    for user in pipeline.user_ids:
        for product in pipeline.product_ids:
            all_pass = all(v == "pass" for _, v in told(pipeline, user, product, k=2))
            assert all_pass == ((user, product) in listed)


@given(world_=worlds(), k=hs.integers(1, 3))
def test_why_not_in_any_world(world_: World, k: int) -> None:
    pipeline, twin = world_.fitted(), Twin(world_)
    if not twin.products:
        return
    for user in twin.users:
        listed = [product for product, _ in twin.ranked(user)[:k]]
        for product in twin.products:
            expected = twin.verdicts(user, product)
            barred = any(verdict != "pass" for _, verdict in expected)
            if twin.owned(user, product):
                expected.append(("pipeline:owned", "fail"))
            elif not barred and not twin.scores[product]:
                expected.append(("pipeline:no-score", "unknown"))
            elif not barred and product not in listed:
                expected.append(("pipeline:ranked-below-k", "fail"))
            assert told(pipeline, user, product, k=k) == expected


def test_why_not_of_strangers() -> None:
    pipeline = world().fitted()
    for user, product in (("nobody", "p0"), ("u0", "gold"), ("nobody", "gold")):
        with pytest.raises(st.DataError):
            pipeline.why_not(user, product)
    with pytest.raises(st.DataError, match="unknown"):
        pipeline.trace("nobody")


def test_trace() -> None:
    pipeline = world().fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    trace = pipeline.trace("u0", k=4)
    assert dict(trace.stages) == {
        "catalogue": 6, "candidates": 6, "eligible": 3, "not owned": 2, "scored": 1, "listed": 1,
    }  # fmt: skip
    assert trace.profile["frequency"] == 1
    assert trace.fields["risk_level"] == "C1"
    assert trace.products.to_pylist() == [{"rank": 1, "product_id": "p1", "score": 1.0}]


# --- one by one, and sent ------------------------------------------------------------------------


def test_user_by_user() -> None:
    recs = world().fitted().recommend(["u3", "nobody", "u0", "u2"], k=3)
    found = list(recs)
    assert len(found) == len(recs) == 4
    assert [one.user_id for one in found] == ["u3", "nobody", "u0", "u2"]
    assert [one.product_ids for one in found] == [("p0", "p1", "p3"), (), ("p1",), ()]
    assert [one.scores for one in found] == [(1.0, 1.0, 1.0), (), (1.0,), ()]
    assert [len(one) for one in found] == [3, 0, 1, 0]
    assert [dict(one.reasons) for one in found] == [
        {},
        {"unknown-user": 6},
        {"risk-level": 3, "owned": 1, "no-score": 1},
        {"risk-level": 6},
    ]
    assert list(recs) == found, "as often as one likes"
    assert list(world().fitted().recommend([])) == []


@given(world_=worlds(), k=hs.integers(1, 4), block=hs.integers(1, 3))
def test_user_by_user_is_the_frame_and_the_abstentions(world_: World, k: int, block: int) -> None:
    recs = world_.fitted().recommend(k=k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("suitably.recommendations._BLOCK", block)
        lists = list(recs)
        aside = rows_of(recs.abstentions())
    assert [
        {"user_id": one.user_id, "rank": rank, "product_id": product, "score": score}
        for one in lists
        for rank, (product, score) in enumerate(zip(one.product_ids, one.scores, strict=True), 1)
    ] == rows_of(recs.to_frame())
    assert [
        {"user_id": one.user_id, "returned": len(one), "reason": reason, "count": count}
        for one in lists
        for reason, count in one.reasons.items()
    ] == aside


def test_lists_as_json() -> None:
    recs = world().fitted().recommend(["u3", "nobody"], k=4)
    sent = json.loads(json.dumps(recs.to_dict(), allow_nan=False))
    assert sent == {
        "as_of": "2024-03-01T12:00:00",
        "k": 4,
        "users": [
            {
                "user_id": "u3",
                "products": [
                    {"rank": 1, "product_id": "p0", "score": 1.0},
                    {"rank": 2, "product_id": "p1", "score": 1.0},
                    {"rank": 3, "product_id": "p3", "score": 1.0},
                ],
                "reasons": {"risk-level": 1, "owned": 1, "no-score": 1},
            },
            {"user_id": "nobody", "products": [], "reasons": {"unknown-user": 6}},
        ],
    }


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_lists_of_integers_without_times_as_json(kind: str) -> None:
    from support.frames import convert

    log = convert(pa.table({"user_id": [1, 2], "product_id": [7, 8]}), kind)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    recs = pipeline.fit(st.Dataset(None, None, log)).recommend(k=1)
    sent = json.loads(json.dumps(recs.to_dict()))
    assert sent["as_of"] is None
    assert [u["user_id"] for u in sent["users"]] == [1, 2]
    assert sent["users"][0]["products"] == [{"rank": 1, "product_id": 8, "score": 1.0}]
    assert json.dumps(pipeline.trace(1).to_dict())


def test_an_explanation_as_json() -> None:
    why = world().fitted().recommend(k=4).explain("u3", "p1")
    sent = json.loads(json.dumps(why.to_dict(), allow_nan=False))
    assert (sent["user_id"], sent["product_id"], sent["rank"]) == ("u3", "p1", 2)
    assert sent["text"] == dict(why.text)
    assert sent["verdicts"][0]["inputs"] == {"product.risk_level": "R1", "user.risk_level": "C3"}
    missing = world().fitted().why_not("u1", "p5")
    assert json.loads(json.dumps([v.to_dict() for v in missing]))[1]["verdict"] == "unknown"


def test_a_trace_as_json() -> None:
    pipeline = world().fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    sent = json.loads(json.dumps(pipeline.trace("u0", k=4).to_dict(), allow_nan=False))
    assert sent["user_id"] == "u0"
    assert sent["profile"]["frequency"] == 1
    assert sent["products"] == [{"rank": 1, "product_id": "p1", "score": 1.0}]
    assert sent["stages"]["listed"] == 1


def test_what_is_pickled_and_copied() -> None:
    pipeline = world().fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    recs = pipeline.recommend(k=4)
    for thing in (
        recs.explain("u3", "p1"),
        pipeline.trace("u0"),
        *recs,
        *pipeline.why_not("u0", "p3"),
    ):
        for back in (pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)):
            assert type(back) is type(thing)
            assert back.to_dict() == thing.to_dict()
            assert back == thing


def test_lists_are_sent_by_their_frame_alone() -> None:
    recs = world().fitted().recommend(k=4)
    with pytest.raises(TypeError, match=r"to_frame\(\).*to_dict\(\).*save"):
        pickle.dumps(recs)
    assert rows_of(copy.deepcopy(recs).to_frame()) == rows_of(recs.to_frame())
    assert copy.copy(recs).explain("u3", "p1") == recs.explain("u3", "p1")


def test_maps_of_a_user_are_dictionaries() -> None:
    users = pd.DataFrame({"user_id": ["u"], "wants": [{"bonds": 0.5}]})
    log = pd.DataFrame({"user_id": ["u"], "product_id": ["p"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    trace = pipeline.fit(st.Dataset(users, None, log)).trace("u")
    assert trace.fields == {"wants": {"bonds": 0.5}}
    assert trace.to_dict()["fields"] == {"wants": {"bonds": 0.5}}


# --- ids in text ---------------------------------------------------------------------------------


def test_reprs_show_no_product() -> None:
    mark = "product-4711"
    base = world()
    rename = {"p1": mark}
    products = [{**row, "product_id": rename.get(row["product_id"], row["product_id"])}
                for row in base.products]  # fmt: skip
    events = [{**row, "product_id": rename.get(row["product_id"], row["product_id"])}
              for row in base.events]  # fmt: skip
    pipeline = base.pipeline().fit(base.but(products=products, events=events).dataset(), AS_OF)
    recs = pipeline.recommend(k=4)
    listed = next(one for one in recs if mark in one.product_ids)
    for thing in (recs, listed, recs.explain("u3", mark), pipeline.trace("u3")):
        assert mark not in repr(thing) + str(thing), type(thing).__name__
        assert len(repr(thing)) < 200


def test_reprs_show_no_customer() -> None:
    base = world()
    mark = "customer-4711"
    users = [{**row, "user_id": mark if row["user_id"] == "u3" else row["user_id"]}
             for row in base.users]  # fmt: skip
    events = [{**row, "user_id": mark if row["user_id"] == "u3" else row["user_id"]}
              for row in base.events]  # fmt: skip
    data = base.but(users=users, events=events).dataset()
    pipeline = base.pipeline().fit(data, AS_OF)
    recs = pipeline.recommend(k=4)
    shown = [data, pipeline, recs, recs.explain(mark, "p0"), pipeline.trace(mark), list(recs),
             pipeline.eligibility(), pipeline.why_not(mark, "p2")]  # fmt: skip
    for thing in shown:
        assert mark not in repr(thing), type(thing).__name__
        assert mark not in str(thing), type(thing).__name__


# --- flags ---------------------------------------------------------------------------------------


def cared_for() -> World:
    """Loans for four customers: `u1` is vulnerable, of `u2` it is not known.

    `p4` is complex and costs more than the 5000 that everybody earns.
    """
    base = popular()
    vulnerable = [False, True, None, False]
    users = [{**row, "vulnerable": v} for row, v in zip(base.users, vulnerable, strict=True)]
    products = [{**row, "regime": "loan"} for row in base.products]
    products[4] |= {"complex": True, "min_amount": 6000.0}
    return base.but(users=users, products=products, policies=(CARE,))


def test_flags_of_lists() -> None:
    lists = cared_for().fitted().recommend(k=2)
    assert lists.lists.lengths.tolist() == [2, 2, 2, 2]
    told = rows_of(lists.flags())
    assert list(told[0]) == ["user_id", "rank", "product_id", "rule", "unknown"]
    listed = {(row["user_id"], row["product_id"]): row["rank"] for row in rows_of(lists.to_frame())}
    expected = [
        (user, rank, product, "special-care", user == "u2")
        for (user, product), rank in listed.items()
        if user in ("u1", "u2")
    ]
    care = [tuple(row.values()) for row in told if row["rule"] == "special-care"]
    assert care == expected
    dear = [(row["user_id"], row["rank"]) for row in told if row["rule"] == "min-amount"]
    assert dear == [(user, rank) for (user, product), rank in listed.items() if product == "p4"]
    assert len(dear) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_flags_come_out_as_frames_do(kind: str) -> None:
    lists = cared_for().but(kind=kind).fitted().recommend(k=2)
    assert type(lists.flags()) is type(lists.to_frame())
    none = popular().but(kind=kind).fitted().recommend(k=2)
    assert rows_of(none.flags()) == []
    assert rows_of(cared_for().fitted().recommend(["nobody"]).flags(texts=True)) == []


def test_flags_with_their_texts() -> None:
    lists = cared_for().fitted().recommend(["u1", "u2"], k=1)
    told = [row for row in rows_of(lists.flags(texts=True)) if row["rule"] == "special-care"]
    raised, unknown = told
    assert raised["en"].startswith("Special duty of care: ")
    assert raised["zh"] == "特别注意义务"
    assert "It is unknown whether the rule special-care" in unknown["en"]
    for row in (raised, unknown):
        why = lists.explain(row["user_id"], row["product_id"])
        assert {language: row[language] for language in ("en", "zh")} == dict(why.flags[0].text)


def test_flags_for_the_customer_and_for_the_adviser() -> None:
    told = """
[policy]
id = "house"
[[rules]]
id = "care"
effect = "flag"
require = "False"
because = { customer = { en = "We call you." }, adviser = { en = "On file: {user.vulnerable}." } }
[[rules]]
id = "open"
effect = "flag"
require = "not user.vulnerable"
"""
    lists = cared_for().but(policies=(told,)).fitted().recommend(["u1"], k=1)
    (mine, open_), texts = rows_of(lists.flags(texts=True)), {}
    assert (mine["en"], mine["rule"], open_["rule"]) == ("We call you.", "care", "open")
    for audience in ("customer", "adviser"):
        texts[audience] = [row["en"] for row in rows_of(lists.flags(True, audience=audience))]
        why = lists.explain("u1", mine["product_id"]).to_dict(audience)
        assert [one["text"]["en"] for one in why["flags"]] == texts[audience]
        assert why["verdicts"] == why["flags"]
        assert not any("adviser_text" in one for one in why["flags"])
        assert bool(why["flags"][1]["inputs"])  # not told apart
        said = str(why["flags"][0])
        assert ("On file" in said) == (audience == "adviser")
    assert texts["adviser"][0].startswith("On file: ")
    assert texts["customer"][1] == texts["adviser"][1]
    for wrong in ("client", None):
        with pytest.raises(ValueError, match="audience: must be one of"):
            lists.flags(audience=wrong)
    with pytest.raises(ValueError, match="audience: must be one of"):
        lists.explain("u1", mine["product_id"]).to_dict("client")


def test_flags_of_an_explanation() -> None:
    lists = cared_for().fitted().recommend(k=1)
    mine = {row["user_id"]: row["product_id"] for row in rows_of(lists.to_frame())}
    for user, said in [("u0", ""), ("u1", "special-care"), ("u2", "special-care (unknown)")]:
        why = lists.explain(user, mine[user])
        flags = [one for one in why.flags if one.rule == "special-care"]
        assert [one.rule for one in flags] == ["special-care"] * bool(said)
        assert {one.verdict for one in why.verdicts} == {"pass"}
        assert (f"Flagged: {said}" in why.adviser_text["en"]) == bool(said)
        assert ("提示：special-care" in why.adviser_text["zh"]) == bool(said)
        assert not any("special-care" in text for text in why.text.values())
        assert not any("special-care" in note for notes in why.notes.values() for note in notes)
        assert ("Special duty of care: " in why.text["en"]) == (user == "u1")
        assert ("please ask your adviser" in why.text["en"]) == (user == "u2" or len(why.flags) > 1)
        assert why.to_dict()["flags"] == [one.to_dict() for one in why.flags]
        assert ("Flags, which bar nothing" in why._repr_html_()) == bool(why.flags)
        assert ("flagged" in repr(why)) == bool(why.flags)
        assert pickle.loads(pickle.dumps(why)).flags == why.flags
    verdicts = cared_for().fitted().why_not("u1", mine["u1"])
    assert [(v.verdict, v.flag) for v in verdicts if v.rule == "special-care"] == [("pass", True)]


def test_flags_user_by_user_and_as_json() -> None:
    lists = cared_for().fitted().recommend(k=2)
    told = [
        (one.user_id, place + 1, product, rule, unknown)
        for one in lists
        for place, product in enumerate(one.product_ids)
        for rule, unknown in one.flags.get(product, {}).items()
    ]
    assert told == [tuple(row.values()) for row in rows_of(lists.flags())]
    written = json.loads(json.dumps(lists.to_dict()))["users"]
    assert [
        (user["user_id"], product["rank"], product["product_id"], flag["rule"], flag["unknown"])
        for user in written
        for product in user["products"]
        for flag in product.get("flags", [])
    ] == told
    page = lists._repr_html_()
    assert "⚑ special-care" in page
    assert "special-care?" in page
    assert "⚑" not in popular().fitted().recommend(k=2)._repr_html_()


def test_flags_of_a_trace() -> None:
    pipeline = cared_for().fitted()
    found = pipeline.trace("u2", k=2)
    listed = rows_of(pipeline.recommend(["u2"], k=2).flags())
    assert found.flags.to_pylist() == [
        {name: value for name, value in row.items() if name != "user_id"} for row in listed
    ]
    assert "Flags, which bar nothing" in found._repr_html_()
    assert pipeline.trace("u0", k=2).flags.num_rows == len(
        rows_of(pipeline.recommend(["u0"], k=2).flags())
    )
    assert json.loads(json.dumps(found.to_dict()))["flags"] == found.flags.to_pylist()


@given(world_=worlds(policies=[(FUNDS, CARE), (CARE,)]), k=hs.integers(1, 4))
def test_flags_against_the_twin(world_: World, k: int) -> None:
    twin, lists = Twin(world_), world_.fitted().recommend(k=k)
    expected = set()
    for row in rows_of(lists.to_frame()):
        user, product = row["user_id"], row["product_id"]
        for name, verdict in twin.flags(user, product):
            expected.add((user, row["rank"], product, name, verdict == "unknown"))
    assert {tuple(row.values()) for row in rows_of(lists.flags())} == expected


def test_a_loaded_model_flags_as_the_fitted_one_did(tmp_path: Path) -> None:
    pipeline = cared_for().fitted()
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert rows_of(loaded.recommend(k=3).flags()) == rows_of(pipeline.recommend(k=3).flags())
    assert rows_of(loaded.eligibility().counts()) == rows_of(pipeline.eligibility().counts())


def test_many_lists_are_looked_up_in_tables_as_few_are() -> None:
    base = cared_for()
    users = [{**base.users[i % 4], "user_id": f"v{i}"} for i in range(700)]
    lists = base.but(users=[*base.users, *users]).fitted()
    many = rows_of(lists.recommend(k=2).flags())
    some = [f"v{i}" for i in range(100)]
    few = rows_of(base.but(users=[*base.users, *users]).fitted().recommend(some, k=2).flags())
    assert few == [row for row in many if row["user_id"] in set(some)]
