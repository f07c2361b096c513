"""A function of the caller's as a builder: what it sees, what it may give, how it is saved."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably
from suitably.data import Dataset
from suitably.errors import ArtifactError, DataError
from suitably.profiles import FieldInfo, FromFunction, Lifecycle, RecencyFrequencyValue
from suitably.testing import BuilderContract
from support.banks import AS_OF, bought, seven

MAKES = {"spent": FieldInfo("derived", "share", ("users.income",)), "asked_on": "observed"}


def spending(users: pa.Table, as_of: Any) -> Any:
    """Return a share and a day, by row."""
    return {
        "spent": pc.divide(users["monetary"], users["income"]),
        "asked_on": pa.array([as_of.date()] * users.num_rows, pa.date32()),
    }


def banded(users: pa.Table, as_of: Any) -> pd.DataFrame:
    """Return a pandas frame, with NaN for missing, of a column of users alone."""
    income = users["income"].to_pandas()
    return pd.DataFrame({"band": np.where(income.isna(), np.nan, income // 1_000)})


class TestFromFunctionContract(BuilderContract):
    """Of a column, and of the fields of two builders."""

    trusted = (spending,)

    def make(self) -> Any:
        return FromFunction(spending, MAKES, ["income"], [RecencyFrequencyValue(), Lifecycle()])

    def bad(self) -> list[Any]:
        nothing: Any = None
        return [
            FromFunction(nothing, MAKES, ["income"]),
            FromFunction(spending, {}, ["income"]),
            FromFunction(spending, {"spent": "guessed"}, ["income"]),
            FromFunction(spending, {1: "derived"}, ["income"]),  # type: ignore[dict-item]
            FromFunction(spending, nothing, ["income"]),
            FromFunction(spending, MAKES, "income"),
            FromFunction(spending, MAKES, [1]),  # type: ignore[list-item]
            FromFunction(spending, MAKES),
            FromFunction(spending, MAKES, of=[spending]),
            FromFunction(spending, MAKES, of=[Lifecycle(), Lifecycle()]),
            FromFunction(spending, MAKES, ["frequency"], [RecencyFrequencyValue()]),
        ]


class TestOfColumnsAlone(BuilderContract):
    trusted = (banded,)

    def make(self) -> Any:
        return FromFunction(banded, {"band": "derived"}, ["income"])


USERS = pd.DataFrame({"user_id": ["a", "b", "c"], "income": [100.0, None, 0.0]})
LOG = pd.DataFrame({"user_id": ["a", "a"], "product_id": ["p", "q"], "value": [5.0, 20.0],
                    "timestamp": ["2024-01-01", "2024-02-01"]})  # fmt: skip


def made(function: Any, users: Any = USERS, **more: Any) -> pa.Table:
    """Return what a function makes of a column, and the builder as it is fitted."""
    builder = FromFunction(function, more.pop("makes", {"x": "derived"}), ["income"], **more)
    data = Dataset(users, None, LOG)
    builder.fit(data, "2024-03-01")
    view = data.view("2024-03-01")
    return builder.finalise(builder.accumulate(view), view.as_of)


@pytest.mark.parametrize(
    "frame",
    [
        lambda table, _: table.rename_columns(["x"]),
        lambda table, _: {"x": table["income"]},
        lambda table, _: {"x": table["income"].to_numpy(zero_copy_only=False)},
        lambda table, _: pd.DataFrame({"x": table["income"].to_numpy()}, index=[7, 7, 7]),
        lambda table, _: pl.DataFrame({"x": [100.0, None, 0.0]}),
        lambda table, _: pl.LazyFrame({"x": [100.0, float("nan"), 0.0]}),
        lambda table, _: {"x": table["income"].to_pylist()},
    ],
)
def test_any_kind_of_frame(frame: Any) -> None:
    assert made(frame).to_pydict() == {"x": [100.0, None, 0.0]}


def test_columns_come_in_the_order_of_their_names_at_the_start() -> None:
    makes = {"b": "derived", "a": "derived"}
    found = made(lambda t, _: {"a": [1, 2, 3], "b": ["x", "y", None]}, makes=makes)
    assert found.column_names == ["b", "a"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda t, _: {"y": [1, 2, 3]}, r"gave columns \['y'\], not \['x'\]"),
        (lambda t, _: {"x": [1, 2, 3], "y": [1, 2, 3]}, "gave columns"),
        (lambda t, _: {"x": [1, 2]}, "gave 2 rows for 3 users"),
        (lambda t, _: {"x": [1.0, float("inf"), 2.0]}, "x: gave infinite numbers"),
        (lambda t, _: {"x": [1, "a", 2.0]}, "gave what is no table"),
        (lambda t, _: {"x": 3}, "gave what is no table"),
        (lambda t, _: 3, "expected a pandas, polars"),
        (lambda t, _: {}, r"gave columns \[\]"),
    ],
)
def test_what_it_must_not_give(function: Any, message: str) -> None:
    with pytest.raises(DataError, match=r"FromFunction.*<lambda>.*" + message):
        made(function)


def test_the_moment_is_the_datas() -> None:
    times = pd.to_datetime(["2024-01-01"]).tz_localize("Asia/Tokyo")
    log = pd.DataFrame({"user_id": ["a"], "product_id": ["p"], "timestamp": times})
    seen = []
    builder = FromFunction(lambda t, at: seen.append(at) or {"x": t["income"]},  # type: ignore[func-returns-value]
                           {"x": "derived"}, ["income"])  # fmt: skip
    as_of = pd.Timestamp("2024-03-01", tz="Asia/Tokyo")
    builder.fit(Dataset(USERS, None, log), as_of)
    assert seen == [as_of]
    assert str(seen[0].tz) == "Asia/Tokyo"
    builder.fit(Dataset(USERS, None, log.drop(columns="timestamp")))
    assert seen[1:] == [None]


def test_a_field_keeps_the_type_of_the_fit() -> None:
    data = Dataset(USERS, None, LOG)
    whole = FromFunction(
        lambda t, _: {"x": pc.cast(t["income"], pa.int64())}, {"x": "derived"}, ["income"]
    ).fit(data)
    view = data.view()
    state = whole.accumulate(view)
    whole.function = lambda t, _: {"x": [1.0, None, 3.0]}
    assert whole.finalise(state, view.as_of)["x"].type == pa.int64()
    whole.function = lambda t, _: {"x": [None, None, None]}
    assert whole.finalise(state, view.as_of)["x"].type == pa.int64()
    for wrong in ([1.5, None, 3.0], ["a", "b", "c"]):
        whole.function = lambda t, _, wrong=wrong: {"x": wrong}
        with pytest.raises(DataError, match=r"x: gave \w+, and at the fit it was int64"):
            whole.finalise(state, view.as_of)


def test_columns_of_any_type_are_kept() -> None:
    lists = pa.array([["a", "b"], None, []], pa.list_(pa.string()))
    maps = pa.array([[("k", 1.0)], None, []], pa.map_(pa.string(), pa.float64()))
    users = pa.table({"user_id": ["a", "b", "c"], "liked": lists, "owned": maps})
    builder = FromFunction(
        lambda t, _: {"likes": pc.list_value_length(t["liked"]), "owned": t["owned"]},
        {"likes": "derived", "owned": "observed"}, ["liked", "owned"],
    )  # fmt: skip
    data = Dataset(users, None, pa.table({"user_id": ["a"], "product_id": ["p"]}))
    found = builder.fit(data).transform(data)
    assert found["likes"].to_pylist() == [2, None, 0]
    assert found["owned"].to_pylist() == maps.to_pylist()


def test_sources_are_what_it_sees_where_none_are_named() -> None:
    builder = FromFunction(spending, MAKES, ["income"], [RecencyFrequencyValue()])
    assert builder.provenance("spent").sources == ("users.income",)
    assert builder.provenance("asked_on").sources == (
        "users.income", "interactions.timestamp", "interactions", "interactions.value"
    )  # fmt: skip
    assert (builder.provenance("spent").unit, builder.provenance("spent")) == ("share", "derived")


def test_a_column_that_users_lack() -> None:
    with pytest.raises(DataError, match="no column 'wealth' for FromFunction"):
        FromFunction(banded, {"band": "derived"}, ["wealth"]).fit(Dataset(USERS, None, LOG))


def pipeline_of(function: Callable[..., Any]) -> suitably.Pipeline:
    builder = FromFunction(function, MAKES, ["income"], [RecencyFrequencyValue()])
    return seven().fitted(profiles=[builder])


def test_loaded_where_the_function_is_handed_in(tmp_path: Path) -> None:
    pipeline = pipeline_of(spending)
    pipeline.save(tmp_path / "model")
    name = r"function '[\w.]*test_from_function\.spending' is not trusted"
    for trusted in ((), (banded,), (FromFunction,)):
        with pytest.raises(ArtifactError, match=name):
            suitably.load(tmp_path / "model", trusted=trusted)
    loaded = suitably.load(tmp_path / "model", trusted=[spending])
    (builder,) = loaded.profiles
    assert builder.function is spending
    assert list(builder.makes) == list(MAKES)
    assert builder.makes == MAKES
    assert loaded.trace("u0").profile == pipeline.trace("u0").profile
    news = seven().but(events=bought((0, 5), days=-40)).frames()[2]
    for each in (pipeline, loaded):
        each.update(news)
    assert loaded.trace("u0").profile == pipeline.trace("u0").profile
    loaded.save(tmp_path / "again")
    assert suitably.load(tmp_path / "again", trusted=[spending]).profiles[0].function is spending


def test_a_fitted_pipeline_is_copied_and_pickled() -> None:
    pipeline = pipeline_of(spending)
    for again in (copy.deepcopy(pipeline), pickle.loads(pickle.dumps(pipeline))):
        assert again.trace("u0").profile == pipeline.trace("u0").profile


def test_a_lambda_cannot_be_saved(tmp_path: Path) -> None:
    def local(users: pa.Table, as_of: Any) -> Any:
        return spending(users, as_of)

    for function in (local, lambda users, as_of: spending(users, as_of)):
        pipeline = pipeline_of(function)
        assert pipeline.trace("u0").profile["asked_on"] == AS_OF.date()
        with pytest.raises(ArtifactError, match=r"FromFunction\.function: .*<.*top level"):
            pipeline.save(tmp_path / "model")
        assert not (tmp_path / "model").exists()


def test_an_imputed_field_is_missing_to_rules() -> None:
    text = '[policy]\nid = "p"\nversion = "1"\n[[rules]]\nid = "r"\nrequire = "user.band >= 0"\n'
    for origin, verdict in (("derived", "pass"), ("imputed", "unknown")):
        builder = FromFunction(banded, {"band": origin}, ["income"])
        pipeline = seven().but(policies=(text,)).fitted(profiles=[builder])
        assert pipeline.why_not("u0", "p5")[0].verdict == verdict
