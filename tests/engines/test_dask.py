"""Dask gives the lists of one process, partition by partition."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably as st
from engines.models import Model, same
from suitably.engines.dask import recommend

pytestmark = pytest.mark.services

EVERYBODY = [f"u{i}" for i in range(1, 241)]


@pytest.fixture(scope="module")
def dd() -> Any:
    return pytest.importorskip("dask.dataframe")


def frame(dd: Any, users: pd.Series, partitions: int) -> Any:
    whole = pd.DataFrame({"note": "x", "user_id": users, "rank": 1})
    return dd.from_pandas(whole, npartitions=partitions, sort=False)


def arrow(found: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(found, preserve_index=False)


@pytest.mark.parametrize("partitions", [1, 2, 7])
@pytest.mark.parametrize("dtype", ["object", "string", "category", "string[pyarrow]"])
def test_text_ids(dd: Any, text: Model, partitions: int, dtype: str) -> None:
    users = ["nobody", *EVERYBODY, "u7", "u5", "u5", "", "nobody"]
    asked = frame(dd, pd.Series(users, dtype=dtype), partitions)
    found = recommend(text.path, asked)
    done = found.compute(scheduler="threads")
    kept = asked["user_id"].compute().dtype
    assert str(done["user_id"].dtype) == str(kept)
    assert done.dtypes.drop("user_id").equals(found.dtypes.drop("user_id"))
    assert found.npartitions == asked.npartitions
    assert not found.known_divisions
    texts = done.astype({"user_id": "string"})
    assert same(arrow(texts), text.lists(users))


@pytest.mark.parametrize("dtype", ["int64", "int16", "Int64", "float64"])
def test_integer_ids(dd: Any, integers: Model, dtype: str) -> None:
    users = [240, 1, 9_999, *range(1, 241), -1]
    asked = frame(dd, pd.Series(users, dtype=dtype), 3)
    found = recommend(str(integers.path), asked, k=4)
    done = found.compute(scheduler="processes" if dtype == "int64" else "threads", num_workers=2)
    kinds = [str(kind) for kind in done.dtypes]
    assert kinds == [str(kind) for kind in found.dtypes] == [dtype, "int32", "int32", "float32"]
    assert same(arrow(done), integers.lists(users, k=4))


def test_partitions_of_nobody(dd: Any, text: Model) -> None:
    asked = frame(dd, pd.Series(EVERYBODY), 4)
    few = asked[asked["user_id"].isin(["u3", "u230"])]
    assert same(arrow(recommend(text.path, few).compute()), text.lists(["u3", "u230"]))
    none = recommend(text.path, asked[asked["user_id"] == ""])
    done = none.compute()
    assert len(done) == 0
    assert done.dtypes.equals(none.dtypes)


def test_a_model_saved_over_is_another_computation(dd: Any, text: Model, copy: Path) -> None:
    """The digest is in the graph: no cache keyed by it can mix two models."""
    asked = frame(dd, pd.Series(["u1", "u2"]), 1)
    before, again = recommend(copy, asked), recommend(copy, asked)
    other = st.Policy.from_toml('[policy]\nid = "other"\n[[rules]]\nid = "r"\nrequire = "1 < 2"\n')
    text.pipeline.under(other).save(copy)
    after = recommend(copy, asked)
    assert before._name == again._name != after._name
    with pytest.raises(st.ArtifactError, match="not the model that the driver read"):
        before.compute(scheduler="threads")


def test_refusals(dd: Any, text: Model, copy: Path) -> None:
    asked = frame(dd, pd.Series(["u1", None]), 1)
    with pytest.raises(st.DataError, match="user_id: 1 of 2 are missing"):
        recommend(text.path, asked).compute(scheduler="threads")
    with pytest.raises(st.DataError, match="one column 'user_id'"):
        recommend(text.path, asked.rename(columns={"user_id": "customer"}))
    with pytest.raises(st.DataError, match="expected a Dask DataFrame"):
        recommend(text.path, asked.compute())
    with pytest.raises(ValueError, match="positive integer"):
        recommend(text.path, asked, k=-1)
    halves = frame(dd, pd.Series(np.array([0.5])), 1)
    with pytest.raises(st.DataError, match="ids must be integers or text"):
        recommend(text.path, halves).compute(scheduler="threads")
    file = next(copy.glob("*.npy"))
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(st.ArtifactError, match="damaged"):
        recommend(copy, asked)
