"""What a change of policy would do, against a count pair by pair."""

import sys
import tomllib
import tracemalloc
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hst

import suitably as st
from suitably.suitability.impact import Impact, impact
from suitably.suitability.policy import Policy
from support.oracle import judge
from support.random_policies import Case, cases

AS_OF = datetime(2024, 1, 1)
USERS = {
    "user_id": ["u1", "u2", "u3", "u4"],
    "n": [1.0, 5.0, 9.0, None],
    "vip": [False, True, None, True],
}
PRODUCTS = {"product_id": ["a", "b", "c"], "n": [2.0, 6.0, 20.0], "open": [True, False, True]}
OLD = """
[policy]
id = "house"
version = "1"
[[rules]]
id = "enough"
require = "user.n >= product.n"
"""
NEW = """
[policy]
id = "house"
version = "2"
[[rules]]
id = "enough"
require = "user.n * 2 >= product.n"
[[rules]]
id = "open"
require = "product.open"
"""
# old: u2-a, u3-a, u3-b; new: u1-a, u2-a, u3-a (b is not open)


def rows(frame: Any) -> list[dict[str, Any]]:
    return list(nw.from_native(frame).iter_rows(named=True))


def change(frame: Any = pd.DataFrame, **more: Any) -> Impact:
    old, new = Policy.from_toml(OLD), Policy.from_toml(NEW)
    return impact(old, new, frame(USERS), frame(PRODUCTS), AS_OF, **more)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (pl.LazyFrame, pl.DataFrame),
     (pa.table, pa.Table)],
)  # fmt: skip
def test_by_hand(frame: Any, kind: Any) -> None:
    found = change(frame)
    assert (found.gained, found.lost) == (1, 1)
    users, products, rules, pairs = found.users(), found.products(), found.rules(), found.pairs()
    assert all(isinstance(out, kind) for out in (users, products, rules, pairs))
    assert rows(users) == [
        {"user_id": "u1", "gained": 1, "lost": 0, "before": 0, "after": 1},
        {"user_id": "u3", "gained": 0, "lost": 1, "before": 2, "after": 1},
    ]
    assert rows(products) == [
        {"product_id": "a", "gained": 1, "lost": 0, "before": 2, "after": 3},
        {"product_id": "b", "gained": 0, "lost": 1, "before": 1, "after": 0},
    ]
    # u4 has no n; of the others 6 pairs fail before, and 1-b 1-c 2-c 3-c after
    assert rows(rules) == [
        {"rule": "enough", "failed_before": 6, "failed_after": 4, "unknown_before": 3,
         "unknown_after": 3, "only_before": 9, "only_after": 5,
         "flagged_before": 0, "flagged_after": 0},
        {"rule": "open", "failed_before": 0, "failed_after": 4, "unknown_before": 0,
         "unknown_after": 0, "only_before": 0, "only_after": 2,
         "flagged_before": 0, "flagged_after": 0},
    ]  # fmt: skip
    assert [
        (r["user_id"], r["product_id"], r["change"], list(r["rules"])) for r in rows(pairs)
    ] == [
        ("u1", "a", "gained", ["enough"]),
        ("u3", "b", "lost", ["open"]),
    ]


def test_the_examples_asked_for() -> None:
    found = change()
    assert found.pairs(limit=1).product_id.tolist() == ["a"]
    assert found.pairs(change="lost").product_id.tolist() == ["b"]
    assert found.pairs(limit=10**9, change="gained").product_id.tolist() == ["a"]
    for limit in (0, -1, 1.0, True, None):
        with pytest.raises(ValueError, match="limit"):
            found.pairs(limit=limit)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="change='more'"):
        found.pairs(change="more")  # type: ignore[arg-type]


def test_the_representation_has_sums_and_no_ids() -> None:
    text = repr(change())
    assert "house 2 in place of house 1, as of 2024-01-01" in text
    assert "3 -> 3 (gained 1, lost 1)" in text
    assert "2 of 4 users, 2 of 3 products" in text
    assert "0 left without any product, 1 no longer without" in text
    assert not any(name in text for name in (*USERS["user_id"], "'a'", "'b'"))


def test_it_is_frozen() -> None:
    found = change()
    with pytest.raises(AttributeError):
        found.kind = "polars"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        found.user_counts[0, 0] = 7


def test_no_change() -> None:
    same = Policy.from_toml(OLD)
    found = impact(same, same, pa.table(USERS), pa.table(PRODUCTS), AS_OF)
    assert (found.gained, found.lost) == (0, 0)
    assert found.users().num_rows == found.products().num_rows == 0
    assert found.pairs().num_rows == 0
    assert found.pairs().schema.types == [*[pa.string()] * 3, pa.list_(pa.string())]
    assert found.users().schema.types == [pa.string()] + [pa.int64()] * 4


def test_no_customers_are_refused() -> None:
    same = Policy.from_toml(OLD)
    with pytest.raises(st.DataError, match="users: the frame is empty"):
        impact(same, same, pa.table(USERS).slice(0, 0), pa.table(PRODUCTS), AS_OF)


def test_integer_ids_keep_their_type() -> None:
    users = pd.DataFrame({**USERS, "user_id": [7, 8, 9, 10]})
    found = impact(
        Policy.from_toml(OLD), Policy.from_toml(NEW), users, pd.DataFrame(PRODUCTS), AS_OF
    )
    assert found.users().user_id.tolist() == [7, 9]
    assert found.pairs().user_id.dtype == np.int64


def test_policies_as_files_names_and_lists(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text(NEW, encoding="utf-8")
    users, products = pd.DataFrame(USERS), pd.DataFrame(PRODUCTS)
    named = impact(
        str(file), [Policy.from_toml(OLD.replace('"house"', '"old"')), file], users, products, AS_OF
    )
    assert "old 1 and house 2 in place of house 2" in repr(named)
    assert [list(r) for r in named.pairs().rules] == [["enough"]]  # u1-a, as the old one says
    assert [row["rule"] for row in rows(named.rules())] == ["enough", "open"]


def test_other_names_of_columns_and_versions() -> None:
    columns = st.Columns(user="client", product="isin")
    users = pd.DataFrame({**USERS, "client": USERS["user_id"]}).drop(columns="user_id")
    users["user_timestamp"] = [AS_OF, *[datetime(2023, 1, 1)] * 3]  # u1 is not yet known
    products = pd.DataFrame({**PRODUCTS, "isin": PRODUCTS["product_id"]}).drop(columns="product_id")
    found = impact(
        Policy.from_toml(OLD), Policy.from_toml(NEW), users, products, AS_OF, columns=columns
    )
    assert found.users().to_dict("list")["user_id"] == ["u3"]
    assert next(iter(found.products().columns)) == "product_id"


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (OLD, OLD.replace("user.n", "user.m"), "no field user.m"),
        (OLD.replace("user.n", "user.m"), OLD, "no field user.m"),
        (OLD, OLD.replace("user.n", "user.vip"), "conditions have no order"),
    ],
)
def test_policies_that_do_not_fit(first: str, second: str, error: str) -> None:
    policies = Policy.from_toml(first), Policy.from_toml(second)
    with pytest.raises(st.PolicyError, match=error):
        impact(*policies, pd.DataFrame(USERS), pd.DataFrame(PRODUCTS), AS_OF)


@pytest.mark.parametrize("policy", [None, [], 3, [None], [3], "no-such-policy"])
def test_what_is_no_policy(policy: Any) -> None:
    with pytest.raises(st.PolicyError, match="policy"):
        impact(policy, OLD, pd.DataFrame(USERS), pd.DataFrame(PRODUCTS), AS_OF)


def without(text: str, dropped: set[int]) -> str:
    """Leave out some rules; the fields that only they read are then read by none."""
    head, *tables = text.split("[[rules]]")
    kept = [table for place, table in enumerate(tables) if place not in dropped]
    return "[[rules]]".join([head, *kept]) if kept else f"rules = []\n{head}"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), hst.sets(hst.integers(0, 4)), hst.sets(hst.integers(0, 4)), hst.integers(1, 5))
def test_the_slow_evaluator_counts_the_same(
    case: Case, first: set[int], second: set[int], limit: int
) -> None:
    texts = without(case.text, first), without(case.text, second)
    policies = [Policy.from_toml(text) for text in texts]
    module = sys.modules[Impact.__module__]  # the function of that name hides it
    with pytest.MonkeyPatch.context() as small:
        small.setattr(module, "_BLOCK", 7)
        small.setattr(module, "_SLICE", 3)
        found = impact(*policies, case.users_frame, case.products_frame, case.as_of)
        pairs = rows(found.pairs(limit=limit))
    users, products = case.visible("user"), case.visible("product")
    parsed = [tomllib.loads(text) for text in texts]
    expected: list[tuple[Any, Any, bool, bool]] = []
    decisive: dict[tuple[Any, Any], set[str]] = {}
    for u in found.before.user_ids:
        for p in found.before.product_ids:
            judged = [judge(policy, users[u], products[p], case.as_of) for policy in parsed]
            old, new = (one.eligible for one in judged)
            expected.append((u, p, old, new))
            kept = judged[0 if new else 1].verdicts
            decisive[u, p] = {name for name, verdict in kept if verdict != "pass"}
    assert found.gained == sum(new and not old for *_, old, new in expected)
    assert found.lost == sum(old and not new for *_, old, new in expected)
    for name, out, place in (("user_id", found.users(), 0), ("product_id", found.products(), 1)):
        got = {row[name]: tuple(row.values())[1:] for row in rows(out)}
        want: dict[Any, list[int]] = {}
        for one in expected:
            old, new = one[2:]
            counts = want.setdefault(one[place], [0, 0, 0, 0])
            for index, true in enumerate((new and not old, old and not new, old, new)):
                counts[index] += true
        assert got == {key: tuple(c) for key, c in want.items() if c[0] or c[1]}
    changed = [one for one in expected if one[2] != one[3]][:limit]
    assert [(r["user_id"], r["product_id"]) for r in pairs] == [one[:2] for one in changed]
    for row, (*_, old, _) in zip(pairs, changed, strict=True):
        assert row["change"] == ("lost" if old else "gained")
        rules = decisive[row["user_id"], row["product_id"]]
        if not any(name.startswith("policy:") for name in rules):
            assert set(row["rules"]) == rules


@pytest.mark.parametrize(
    ("many", "shelf_size"), [(50_000, 1_000), pytest.param(200_000, 2_000, marks=pytest.mark.long)]
)
def test_memory_is_bounded_by_the_block(many: int, shelf_size: int) -> None:
    def changed(users: int, products: int) -> int:
        people = pa.table({"user_id": np.arange(users), "n": np.arange(users) % 97 / 7})
        shelf = {"product_id": np.arange(products), "n": np.arange(products) / 80}
        shelf["open"] = np.ones(products, bool)
        old, new = Policy.from_toml(OLD), Policy.from_toml(NEW)
        found = impact(old, new, people, pa.table(shelf), AS_OF)
        assert len(found.rules()) == 2
        return found.gained

    changed(2_000, 10)  # whatever is compiled or imported is so now
    tracemalloc.start()
    try:
        assert changed(many, shelf_size) > 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000 + many * shelf_size / 8
