"""What one would write by hand in pandas for three of the builders; kinds are categorical."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.profiles.log import AS_OF

__all__ = ["TWINS"]

NOW = pd.Timestamp(AS_OF)


def rfv(log: Any, products: Any, users: Any) -> Any:
    traded = log[log.event.isin(["buy", "sell"])]
    bought = traded[traded.event == "buy"].groupby("user_id")
    signed = traded.value.where(traded.event == "buy", -traded.value)
    found = pd.DataFrame({"monetary": signed.groupby(traded.user_id).sum()})
    found["frequency"] = bought.size()
    found["frequency"] = found.frequency.fillna(0).astype(int)
    found["recency_days"] = (NOW - bought.timestamp.max()) // pd.Timedelta("1ms") / 86_400_000
    active, strong = found.recency_days <= 180, found.frequency >= 3
    found["rfv_segment"] = np.select(
        [found.frequency == 0, active & strong, active, strong],
        ["none", "loyal", "occasional", "at-risk"],
        "lapsed",
    )
    return found.reset_index()


def lifetime_days(log: Any, products: Any, users: Any) -> Any:
    traded = log[log.event.isin(["buy", "sell"])]
    is_buy = traded.event == "buy"
    rows = pd.DataFrame(
        {
            "user_id": traded.user_id,
            "day": traded.timestamp.dt.floor("D"),
            "net": traded.value.where(is_buy, -traded.value),
            "bought": is_buy,
        }
    )
    days = rows.groupby(["user_id", "day"]).agg({"net": "sum", "bought": "any"}).reset_index()
    paid = days[days.bought & (days.net.round(6) > 0)].groupby("user_id")
    span = paid.day.agg(["min", "max"])
    number = paid.size()
    found = pd.DataFrame(
        {
            "frequency": number - 1,
            "recency": (span["max"] - span["min"]).dt.days,
            "age": (NOW - span["min"]).dt.days,
            "mean": (paid.net.sum() - paid.net.first()) / (number - 1),
        }
    )
    return found.reset_index()


def tier(log: Any, products: Any, users: Any) -> Any:
    traded = log[log.event.isin(["buy", "sell"])]
    signed = traded.value.where(traded.event == "buy", -traded.value)
    pairs = signed.groupby([traded.user_id, traded.product_id]).sum()
    held = pairs.clip(lower=0).groupby(level=0).sum()
    total = users.financial_assets + held.reindex(users.user_id).fillna(0).to_numpy()
    level = np.select([total >= 1_000_000, total >= 100_000], ["private", "premium"], "standard")
    return pd.DataFrame({"user_id": users.user_id, "tier": level})


TWINS = {"RecencyFrequencyValue": rfv, "LifetimeValue, days": lifetime_days, "Tier": tier}
