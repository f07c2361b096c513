"""One reader, for ids and moments: one answer, or one refusal in the same words, on every path."""

import datetime as dt
import pickle
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st_

import suitably as st
from properties.test_9_one_reader import USES, frames, policy, values
from suitably.engines.worker import RecommendTask, prepare
from support.frames import rows_of

NOW = dt.datetime(2024, 1, 1)
IDS: dict[str, list[Any]] = {"whole": [7, 2**63 + 5, 10**30], "text": ["7", "b", "é"]}
ids = st_.one_of(
    st_.sampled_from([7, 8, -1, 2**53 + 1, 2**63 + 5, 10**30, 10**38, Decimal("7.00")]),
    st_.sampled_from([Decimal("7.5"), Decimal("NaN"), 7.0, 7.5, float("inf"), float("nan"), 1e16]),
    st_.sampled_from(["7", "b", "é", "", "7.0", None, True, b"7", uuid.UUID(int=7), NOW]),
)


@cache
def served(kind: str) -> tuple[st.Pipeline, RecommendTask]:
    """A pipeline whose customers and products have the same ids, and a worker of it."""
    made = IDS[kind]
    products = pd.DataFrame({"product_id": pd.Series(made, dtype=object), "repeatable": True})
    log = pd.DataFrame({"user_id": pd.Series(made, dtype=object), "product_id": products.product_id,
                        "timestamp": NOW})  # fmt: skip
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, products, log))
    folder = Path(mkdtemp()) / "model"
    pipeline.save(folder)
    task = prepare(folder, k=5, as_of=None, verify="full", trusted=())
    return pipeline, pickle.loads(pickle.dumps(task))


def containers(value: Any) -> dict[str, Callable[[], Any]]:
    """Ways to ask about one id, where the container's own library can hold it."""
    made: dict[str, Callable[[], Any]] = {
        "list": lambda: [value],
        "tuple": lambda: (value,),
        "NumPy objects": lambda: np.array([value], object),
        "objects": lambda: pd.Series([value], dtype=object),
        "NumPy": lambda: pd.Series([value]),
        "nullable": lambda: pd.Series([value]).convert_dtypes(),
        "PyArrow": lambda: pa.array([value], from_pandas=True),
        "chunks": lambda: pa.chunked_array([pa.array([value], from_pandas=True)]),
        "polars": lambda: pl.Series([value]),
    }
    found = {}
    for name, make in made.items():
        if isinstance(value, Decimal) and value.is_nan() and name == "polars":
            continue  # polars panics
        if isinstance(value, int | float) and abs(value) > 2**53 and name == "nullable":
            continue  # pandas itself makes another number of it
        try:
            make()
        except Exception:  # the container's own library cannot hold such a value
            continue
        found[name] = make
    return found


def outcome(ask: Callable[[], Any]) -> Any:
    """Return the answer, or the refusal in all its words but for what it calls the ids."""
    try:
        return ask()
    except KeyError:
        return "unknown"
    except st.SuitablyError as error:
        words = str(error)
        return "unknown" if "unknown" in words else words.partition(": ")[2]


def listed(frame: Any) -> Any:
    return "known" if rows_of(frame) else "unknown"


@pytest.mark.parametrize("kind", IDS)
@given(value=ids)
@settings(max_examples=25, deadline=None)
def test_an_id_is_one_id_however_it_is_asked_about(kind: str, value: Any) -> None:
    """Customers and products, in lists and columns, in process, in batches and in a worker."""
    pipeline, task = served(kind)
    recs = pipeline.recommend(k=5)
    asked = containers(value)
    right = outcome(lambda: listed(pipeline.recommend([value], k=5).to_frame()))
    plain = not isinstance(right, str) or right in ("known", "unknown")
    for name, make in asked.items():
        column = make()
        answers = {
            "customers": lambda one=column: listed(pipeline.recommend(one, k=5).to_frame()),
            "products": lambda one=column: listed(
                pipeline.recommend(k=5, product_ids=one).to_frame()
            ),
        }
        if isinstance(column, pa.Array):
            batch = pa.record_batch({"user_id": column})
            for path, batches in (("batches", pipeline.apply_arrow), ("worker", task.recommend)):
                answers[path] = lambda run=batches, one=batch: listed(
                    pa.table({"n": [part.num_rows for part in run([one]) if part.num_rows]})
                )
        found = {path: outcome(ask) for path, ask in answers.items()}
        assert found == dict.fromkeys(found, right), (name, value)
        assert pipeline.knows(make(), make()) == (right == "known") if plain else True
    single = {
        "mask": lambda: pipeline.eligibility().mask([value]).any() and "known",
        "why_not": lambda: pipeline.why_not(value, IDS[kind][0]) is not None and "known",
        "trace": lambda: pipeline.trace(value) and "known",
        "for_user": lambda: recs.for_user(value) is not None and "known",
    }
    missing = plain is False and "missing" in right
    for path, ask in single.items():
        assert outcome(ask) == ("unknown" if missing else right), path


@pytest.mark.parametrize("kind", IDS)
@given(value=ids)
@settings(max_examples=15, deadline=None)
def test_an_id_is_the_same_in_a_log_an_update_and_a_split(kind: str, value: Any) -> None:
    """What a frame of events says of an id, the split of these data says, and the update."""
    after = NOW + dt.timedelta(days=30)
    pipeline, _ = served(kind)
    known = IDS[kind][0]
    answers = {}
    for name, frame in frames(value).items():
        if not isinstance(frame, pd.DataFrame):  # of the others the column alone is another
            continue
        log = pd.DataFrame({"user_id": frame["x"], "product_id": pd.Series([known], dtype=object),
                            "timestamp": [after]})  # fmt: skip

        def split(log: Any = log) -> Any:
            data = st.Dataset(None, None, log)
            cut = st.evaluation.TimeSplit(at="2024-01-15", horizon_days=30).on(data)
            return [str(row["user_id"]) for row in rows_of(cut.relevant)]

        def update(log: Any = log) -> Any:
            made = pickle.loads(pickle.dumps(pipeline)).update(interactions=log)
            return [str(user) for user in made.user_ids if made.recommend([user], k=1).lists.lengths
                    .any() and not pipeline.knows([user], [known])]  # fmt: skip

        answers[name] = outcome(split), outcome(update)
    assert len(set(map(repr, answers.values()))) == 1, answers
    told, updated = next(iter(answers.values()))
    if isinstance(told, str):
        assert updated == told
    elif not isinstance(updated, str):
        fresh = outcome(lambda: listed(pipeline.recommend([value], k=1).to_frame())) != "known"
        assert updated == (told if fresh else [])


MOMENTS: list[Any] = [
    dt.date(2024, 2, 1),
    "2024-02-01",
    "2024-02-01T01:00",
    "2024-02-01 01:00:00.5",
    "2024-02-01T01:00+01",
    "2024-02-01T01:00Z",
    dt.datetime(2024, 2, 1, 1),
    dt.datetime(2024, 2, 1, 1, tzinfo=dt.UTC),
    pd.Timestamp("2024-02-01 01:00:00.000000001"),
    pd.Timestamp("2024-02-01 01:00", tz="Asia/Tokyo"),
    np.datetime64("2024-02-01"),
    np.datetime64("2024-02-01T01", "h"),
    np.datetime64("NaT"),
    pd.NaT,
    "2024-02-30",
    "soon",
    "",
    20240201,
    1.5,
    True,
    [],
    pd.Period("2024-02-01", "D"),
    dt.time(1),
    "2024-02-01T01:00:00.1234567",
]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "America/Santiago"])
@pytest.mark.parametrize("moment", MOMENTS, ids=repr)
def test_a_moment_is_one_instant_whoever_is_asked(moment: Any, zone: str | None) -> None:
    """Views, fits, lists, batches, workers, builders, splits and policies: one instant or no."""
    pipeline, task, data, rule = dated(zone)
    cut = outcome(lambda: st.evaluation.TimeSplit(at=moment, horizon_days=1).on(data).at)
    assert outcome(lambda: data.clock.stamp(data.view(moment).as_of)) == cut
    unfitted = pipeline.clone()
    assert outcome(lambda: unfitted.fit(data, moment).as_of_) == cut
    batch = pa.record_batch({"user_id": [1]})
    folder = task.path
    paths: dict[str, Callable[[], Any]] = {
        "lists": lambda: pipeline.recommend([1], as_of=moment),
        "batches": lambda: list(pipeline.apply_arrow([batch], as_of=moment)),
        "worker": lambda: prepare(folder, 1, moment, "full", ()),
        "verdicts": lambda: pipeline.why_not(1, "a", as_of=moment),
        "builder": lambda: st.profiles.RecencyFrequencyValue().fit(data, moment),
        "judge": lambda: pipeline.eligibility().judge({"user_id": 1}, moment),
    }
    found = {path: outcome(lambda ask=ask: (ask(), cut)[1]) for path, ask in paths.items()}
    assert found == dict.fromkeys(paths, cut)
    if isinstance(cut, str):
        return
    instant = np.datetime64(cut.tz_convert(None) if zone else cut, "us")
    for off, right in ((0, True), (1, False)):
        at = data.clock.stamp(instant + np.timedelta64(off, "us"))
        users = pd.DataFrame({"user_id": [1], "d": pd.Series([at])})
        asked = moment
        if not isinstance(moment, dt.datetime | pd.Timestamp) and zone is not None:
            asked = cut  # policies alone take the zone from the moment
        assert rule.evaluate(users, pd.DataFrame({"product_id": ["a"]}), asked).mask() == [[right]]


@cache
def dated(zone: str | None) -> tuple[st.Pipeline, RecommendTask, st.Dataset, st.Policy]:
    """Data from January to December, a pipeline fitted on the first day of January, a worker."""
    stamps = pd.Series(pd.to_datetime(["2024-01-02", "2024-12-01"])).dt.tz_localize(zone)
    log = pd.DataFrame({"user_id": [1, 2], "product_id": ["a", "b"], "timestamp": stamps})
    data = st.Dataset(None, None, log)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(data, "2024-01-03")
    folder = Path(mkdtemp()) / "model"
    pipeline.save(folder)
    rule = '[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "user.d <= as_of"\n'
    task = prepare(folder, k=1, as_of=None, verify="full", trusted=())
    return pipeline, task, data, st.Policy.from_toml(rule)


@pytest.mark.parametrize("use", USES)
@given(value=values)
@example(value=Decimal("0.7"))
@example(value=[1.0, float("nan")])
@settings(max_examples=5, deadline=None)
def test_a_value_has_one_answer_in_batches_and_in_workers(use: str, value: Any) -> None:
    """A model fitted on it lists as the policy alone says, saved and sent away too."""
    both = pd.DataFrame({"user_id": ["u", "w"], "x": pd.Series([value, None], dtype=object)})
    products = pa.table({"product_id": ["p"], "repeatable": [True]})
    log = pa.table({"user_id": ["u", "w"], "product_id": ["p", "p"], "timestamp": [NOW, NOW]})

    def fit() -> st.Pipeline:
        pipeline = st.Pipeline(policy=policy(use), ranker=st.ranking.Popularity())
        return pipeline.fit(st.Dataset(both, products, log), "2024-01-02")

    def alone() -> bool:
        return bool(policy(use).evaluate(both, products, "2024-01-02").mask(["u"]).item())

    right, fitted = outcome(alone), outcome(fit)
    if isinstance(right, str):
        assert fitted == right
        return
    batch = pa.record_batch({"user_id": ["u"]})
    folder = Path(mkdtemp()) / "model"
    fitted.save(folder)
    task = pickle.loads(pickle.dumps(prepare(folder, 1, None, "full", ())))
    for recommend in (fitted.apply_arrow, task.recommend):
        assert sum(part.num_rows for part in recommend([batch])) == right
