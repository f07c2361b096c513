"""A bank of a few users and products, as plain rows, that contracts are tried on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

import pyarrow as pa

from suitably.data import Dataset
from suitably.pipeline import Pipeline
from suitably.ranking import Popularity
from suitably.suitability import Policy

__all__ = ["AS_OF", "FREE", "LEVELS", "SmallBank", "bought", "rows_of", "seven_users", "table_of"]

AS_OF = datetime(2024, 3, 1, 12)
LEVELS = """
[policy]
id = "levels"
version = "1"
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"
"""
FREE = 'rules = []\n[policy]\nid = "free"\nversion = "1"\n'
_TEXT = ("risk_level", "category", "issuer", "regime", "event", "event_id")
_TIMES = ("timestamp", "recorded_at", "user_timestamp", "product_timestamp")
_TYPES = {
    "questionnaire_date": pa.date32(),
    "repeatable": pa.bool_(),
    "vulnerable": pa.bool_(),
    "complex": pa.bool_(),
    **dict.fromkeys(("income", "min_amount", "value", "quantity", "propensity"), pa.float64()),
    **dict.fromkeys(_TEXT, pa.string()),
    **dict.fromkeys(_TIMES, pa.timestamp("us")),
}
"""Types of columns by name, so that a column without a value has its type too."""


@dataclass(frozen=True)
class SmallBank:
    """Rows of users, products and events, what the latter mean, the policies and the moment.

    Example:
        >>> from suitably.testing.bank import bought, seven_users
        >>> bank = seven_users().but(events=bought((0, 0), (1, 0), (1, 2)))
        >>> bank.fitted().recommend(["u0"]).to_frame().to_pylist()
        [{'user_id': 'u0', 'rank': 1, 'product_id': 'p2', 'score': 1.0}]
    """

    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    events: list[dict[str, Any]]
    policies: tuple[str, ...] = (FREE,)
    as_of: datetime = AS_OF
    owned_events: tuple[str, ...] | None = None
    rejected_events: tuple[str, ...] = ()

    def frames(self) -> tuple[Any, Any, Any]:
        """Return users, products and interactions as Arrow tables."""
        return table_of(self.users), table_of(self.products), table_of(self.events)

    def dataset(self) -> Dataset:
        """Return the data."""
        frames = self.frames()
        return Dataset(
            *frames, owned_events=self.owned_events, rejected_events=self.rejected_events
        )

    def pipeline(self, ranker: Any = None, **parts: Any) -> Pipeline:
        """Return an unfitted pipeline; without a ranker, one by popularity."""
        policies = [Policy.from_toml(text) for text in self.policies]
        ranker = Popularity() if ranker is None else ranker
        return Pipeline(**{"profiles": [], "policy": policies, "ranker": ranker, **parts})

    def fitted(self, ranker: Any = None, **parts: Any) -> Pipeline:
        """Return a pipeline that is fitted as of its moment."""
        return self.pipeline(ranker, **parts).fit(self.dataset(), self.as_of)

    def but(self, **changes: Any) -> Self:
        """Return a copy with other rows, policies or moment."""
        return replace(self, **changes)


def seven_users() -> SmallBank:
    """Return seven users, of whom `u5` and `u6` bought nothing, and six products, `p5` unsold."""
    users = [
        {"user_id": f"u{i}", "risk_level": "C3", "questionnaire_date": date(2024, 1, 1),
         "vulnerable": False, "income": 5000.0}
        for i in range(7)
    ]  # fmt: skip
    products = [
        {"product_id": f"p{i}", "risk_level": "R1", "complex": False, "category": "ab"[i % 2],
         "issuer": "xyz"[i % 3], "regime": "fund", "min_amount": 100.0 * (i % 3)}
        for i in range(6)
    ]  # fmt: skip
    pairs = [(0, 0), (0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (3, 1), (3, 0), (4, 4), (4, 1)]
    events = [event for u, p in pairs for event in bought((u, p), days=p + 1)]
    return SmallBank(users, products, events)


def bought(*pairs: tuple[int, int], days: float = 1, **cells: Any) -> list[dict[str, Any]]:
    """Return events of users and products by their numbers, so many days before the moment."""
    moment = AS_OF - timedelta(days=days)
    return [
        {"user_id": f"u{u}", "product_id": f"p{p}", "timestamp": moment, **cells} for u, p in pairs
    ]


def table_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Return rows as a table, columns in order of first appearance."""
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({n: pa.array([row.get(n) for row in rows], _TYPES.get(n)) for n in names})


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """Return what an Arrow table holds, row by row."""
    rows: list[dict[str, Any]] = frame.to_pylist()
    return rows
