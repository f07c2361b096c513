"""Who has consented to what, as of when."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st

ROWS = {
    "user_id": ["ann", "bob", "bob", "cat"],
    "purpose": ["personalisation"] * 4,
    "granted_at": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-07-01", "2024-01-01"]),
    "withdrawn_at": pd.to_datetime([None, "2024-06-01", None, "2025-01-01"]),
}
ALL = ["ann", "bob", "cat", "dan"]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2024-01-01", [False, False, False, False]),  # strictly before
        ("2024-01-02", [True, True, True, False]),
        ("2024-06-01", [True, True, True, False]),  # a withdrawal at the moment is not seen yet
        ("2024-06-02", [True, False, True, False]),
        ("2024-07-02", [True, True, True, False]),  # granted again
        ("2025-01-02", [True, True, False, False]),
        (None, [True, True, False, False]),
    ],
)
def test_consent_holds_from_grant_to_withdrawal(as_of: str | None, expected: list[bool]) -> None:
    consent = st.governance.Consent(pd.DataFrame(ROWS))
    assert consent.granted(ALL, "personalisation", as_of).tolist() == expected
    assert not consent.granted(ALL, "marketing", as_of).any()


@pytest.mark.parametrize("frame", [pd.DataFrame(ROWS), pl.DataFrame(ROWS), pa.table(ROWS)])
def test_any_frame_says_the_same(frame: object) -> None:
    consent = st.governance.Consent(frame)
    for made in (consent, copy.deepcopy(consent), pickle.loads(pickle.dumps(consent))):
        assert made.granted(ALL, "personalisation", "2024-06-02").tolist() == [
            True, False, True, False
        ]  # fmt: skip


def test_order_of_rows_and_of_questions_does_not_matter() -> None:
    frame = pd.DataFrame(ROWS)
    one, other = (st.governance.Consent(f) for f in (frame, frame.iloc[::-1]))
    for as_of in ("2025-01-02", "2024-01-02", "2024-06-02", None, "2024-01-01", "2024-07-02"):
        asked = np.array(ALL[::-1], object)
        assert (
            one.granted(asked, "personalisation", as_of)
            == other.granted(asked, "personalisation", as_of)
        ).all()


def _bad(**changes: object) -> pd.DataFrame:
    return pd.DataFrame({**ROWS, **changes})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (_bad(purpose="personalization"), "consent.purpose: 4 of 4.*did you mean personalisation"),
        (_bad(purpose=[None, *ROWS["purpose"][1:]]), "consent.purpose: 1 of 4 rows: is none of"),
        (_bad(purpose=[1, 2, 3, 4]), "consent.purpose: must hold text"),
        (_bad(user_id=["ann", None, "bob", "cat"]), "consent.user_id: 1 of 4 rows: no id"),
        (_bad(granted_at=[None, *ROWS["granted_at"][1:]]), "granted_at: 1 of 4 rows: no date"),
        (_bad(granted_at=["soon"] * 4), "granted_at: 4 of 4 rows: is not a date"),
        (_bad(withdrawn_at=pd.to_datetime([None, "2023-12-31", None, None])),
         "withdrawn_at: 1 of 4 rows: is withdrawn before it was granted .*2023-12-31"),
        (_bad(withdrawn_at=["2024-06-01T00:00:00Z"] * 4), "time zone"),
        (pd.DataFrame(ROWS).drop(columns="withdrawn_at"), "no column 'withdrawn_at'"),
        ([1, 2], "expected a pandas"),
    ],
)  # fmt: skip
def test_bad_rows_are_refused(frame: object, message: str) -> None:
    with pytest.raises(st.DataError, match=message):
        st.governance.Consent(frame)


def test_bad_questions_are_refused() -> None:
    consent = st.governance.Consent(pd.DataFrame(ROWS))
    with pytest.raises(ValueError, match="purpose='ads'"):
        consent.granted(ALL, "ads")
    with pytest.raises(st.DataError, match="one type of id"):
        consent.granted([1, 2], "marketing")
    with pytest.raises(st.DataError, match="time-zone aware"):
        consent.granted(ALL, "marketing", "2024-01-01T00:00:00Z")
    assert "ann" not in repr(consent)
