"""Who may be offered what: sixteen classes at 40 %, or nearly every customer a class of one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import suitably as st
from benchmarks import workload

__all__ = ["AS_OF", "Shelf", "shelf"]

AS_OF = workload.AS_OF
CLASSES, SHARE = 16, 0.4

CLASS_POLICY = """
[policy]
id = "classes"
version = "1"
[[rules]]
id = "segment"
require = "contains(product.segments, user.segment)"
"""


@dataclass(frozen=True)
class Shelf:
    """Customers, products and the rules between them.

    Attributes:
        title: How the eligibility is called in the table.
        users: Frame with `user_id`, the positions.
        products: Frame with `product_id`, the positions.
        policy: The rules.
    """

    title: str
    users: pd.DataFrame
    products: pd.DataFrame
    policy: st.Policy

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Judge some customers apart from all others: bool (rows, products)."""
        judged = self.policy.evaluate(self.users.iloc[rows], self.products, AS_OF)
        return judged.mask()


def shelf(kind: str, users: int, products: int) -> Shelf:
    """Give the eligibility called `"classes"` or `"distinct"`."""
    if kind == "distinct":
        people, goods = workload.frames(users, products)
        policy = st.Policy.from_toml(workload.POLICY)
        return Shelf("nearly all users distinct", people, goods, policy)
    rng = np.random.default_rng(1)
    codes = rng.integers(0, CLASSES, users)
    drawn = rng.random((CLASSES, products)).argsort(axis=1)
    member = drawn < round(SHARE * products)
    names = np.array([f"segment-{number:02}" for number in range(CLASSES)], dtype=object)
    people = pd.DataFrame({"user_id": np.arange(users), "segment": names[codes]})
    lists = [list(names[member[:, product]]) for product in range(products)]
    goods = pd.DataFrame({"product_id": np.arange(products), "segments": lists})
    policy = st.Policy.from_toml(CLASS_POLICY)
    return Shelf(f"{CLASSES} classes at {SHARE:.0%}", people, goods, policy)
