"""What one would write by hand in pandas for the fields of each builder.

Each takes the log, with kinds and channels as categories, and the other two frames, and returns a
row per user that it met. Maps and lists stay as pandas has them, long: of these there is a second
answer, series by field, whose index is of users and keys.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.profiles.log import AS_OF

__all__ = ["TWINS"]

NOW, DAY = pd.Timestamp(AS_OF), pd.Timedelta("1D")
SPAN = 30 * 86_400_000_000


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


def lifecycle(log: Any, products: Any, users: Any) -> Any:
    """Tell the stages, and not since when they have lasted."""
    bought = log[(log.event == "buy") & ~(log.value < 0)]
    ago = _active_days(bought)
    by = ago.groupby(level=0)
    first, last = by.max(), by.min()
    recent = (ago < 180).groupby(level=0).sum()
    before = ((ago >= 180) & (ago < 360)).groupby(level=0).sum()
    stage = np.select(
        [
            last >= 365,
            first < 90,
            (recent == 0) | ((before > 0) & (recent <= 0.5 * before)),
            (recent >= 2) & (recent >= 1.5 * before),
        ],
        ["lapsed", "newcomer", "decline", "growth"],
        "mature",
    )
    return pd.DataFrame({"user_id": first.index, "lifecycle_stage": stage})


def holdings(log: Any, products: Any, users: Any) -> Any:
    words = ["issuer", "category", "risk_level"]
    shelf = products.astype(dict.fromkeys(words, "category"))
    held = _held(log).rename("money").reset_index().merge(shelf, on="product_id")
    parts = pd.DataFrame(
        {
            "money": held.money,
            "square": held.money**2,
            "months": held.money * held.term_months,
            "days": held.money * held.liquidity_days,
        }
    ).groupby(held.user_id)
    sums = parts.sum()
    found = pd.DataFrame(
        {
            "held_value": sums.money,
            "held_products": parts.size(),
            "concentration": sums.square / sums.money**2,
            "held_horizon_months": sums.months / sums.money,
            "held_liquidity_days": sums.days / sums.money,
        }
    )
    fields = ("exposure", "class_exposure", "risk_exposure")
    maps = {f: _shares(held, c, held.money) for f, c in zip(fields, words, strict=True)}
    return found.reset_index(), maps


def preferences(log: Any, products: Any, users: Any) -> Any:
    fee, term = products.groupby("category").fee_rate, products.term_months
    length = np.select([term <= 12, term <= 60], ["short", "medium"], "long")
    shelf = pd.DataFrame(
        {
            "product_id": products.product_id,
            "category": products.category.astype("category"),
            "length": pd.Categorical(length),
            "cheap": (fee.transform("mean") - products.fee_rate) / fee.transform("std", ddof=0),
        }
    )
    rows = log[log.event == "buy"].merge(shelf, on="product_id")
    period = rows.timestamp.astype("datetime64[us]").astype("int64") // SPAN
    age = 30 * (period.groupby(rows.user_id).transform("max") - period)
    weight = 2.0 ** (-age / 365)
    firsts = weight.groupby([rows.user_id, rows.product_id]).agg(["min", "size"])
    new = firsts.groupby(level=0).agg(
        new=("min", "sum"), least=("min", "min"), things=("min", "size"), times=("size", "sum")
    )
    parts = pd.DataFrame(
        {"every": weight, "cheap": weight * rows.cheap, "ticket": weight * rows.value}
    )
    sums = parts.groupby(rows.user_id).sum()
    share = ((new.new - new.least) / (sums.every - new.least)).clip(0, 1)
    found = pd.DataFrame(
        {
            "fee_sensitivity": sums.cheap / sums.every,
            "ticket_size": sums.ticket / sums.every,
            "novelty_appetite": share.mask(new.things == 1, 0.0).where(new.times > 1),
        }
    )
    columns = {"category": "category", "acquisition_channel": "channel", "term": "length"}
    maps = {f"{field}_share": _shares(rows, column, weight) for field, column in columns.items()}
    return found.reset_index(), maps


def activity(log: Any, products: Any, users: Any) -> Any:
    own = log[log.event != "letter"]
    recent = own[own.timestamp >= NOW - 30 * DAY].sort_values(["user_id", "timestamp"])
    begins = recent.user_id != recent.user_id.shift()
    begins |= recent.timestamp.diff() > pd.Timedelta("30min")
    days = _days(recent)
    letters = log[log.event == "letter"]
    found = pd.DataFrame(index=pd.Index(np.sort(log.user_id.unique()), name="user_id"))
    counts = {
        "sessions_30d": begins.groupby(recent.user_id).sum(),
        "active_days_30d": days.groupby("user_id").size(),
    }
    for span in (7, 30):
        late = letters.timestamp >= NOW - span * DAY
        counts[f"contacts_{span}d"] = late.groupby(letters.user_id).sum()
    for field, count in counts.items():
        found[field] = count.reindex(found.index, fill_value=0)
    quarter = (own.timestamp.dt.hour // 6).to_numpy()
    parts = ["night", "morning", "afternoon", "evening"]
    part = own.assign(part=pd.Categorical.from_codes(quarter, parts))
    found["main_daypart"] = _commonest(part, "part")
    found["main_channel"] = _commonest(own, "channel")
    found["last_contact"] = letters.groupby("user_id").timestamp.max()
    reached = _stages(log)
    stage = np.select([reached.bought.notna(), reached.asked.notna()], ["bought", "asked"], "seen")
    found["funnel_stage"] = pd.Series(stage, reached.index)
    found["funnel_stage_date"] = reached.bought.fillna(reached.asked).fillna(reached.seen)
    ones = pd.Series(1.0, own.index)
    return found.reset_index(), {"channel_share": _shares(own, "channel", ones)}


def tags(log: Any, products: Any, users: Any) -> Any:
    added, removed = (
        log[log.event == kind].groupby(["user_id", "tag"]).timestamp.max()
        for kind in ("tag_added", "tag_removed")
    )
    removed = removed.reindex(added.index)
    kept = added[removed.isna() | (added > removed)]
    return pd.DataFrame({"user_id": kept.index.get_level_values(0).unique()}), {"tags": kept}


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


def churn_features(log: Any, products: Any, users: Any) -> Any:
    ago = _active_days(log[log.event == "buy"])
    by = ago.groupby(level=0)
    silent, often = np.log1p(by.min() / 180), np.log(by.size())
    recent = [np.log1p((ago <= 180 * times).groupby(level=0).sum()) for times in (1, 2)]
    columns = [silent, silent**2, np.log1p(by.max() / 180), often, *recent, often * silent]
    return pd.DataFrame({f"f{n}": column for n, column in enumerate(columns)}).reset_index()


def tier(log: Any, products: Any, users: Any) -> Any:
    held = _held(log).groupby(level=0).sum()
    total = users.financial_assets + held.reindex(users.user_id).fillna(0).to_numpy()
    level = np.select([total >= 1_000_000, total >= 100_000], ["private", "premium"], "standard")
    return pd.DataFrame({"user_id": users.user_id, "tier": level})


def funnel(log: Any, products: Any, users: Any) -> Any:
    found = _stages(log)
    names = ["seen", "asked", "bought"]
    waits = [(found[later] - found[earlier]).median() / DAY for earlier, later in pairwise(names)]
    return pd.DataFrame(
        {"stage": names, "users": found[names].count().to_numpy(), "median_days": [None, *waits]}
    )


def cohorts(log: Any, products: Any, users: Any) -> Any:
    bought = log[log.event == "buy"]
    month = (bought.timestamp.dt.year * 12 + bought.timestamp.dt.month).rename("month")
    monthly = bought.value.groupby([bought.user_id, month]).sum().reset_index()
    monthly["cohort"] = monthly.groupby("user_id").month.transform("min")
    monthly["period"] = monthly.month - monthly.cohort
    by = monthly.groupby(["cohort", "period"]).value
    table = by.agg(users="size", revenue="sum").reset_index()
    year, month = np.divmod(table.cohort - 1, 12)
    return table.assign(cohort=pd.to_datetime({"year": year, "month": month + 1, "day": 1}))


TWINS = {
    "RecencyFrequencyValue": rfv,
    "Lifecycle": lifecycle,
    "Holdings": holdings,
    "Preferences": preferences,
    "Activity": activity,
    "Tier": tier,
    "Tags": tags,
    "LifetimeValue, days": lifetime_days,
    "Churn, features": churn_features,
    "funnel": funnel,
    "cohorts": cohorts,
}


def _held(log: Any) -> Any:
    """Return what is held in money: a series by user and product."""
    traded = log[log.event.isin(["buy", "sell"])]
    signed = traded.value.where(traded.event == "buy", -traded.value)
    money = signed.groupby([traded.user_id, traded.product_id]).sum()
    return money[money.round(6) > 0]


def _days(rows: Any) -> Any:
    """Return the days on which each user was there, once each."""
    days = pd.DataFrame({"user_id": rows.user_id, "day": rows.timestamp.dt.floor("D")})
    return days.drop_duplicates()


def _active_days(rows: Any) -> Any:
    """Return how many days ago each user was there: a series by user."""
    days = _days(rows)
    return pd.Series((NOW - days.day).dt.days.to_numpy(), pd.Index(days.user_id))


def _shares(rows: Any, column: str, weight: Any) -> Any:
    sums = weight.groupby([rows.user_id, rows[column]], observed=True).sum()
    return sums / sums.groupby(level=0).transform("sum")


def _commonest(rows: Any, column: str) -> Any:
    """Return the commonest; of several, the one met last."""
    times = rows.groupby(["user_id", column], observed=True).timestamp
    tally = times.agg(["size", "max"]).reset_index().sort_values(["size", "max"])
    return tally.drop_duplicates("user_id", keep="last").set_index("user_id")[column]


def _stages(log: Any) -> Any:
    """Return when each stage was reached, having reached those before it."""
    rows = log.loc[log.event.isin(["view", "ask", "buy"]), ["user_id", "timestamp", "event"]]
    found = rows[rows.event == "view"].groupby("user_id").timestamp.min().to_frame("seen")
    for kind, before, name in (("ask", "seen", "asked"), ("buy", "asked", "bought")):
        later = rows[rows.event == kind]
        later = later[later.user_id.map(found[before]) <= later.timestamp]
        found[name] = later.groupby("user_id").timestamp.min()
    return found
