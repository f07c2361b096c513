"""Lists of the hybrid through matrix products, beside `LightFM.predict` over the same pairs."""

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.runner import Row, paired, seconds

USERS, PRODUCTS, FACTORS, K = 1_000, 5_000, 64, 10
PURCHASES = 30_000
USER_FEATURES = ("segment", "risk_level", "age", "interests")
PRODUCT_FEATURES = ("category", "risk_level", "fee", "currency")
NOW = pd.Timestamp("2024-06-01")
TARGET = 1 / 20


def run() -> list[Row]:
    """Measure: both rank with the one model that was trained; the roof is the bare product."""
    size = f"top {K} of the hybrid, {USERS:,} x {PRODUCTS:,} x {FACTORS}, 4 features a side"
    try:
        module = importlib.import_module("lightfm")
    except ImportError as error:
        return [Row(size, None, 0.0, "s", None, f"SKIPPED: {error}")]
    trained: list[tuple[Any, Any, Any]] = []
    train = module.LightFM.fit

    def remember(model: Any, interactions: Any, **given: Any) -> Any:
        trained.append((model, given["user_features"], given["item_features"]))
        return train(model, interactions, **given)

    module.LightFM.fit = remember
    try:
        pipeline = _pipeline().fit(_data(), as_of=NOW)
    finally:
        module.LightFM.fit = train
    [(model, users, products)] = trained
    pairs = np.divmod(np.arange(USERS * PRODUCTS, dtype=np.int32), np.int32(PRODUCTS))

    def ours() -> pd.DataFrame:
        return pipeline.recommend(k=K, exclude_owned=False).to_frame()

    def peer() -> np.ndarray:
        scores = model.predict(*pairs, products, users, num_threads=2).reshape(USERS, PRODUCTS)
        first = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        best = np.take_along_axis(scores, first, axis=1)
        return np.take_along_axis(first, np.argsort(-best, axis=1, kind="stable"), axis=1)

    same = _same_order(ours(), peer(), model, products, users)
    note = f"peer: LightFM.predict, 2 threads, and argpartition; {same:.2%} of places the same"
    row = paired(size, ours, peer, f"{note}, others tied to 1e-5; target {TARGET}", rounds=3)
    scorer = pipeline.ranker.scorer(pipeline.user_ids)
    bare = min(seconds(lambda: scorer.users @ scorer.products.T) for _ in range(5))
    return [replace(row, roof=bare)]


def _same_order(frame: pd.DataFrame, lists: np.ndarray, model: Any, goods: Any, who: Any) -> float:
    """Give the share of places with the same product; elsewhere its score must be as good."""
    found = frame["product_id"].to_numpy().reshape(USERS, K)
    users = np.repeat(np.arange(USERS, dtype=np.int32), K)
    scores = [
        model.predict(users, np.ascontiguousarray(each, np.int32).ravel(), goods, who)
        for each in (found, lists)
    ]
    np.testing.assert_allclose(*scores, rtol=0, atol=1e-5, err_msg="the order differs")
    return float((found == lists).mean())


def _pipeline() -> st.Pipeline:
    ranker = st.ranking.LightFM(
        factors=FACTORS, epochs=3, user_features=USER_FEATURES, product_features=PRODUCT_FEATURES
    )
    return st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker)


def _data() -> st.Dataset:
    """Draw a bank in which every customer and product occurs, so that `predict` knows them all."""
    rng = np.random.default_rng(0)
    interests = np.array(["saving", "shares", "bonds", "housing", "travel"], object)
    users = pd.DataFrame(
        {
            "user_id": np.arange(USERS),
            "segment": rng.choice(["mass", "affluent", "private"], USERS, p=[0.8, 0.15, 0.05]),
            "risk_level": rng.choice(["C1", "C2", "C3", "C4", "C5"], USERS),
            "age": rng.integers(18, 90, USERS),
            "interests": [list(rng.choice(interests, 2, replace=False)) for _ in range(USERS)],
        }
    )
    products = pd.DataFrame(
        {
            "product_id": np.arange(PRODUCTS),
            "category": rng.choice([f"category {i}" for i in range(12)], PRODUCTS),
            "risk_level": rng.choice(["R1", "R2", "R3", "R4", "R5"], PRODUCTS),
            "fee": rng.gamma(2, 0.5, PRODUCTS),
            "currency": rng.choice(["EUR", "USD", "CNY"], PRODUCTS),
        }
    )
    buyers = np.append(np.arange(PURCHASES - PRODUCTS) % USERS, rng.integers(0, USERS, PRODUCTS))
    bought = np.append(rng.zipf(1.3, PURCHASES - PRODUCTS) % PRODUCTS, np.arange(PRODUCTS))
    log = pd.DataFrame({"user_id": buyers, "product_id": bought})
    log["timestamp"] = NOW - pd.to_timedelta(rng.integers(1, 300, PURCHASES), "D")
    return st.Dataset(users, products, log)
