"""One user, one product and every kind of value: what hand-written rules are judged on."""

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

import suitably as st
from support.random_policies import quote

AS_OF = datetime(2024, 2, 29, 12)
HEAD = """
[policy]
id = "test"
version = "1"
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3"]
[fields]
"user.level" = "investor"
"user.lower" = "investor"
"user.no_level" = "investor"
"product.level" = "product"
"user.no_number" = "number"
"""
USER: dict[str, Any] = {
    "user_id": "u",
    "t": True,
    "f": False,
    "u": None,
    "level": "C3",
    "lower": "C1",
    "no_level": None,
    "n": 3.0,
    "whole": 7,
    "zero": 0.0,
    "tiny": 5e-324,
    "huge": 1e308,
    "no_number": None,
    "nan": float("nan"),
    "s": "Abc",
    "empty": "",
    "day": datetime(2023, 1, 31),
    "leap": datetime(2024, 1, 31),
    "born": date(2000, 2, 29),
    "now": AS_OF,
    "past": AS_OF - timedelta(microseconds=1),
    "future": AS_OF + timedelta(microseconds=1),
    "first": datetime(1, 1, 1),
    "last": datetime(9999, 12, 31),
    "tags": ["a", "b"],
    "holes": ["a", None],
    "none": [],
    "numbers": [1.0, 2.5],
    "map": {"x": 0.25, "hole": None},
}
PRODUCT: dict[str, Any] = {
    "product_id": "p",
    "level": "R2",
    "n": 10.0,
    "key": "x",
    "market": ["a", "b", "c"],
    "end": datetime(2024, 2, 29),
    "s": "abc",
}


def table(*rows: dict[str, Any]) -> pa.Table:
    """Build a table of rows, dictionaries as maps."""
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        mapped = any(isinstance(value, dict) for value in values)
        values = [list(value.items()) if isinstance(value, dict) else value for value in values]
        columns[name] = pa.array(values, pa.map_(pa.string(), pa.float64()) if mapped else None)
    return pa.table(columns)


def rule(require: str, name: str = "rule", more: str = "") -> str:
    return f"[[rules]]\nid = {quote(name)}\nrequire = {quote(require)}\n{more}\n"


def evaluate(text: str, user: Any = None, product: Any = None, as_of: Any = AS_OF) -> Any:
    """Evaluate a policy on one user and one product, or on frames."""
    users, products = (
        table(standard | (given or {})) if given is None or isinstance(given, dict) else given
        for standard, given in ((USER, user), (PRODUCT, product))
    )
    return st.Policy.from_toml(text).evaluate(users, products, as_of)


def verdict(require: str, user: Any = None, product: Any = None, as_of: Any = AS_OF) -> str:
    """Give the verdict of one rule on one pair, as `verdicts` and `mask` agree on it."""
    eligibility = evaluate(HEAD + rule(require), user, product, as_of)
    (found,) = eligibility.verdicts("u", "p")
    assert eligibility.mask().tolist() == [[found.verdict == "pass"]]
    return str(found.verdict)
