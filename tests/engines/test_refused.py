"""Refused rows are added up, whoever found them."""

import pytest

import suitably as st
from suitably.engines.refused import Refused

ONE = ("interactions", "value", "is not a finite number")


def test_they_are_added_up_in_any_order() -> None:
    parts = [Refused(((*ONE, 2, ("nan", "inf")),)), Refused(((*ONE, 5, ("-inf", "nan")),)),
             Refused((("users", "user_id", "no id", 1, (None,)),)), Refused()]  # fmt: skip
    found = Refused.all(parts)
    assert found == Refused.all(parts[::-1])
    assert found.to_table().to_pylist()[0] == {
        "table": "interactions", "column": "value", "reason": ONE[2], "rows": 7,
        "examples": ["-inf", "inf", "nan"],
    }  # fmt: skip
    message = r"interactions.value: 7 rows: .*\(-inf, inf, nan\); users.user_id: 1 rows: no id \(no"
    with pytest.raises(st.DataError, match=message):
        found.raise_any()
    assert not Refused()
    Refused().raise_any()
    assert Refused().to_table().num_rows == 0


def test_rows_of_guests_are_not_counted() -> None:
    log = {"user_id": ["a", None, None], "product_id": ["x", "x", "x"]}
    import pandas as pd

    data = st.Dataset(None, None, pd.DataFrame(log), on_error="quarantine")
    import pyarrow as pa

    aside = pa.Table.from_pandas(data.quarantine)
    assert Refused.of(aside).lines[0][3] == 2
    assert Refused.of(aside, {"interactions": 2}).lines[0][3] == 1
    assert not Refused.of(aside, {"users": 9})
