"""A small bank with text ids or integers, its model saved, and the lists it gives in process."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import suitably as st

__all__ = ["AS_OF", "Model", "bank", "consenting", "same"]

AS_OF = np.datetime64("2024-03-01", "us")
USERS, PRODUCTS = 240, 60
RULES = """
[policy]
id = "levels"
version = "1"
[[rules]]
id = "risk-level"
require = "product.risk_level <= user.risk_level"
[[rules]]
id = "on-sale"
require = "as_of < product.sale_end"
"""


@dataclass(frozen=True)
class Model:
    """A fitted pipeline, and the folder it is saved in."""

    pipeline: st.Pipeline
    path: Path

    def lists(self, users: Sequence[Any], k: int = 10, as_of: Any = None) -> pa.Table:
        """Give what an engine must give for these users, repeated ones and all, in their order."""
        distinct = list(dict.fromkeys(users))
        found = self.pipeline.recommend(distinct, k=k, as_of=as_of).to_arrow()
        rows: dict[Any, list[int]] = {user: [] for user in distinct}
        for row, user in enumerate(found["user_id"].to_pylist()):
            rows[user].append(row)
        take = [row for user in users for row in rows[user]]
        return found.take(pa.array(take, pa.int64())).select(COLUMNS)


COLUMNS = ["user_id", "product_id", "rank", "score"]


def bank(folder: Path, user_kind: pa.DataType, product_kind: pa.DataType) -> Model:
    """Fit and save: factors of customers with one to eight purchases, some with no list at all."""
    rng = np.random.default_rng(7)
    level, risk = rng.integers(0, 6, USERS), rng.integers(1, 6, PRODUCTS)
    bought = rng.integers(1, 9, USERS)
    users = pa.table({"user_id": ids("u", USERS, user_kind), "risk_level": level})
    ends = AS_OF + rng.integers(1, 60, PRODUCTS).astype("timedelta64[D]")
    products = pa.table(
        {
            "product_id": ids("p", PRODUCTS, product_kind),
            "risk_level": risk,
            "sale_end": ends,
        }
    )
    log = pa.table(
        {
            "user_id": users["user_id"].take(pa.array(np.repeat(np.arange(USERS), bought))),
            "product_id": products["product_id"].take(
                pa.array((rng.random(bought.sum()) ** 2 * PRODUCTS).astype(int))
            ),
            "timestamp": AS_OF - rng.integers(1, 300, bought.sum()).astype("timedelta64[D]"),
        }
    )
    pipeline = st.Pipeline(policy=st.Policy.from_toml(RULES), ranker=st.ranking.ALS(factors=16))
    pipeline.fit(st.Dataset(users, products, log), AS_OF)
    pipeline.save(folder)
    return Model(pipeline, folder)


def ids(letter: str, count: int, kind: pa.DataType) -> pa.Array:
    """Give ids that sort otherwise than they stand."""
    numbers = [(7 * i) % count + 1 for i in range(count)]
    return pa.array(
        numbers if pa.types.is_integer(kind) else [f"{letter}{i}" for i in numbers], kind
    )


def same(found: pa.Table, wanted: pa.Table) -> bool:
    """Say whether two tables hold the same rows in the same order, scores to the last bit."""
    assert found.column_names == COLUMNS
    left, right = (table["score"].to_numpy().view(np.int32) for table in (found, wanted))
    exact = np.array_equal(left, right)
    names = COLUMNS[:3]
    return exact and found.select(names).to_pylist() == wanted.select(names).to_pylist()


def consenting(path: Path) -> tuple[st.Pipeline, st.governance.Consent]:
    """Save a small model that was fitted with a register of consent, from which u0 is missing."""
    log = {"user_id": ["u0", "u1", "u2", "u3", "u3"], "product_id": list("aaaab")}
    consent = {"user_id": ["u1", "u2", "u3"], "purpose": ["personalisation"] * 3}
    moments = {"granted_at": [AS_OF] * 3, "withdrawn_at": [None] * 3}
    register = st.governance.Consent(pd.DataFrame(consent | moments))
    pipeline = st.Pipeline(
        policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(), consent=register
    ).fit(st.Dataset(None, None, pd.DataFrame(log)))
    pipeline.save(path)
    return pipeline, register
