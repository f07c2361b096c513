"""What a notebook shows: HTML with the ids, in which no text can become markup."""

from html import escape
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.pipeline.diagram import pipeline_html

EVIL = "<script>alert('x')</script>"
POLICY = """
[policy]
id = "house"
version = "1"
[[rules]]
id = "cheap"
article = "<script>alert('x')</script>"
require = "product.name != 'gold'"
because = { en = "<script>alert('x')</script> {product.name}", zh = "<b>{product.name}" }
"""


class Odd:
    """A part that shows itself in markup."""

    def __repr__(self) -> str:
        return EVIL


def fitted() -> st.Pipeline:
    users = pd.DataFrame({"user_id": [EVIL, "b"], EVIL: [EVIL, None]})
    products = pd.DataFrame({"product_id": ["&p", EVIL, "q"], "name": ["fund", EVIL, "gold"]})
    log = pd.DataFrame({"user_id": [EVIL, "b", "b"], "product_id": ["&p", EVIL, "q"]})
    pipeline = st.Pipeline(policy=st.Policy.from_toml(POLICY), ranker=st.ranking.Popularity())
    return pipeline.fit(st.Dataset(users, products, log))


def things() -> dict[str, Any]:
    pipeline = fitted()
    recs = pipeline.recommend(k=2)
    log = pd.DataFrame({"user_id": [EVIL, None], "product_id": [EVIL, "x"], EVIL: [1, 2]})
    return {
        "recommendations": recs._repr_html_(),
        "explanation": recs.explain(EVIL, EVIL)._repr_html_(),
        "trace": pipeline.trace(EVIL)._repr_html_(),
        "dataset": st.Dataset(None, None, log, on_error="quarantine")._repr_html_(),
    }


@pytest.mark.parametrize("name", ["recommendations", "explanation", "trace", "dataset"])
def test_nothing_runs(name: str) -> None:
    html = things()[name]
    assert "<script" not in html
    assert escape(EVIL) in html


def test_nothing_runs_in_a_diagram() -> None:
    pipeline = st.Pipeline(policy=EVIL, ranker=Odd(), rerankers=[Odd()], fallback=Odd())
    html = pipeline_html(pipeline)
    assert "<script" not in html
    assert html.count(escape(EVIL)) == 4


def test_a_diagram_before_and_after_the_fit() -> None:
    pipeline = st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue(frequent=7)],
        policy=["cn-csrc-amac", st.Policy.unrestricted()],
        ranker=st.ranking.ALS(factors=8),
        rerankers=[st.reranking.Diversity(by="category")],
    )
    html = pipeline_html(pipeline)
    steps = ["data", "profiles", "policy", "ranker", "rerankers", "recommendations"]
    places = [html.index(f"<h4>{step}</h4>") for step in steps]
    assert places == sorted(places)
    for text in (
        "not fitted",
        "frequent=7",
        "factors=8",
        "by=&#x27;category&#x27;",
        "cn-csrc-amac",
    ):
        assert text in html
    bank = st.data.simulate_bank(users=60, products=20, seed=3)
    html = pipeline_html(pipeline.clone().fit(bank))
    assert "fitted as of" in html
    assert "60 users, 20 products" in html
    assert not any(str(user) in html for user in bank.user_ids)


def test_a_diagram_of_next_to_nothing() -> None:
    html = pipeline_html(st.Pipeline(fallback=None))
    assert html.count("none") >= 3
    assert "no fallback" in html


def test_ids_are_shown_as_they_are() -> None:
    log = pd.DataFrame({"user_id": [12_345, 6_789], "product_id": [1_000, 2_000]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    recs = pipeline.fit(st.Dataset(None, None, log)).recommend(k=2)
    for html in (recs, recs.explain(12_345, 2_000), pipeline.trace(12_345)):
        assert "12345" in html._repr_html_()
        assert "2000" in html._repr_html_()


def test_long_lists_are_cut_and_say_so() -> None:
    log = pd.DataFrame({"user_id": range(12), "product_id": [f"<{n}>" for n in range(12)]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    html = pipeline.fit(st.Dataset(None, None, log)).recommend(k=11)._repr_html_()
    assert "The first 10 products of the first 10 users" in html
    assert html.count("<tr>") == 11
