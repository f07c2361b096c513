"""Banks of a few rows as plain Python, handed in as any library's frames."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

import suitably
from suitably.data import View
from suitably.testing.bank import AS_OF, FREE, SmallBank, bought, seven_users
from support.frames import convert

__all__ = [
    "AS_OF",
    "BEFORE",
    "CARE",
    "DATED",
    "FREE",
    "FUNDS",
    "LEVELS",
    "LOANS",
    "OFFSETS",
    "POLICIES",
    "World",
    "bought",
    "first_users",
    "ladder",
    "popular",
    "seven",
]

OFFSETS = [timedelta(days=-400), timedelta(days=-30), timedelta(microseconds=-1), timedelta(0)]
OFFSETS += [timedelta(microseconds=1), timedelta(days=30)]
BEFORE = OFFSETS[:3]

SCALES = """
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
"""
LEVELS = f"""
[policy]
id = "levels"
version = "1"
{SCALES}
[[rules]]
id = "risk-level"
article = "Art. 1"
require = "rank(product.risk_level) <= rank(user.risk_level)"
because = {{ en = "{{product.risk_level}} is above {{user.risk_level}}", zh = "过高" }}
[[rules]]
id = "questionnaire"
applies = "product.complex"
require = "user.questionnaire_date < as_of and as_of < user.questionnaire_date + months(12)"
"""
FUNDS = """
[policy]
id = "funds"
version = "1"
governs = "product.regime == 'fund'"
[[rules]]
id = "min-amount"
require = "product.min_amount <= user.income"
"""
LOANS = """
[policy]
id = "loans"
version = "1"
governs = "product.regime == 'loan'"
[[rules]]
id = "not-vulnerable"
require = "not user.vulnerable"
"""
DATED = """
[policy]
id = "dated"
version = "1"
effective = 2024-02-01
expires = 2024-03-15
[[rules]]
id = "not-complex"
effective = 2024-03-01
require = "missing(product.complex) or not product.complex"
[[rules]]
id = "over"
expires = 2024-03-01
require = "user.income > 1e9"
"""
CARE = """
[policy]
id = "care"
version = "1"
governs = "product.regime == 'loan'"
[[rules]]
id = "special-care"
effect = "flag"
article = "Art. 7"
require = "not user.vulnerable"
because = { en = "Special duty of care: {product.min_amount} at stake", zh = "特别注意义务" }
[[rules]]
id = "min-amount"
effect = "flag"
applies = "product.complex"
require = "product.min_amount <= user.income"
"""
POLICIES = [(LEVELS,), (FUNDS, LOANS), (DATED,), (LEVELS, FUNDS), (LOANS,), (FREE,)]
POLICIES += [(FUNDS, CARE), (CARE,)]


@dataclass(frozen=True)
class World(SmallBank):
    """A small bank that is handed in as any library's frames, with what kinds of event mean."""

    kind: str = "pyarrow"
    disposed_events: tuple[str, ...] = ()
    rejected_events: tuple[str, ...] = ()
    rejected_days: float | None = None
    other_events: tuple[str, ...] = ()

    @property
    def meanings(self) -> dict[str, Any]:
        """What kinds of event mean, as `Dataset` is told."""
        names = ("owned_events", "disposed_events", "rejected_events", "other_events")
        found = {name: getattr(self, name) for name in names}
        return {**found, "rejected_days": self.rejected_days}

    def frames(self) -> tuple[Any, Any, Any]:
        users, products, events = (convert(table, self.kind) for table in super().frames())
        return users, products, events

    def dataset(self) -> suitably.Dataset:
        return suitably.Dataset(*self.frames(), **self.meanings)


def seven() -> World:
    """Seven users of whom `u5` and `u6` bought nothing, six products of which `p5` unsold."""
    bank = seven_users()
    return World(bank.users, bank.products, bank.events)


def popular(events: int = 6) -> World:
    """One customer per product and level, no awkward cell: for tests that need a list."""
    users = [
        {"user_id": f"u{i}", "risk_level": "C3", "questionnaire_date": date(2024, 1, 1),
         "vulnerable": False, "income": 5000.0}
        for i in range(4)
    ]  # fmt: skip
    products = [
        {"product_id": f"p{i}", "risk_level": "R1", "complex": False, "min_amount": 10.0,
         "category": "ab"[i % 2], "regime": "fund", "repeatable": False}
        for i in range(6)
    ]  # fmt: skip
    log = [
        {"user_id": f"u{i % 4}", "product_id": f"p{(i * i) % 6}", "timestamp": AS_OF - OFFSETS[5]}
        for i in range(events)
    ]
    return World(users, products, log, (LEVELS,))


def ladder() -> World:
    """u0 bought p0 p1 p2, u1 p0 p1, u2 p0; popularity p0 3, p1 2, p2 1; p3 to p5 unsold."""
    pairs = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
    return popular().but(events=bought(*pairs), policies=(FREE,))


def first_users(view: View, count: int) -> View:
    """Return a view of the first users alone, as it was before the others came."""
    users = view.users
    ids, fields = users.ids.subset(np.arange(count)), users.fields[:count]
    first = replace(users, ids=ids, fields=fields, listed=users.listed[:count])
    kept = view.events.users < count
    return replace(view, users=first, events=view.events.take(kept))
