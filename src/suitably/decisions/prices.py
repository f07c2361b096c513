"""Prices: what one more unit of each limit would earn."""

import numpy as np
import pyarrow as pa

from suitably.decisions.allocation import Allocation, Constraints
from suitably.decisions.limits import Limits

__all__ = ["price_table"]

_SCHEMA = pa.schema(
    [
        ("constraint", pa.string()),
        ("limit", pa.float64()),
        ("used", pa.float64()),
        ("price", pa.float64()),
    ]
)


def price_table(limits: Limits, constraints: Constraints, found: Allocation) -> pa.Table:
    """Return a row for the budget and for each side of every limit."""
    rows: list[tuple[str, float, float, float]] = []
    if constraints.budget is not None:
        rows.append(("budget", constraints.budget, found.budget_used, found.budget_price))
    for place, name in enumerate(limits.names):
        used, price = float(found.used[place]), float(found.limit_prices[place])
        capacity = name.startswith("capacity of ")
        if limits.at_least[place] > 0:
            least = float(limits.at_least[place])
            rows.append((f"{name}: at least", least, used, min(price, 0.0)))
        if np.isfinite(limits.at_most[place]):
            called = name if capacity else f"{name}: at most"
            rows.append((called, float(limits.at_most[place]), used, max(price, 0.0)))
    columns = [list(one) for one in zip(*rows, strict=True)] or [[] for _ in _SCHEMA]
    return pa.table(columns, schema=_SCHEMA)
