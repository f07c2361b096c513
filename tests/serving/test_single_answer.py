"""The answer of a single list, written at once, is what the records say, byte by byte."""

import json
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

import suitably as st
from serving.banks import POLICY, fitted
from suitably.serving import Service, SwitchState, create_app
from suitably.serving.answers import as_json, recommended
from suitably.serving.served import Answering, Served

FLAGS = """
[policy]
id = "minded"
version = "1"
[[rules]]
id = "level"
require = "product.level <= user.level"
[[rules]]
id = "grown \\"up\\""
effect = "flag"
require = "user.age >= 30"
[[rules]]
id = "lent"
effect = "flag"
require = "product.kind == 'fund'"
"""


def as_records_say(answering: Answering, recs: st.Recommendations) -> bytes:
    lists = recs.to_dict()
    for one, stood_in in zip(lists["users"], recs.stood_in.tolist(), strict=True):
        one["stood_in"] = stood_in
    named = {"version": answering.served.version, "model": answering.served.model}
    return as_json({**named, **lists})


def assert_written(pipeline: st.Pipeline, **asked: Any) -> None:
    service = Service(pipeline)
    answering = service.answering()
    users = pipeline.user_ids.tolist()
    for user in (*users, "nobody" if isinstance(users[0], str) else -7):
        recs = answering.pipeline.recommend([user], **asked)
        written = recommended(answering, recs)
        assert written == as_records_say(answering, pipeline.recommend([user], **asked))
        json.loads(written)
    service.close()


@pytest.mark.parametrize("policy", [POLICY, FLAGS])
@pytest.mark.parametrize("ranker", [st.ranking.Popularity(), st.ranking.EASE()])
@pytest.mark.parametrize("asked", [{}, {"k": 2}, {"exclude_owned": False, "product_ids": ["p1"]}])
def test_bytes(policy: str, ranker: Any, asked: dict[str, Any]) -> None:
    pipeline = fitted(policy, ranker=ranker)
    assert_written(pipeline, **asked)
    pipeline.prepare()
    assert_written(pipeline, **asked)


@pytest.mark.parametrize(
    ("users", "products"),
    [
        (["客户", 'a"b', "\\", "\u2028"], ["产品", 'p"1', "\n", "e\u0301"]),
        ([1, 2, 3, -4], [2**53, 5, 6, 7]),
        ([10**25, 2, 3, 4], [10**30, 5, 6, 7]),
    ],
)
def test_ids_of_every_kind(users: list[Any], products: list[Any]) -> None:
    ids = {"dtype": object}
    log = pd.DataFrame(
        {
            "user_id": pd.Series([users[n % 4] for n in range(9)], **ids),
            "product_id": pd.Series([products[n % 3] for n in range(9)], **ids),
        }
    )
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    assert_written(pipeline.fit(st.Dataset(None, None, log)))


def test_what_is_drawn_reordered_and_off() -> None:
    for options in (
        {"ranker": st.ranking.Explore(st.ranking.Popularity())},
        {"rerankers": [st.reranking.Diversity("kind", weight=0.7)]},
        {"fallback": None, "ranker": st.ranking.EASE()},
    ):
        assert_written(fitted(FLAGS, **options))
    assert_written(fitted(FLAGS).switched(SwitchState(products=frozenset(["p1", "p3"]))))


def test_another_version_writes_its_own_ids() -> None:
    """An update that brings products in: nothing of the version before is written."""
    pipeline = fitted()
    client = TestClient(create_app(pipeline))
    body = {"user_id": "u02", "exclude_owned": False, "k": 20}
    before = client.post("/v1/recommendations", json=body).json()
    shelf = pd.DataFrame({"product_id": ["a0"], "level": [1], "kind": ["fund"]})
    log = pd.DataFrame(
        {"user_id": ["u01"], "product_id": ["a0"], "timestamp": pd.Timestamp("2024-03-01")}
    )
    pipeline.update(log, None, shelf)
    after = client.post("/v1/recommendations", json=body).json()
    assert after["model"] != before["model"]
    told = pipeline.recommend(["u02"], 20, exclude_owned=False).to_dict()["users"][0]
    assert {**told, "stood_in": False} == after["users"][0]
    assert "a0" in [one["product_id"] for one in after["users"][0]["products"]]


def test_a_version_keeps_what_it_writes_with() -> None:
    service = Service(fitted())
    served = service.served()
    assert isinstance(served, Served)
    assert served.singles is served.singles
    service.close()
