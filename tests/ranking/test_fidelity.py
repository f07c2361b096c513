"""Reasons from history are why: without the one named first, the score falls further.

For every user three newcomers are folded in: one with the same history, one without the product
named first, one without another product of it, drawn at random.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.ranking import ALS, BPR, EASE, IALS, Blend, Explore, ItemKNN, LogisticMF, Spectral
from suitably.ranking.contributions import AskedPair, contributions
from suitably.ranking.protocol import AskedUsers
from suitably.testing.ranker import scores_of

RANKERS = {
    "ItemKNN": ItemKNN(),
    "EASE": EASE(),
    "Spectral": Spectral(),
    "ALS": ALS(factors=16, iterations=5),
    "IALS": IALS(factors=16, iterations=8),
    "BPR": BPR(factors=8),
    "LogisticMF": LogisticMF(factors=8),
    "Blend": Blend([EASE(), ItemKNN(), IALS(factors=8, iterations=4)], weights=[2, 1, 1]),
    "Explore": Explore(EASE()),
}
LEAST_USERS = 200


@pytest.fixture(scope="module")
def bank() -> tuple[suitably.Dataset, pd.DataFrame]:
    data = suitably.data.simulate_bank(users=800, products=80, seed=3)
    log = pd.DataFrame({"user_id": data.interactions["user_id"],
                        "product_id": data.interactions["product_id"]})  # fmt: skip
    log = log.drop_duplicates()
    return suitably.Dataset(None, None, log), log


@pytest.mark.parametrize("name", RANKERS)
def test_without_the_reason_named_first(name: str, bank: Any) -> None:
    data, log = bank
    pipeline = suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=RANKERS[name])
    pipeline.fit(data)
    lists = pipeline.recommend(k=1).to_frame()
    history = log.groupby("user_id")["product_id"].agg(list)
    rng, asked, newcomers = np.random.default_rng(0), [], []
    ids, products = pipeline._fitted().state.users.ids, pipeline._fitted().state.products.ids
    places = zip(lists["user_id"], ids.codes(lists["user_id"].to_numpy()),
                 products.codes(lists["product_id"].to_numpy()), strict=True)  # fmt: skip
    for user, row, product in places:
        one = AskedUsers(ids, np.array([row]))
        made = contributions(pipeline.ranker_, AskedPair(one, int(product), lambda: None))
        if made is None or len(made.products) < 3:
            continue
        first = int(made.by_product.argmax())
        if made.by_product[first] <= 0:
            continue
        past = products.values[made.products]
        other = past[rng.choice(np.delete(np.arange(len(past)), first))]
        asked.append((user, product))
        for kind, left_out in (("all", None), ("first", past[first]), ("other", other)):
            kept = [one for one in history[user] if one != left_out]
            newcomers += [(f"{user}/{kind}", one) for one in kept]
    assert len(asked) >= LEAST_USERS
    pipeline.update(interactions=pd.DataFrame(newcomers, columns=["user_id", "product_id"]))
    columns = np.array([product for _, product in asked])

    def scores(kind: str) -> Any:
        names = np.array([f"{user}{kind}" for user, _ in asked], object)
        block = scores_of(pipeline.ranker_.scorer(names))
        return block[np.arange(len(columns)), columns].astype(float)

    assert scores("/all") == pytest.approx(scores(""), rel=1e-4, abs=1e-6)
    with_first, with_other = scores("/all") - scores("/first"), scores("/all") - scores("/other")
    gain = with_first - with_other
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() > 10 * error  # far from a draw
    assert (gain > 0).mean() > 0.8
    assert with_first.mean() > 1.5 * with_other.mean()
