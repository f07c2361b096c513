"""Random rows from the pools, and the frames of three libraries that hold them."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from support.pools import ARROW, EDGES, KEYS, MOMENTS, NUMBERS, SCALES, TEXTS, Field

__all__ = ["fill", "frame_of", "shuffled", "with_versions"]


def _value(rng: random.Random, kind: str, as_of: datetime) -> Any:
    """Give a value from the pools; dates crowd around `as_of`."""
    if kind in SCALES:
        return rng.choice(SCALES[kind])
    match kind:
        case "number":
            return float(rng.choice(NUMBERS))
        case "whole":
            return rng.choice([number for number in NUMBERS if isinstance(number, int)])
        case "text":
            return rng.choice(TEXTS + KEYS)
        case "boolean":
            return rng.random() < 0.5
        case "date" | "day":
            moment = rng.choice([*MOMENTS, *EDGES, *[as_of] * 4])
            if EDGES[0] < moment < EDGES[1]:
                moment += timedelta(microseconds=rng.choice([-1, 0, 0, 0, 0, 1]))
                moment += timedelta(days=rng.choice([0, 0, 0, 0, -1, 1, -365]))
            return moment.date() if kind == "day" else moment
        case "texts" | "numbers":
            pool = TEXTS[:8] if kind == "texts" else [0.0, 1.0, 2.0, -0.0, 1e308, 0.5]
            return [
                None if rng.random() < 0.15 else rng.choice(pool)
                for _ in range(rng.choice([0, 1, 2, 3]))
            ]
        case _:
            table = {key: _value(rng, "number", as_of) for key in KEYS if rng.random() < 0.5}
            return {key: None if rng.random() < 0.1 else value for key, value in table.items()}


def fill(
    rng: random.Random, side: str, fields: Sequence[Field], count: int, as_of: datetime
) -> list[dict[str, Any]]:
    """Fill rows; a column's share of missing values is its own, from none to all."""
    shares = {field.name: rng.choice([0, 0, 0, 0.1, 0.3, 0.3, 1]) for field in fields}
    shown = rng.choice([lambda i: f"{side}-{i}", lambda i: 1000 - i, lambda i: f"客户 {i}"])
    return [
        {f"{side}_id": shown(index)}
        | {
            field.name: None
            if rng.random() < shares[field.name]
            else _value(rng, field.kind, as_of)
            for field in fields
            if field.side == side
        }
        for index in range(count)
    ]


def with_versions(
    rng: random.Random, side: str, rows: list[dict[str, Any]], as_of: datetime
) -> list[dict[str, Any]]:
    """Give some rows a second version, before, at or after `as_of`; no id has two at one moment."""
    step = timedelta(microseconds=1)
    moments = [as_of - step, as_of, as_of + step, as_of - timedelta(days=30)]
    out = []
    for row in rows:
        count = rng.choice([1, 1, 2])
        for moment in rng.sample(moments, count):
            values = rng.choice(rows)
            new = {**values, f"{side}_id": row[f"{side}_id"], f"{side}_timestamp": moment}
            out.append(new)
    rng.shuffle(out)
    return out


def frame_of(
    library: str, rows: list[dict[str, Any]], kinds: dict[str, str], rng: random.Random
) -> Any:
    """Build a pandas, polars or PyArrow frame of rows whose columns have the given kinds."""
    columns = {name: [row[name] for row in rows] for name in kinds}
    if library == "pandas":
        return pd.DataFrame({n: _pandas(v, kinds[n], rng) for n, v in columns.items()})
    table = pa.table({n: _arrow(v, kinds[n], rng) for n, v in columns.items()})
    return table if library == "pyarrow" else pl.DataFrame(pl.from_arrow(table))


def _arrow(values: list[Any], kind: str, rng: random.Random) -> pa.Array:
    if all(value is None for value in values) and rng.random() < 0.5:
        return pa.nulls(len(values))
    if kind == "map":
        values = [None if value is None else list(value.items()) for value in values]
    if kind == "id":
        return pa.array(values) if values else pa.array([], pa.string())
    array = pa.array(values, ARROW.get(kind, pa.string()))
    if kind in SCALES and rng.random() < 0.5:
        return array.dictionary_encode()
    return array


def _pandas(values: list[Any], kind: str, rng: random.Random) -> pd.Series:
    """Choose among the ways in which pandas holds such values; NaN and NaT stand for missing."""
    dtypes = {
        "id": ["object" if not values or isinstance(values[0], str) else "int64"],
        "number": ["float64", "Float64", "object"],
        "whole": ["Int64", "object"],
        "boolean": ["boolean", "object"],
        "text": ["object", "string"],
        "date": ["datetime64[us]"],
    }
    if kind in SCALES:
        dtypes[kind] = ["object", "category"]
    if kind == "numbers":
        values = [v if v is None else [float("nan") if e is None else e for e in v] for v in values]
    if kind != "id" and all(value is None for value in values) and rng.random() < 0.5:
        return pd.Series(values, dtype="float64")  # what pandas makes of nothing at all
    return pd.Series(values, dtype=rng.choice(dtypes.get(kind, ["object"])))


def shuffled(frame: Any, rng: random.Random) -> Any:
    order = list(range(len(frame)))
    rng.shuffle(order)
    if isinstance(frame, pd.DataFrame):
        return frame.iloc[order].reset_index(drop=True)
    return frame[order] if isinstance(frame, pl.DataFrame) else frame.take(order)
