"""A dataset keeps what it was given, and finds many ids as it finds few."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably as st
from suitably.data.vocabulary import Vocabulary, distinct_ids

END = np.iinfo(np.int64)
KNOWN = {
    "dense": pa.array([7, 3, 5, 4]),
    "sparse": pa.array([5, END.max, END.min, 0]),
    "unsigned": pa.array([5, 2**64 - 1, 0, 1], pa.uint64()),
    "text": pa.array(["b", "", "a", "B"]),
}


def test_a_frame_that_is_changed_in_place_does_not_change_the_dataset():
    log = pd.DataFrame(
        {
            "user_id": [1, 2],
            "product_id": [1, 1],
            "value": [5.0, 6.0],
            "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"]).astype("datetime64[us]"),
        }
    )
    kept = [log[name].to_numpy().copy() for name in log]
    data = st.Dataset(None, None, log)
    for name in log:
        values = log[name].to_numpy()
        values.setflags(write=True)
        values[:] = values[::-1].copy()

    assert data.events.values.tolist() == kept[2].tolist()
    assert data.events.times.tolist() == kept[3].tolist()
    assert data.interactions["user_id"].tolist() == kept[0].tolist()


@pytest.mark.parametrize("name", KNOWN)
def test_many_ids_are_found_where_few_are(name):
    ids = KNOWN[name]
    words = Vocabulary(ids)
    strangers = ["c", "bb"] if pa.types.is_string(ids.type) else [6, 2, 2**63 - 2, 8]
    asked = pa.array([*ids.to_pylist(), None, *strangers] * 5, ids.type)

    one_by_one = [
        int(words.codes([one])[0]) if one is not None else -1 for one in asked.to_pylist()
    ]

    assert words.codes(asked).tolist() == one_by_one
    assert words.codes(asked).dtype == np.int32


@pytest.mark.parametrize("name", KNOWN)
def test_distinct_ids_are_those_of_a_set(name):
    ids = KNOWN[name]
    column = pa.array([*ids.to_pylist(), None, *ids.to_pylist()], ids.type)
    assert distinct_ids(column).to_pylist() == sorted(ids.to_pylist())
    assert distinct_ids(column).type == ids.type
    assert len(distinct_ids(column.slice(0, 0))) == 0
    assert len(distinct_ids(pa.nulls(3, ids.type))) == 0


def test_what_a_frame_of_arrow_lacks_stays_null():
    log = pa.table({"user_id": [1, 2], "product_id": [1, 1], "event": ["view", "buy"],
                    "value": pa.array([None, 2.0])})  # fmt: skip
    data = st.Dataset(None, None, log, other_events=["view"])
    assert data.interactions["value"].to_pylist() == [None, 2.0]
    assert np.isnan(data.events.values[0])
