"""One reader: a value gets one answer, or one refusal in the same words, on every path in."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st_

import suitably as st

LARGE = 2**53
AS_OF = "2024-01-01"
SCALE = '[scales]\ns = [1, 2, 3]\n[fields]\n"user.x" = "s"\n'
PRODUCTS = pa.table({"product_id": ["p"]})
LOG = pa.table(
    {
        "user_id": ["u", "w"],
        "product_id": ["p", "p"],
        "timestamp": pa.array([dt.datetime(2023, 12, 31, 23, 59, 59, 999_999)] * 2),
    }
)

# A rule that reads x in one way, what else the policy says, and two values that it can use.
USES: dict[str, tuple[str, str, list[Any]]] = {
    "number": ("user.x > 1", "", [2.5, 0.5]),
    "level": ("rank(user.x) >= 2", SCALE, [3, 1]),
    "text": ("user.x == 'a'", "", ["a", "b"]),
    "condition": ("user.x", "", [True, False]),
    "numbers": ("contains(user.x, 3)", "", [[3.0, 0.5], [1.5]]),
    "not in numbers": ("not contains(user.x, 3)", "", [[3.0, 0.5], [1.5]]),
    "texts": ("contains(user.x, 'a')", "", [["a"], ["b"]]),
    "map": ("lookup(user.x, 'a') < 2", "", [{"a": 1.5}, {"a": 2.5}]),
    "date": ("user.x < as_of", "", [dt.datetime(2023, 1, 1), dt.datetime(2025, 1, 1)]),
}

whole = st_.sampled_from(
    [0, 1, 2, 3, 4, -1, LARGE, -LARGE, LARGE + 1, -LARGE - 1, 2**62, 2**63 + 1]
)
numbers = st_.one_of(
    whole,
    whole.map(Decimal),
    st_.floats(allow_nan=False),
    st_.decimals(-10, 10, places=3),
    st_.sampled_from([Decimal("2.00"), 1.0, 2.0, 2.5, float("nan"), float("inf"), np.float32(0.1)]),
)
others = st_.sampled_from(
    [None, True, False, "a", "1", "", "é", dt.date(2023, 1, 1), dt.datetime(2023, 12, 31, 23)]
)
scalars = numbers | others
values = st_.one_of(
    scalars,
    st_.lists(numbers, min_size=1, max_size=3),
    st_.lists(st_.sampled_from(["a", "b", "1"]), min_size=1, max_size=3),
    st_.dictionaries(st_.sampled_from(["a", "b"]), numbers, min_size=1, max_size=1),
    st_.dictionaries(st_.just("a"), others, min_size=1),
)


def columns(values: list[Any]) -> dict[str, Callable[[], Any]]:
    """Return frames of users u, w, … whose column x holds the values, for as many as there are."""
    ids = ["u", "w"][: len(values)]

    def pandas(x: Any) -> Any:
        return pd.DataFrame({"user_id": ids, "x": x})

    def arrow() -> Any:
        return pa.table({"user_id": ids, "x": pa.array(values, from_pandas=True)})

    return {
        "objects": lambda: pandas(pd.Series(values, dtype=object)),
        "NumPy": lambda: pandas(pd.Series(values)),
        "nullable": lambda: pandas(pd.Series(values).convert_dtypes()),
        "ArrowDtype": lambda: pandas(pd.Series(pd.arrays.ArrowExtensionArray(arrow()["x"]))),
        "PyArrow": arrow,
        "polars": lambda: pl.DataFrame({"user_id": ids, "x": pl.Series(values)}),
        "lazy": lambda: pl.LazyFrame({"user_id": ids, "x": pl.Series(values)}),
        "DuckDB": lambda: duckdb.from_arrow(arrow()),
    }


def frames(value: Any) -> dict[str, Any]:
    """Return those kinds of frame that can hold a value at all."""
    found = {}
    skipped: set[str] = set()
    if isinstance(value, list) and len({type(element) for element in value}) > 1:
        skipped = {"polars", "lazy"}  # polars itself makes one type of them
    if isinstance(value, Decimal) and not value.is_finite():
        skipped = {"polars", "lazy"}  # polars panics
    if isinstance(value, float) and abs(value) > LARGE:
        skipped = {"nullable"}  # pandas itself makes integers of them
    for name, make in columns([value]).items():
        if name in skipped:
            continue
        try:
            found[name] = make()
        except Exception:  # the frame's own library cannot hold such a value
            continue
    return found


def policy(use: str) -> st.Policy:
    rule, head, _ = USES[use]
    return st.Policy.from_toml(
        f'[policy]\nid = "p"\n{head}[[rules]]\nid = "r"\nrequire = "{rule}"\n'
    )


def outcome(ask: Callable[[], Any]) -> Any:
    """Return the answer about u, or the refusal in all its words."""
    try:
        return bool(np.asarray(ask()).ravel()[0])
    except st.SuitablyError as error:
        return type(error).__name__, str(error)


def fitted(use: str, users: Any) -> st.Pipeline:
    return st.Pipeline(policy=policy(use), ranker=st.ranking.Popularity()).fit(
        st.Dataset(users, PRODUCTS, LOG)
    )


@pytest.mark.parametrize("use", USES)
@given(value=values)
@example(value=Decimal("0.7"))
@example(value=Decimal(LARGE + 1))
@example(value=[1, LARGE + 1])
@example(value={"a": LARGE + 1})
@example(value=[1.0, float("nan")])
@example(value=[float("nan")])
@example(value=[float("inf")])
@example(value={"a": float("nan")})
@example(value={"a": float("-inf")})
@example(value=Decimal("Infinity"))
@example(value=Decimal("sNaN"))
@settings(max_examples=15, deadline=None)
def test_every_way_in_gives_one_answer(use: str, value: Any) -> None:
    """Frames of any kind, a fit, a judged row: the same verdict or the same words."""
    made = frames(value)
    assume("objects" in made)
    answers = {
        name: outcome(lambda users=users: policy(use).evaluate(users, PRODUCTS, AS_OF).mask())
        for name, users in made.items()
    }
    right = answers["objects"]
    assert answers == dict.fromkeys(answers, right)

    good = pd.DataFrame({"user_id": ["u", "w"], "x": pd.Series(USES[use][2], dtype=object)})
    judged = outcome(lambda: policy(use).evaluate(good, PRODUCTS, AS_OF).judge({"x": value}))
    both = pd.DataFrame({"user_id": ["u", "w"], "x": pd.Series([value, None], dtype=object)})
    learned = outcome(lambda: fitted(use, both).eligibility().mask(["u"]))
    assert learned == right
    if isinstance(right, bool) or right[0] == "DataError":
        assert judged == right or refused_as_another_type(judged, value)
    else:  # a rule that cannot read such a column: the row is at fault, not the policy
        assert judged[0] == "DataError"


def refused_as_another_type(found: Any, value: Any) -> bool:
    """Return whether a row holds what the rule could read, but not in that column."""
    return isinstance(found, tuple) and "but its column" in found[1]


@pytest.mark.parametrize("use", USES)
@given(value=values)
@example(value=Decimal(LARGE + 1))
@settings(max_examples=10, deadline=None)
def test_an_update_answers_as_a_fit_or_is_refused(use: str, value: Any) -> None:
    """An update never passes what a fit refuses, nor judges otherwise, and leaves all as it was."""
    good = pd.DataFrame({"user_id": ["u", "w"], "x": pd.Series(USES[use][2], dtype=object)})
    users = frames(value)["objects"]
    right = outcome(lambda: policy(use).evaluate(users, PRODUCTS, AS_OF).mask())
    pipeline = fitted(use, good)
    before = pipeline.eligibility().mask().tolist()
    found = outcome(lambda: pipeline.update(users=users).eligibility().mask(["u"]))
    if isinstance(found, tuple):
        assert found[0] == "DataError"
        assert pipeline.eligibility().mask().tolist() == before
        same_words = found == right
        assert same_words or "but its column" in found[1] or "no common type" in found[1]
    else:
        assert found == right
