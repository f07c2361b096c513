"""All builders at once: cut histories, updates of a loaded model, and where fields come from."""

import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from engines import every_builder
from suitably.profiles import Origin
from suitably.profiles.compose import field_table

FIT, LATER = datetime(2024, 2, 1), datetime(2024, 5, 1)
NEWCOMERS = pa.array(["u51", "u52", "u53", "u54"])


def log_of(recorded: bool) -> pa.Table:
    """Return the log with ids, and with when rows became known where that is asked for."""
    log = every_builder.frames()[2]
    log = log.append_column("event_id", pa.array([f"e{i}" for i in range(log.num_rows)]))
    if not recorded:
        return log
    delays = np.random.default_rng(3).exponential(10, log.num_rows)
    known = [
        t + timedelta(days=d) for t, d in zip(log["timestamp"].to_pylist(), delays, strict=True)
    ]
    return log.append_column("recorded_at", pa.array(known, log["timestamp"].type))


def dataset(log: pa.Table, users: pa.Table | None = None) -> st.Dataset:
    people, products, _ = every_builder.frames()
    return st.Dataset(people if users is None else users, products, log, **every_builder.KINDS)


def before(log: pa.Table, moment: datetime) -> pa.Array:
    visible = pc.less(log["timestamp"], moment)
    if "recorded_at" in log.column_names:
        visible = pc.and_(visible, pc.less(log["recorded_at"], moment))
    return visible


def among(table: pa.Table, users: pa.Array) -> pa.Array:
    return pc.is_in(table["user_id"], value_set=users)


@pytest.mark.parametrize("recorded", [False, True])
def test_of_the_whole_history_as_of_one_cut(recorded: bool) -> None:
    log, made = log_of(recorded), every_builder.every_builder()
    whole = st.profiles.build(made, dataset(log), LATER)
    cut = st.profiles.build(made, dataset(log.filter(before(log, LATER))), LATER)
    assert whole.equals(cut)


@pytest.mark.parametrize("recorded", [False, True])
def test_a_loaded_model_is_updated_to_a_rebuild(recorded: bool, tmp_path: Path) -> None:
    """With new users, rows that come late, and rows that are sent twice."""
    people, log = every_builder.frames()[0], log_of(recorded)
    held_back = pa.array(np.random.default_rng(4).random(log.num_rows) < 0.1)
    first = pc.and_(before(log, FIT), pc.invert(pc.or_(held_back, among(log, NEWCOMERS))))
    newcomers = among(people, NEWCOMERS)
    known, rest = people.filter(pc.invert(newcomers)), log.filter(pc.invert(first))
    rest = rest.filter(before(rest, LATER))
    pipeline = st.Pipeline(
        every_builder.every_builder(), st.Policy.unrestricted(), st.ranking.Popularity()
    )
    pipeline.fit(dataset(log.filter(first), known), FIT).save(tmp_path / "model")
    loaded = st.load(tmp_path / "model", trusted=[every_builder.per_purchase])
    half = rest.num_rows // 2
    loaded.update(interactions=rest.slice(half), users=people.filter(newcomers))
    again = pa.concat_tables([rest.slice(0, half + 20), log.filter(first).slice(0, 50)])
    loaded.update(interactions=again)

    builders = loaded.profiles
    everything = dataset(
        pa.concat_tables([log.filter(first), rest]),
        pa.concat_tables([known, people.filter(newcomers)]),
    )
    wanted = field_table(builders, everything.view(everything.view().as_of)).to_pylist()
    for row in wanted:
        found = dict(loaded.trace(row["user_id"]).profile)
        assert {n: comparable(found[n]) for n in row if n != "user_id"} == {
            n: comparable(v) for n, v in row.items() if n != "user_id"
        }


def comparable(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def test_every_field_says_where_it_comes_from() -> None:
    builders, _ = every_builder.fitted()
    for builder in builders:
        for field in builder.fields:
            provenance = builder.provenance(field)
            assert provenance in get_args(Origin)
            assert provenance.sources
            assert provenance.as_of == every_builder.AS_OF
            if provenance == "imputed":
                assert type(builder).__name__ in ("LifetimeValue", "Churn")


def test_an_update_says_what_it_does_not_correct() -> None:
    """Of two rows of one counted event, the same again is silent and a later one is not."""
    log = log_of(recorded=True)
    first = log.filter(before(log, FIT))
    pipeline = st.Pipeline(
        [st.profiles.Lifecycle()], st.Policy.unrestricted(), st.ranking.Popularity()
    ).fit(dataset(first), FIT)
    held = dict(pipeline.trace("u1").profile)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.update(interactions=first.slice(0, 3))
    assert dict(pipeline.trace("u1").profile) == held
    later = pa.array([FIT + timedelta(days=1)] * 3, first["recorded_at"].type)
    place = first.column_names.index("recorded_at")
    corrected = first.slice(0, 3).set_column(place, "recorded_at", later)
    with pytest.warns(
        st.SuitabilityWarning, match="update: 3 rows recorded since .* next fit"
    ) as w:
        pipeline.update(interactions=corrected)
    assert w[0].filename == __file__


def test_a_correction_counts_from_when_it_became_known() -> None:
    """A purchase for 100 is corrected to 40, and one of its time for 7 is heard of last."""
    day = datetime(2024, 5, 1)
    log = pa.table({
        "user_id": ["u"] * 3, "product_id": ["a"] * 3, "event_id": ["1", "1", "2"],
        "timestamp": [day, day, day + timedelta(days=2)], "value": [100.0, 40.0, 7.0],
        "recorded_at": [day, datetime(2024, 6, 10), datetime(2024, 7, 1)],
    })  # fmt: skip
    data = st.Dataset(None, pa.table({"product_id": ["a"], "issuer": ["i"]}), log)
    asked = ("RecencyFrequencyValue", "Holdings", "Preferences")
    made = [getattr(st.profiles, name)() for name in asked]
    names = ("recency_days", "frequency", "monetary", "held_value", "ticket_size")
    found = {
        moment: tuple(st.profiles.build(made, data, moment)[name][0].as_py() for name in names)
        for moment in ("2024-06-10", "2024-06-11", "2024-07-02")
    }
    assert found == {
        "2024-06-10": (40.0, 1, 100.0, 100.0, 100.0),
        "2024-06-11": (41.0, 1, 40.0, 40.0, 40.0),
        "2024-07-02": (60.0, 2, 47.0, 47.0, 23.5),
    }
