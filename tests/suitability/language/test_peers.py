"""A product among its peers, against a count by hand over the catalogue."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

import suitably as st

TEXT = """
[policy]
id = "p"
[[rules]]
id = "cheapest"
require = "product.cost <= cheapest(product.cost, by=product.group)"
[[rules]]
id = "among"
require = "rank_within(product.cost, by = product.group) <= user.most"
"""

rows = hs.lists(
    hs.tuples(
        hs.sampled_from([None, 0.0, 0.1, 0.2, 1e308, -1.0]), hs.sampled_from([None, "a", "b", ""])
    ),
    min_size=1,
    max_size=12,
)


def by_hand(products: list[tuple[float | None, str | None]], most: int) -> list[list[str]]:
    said = []
    for cost, group in products:
        peers = [c for c, g in products if g is not None and g == group and c is not None]
        if cost is None or group is None:
            said.append(["unknown", "unknown"])
            continue
        rank = 1 + sum(peer < cost for peer in peers)
        said.append(["pass" if cost <= min(peers) else "fail", "pass" if rank <= most else "fail"])
    return said


def frame(products: list[tuple[float | None, str | None]]) -> pd.DataFrame:
    costs = pd.array([c for c, _ in products], "Float64")
    return pd.DataFrame(
        {"product_id": range(len(products)), "cost": costs, "group": [g for _, g in products]}
    )


@settings(max_examples=100, deadline=None)
@given(products=rows, most=hs.integers(0, 4))
def test_as_counted_by_hand(products: list[Any], most: int) -> None:
    users = pd.DataFrame({"user_id": ["u"], "most": [most]})
    right = by_hand(products, most)
    found = st.Policy.from_toml(TEXT).evaluate(users, frame(products), "2024-01-01")
    said = [[v.verdict for v in found.verdicts("u", p)] for p in range(len(products))]
    assert said == right
    mask = [all(v == "pass" for v in verdicts) for verdicts in right]
    assert found.mask()[0].tolist() == mask
    assert found.judge({"most": most}).tolist() == mask


def test_the_catalogue_as_of_the_moment() -> None:
    """A product that is not yet on sale is nobody's peer; `product_ids` does not narrow peers."""
    products = pd.DataFrame(
        {"product_id": ["a", "b", "c"], "cost": [2.0, 1.0, 3.0], "group": "g",
         "product_timestamp": pd.to_datetime(["2024-01-01", "2024-06-01", "2024-01-01"])}
    )  # fmt: skip
    users = pd.DataFrame({"user_id": ["u"], "most": [9],
                          "user_timestamp": pd.to_datetime(["2023-01-01"])})  # fmt: skip
    policy = st.Policy.from_toml(TEXT)
    assert policy.evaluate(users, products, "2024-03-01").mask().tolist() == [[True, False]]
    assert policy.evaluate(users, products, "2024-07-01").mask().tolist() == [[False, True, False]]
    log = pd.DataFrame({"user_id": ["u"], "product_id": ["a"], "value": [1.0],
                        "timestamp": pd.to_datetime(["2024-02-01"])})  # fmt: skip
    pipeline = st.Pipeline(profiles=[], policy=policy, ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(users, products, log), "2024-07-01")
    recs = pipeline.recommend(exclude_owned=False, product_ids=["a"])
    assert len(recs.to_frame()) == 0
    pipeline.update(products=products.iloc[[1]].assign(
        cost=5.0, product_timestamp=pd.Timestamp("2024-07-02")))  # fmt: skip
    assert pipeline.recommend(exclude_owned=False).to_frame()["product_id"].tolist() == ["a"]


def test_evidence_names_it() -> None:
    users = pd.DataFrame({"user_id": ["u"], "most": [1]})
    found = st.Policy.from_toml(TEXT).evaluate(users, frame([(2.0, "a"), (1.0, "a")]), "2024-01-01")
    first, _ = found.verdicts("u", 0)
    assert first.inputs == {"product.cost": 2.0, "product.cheapest(cost, by=group)": 1.0}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("cheapest(product.cost)", "takes by= by name"),
        ("cheapest(product.cost, product.group)", "takes by= by name"),
        ("cheapest(product.cost, on=product.group)", "takes by= by name"),
        ("cheapest(user.cost, by=product.group)", "fields of the product"),
        ("cheapest(product.cost + 1, by=product.group)", "fields of the product"),
        ("min(product.cost, by=product.group)", "without names"),
    ],
)
def test_no_sentence(call: str, words: str) -> None:
    with pytest.raises(st.PolicyError, match=rf"line 1, column \d+: .*{words}"):
        st.Policy.from_toml(f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{call} > 1"')


@pytest.mark.parametrize(
    ("columns", "words"),
    [({"group": "a"}, "no field product.cost"), ({"cost": 1.0}, "no field product.group"),
     ({"cost": "dear", "group": "a"}, "takes numbers, but product.cost holds text")],
)  # fmt: skip
def test_fields_that_do_not_serve(columns: dict[str, Any], words: str) -> None:
    products = pd.DataFrame({"product_id": ["x"], **columns})
    users = pd.DataFrame({"user_id": ["u"], "most": [1]})
    text = TEXT[: TEXT.index("[[rules]]")] + "[[rules]]\nid = 'r'\n"
    text += "require = 'cheapest(product.cost, by=product.group) > 0'"
    with pytest.raises(st.PolicyError, match=words):
        st.Policy.from_toml(text).evaluate(users, products, "2024-01-01")


def test_many_products() -> None:
    rng = np.random.default_rng(0)
    count = 20_000
    products = pd.DataFrame({"product_id": range(count), "cost": rng.integers(0, 500, count),
                             "group": rng.integers(0, 300, count)})  # fmt: skip
    users = pd.DataFrame({"user_id": ["u"], "most": [3]})
    found = st.Policy.from_toml(TEXT).evaluate(users, products, "2024-01-01").mask()[0]
    grouped = products.groupby("group")["cost"]
    right = (products["cost"] <= grouped.transform("min")) & (grouped.rank("min") <= 3)
    assert found.tolist() == right.tolist()


def test_a_group_of_nothing_is_one_whatever_its_sign() -> None:
    products = pa.table({"product_id": ["a", "b"], "cost": [2.0, 1.0], "kind": [0.0, -0.0]})
    require = "cheapest(product.cost, by = product.kind) == 1"
    text = f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{require}"\n'
    found = st.Policy.from_toml(text).evaluate(pa.table({"user_id": ["u"]}), products, "2026-01-01")
    assert found.mask().all()
