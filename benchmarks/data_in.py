"""A checked, time-ordered dataset, its view as of a moment, and a first profile from it."""

import numpy as np
import pandas as pd

from benchmarks.runner import Row, paired
from suitably.data import Dataset
from suitably.profiles import RecencyFrequencyValue

USERS, PRODUCTS, EVENTS = 200_000, 1_000, 2_000_000
AS_OF = pd.Timestamp("2024-01-01")


def frames(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    users = pd.DataFrame(
        {
            "user_id": np.arange(USERS),
            "risk_level": rng.choice(["C1", "C2", "C3", "C4", "C5"], USERS),
            "annual_income": rng.lognormal(10, 1, USERS),
        }
    )
    products = pd.DataFrame(
        {
            "product_id": [f"P{i:05}" for i in range(PRODUCTS)],
            "risk_level": rng.choice(["R1", "R2", "R3", "R4", "R5"], PRODUCTS),
        }
    )
    moments = np.datetime64("2022-01-01", "us") + rng.integers(0, 3 * 365 * 86_400, EVENTS).astype(
        "timedelta64[s]"
    )
    log = pd.DataFrame(
        {
            "user_id": rng.integers(0, USERS, EVENTS),
            "product_id": products.product_id.to_numpy()[rng.integers(0, PRODUCTS, EVENTS)],
            "timestamp": moments,
            "value": np.round(rng.lognormal(6, 1, EVENTS), 2),
        }
    )
    return users, products, log


def by_hand(users: pd.DataFrame, products: pd.DataFrame, log: pd.DataFrame) -> pd.DataFrame:
    """Do what a careful script does with pandas: the same checks, then order by time."""
    for frame, key in ((users, "user_id"), (products, "product_id")):
        if frame[key].isna().any() or frame[key].duplicated().any():
            raise ValueError(key)
        numbers = frame.select_dtypes("number").to_numpy()
        if np.isinf(numbers).any():
            raise ValueError(key)
    if log.isna().any().any() or not np.isfinite(log.value).all():
        raise ValueError("missing or infinite")
    if not log.user_id.isin(users.user_id).all():
        raise ValueError("unknown user")
    if not log.product_id.isin(products.product_id).all():
        raise ValueError("unknown product")
    if (log.timestamp > pd.Timestamp.now()).any():
        raise ValueError("in the future")
    codes = log.assign(
        user=pd.Index(users.user_id).get_indexer(log.user_id),
        product=pd.Index(products.product_id).get_indexer(log.product_id),
    )
    return codes.sort_values("timestamp", kind="stable")


def aggregated(ordered: pd.DataFrame) -> pd.DataFrame:
    seen = ordered[ordered.timestamp < AS_OF]
    found = seen.groupby("user").agg(
        last=("timestamp", "max"), frequency=("timestamp", "size"), monetary=("value", "sum")
    )
    found["recency_days"] = (AS_OF - found["last"]).dt.total_seconds() / 86_400
    return found.reindex(range(USERS))


def run() -> list[Row]:
    users, products, log = frames()
    data, ordered = Dataset(users, products, log), by_hand(users, products, log)
    size = f"{EVENTS / 1e6:g} million events"
    middle = ordered.timestamp.iloc[len(ordered) // 2]
    builder = RecencyFrequencyValue()
    view = data.view(AS_OF)
    return [
        paired(
            f"Dataset: {size}, {USERS:,} users",
            lambda: Dataset(users, products, log),
            lambda: by_hand(users, products, log),
            "pandas script with the same checks, codes and order",
        ),
        paired(
            f"view as of the middle of {size}",
            lambda: data.view(middle),
            lambda: ordered[ordered.timestamp < middle],
            "pandas boolean filter of the ordered frame",
        ),
        paired(
            f"recency, frequency, value as of a moment: {size}",
            lambda: builder.finalise(builder.accumulate(data.view(AS_OF)), view.as_of),
            lambda: aggregated(ordered),
            "pandas filter and groupby, without segments",
        ),
    ]
