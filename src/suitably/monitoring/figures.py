"""Figures: series by day, drift of distributions, and how widely products are listed, as tables."""

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from suitably.monitoring.bins import Bins
from suitably.monitoring.days import day_of
from suitably.monitoring.distances import psi, wasserstein
from suitably.monitoring.listed import ListedProducts
from suitably.monitoring.series import Series
from suitably.monitoring.table import SeriesTable, Weighed

__all__ = ["concentration_table", "drift_table", "series_table"]

_MOST = 700.0


def series_table(table: SeriesTable, weighed: Weighed) -> pa.Table:
    """Return every series, day by day; see `Monitor.to_frame`."""
    rows: list[tuple[object, ...]] = []
    places = {name: index for index, name in enumerate(weighed.names)}
    for one in table.series.values():
        if one.learned:
            for day in sorted(one.baseline):
                n, total, _ = one.baseline[day].tolist()
                mean = total / n if n else None
                rows.append((one.name, day_of(day), int(n), mean, *[None] * 4, None))
        if one.name in places:
            rows += _watched_rows(weighed, places[one.name])
    names = ("series", "day", "users", "mean", "baseline", "low", "high", "e_value", "alarm")
    kinds = (pa.string(), pa.date32(), pa.int64(), *[pa.float64()] * 5, pa.bool_())
    return _table(rows, names, kinds)


def drift_table(
    table: SeriesTable, score_bins: Bins | None, field_bins: Mapping[str, Bins], days: int = 7
) -> pa.Table:
    """Return how far the distributions of the last days are from those of baselines."""
    asked: dict[str, tuple[str, Bins]] = {}
    if score_bins is not None:
        asked["score"] = ("score", score_bins)
    asked |= {name: (f"field:{name}", bins) for name, bins in field_bins.items()}
    rows: list[tuple[object, ...]] = []
    for figure, (prefix, bins) in asked.items():
        series = [table.series.get(f"{prefix}:{name}") for name in bins.names]
        before = np.array([_total(one, None) for one in series])
        now = np.array([_total(one, days) for one in series])
        if not now.sum():
            continue
        moved = None
        if bins.edges:  # what is missing lies nowhere on the line
            moved = wasserstein(before[:-1], now[:-1], np.asarray(bins.edges))
            moved = None if math.isnan(moved) else moved
        index = psi(before, now)
        rows.append((figure, None if math.isnan(index) else index, moved))
    kinds = (pa.string(), pa.float64(), pa.float64())
    return _table(rows, ("figure", "psi", "wasserstein"), kinds)


def concentration_table(listed: ListedProducts) -> pa.Table:
    """Return how widely products are listed on each of the last days."""
    rows: list[tuple[object, ...]] = [
        (day_of(day), products, *(None if math.isnan(x) else x for x in shares))
        for day, products, *shares in listed.figures()
    ]
    names = ("day", "products", "coverage", "gini", "top_tenth")
    return _table(rows, names, (pa.date32(), pa.int64(), *[pa.float64()] * 3))


def _total(series: Series | None, days: int | None) -> float:
    """Return a series' sum over its baseline, or over its last days."""
    if series is None or (days is not None and series.is_learning):
        return 0.0
    if days is None:
        return float(sum(sums[1] for sums in series.baseline.values()))
    return float(sum(series.days[day][1] for day in sorted(series.days)[-days:]))


def _watched_rows(weighed: Weighed, index: int) -> list[tuple[object, ...]]:
    """Return a series' rows since its baseline, a day each."""
    mean, low, high = (float(a[index]) for a in (weighed.means, weighed.low, weighed.high))
    rows: list[tuple[object, ...]] = []
    raised = False
    for place, day in enumerate(weighed.days):
        n, total, _ = weighed.sums[place, :, index].tolist()
        log = float(weighed.evidence.log[place, :, index].max())
        raised |= bool(log >= weighed.bounds[index])
        if n:
            e_value = math.exp(min(log, _MOST))
            seen = (weighed.names[index], day_of(day), int(n), total / n)
            rows.append((*seen, mean, low, high, e_value, raised))
    return rows


def _table(
    rows: list[tuple[object, ...]], names: tuple[str, ...], kinds: tuple[pa.DataType, ...]
) -> pa.Table:
    columns = zip(names, kinds, strict=True)
    return pa.table(
        {name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(columns)}
    )
