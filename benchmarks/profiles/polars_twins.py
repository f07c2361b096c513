"""What one would write by hand in polars for the fields of each builder.

Each takes the log, with kinds and channels as `pl.Enum`, and the other two frames, and returns a
row per user that it met. Maps are two lists: their keys, and under the name with `.share` the rest.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from benchmarks.profiles.log import AS_OF

__all__ = ["TWINS"]

NOW = datetime.fromisoformat(AS_OF)
USER, TIME, VALUE, KIND = "user_id", pl.col("timestamp"), pl.col("value"), pl.col("event")
BOUGHT, SIGNED = KIND == "buy", pl.when(KIND == "buy").then(VALUE).otherwise(-VALUE)
SPAN = 30 * 86_400_000_000


def rfv(log: Any, products: Any, users: Any) -> Any:
    traded = log.lazy().filter(KIND.is_in(["buy", "sell"])).group_by(USER)
    found = traded.agg(
        frequency=BOUGHT.sum(), last=TIME.filter(BOUGHT).max(), monetary=SIGNED.sum()
    ).with_columns(recency_days=(NOW - pl.col("last")).dt.total_milliseconds() / 86_400_000)
    active, strong = pl.col("recency_days") <= 180, pl.col("frequency") >= 3
    segment = (
        pl.when(pl.col("frequency") == 0).then(pl.lit("none"))
        .when(active & strong).then(pl.lit("loyal"))
        .when(active).then(pl.lit("occasional"))
        .when(strong).then(pl.lit("at-risk"))
        .otherwise(pl.lit("lapsed"))
    )  # fmt: skip
    return found.with_columns(rfv_segment=segment).drop("last").collect()


def lifecycle(log: Any, products: Any, users: Any) -> Any:
    """Tell the stages, and not since when they have lasted."""
    days = log.lazy().filter(BOUGHT & ~(VALUE < 0)).select(USER, day=TIME.dt.date()).unique()
    ago = (pl.lit(NOW.date()) - pl.col("day")).dt.total_days()
    found = days.group_by(USER).agg(
        first=ago.max(), last=ago.min(),
        recent=(ago < 180).sum(), before=((ago >= 180) & (ago < 360)).sum(),
    )  # fmt: skip
    first, last, recent, before = map(pl.col, ("first", "last", "recent", "before"))
    stage = (
        pl.when(last >= 365).then(pl.lit("lapsed"))
        .when(first < 90).then(pl.lit("newcomer"))
        .when((recent == 0) | ((before > 0) & (recent <= 0.5 * before))).then(pl.lit("decline"))
        .when((recent >= 2) & (recent >= 1.5 * before)).then(pl.lit("growth"))
        .otherwise(pl.lit("mature"))
    )  # fmt: skip
    return found.select(USER, lifecycle_stage=stage).collect()


def holdings(log: Any, products: Any, users: Any) -> Any:
    held = _held(log).join(products.lazy(), on="product_id").collect()
    money, total = pl.col("money"), pl.col("money").sum()
    found = held.group_by(USER).agg(
        held_value=total,
        held_products=pl.len(),
        concentration=(money**2).sum() / total**2,
        held_horizon_months=(money * pl.col("term_months")).sum() / total,
        held_liquidity_days=(money * pl.col("liquidity_days")).sum() / total,
    )
    maps = {"exposure": "issuer", "class_exposure": "category", "risk_exposure": "risk_level"}
    for field, column in maps.items():
        found = found.join(_shares(held, column, money, field), on=USER)
    return found


def preferences(log: Any, products: Any, users: Any) -> Any:
    fee, term = pl.col("fee_rate"), pl.col("term_months")
    length = pl.when(term <= 12).then(pl.lit("short")).when(term <= 60).then(pl.lit("medium"))
    cheap = (fee.mean() - fee).over("category") / fee.std(ddof=0).over("category")
    shelf = products.lazy().select(
        "product_id", "category", length=length.otherwise(pl.lit("long")), cheap=cheap
    )
    period = TIME.dt.epoch("us") // SPAN
    bought = log.lazy().filter(BOUGHT).with_columns(period=period).join(shelf, on="product_id")
    age = 30 * (pl.col("period").max().over(USER) - pl.col("period"))
    rows = bought.with_columns(weight=2.0 ** (-age / 365)).collect()
    weight = pl.col("weight")
    firsts = rows.group_by(USER, "product_id").agg(weight.min(), times=pl.len())
    new = firsts.group_by(USER).agg(
        new=weight.sum(), least=weight.min(), things=pl.len(), times=pl.col("times").sum()
    )
    found = rows.group_by(USER).agg(
        fee_sensitivity=(weight * pl.col("cheap")).sum() / weight.sum(),
        ticket_size=(weight * VALUE).sum() / weight.sum(),
        every=weight.sum(),
    )
    share = (pl.col("new") - pl.col("least")) / (pl.col("every") - pl.col("least"))
    appetite = pl.when(pl.col("things") == 1).then(0.0).otherwise(share.clip(0, 1))
    found = found.join(new, on=USER).with_columns(
        novelty_appetite=pl.when(pl.col("times") > 1).then(appetite)
    )
    columns = {"category": "category", "acquisition_channel": "channel", "term": "length"}
    for field, column in columns.items():
        found = found.join(_shares(rows, column, weight, f"{field}_share"), on=USER)
    return found.drop("every", "new", "least", "things", "times")


def activity(log: Any, products: Any, users: Any) -> Any:
    own = log.lazy().filter(KIND != "letter")
    recent = own.filter(NOW - timedelta(days=30) <= TIME).sort(USER, "timestamp")
    begins = (pl.col(USER) != pl.col(USER).shift()) | (TIME.diff() > timedelta(minutes=30))
    visits = recent.with_columns(begins=begins.fill_null(True)).group_by(USER).agg(
        sessions_30d=pl.col("begins").sum(), active_days_30d=TIME.dt.date().n_unique()
    )  # fmt: skip
    quarter = TIME.dt.hour() // 6
    part = own.with_columns(
        part=pl.when(quarter == 0).then(pl.lit("night")).when(quarter == 1)
        .then(pl.lit("morning")).when(quarter == 2).then(pl.lit("afternoon"))
        .otherwise(pl.lit("evening"))
    )  # fmt: skip
    channels = _shares(own.with_columns(one=pl.lit(1)), "channel", pl.col("one"), "channel_share")
    letters = log.lazy().filter(KIND == "letter").group_by(USER).agg(
        contacts_7d=(NOW - timedelta(days=7) <= TIME).sum(),
        contacts_30d=(NOW - timedelta(days=30) <= TIME).sum(),
        last_contact=TIME.max(),
    )  # fmt: skip
    asked = _stages(log)
    stage = (
        pl.when(pl.col("bought").is_not_null()).then(pl.lit("bought"))
        .when(pl.col("asked").is_not_null()).then(pl.lit("asked"))
        .otherwise(pl.lit("seen"))
    )  # fmt: skip
    reached = asked.select(
        USER, funnel_stage=stage, funnel_stage_date=pl.coalesce("bought", "asked", "seen")
    )
    parts = [visits, _commonest(part, "part", "main_daypart"), channels]
    parts += [_commonest(own, "channel", "main_channel"), letters, reached]
    found = log.lazy().select(USER).unique()
    for one in parts:
        found = found.join(one, on=USER, how="left")
    counts = ("sessions_30d", "active_days_30d", "contacts_7d", "contacts_30d")
    return found.with_columns(pl.col(counts).fill_null(0)).collect()


def tier(log: Any, products: Any, users: Any) -> Any:
    held = _held(log).group_by(USER).agg(pl.col("money").sum())
    total = pl.col("financial_assets") + pl.col("money").fill_null(0)
    level = (
        pl.when(total >= 1_000_000).then(pl.lit("private"))
        .when(total >= 100_000).then(pl.lit("premium"))
        .otherwise(pl.lit("standard"))
    )  # fmt: skip
    both = users.lazy().join(held, on=USER, how="left")
    return both.select(USER, tier=level).collect()


def tags(log: Any, products: Any, users: Any) -> Any:
    rows = log.lazy().filter(KIND.is_in(["tag_added", "tag_removed"])).group_by(USER, "tag").agg(
        added=TIME.filter(KIND == "tag_added").max(),
        removed=TIME.filter(KIND == "tag_removed").max(),
    )  # fmt: skip
    added, removed = pl.col("added"), pl.col("removed")
    kept = rows.filter(added.is_not_null() & (removed.is_null() | (added > removed)))
    return kept.group_by(USER).agg(tags=pl.col("tag").sort()).collect()


def lifetime_days(log: Any, products: Any, users: Any) -> Any:
    days = log.lazy().filter(KIND.is_in(["buy", "sell"])).group_by(
        USER, day=TIME.dt.date()
    ).agg(net=SIGNED.sum(), bought=BOUGHT.any())  # fmt: skip
    paid = days.filter(pl.col("bought") & (pl.col("net").round(6) > 0))
    day, net = pl.col("day"), pl.col("net")
    repeat = pl.len() > 1
    return paid.group_by(USER).agg(
        frequency=pl.len() - 1,
        recency=(day.max() - day.min()).dt.total_days(),
        age=(NOW.date() - day.min()).dt.total_days(),
        mean=pl.when(repeat).then((net.sum() - net.get(day.arg_min())) / (pl.len() - 1)),
    ).collect()  # fmt: skip


def churn_features(log: Any, products: Any, users: Any) -> Any:
    days = log.lazy().filter(BOUGHT).select(USER, day=TIME.dt.date()).unique()
    ago = (pl.lit(NOW.date()) - pl.col("day")).dt.total_days()
    found = days.group_by(USER).agg(
        ago.min().alias("latest"), ago.max().alias("first"), pl.len().alias("number"),
        (ago <= 180).sum().alias("once"), (ago <= 360).sum().alias("twice"),
    )  # fmt: skip
    silent = (pl.col("latest") / 180).log1p()
    often = pl.col("number").log()
    return found.select(
        USER, f0=silent, f1=silent**2, f2=(pl.col("first") / 180).log1p(), f3=often,
        f4=pl.col("once").log1p(), f5=pl.col("twice").log1p(), f6=often * silent,
    ).collect()  # fmt: skip


def funnel(log: Any, products: Any, users: Any) -> Any:
    found = _stages(log).collect()
    names = ("seen", "asked", "bought")
    waits = [None] + [
        (found[later] - found[earlier]).dt.total_milliseconds().median() / 86_400_000
        for earlier, later in pairwise(names)
    ]
    return pl.DataFrame(
        {"stage": names, "users": [found[n].count() for n in names], "median_days": waits}
    )


def cohorts(log: Any, products: Any, users: Any) -> Any:
    months = TIME.dt.year().cast(pl.Int32) * 12 + TIME.dt.month()
    bought = log.lazy().filter(BOUGHT).select(USER, "value", month=months)
    monthly = bought.group_by(USER, "month").agg(pl.col("value").sum())
    joined = monthly.group_by(USER).agg(cohort=pl.col("month").min())
    both = monthly.join(joined, on=USER)
    period = pl.col("month") - pl.col("cohort")
    table = both.group_by("cohort", period=period).agg(users=pl.len(), revenue=VALUE.sum())
    month = pl.col("cohort") - 1
    return (
        table.sort("cohort", "period")
        .with_columns(cohort=pl.date(month // 12, month % 12 + 1, 1))
        .collect()
    )


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
    traded = log.lazy().filter(KIND.is_in(["buy", "sell"]))
    pairs = traded.group_by(USER, "product_id").agg(money=SIGNED.sum())
    return pairs.filter(pl.col("money").round(6) > 0)


def _shares(rows: Any, column: str, weight: Any, name: str) -> Any:
    key = pl.col(column).cast(pl.String).alias(name)
    sums = rows.group_by(USER, key).agg(weight=weight.sum()).sort(USER, name)
    part = pl.col("weight") / pl.col("weight").sum()
    lists = sums.group_by(USER, maintain_order=True)
    return lists.agg(pl.col(name), part.alias(f"{name}.share"))


def _commonest(rows: Any, column: str, name: str) -> Any:
    """Return the commonest; of several, the one met last."""
    tally = rows.group_by(USER, column).agg(number=pl.len(), last=TIME.max())
    best = pl.col(column).cast(pl.String).sort_by("number", "last").last().alias(name)
    return tally.group_by(USER).agg(best)


def _stages(log: Any) -> Any:
    """Return when each stage was reached, having reached those before it."""
    rows = log.lazy().filter(KIND.is_in(["view", "ask", "buy"])).select(USER, "timestamp", "event")
    found = rows.filter(KIND == "view").group_by(USER).agg(seen=TIME.min())
    for kind, before, name in (("ask", "seen", "asked"), ("buy", "asked", "bought")):
        later = rows.filter(kind == KIND).join(found, on=USER).filter(pl.col(before) <= TIME)
        found = found.join(later.group_by(USER).agg(TIME.min().alias(name)), on=USER, how="left")
    return found
