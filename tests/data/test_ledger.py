"""Ledgers: what a pair has come to does not depend on how its events arrive."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.data.ledger import Ledger

KINDS = EventKinds(owned=("buy",), disposed=("sell",), rejected=("decline",))
NAMES = ("buy", "sell", "decline", "view")
SHAPE = (3, 3)
DAY = datetime(2024, 1, 1)

rows = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), st.integers(0, 4),
    st.sampled_from([None, 0.1, -0.2, 0.3, 1.0, 2.0**39]),
)  # fmt: skip


def events_of(log: list[Any]) -> Events:
    """Put rows of user, product, kind, day and quantity in order of time."""
    log = sorted(log, key=lambda row: row[3])
    users, products, kinds, days, units = zip(*log, strict=True) if log else ([],) * 5
    return Events(
        users=np.array(users, np.int32),
        products=np.array(products, np.int32),
        times=np.array([DAY + timedelta(days=day) for day in days], "datetime64[us]"),
        kinds=np.array(kinds, np.int32),
        kind_names=NAMES,
        quantities=np.array([np.nan if unit is None else unit for unit in units], float),
    )


def held(log: list[Any], user: int, product: int) -> bool:
    """Say whether a pair is owned, in exact arithmetic."""
    mine = [row for row in log if row[:2] == (user, product)]
    bought, sold = ([row for row in mine if NAMES[row[2]] == kind] for kind in ("buy", "sell"))
    if not bought:
        return False
    if all(row[4] is not None for row in bought + sold) and sold:
        left = sum(Fraction(str(abs(row[4]))) * (1 if row in bought else -1)
                   for row in bought + sold)  # fmt: skip
        return left > 0
    return max(row[3] for row in bought) > max((row[3] for row in sold), default=-1)


def turned_down(log: list[Any], user: int, product: int) -> bool:
    mine = [row for row in log if row[:2] == (user, product)]
    last = max((row[3] for row in mine if NAMES[row[2]] == "decline"), default=None)
    bought = max((row[3] for row in mine if NAMES[row[2]] == "buy"), default=-1)
    return last is not None and bought <= last


@given(log=st.lists(rows, max_size=25), seed=st.integers(0, 99))
def test_in_any_order_and_in_any_parts(log: list[Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = Ledger.of(events_of(log), KINDS)
    parts = rng.integers(3, size=len(log))
    joined = Ledger.of(events_of([]), KINDS)
    for part in rng.permutation(3):
        mine = [row for row, its in zip(log, parts, strict=True) if its == part]
        joined = joined.plus(Ledger.of(events_of(mine), KINDS))
    for ledger in (whole, joined):
        owned, rejected = ledger.owned(SHAPE).toarray(), ledger.rejections(SHAPE).tocoo()
        pairs = [(user, product) for user in range(3) for product in range(3)]
        assert [bool(owned[pair]) for pair in pairs] == [held(log, *pair) for pair in pairs]
        found = set(zip(*map(np.ndarray.tolist, rejected.coords), strict=True))
        assert found == {pair for pair in pairs if turned_down(log, *pair)}


def test_arrays_there_and_back() -> None:
    ledger = Ledger.of(events_of([(0, 1, 0, 2, 1.0), (2, 0, 2, 1, None)]), KINDS)
    back = Ledger.from_arrays(ledger.to_arrays(), SHAPE)
    assert back.owned(SHAPE).toarray().tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="does not fit"):
        Ledger.from_arrays(ledger.to_arrays(), (2, 3))
    with pytest.raises(ValueError, match="does not fit"):
        Ledger.from_arrays({**ledger.to_arrays(), "spent": np.zeros(1)}, SHAPE)
