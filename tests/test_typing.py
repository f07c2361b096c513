"""The names that public signatures are made of stand for what callers really give."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably import typing as names


@pytest.mark.parametrize(
    "moment",
    ["2024-01-02", date(2024, 1, 2), datetime(2024, 1, 2), np.datetime64("2024-01-02"),
     pd.Timestamp("2024-01-02")],
)  # fmt: skip
def test_moments(moment: Any) -> None:
    log = pd.DataFrame({"user_id": [1], "product_id": [2], "timestamp": ["2024-01-01"]})
    assert isinstance(moment, get_args(names.AsOf))
    assert st.Dataset(None, None, log).moment(moment) == np.datetime64("2024-01-02", "us")


@pytest.mark.parametrize(
    "ids",
    [["a"], ("a",), np.array(["a"]), pd.Series(["a"]), pl.Series(["a"]), pa.array(["a"]),
     pa.chunked_array([["a"]])],
)  # fmt: skip
def test_ids(ids: Any) -> None:
    log = pd.DataFrame({"user_id": ["a", "b"], "product_id": ["p", "q"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    recs = pipeline.fit(st.Dataset(None, None, log)).recommend(ids)
    assert isinstance(ids, Iterable)
    assert [one.user_id for one in recs] == ["a"]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_kinds_of_frames(frame: Any) -> None:
    log = frame({"user_id": ["a"], "product_id": ["p"]})
    assert st.Dataset(None, None, log).kind in get_args(names.FrameKind)


def test_signatures_can_be_read_at_run_time() -> None:
    for public in (st.Dataset.__init__, st.Dataset.view, st.Recommendations.explain,
                   st.engines.files.recommend):  # fmt: skip
        assert get_type_hints(public)
