"""Recency and frequency of real customers, against pandas."""

from pathlib import Path

import numpy as np
import pandas as pd

from suitably.data import Columns, Dataset
from suitably.profiles import RecencyFrequencyValue


def test_real_repeat_buyers_agree_with_pandas(shared_data: Path) -> None:
    log = pd.read_csv(shared_data / "far_trans" / "buys_2018_2019H1_exact.csv.xz")
    columns = Columns(user="customerID", product="ISIN", timestamp="date")
    users = pd.DataFrame({"customerID": log.customerID.unique()})
    data = Dataset(users, None, log, columns=columns)
    as_of = "2019-01-01"
    found = RecencyFrequencyValue().fit(data, as_of).transform(data).set_index("user_id")

    seen = log[log.date < as_of].groupby("customerID").date
    assert len(log) == 55_600
    assert len(found) == log.customerID.nunique()
    counts = seen.size().reindex(found.index, fill_value=0)
    np.testing.assert_array_equal(found.frequency, counts)
    last = pd.to_datetime(seen.max()).reindex(found.index)
    days = (pd.Timestamp(as_of) - last) / pd.Timedelta(days=1)
    np.testing.assert_array_equal(found.recency_days, days)
    assert found.monetary.isna().all()
    assert (found.rfv_segment == "none").sum() == (counts == 0).sum() > 0
    np.testing.assert_array_equal(found.rfv_segment == "loyal", (days <= 180) & (counts >= 3))
