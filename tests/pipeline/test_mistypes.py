"""A column of another type than the rules take: whose fault it is, on every way in.

Where nothing is declared, the rule does not fit the data: a `PolicyError`. Where the policy states
what a column holds, or a fit has seen it, the data is wrong: a `DataError`. A scale takes lists of
its levels too, so a list is a fault of the rule that compares it.
"""

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

import suitably as st

AS_OF = datetime(2024, 2, 1)
VALUES: dict[str, Any] = {
    "number": 3.0,
    "text": "x",
    "boolean": True,
    "date": datetime(2024, 1, 1),
    "bare date": date(2024, 1, 1),
    "list": ["x"],
}
RULES = {
    "number": "user.f > 2",
    "text": "user.f == 'x'",
    "boolean": "user.f",
    "date": "user.f < as_of",
    "level": "user.f >= 'x'",
    "list": "contains(user.f, 'x')",
}
PRODUCTS = pa.table({"product_id": [1, 2]})
LOG = pa.table({"user_id": [1], "product_id": [1], "timestamp": [datetime(2024, 1, 1)]})
CASES = [
    (kind, declared, other)
    for kind in RULES
    for declared in (False, True)
    for other in VALUES
    if other != {"level": "text"}.get(kind, kind) and {kind, other} != {"date", "bare date"}
]


def users(kind: str) -> pa.Table:
    return pa.table({"user_id": [1], "f": pa.array([VALUES[kind]])})


def fitted(policy: st.Policy, kind: str) -> st.Pipeline:
    data = st.Dataset(users(kind), PRODUCTS, LOG)
    return st.Pipeline(policy=policy, ranker=st.ranking.Popularity()).fit(data)


@pytest.mark.parametrize(("kind", "declared", "other"), CASES)
def test_a_mistyped_column(kind: str, declared: bool, other: str) -> None:
    stated = declared or kind == "level"
    fields = f"[fields]\n'user.f' = '{'s' if kind == 'level' else kind}'\n" if stated else ""
    policy = st.Policy.from_toml(
        f'[policy]\nid = "p"\n[scales]\ns = ["x", "y"]\n{fields}'
        f'[[rules]]\nid = "r"\nrequire = "{RULES[kind]}"\n'
    )
    good = "text" if kind == "level" else kind
    at_bind = st.PolicyError if not stated or (kind, other) == ("level", "list") else st.DataError
    with pytest.raises(at_bind, match=r"user\.f|policy 'p'"):
        policy.evaluate(users(other), PRODUCTS, AS_OF)
    with pytest.raises(at_bind, match=r"user\.f|policy 'p'"):
        fitted(policy, other)
    with pytest.raises(st.DataError):
        policy.evaluate(users(good), PRODUCTS, AS_OF).judge({"f": VALUES[other]})
    pipeline = fitted(policy, good)
    before = pipeline.recommend([1]).to_frame().to_pydict()
    with pytest.raises(st.DataError):
        pipeline.update(users=users(other))
    assert pipeline.recommend([1]).to_frame().to_pydict() == before
