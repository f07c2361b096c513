"""Lists drawn up step by step, against buying product after product and asking again."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

import suitably as st

NOW = datetime(2024, 3, 31)
RULES = """
[policy]
id = "p"
[scales]
product = ["R1", "R2", "R3"]
[fields]
"product.risk_level" = "product"
[[rules]]
id = "concentration"
require = "held(product.issuer) + amount <= 100"
[[rules]]
id = "risk"
require = "portfolio_risk() <= 2"
[[rules]]
id = "yearly"
require = "bought(product.issuer, months(12)) + amount <= 90"
"""
PRODUCTS = pd.DataFrame(
    {
        "product_id": list("abcdef"),
        "issuer": ["X", "X", "Y", "Y", "Z", "Z"],
        "risk_level": ["R3", "R1", "R2", "R1", "R3", "R1"],
        "min_amount": [10.0, 20.0, 30.0, 10.0, 60.0, 10.0],
    }
)


def log_of(rows: list[tuple[str, str, float, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "product_id", "value", "days"])
    frame["timestamp"] = [NOW - timedelta(days=day) for day in frame.pop("days")]
    return frame


def fitted(rows: list[tuple[str, str, float, int]]) -> st.Pipeline:
    users = pd.DataFrame({"user_id": ["u", "v", "w"]})
    # The one who sets the order of popularity; what counts of u and v is their own.
    seed = [("w", p, 1.0, 600) for place, p in enumerate("abcdef") for _ in range(6 - place)]
    pipeline = st.Pipeline(
        profiles=[], policy=st.Policy.from_toml(RULES), ranker=st.ranking.Popularity()
    )
    return pipeline.fit(st.Dataset(users, PRODUCTS, log_of([*seed, *rows])), NOW)


def listed(frame: Any, user: str) -> list[str]:
    return list(frame.loc[frame["user_id"] == user, "product_id"])


bought = hs.lists(
    hs.tuples(hs.sampled_from("uv"), hs.sampled_from("abcdef"), hs.sampled_from([5.0, 40.0, 75.0]),
              hs.sampled_from([10, 400])),
    max_size=4,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(rows=bought, amount=hs.sampled_from([None, 5.0, 35.0]))
def test_as_if_bought_one_after_the_other(rows: list[Any], amount: float | None) -> None:
    pipeline = fitted(rows)
    found = pipeline.recommend(["u", "v"], k=4, amount=amount, stepwise=True)
    least = dict(zip(PRODUCTS["product_id"], PRODUCTS["min_amount"], strict=True))
    for user in "uv":
        mine, steps = list(rows), []
        for _ in range(4):
            again = fitted(mine).recommend([user], k=6, amount=amount).to_frame()
            # Popularity moves with each purchase; the first pipeline's order is that of the list.
            free = pipeline.under(st.Policy.unrestricted())
            order = listed(free.recommend([user], k=6, exclude_owned=False).to_frame(), user)
            left = [p for p in order if p in listed(again, user) and p not in steps]
            if not left:
                break
            steps.append(left[0])
            mine.append((user, left[0], max(amount or 0.0, least[left[0]]), 0.00001))  # type: ignore[arg-type]
        assert listed(found.to_frame(), user) == steps


def test_reasons_are_those_of_the_last_step() -> None:
    pipeline = fitted([])
    plain = pipeline.recommend(["u"], k=6, amount=40)
    steps = pipeline.recommend(["u"], k=6, amount=40, stepwise=True)
    assert listed(plain.to_frame(), "u") == ["b", "c", "d", "f"]
    assert listed(steps.to_frame(), "u") == ["b", "a", "c", "d", "f"]  # b makes room for a
    short = steps.abstentions()
    assert set(short["reason"]) & {"concentration", "yearly", "risk"}
    assert steps.explain("u", listed(steps.to_frame(), "u")[0]).rank == 1
    free = pipeline.under(st.Policy.unrestricted()).recommend(["u"], exclude_owned=False)
    scores = free.to_frame().set_index("product_id")["score"]
    for row in steps.to_frame().itertuples():
        assert row.score == scores[row.product_id]


def test_unknown_users_and_no_rules_of_money() -> None:
    pipeline = fitted([])
    frame = pipeline.recommend(["u", "nobody"], k=2, stepwise=True)
    assert set(frame.abstentions()["reason"]) >= {"unknown-user"}
    free = pipeline.under(st.Policy.unrestricted())
    plain, steps = (free.recommend(k=3, stepwise=s).to_frame() for s in (False, True))
    pd.testing.assert_frame_equal(plain, steps)


@pytest.mark.parametrize("k", [1, 50])
def test_any_length(k: int) -> None:
    frame = fitted([]).recommend(["u"], k=k, stepwise=True).to_frame()
    assert frame["rank"].tolist() == list(range(1, len(frame) + 1))
