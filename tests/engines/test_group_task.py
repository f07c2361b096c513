"""A pipeline fitted group of users by group is the pipeline fitted on everybody."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from engines.every_builder import AS_OF, KINDS, every_builder, frames, per_purchase
from engines.grouped import fit_groups, in_order, task_of
from suitably.persistence.description import describe_model
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    Explore,
    ItemKNN,
    LogisticMF,
    Popularity,
    Spectral,
)

RULES = """
[policy]
id = "levels"
version = "1"
[scales]
level = ["C1", "C2", "C3"]
[fields]
"user.risk_level" = "level"
"product.risk_level" = "level"
[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"
[[rules]]
id = "share"
require = "held(product.issuer) <= 0.9 * portfolio()"
[[rules]]
id = "lately"
require = "bought(product.issuer, months(12)) < 5000"
"""


def sides(currency: bool = True) -> list[pa.Table]:
    users, products, log = frames()
    log = log if currency else log.drop_columns(["currency"])
    return [in_order(users), products, in_order(log)]


def both(
    pipeline: st.Pipeline, given: list[Any], folder: Path, size: int = 17, **options: Any
) -> tuple[st.Pipeline, st.Pipeline]:
    """Fit on everybody, and group by group."""
    options = KINDS | options
    whole = pipeline.clone().fit(st.Dataset(*given, **options), AS_OF)
    task = task_of(pipeline, given, AS_OF, folder, **options)
    for outcome in fit_groups(task, given, size, folder / "model"):
        assert outcome.path, outcome
    whole.save(folder / "whole")
    loaded = st.load(folder / "model", trusted=[per_purchase])
    loaded.consent = pipeline.consent
    return whole, loaded


def check(whole: st.Pipeline, found: st.Pipeline) -> None:
    """Compare lists to the last bit, fields, counts, and what is kept out."""
    assert whole.user_ids.tolist() == found.user_ids.tolist()
    assert whole.recommend(k=5).to_arrow().equals(found.recommend(k=5).to_arrow())
    assert whole.recommend(k=5).abstentions().equals(found.recommend(k=5).abstentions())
    assert whole.eligibility().counts().equals(found.eligibility().counts())
    models = [pipeline._fitted() for pipeline in (whole, found)]
    shown = [model.snapshot(model.state.as_of).fields.combine_chunks() for model in models]
    assert shown[0].equals(shown[1])


@pytest.mark.parametrize(
    "ranker",
    [
        Popularity(half_life_days=30),
        Popularity(by="risk_level"),
        ALS(factors=4),
        ALS(factors=4, event_weights={"buy": 1.0, "dismiss": -0.5}, half_life_days=100),
        IALS(factors=4),
        EASE(half_life_days=200),
        EASE(neighbours=3),
        ItemKNN(),
        Spectral(),
        BPR(factors=4),
        LogisticMF(factors=4),
        Blend([EASE(), Popularity(half_life_days=7)]),
        Explore(EASE()),
    ],
    ids=repr,
)
def test_rankers(ranker: Any, tmp_path: Path) -> None:
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker)
    whole, found = both(pipeline, sides(), tmp_path)
    check(whole, found)
    facts = [describe_model(tmp_path / name) for name in ("whole", "model")]
    assert facts[0].statistics == facts[1].statistics
    assert facts[0].span == facts[1].span


@pytest.mark.parametrize("size", [13, 60])
def test_every_builder_and_rules_on_money(size: int, tmp_path: Path) -> None:
    pipeline = st.Pipeline(every_builder(), st.Policy.from_toml(RULES), ALS(factors=4))
    whole, found = both(pipeline, sides(currency=False), tmp_path, size)
    check(whole, found)
    later = AS_OF + timedelta(days=200)
    lists = [p.recommend(k=5, as_of=later).to_arrow() for p in (whole, found)]
    assert lists[0].equals(lists[1])


def test_an_update_of_the_joint_model_is_one_of_the_whole(tmp_path: Path) -> None:
    pipeline = st.Pipeline(every_builder()[:3], st.Policy.from_toml(RULES), IALS(factors=4))
    given = sides(currency=False)
    early = pc.less(given[2]["timestamp"], pa.scalar(AS_OF - timedelta(days=60)))
    news = given[2].filter(pc.invert(early))
    whole, found = both(pipeline, [*given[:2], given[2].filter(early)], tmp_path)
    for one in (whole, found):
        one.update(interactions=news)
    check(whole, found)


def test_without_frames_of_users_and_products(tmp_path: Path) -> None:
    pipeline = st.Pipeline([st.profiles.RecencyFrequencyValue()], st.Policy.unrestricted(),
                           ALS(factors=4))  # fmt: skip
    given = [None, None, sides(currency=False)[2]]
    check(*both(pipeline, given, tmp_path))


def test_whole_numbers_and_versions(tmp_path: Path) -> None:
    users, products, log = sides(currency=False)
    numbers = {f"u{i}": 10 * i - 7 for i in range(60)}
    parts = []
    for table in (users, log):
        ids = pa.array([numbers[one] for one in table["user_id"].to_pylist()], pa.int32())
        parts.append(in_order(table.set_column(0, "user_id", ids)))
    users, log = parts
    first = users.append_column("user_timestamp", pa.array([datetime(2023, 1, 1)] * 60))
    second = first.slice(0, 20).set_column(
        first.num_columns - 1, "user_timestamp", pa.array([datetime(2024, 1, 1)] * 20)
    )
    second = second.set_column(1, "risk_level", pa.array(["C3"] * 20))
    pipeline = st.Pipeline([], st.Policy.from_toml(RULES), EASE())
    check(*both(pipeline, [in_order(pa.concat_tables([first, second])), products, log], tmp_path))


@pytest.mark.parametrize("wide", [2**63 + 5, 2**80])
def test_ids_that_only_some_groups_have_in_full_width(wide: int, tmp_path: Path) -> None:
    from decimal import Decimal

    ids = [Decimal(i) for i in (*range(1, 9), wide, wide + 1)]
    log = pa.table({
        "user_id": pa.array(ids * 2, pa.decimal128(38, 0)),
        "product_id": [f"p{i % 3}" for i in range(20)],
    })  # fmt: skip
    pipeline = st.Pipeline([], st.Policy.unrestricted(), Popularity())
    given = [None, None, in_order(log)]
    whole = pipeline.clone().fit(st.Dataset(*given))
    fit_groups(task_of(pipeline, given, None, tmp_path), given, 4, tmp_path / "model")
    found = st.load(tmp_path / "model")
    assert whole.recommend(k=3).to_arrow().equals(found.recommend(k=3).to_arrow())


def test_consent(tmp_path: Path) -> None:
    granted = {"user_id": [f"u{i}" for i in range(40)], "purpose": ["personalisation"] * 40,
               "granted_at": [datetime(2023, 1, 1)] * 40, "withdrawn_at": [None] * 40}  # fmt: skip
    register = st.governance.Consent(pd.DataFrame(granted))
    pipeline = st.Pipeline([], st.Policy.unrestricted(), EASE(), consent=register)
    whole, found = both(pipeline, sides(), tmp_path)
    check(whole, found)
    found.consent = None
    with pytest.raises(st.DataError, match="fitted with a register of consent"):
        found.recommend()


def test_learned_from_some_users(tmp_path: Path) -> None:
    """Others get the vectors that an update gives them; popularity counts everybody."""
    given = sides()
    some = [f"u{i}" for i in range(0, 60, 2)]
    pipeline = st.Pipeline([], st.Policy.unrestricted(), ALS(factors=4))
    task = task_of(pipeline, given, AS_OF, tmp_path, learned=some, **KINDS)
    fit_groups(task, given, 7, tmp_path / "model")
    found, whole = st.load(tmp_path / "model"), pipeline.clone().fit(
        st.Dataset(*given, **KINDS), AS_OF)  # fmt: skip
    counts = [one._fitted().rankers[1].counts_ for one in (found, whole)]
    assert np.array_equal(*counts)
    fit_groups(task, given, 60, tmp_path / "again")
    again = st.load(tmp_path / "again")
    assert again.recommend(k=5).to_arrow().equals(found.recommend(k=5).to_arrow())
    assert not whole.recommend(k=5).to_arrow().equals(found.recommend(k=5).to_arrow())
    assert describe_model(tmp_path / "again").fingerprint == describe_model(
        tmp_path / "model").fingerprint  # fmt: skip


def test_an_event_of_two_users_is_refused(tmp_path: Path) -> None:
    users, products, log = sides()
    ids = [f"e{i}" for i in range(len(log))]
    check(*both(st.Pipeline([], st.Policy.unrestricted(), EASE()),
                [users, products, log.append_column("event_id", pa.array(ids))],
                tmp_path / "once"))  # fmt: skip
    ids[-1] = ids[0]
    given = [users, products, log.append_column("event_id", pa.array(ids))]
    task = task_of(st.Pipeline([], st.Policy.unrestricted(), EASE()), given, AS_OF, tmp_path,
                   **KINDS)  # fmt: skip
    with pytest.raises(st.DataError, match="1 ids of events are those of two users"):
        fit_groups(task, given, 17, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_bad_rows_are_counted_and_a_bad_value_is_named(tmp_path: Path) -> None:
    users, products, log = sides()
    value = log["value"].to_pylist()
    trade = pc.is_in(log["event"], pa.array(["buy"])).to_pylist()
    late = [row for row in range(200, len(log)) if trade[row]][:5]
    for row in late:
        value[row] = float("inf")
    bad = log.set_column(log.column_names.index("value"), "value", pa.array(value))
    pipeline = st.Pipeline([], st.Policy.from_toml(RULES), EASE())
    for folder, on_error in ((tmp_path / "a", "raise"), (tmp_path / "b", "quarantine")):
        task = task_of(pipeline, [users, products, log.drop_columns(["currency"])], AS_OF, folder,
                       on_error=on_error, **KINDS)  # fmt: skip
        given = [users, products, bad.drop_columns(["currency"])]
        outcomes = fit_groups(task, given, 17, folder / "model")
        lines = [line for one in outcomes for line in one.refused.lines]
        assert sum(line[3] for line in lines) == 5
        assert {line[:3] for line in lines} == {("interactions", "value", "is not a finite number")}
        assert (folder / "model").exists() == (on_error == "quarantine")
    data = st.Dataset(*given, on_error="quarantine", **KINDS)
    assert sum(one.events for one in outcomes) == len(data.view(AS_OF).events)
    levels = users["risk_level"].to_pylist()
    levels[33] = "C9"
    off = [users.set_column(1, "risk_level", pa.array(levels)), *given[1:]]
    errors = [one.error for one in fit_groups(task, off, 17, folder / "off") if one.error]
    assert len(errors) == 1
    assert "C9" in errors[0][1]


def test_outcomes_come_back_as_they_were() -> None:
    from suitably.engines.group_task import Outcome
    from suitably.engines.refused import Refused

    lines = (("users", "user_id", "no id", 2, (None, "x")),)
    for one in (Outcome("path", 3, 4), Outcome(None, refused=Refused(lines)),
                Outcome(None, error=("DataError", "why"))):  # fmt: skip
        assert Outcome.from_json(one.to_json()) == one
