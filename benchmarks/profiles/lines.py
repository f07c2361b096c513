"""Each builder beside its twins: the same fields of the same log, compared before they are timed.

Ours begins at the built view, which all builders share; what that costs has a line of its own.
"""

from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

import suitably as st
from benchmarks.profiles import pandas_twins, polars_twins
from benchmarks.profiles.log import AS_OF, FUNNEL, draw
from benchmarks.runner import Row, paired
from suitably.profiles.churn.return_features import FEATURES, return_features
from suitably.profiles.lifetime.day_summary import DaySummary, purchases_by_day

__all__ = ["in_memory"]

EVENTS, USERS, ROUNDS = 5_000_000, 1_000_000, 3
_LESS = {"Lifecycle": "; the twin does not tell since when"}
_MEGA = 1e6


def in_memory(events: int = EVENTS, users: int = USERS) -> list[Row]:
    """Time every builder beside its twins, and note its memory, in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        rows = pool.apply(_timed, (events, users))
    for name in (None, *ours()):  # memory that an earlier one gave back would hide a later peak
        with get_context("spawn").Pool(1) as pool:
            rows.append(pool.apply(_weighed, (events, users, name)))
    return rows


def builders() -> dict[str, Any]:
    """Return the builders that learn nothing, by name."""
    return {
        "RecencyFrequencyValue": st.profiles.RecencyFrequencyValue(),
        "Lifecycle": st.profiles.Lifecycle(),
        "Holdings": st.profiles.Holdings(),
        "Preferences": st.profiles.Preferences(channel="channel"),
        "Activity": st.profiles.Activity(
            channel="channel", contact_events=["letter"], funnel=FUNNEL
        ),
        "Tier": st.profiles.Tier(held=True),
        "Tags": st.profiles.Tags(),
    }


def ours() -> dict[str, Callable[[st.Dataset, Any], Any]]:
    """Return what makes the fields, by name: a table with a row per user, or of the funnel."""
    made: dict[str, Callable[[st.Dataset, Any], Any]] = {}
    for name, one in builders().items():
        made[name] = lambda data, view, one=one: one.finalise(one.accumulate(view), view.as_of)
    made["LifetimeValue, days"] = _days
    made["Churn, features"] = _features
    made["funnel"] = lambda data, view: st.profiles.funnel(data, AS_OF, FUNNEL)
    made["cohorts"] = lambda data, view: st.profiles.cohorts(data, AS_OF)
    return made


def _timed(events: int, users: int) -> list[Row]:
    frames = draw(events, users)
    size = f"{events / _MEGA:g}M events, {users / _MEGA:g}M users"
    data = frames.dataset()
    view = data.view(AS_OF)
    asked = [pl.from_arrow(one) for one in (frames.log, frames.products, frames.users)]
    words = {
        name: pl.Enum(asked[0][name].unique().drop_nulls().sort().to_list())
        for name in ("event", "channel")
    }
    asked[0] = asked[0].with_columns(pl.col(name).cast(kind) for name, kind in words.items())
    in_pandas = [one.to_pandas() for one in asked]
    rows = [paired(f"Dataset and view, {size}", lambda: frames.dataset().view(AS_OF), rounds=2)]
    for name, make in ours().items():
        for kind, twins, given in (
            ("polars", polars_twins.TWINS, asked),
            ("pandas", pandas_twins.TWINS, in_pandas),
        ):
            twin = twins[name]
            found = make(data, view)
            peer = twin(*given)
            if kind == "pandas":
                peer, long = peer if isinstance(peer, tuple) else (peer, {})
                _same_long(name, found, long)
                peer = pl.from_pandas(peer)
            _same(name, found, peer)
            note = f"peer: {kind} by hand, from the frames; ours from the view{_LESS.get(name, '')}"
            row = paired(
                f"{name}, {size}",
                lambda make=make: make(data, view),
                lambda twin=twin, given=given: twin(*given),
                note,
                ROUNDS,
            )
            rows.append(row)
    return rows


def _weighed(events: int, users: int, name: str | None) -> Row:
    """Note how far memory rises above what was there before, beside what is read (Linux)."""
    frames = draw(events, users)
    if name is None:
        columns = ("user_id", "product_id", "timestamp", "value", "event")
        read = sum(frames.log[column].nbytes for column in columns) / _MEGA
        note = f"{read:.0f} MB of ids, moments, amounts and kinds are read"
        return _rise("Dataset and view", lambda: frames.dataset().view(AS_OF), note)
    data = frames.dataset()
    view = data.view(AS_OF)
    return _rise(name, lambda: ours()[name](data, view), "above data and view")


def _rise(name: str, call: Callable[[], Any], note: str) -> Row:
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    call()
    return Row(f"{name}, memory", None, _memory("VmHWM") - before, "MB", None, note)


def _memory(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(one for one in lines if one.startswith(what)).split()[1]) * 1024 / _MEGA


def _days(data: st.Dataset, view: Any) -> pa.Table:
    state = purchases_by_day(view, None, {}, "LifetimeValue")
    days = DaySummary.of(state, view.as_of)
    columns = {name: getattr(days, name) for name in ("frequency", "recency", "age", "mean")}
    columns["mean"] = pa.array(days.mean, mask=days.priced == 0)
    return pa.table(columns)


def _features(data: st.Dataset, view: Any) -> pa.Table:
    state = st.profiles.Churn().accumulate(view)
    ago = (view.as_of - state.keys["days"]) / np.timedelta64(1, "D")
    known, features = return_features(state.users, ago, len(state), 180)
    table = np.full((len(state), FEATURES), np.nan)
    table[known] = features
    return pa.table({f"f{n}": table[:, n] for n in range(FEATURES)})


def _same_long(name: str, found: pa.Table, long: dict[str, Any]) -> None:
    """Compare maps and lists with series by user and key, which pandas keeps them as."""
    for column, series in long.items():
        mine = found[column].combine_chunks()
        where = f"{name}: {column} is not what the twin says"
        users, keys = (series.index.get_level_values(place) for place in (0, 1))
        counted = np.bincount(users, minlength=len(mine))
        assert (np.diff(mine.offsets.to_numpy()) == counted).all(), where
        if pa.types.is_map(mine.type):
            assert np.allclose(mine.items.to_numpy(), series.to_numpy(), rtol=1e-6), where
            mine = mine.keys
        else:
            mine = mine.flatten()
        assert mine.to_pylist() == keys.astype(str).to_list(), where


def _same(name: str, found: pa.Table, wanted: pl.DataFrame) -> None:
    """Compare what a twin gives, floats to a part in a billion: its sums are not exact."""
    if "user_id" in wanted.columns:
        wanted = wanted.sort("user_id")
        found = found.take(pa.array(wanted["user_id"].to_numpy()))
    elif name == "cohorts":  # where nobody came, a twin has no row
        found = found.filter(pc.greater(found["users"], 0))
    for column in wanted.columns:
        if column == "user_id" or column not in found.column_names:
            continue
        mine, theirs = found[column].combine_chunks(), wanted[column]
        where = f"{name}: {column} is not what the twin says"
        if pa.types.is_map(mine.type):
            shares = wanted[f"{column}.share"].explode().drop_nulls().to_numpy()
            assert np.allclose(mine.items.to_numpy(), shares, rtol=1e-6), where
            mine, theirs = mine.keys, theirs.explode().drop_nulls()
        if pa.types.is_list(mine.type):
            mine, theirs = mine.flatten(), theirs.explode().drop_nulls()
        if pa.types.is_floating(mine.type) or pa.types.is_integer(mine.type):
            numbers = theirs.cast(pl.Float64).to_numpy()
            ours = pl.from_arrow(mine).cast(pl.Float64).to_numpy()
            assert np.allclose(ours, numbers, rtol=1e-6, atol=1e-6, equal_nan=True), where
        else:
            assert pl.from_arrow(mine).cast(theirs.dtype).eq_missing(theirs).all(), where
