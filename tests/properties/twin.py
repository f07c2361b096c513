"""What a popularity pipeline must answer, one pair at a time in plain Python: the judge."""

import tomllib
from collections import Counter
from datetime import datetime
from typing import Any

from support.banks import World
from support.oracle import judge

__all__ = ["Twin"]


class Twin:
    """Reads a world as of a moment, the obvious way."""

    def __init__(self, world: World, as_of: datetime | None = None) -> None:
        self.as_of = as_of or world.as_of
        self.policies = [tomllib.loads(text) for text in world.policies]
        self.users = _visible(world.users, "user", self.as_of)
        for row in world.users:
            self.users.setdefault(row["user_id"], {})
        order = list(dict.fromkeys(row["user_id"] for row in world.users))
        self.users = {key: self.users[key] for key in order}
        shelf = _visible(world.products, "product", self.as_of)
        order = list(dict.fromkeys(row["product_id"] for row in world.products))
        self.products = {key: shelf[key] for key in order if key in shelf}
        self.pairs = {
            (row["user_id"], row["product_id"])
            for row in world.events
            if row["timestamp"] < self.as_of
            and row.get("recorded_at", row["timestamp"]) < self.as_of
            and (world.owned_events is None or row.get("event") in world.owned_events)
        }
        self.scores = Counter(product for _, product in self.pairs)

    def verdicts(self, user: Any, product: str) -> list[tuple[str, str]]:
        """Give (reason, verdict) in the policies' order."""
        return judge(self.policies, self.users[user], self.products[product], self.as_of).verdicts

    def eligible(self, user: Any, product: str) -> bool:
        return all(verdict == "pass" for _, verdict in self.verdicts(user, product))

    def owned(self, user: Any, product: str) -> bool:
        repeatable = self.products[product].get("repeatable") is True
        return (user, product) in self.pairs and not repeatable

    def ranked(
        self, user: Any, exclude_owned: bool = True, among: list[str] | None = None
    ) -> list[tuple[str, float]]:
        """Give everything that may be recommended, best first: score, then catalogue order."""
        chosen = [
            product
            for product in self.products
            if (among is None or product in among)
            and self.eligible(user, product)
            and not (exclude_owned and self.owned(user, product))
            and self.scores[product] > 0
        ]
        chosen.sort(key=lambda product: -self.scores[product])  # stable: ties keep the catalogue
        return [(product, float(self.scores[product])) for product in chosen]

    def frame(self, k: int, users: list[Any] | None = None, **how: Any) -> list[dict[str, Any]]:
        return [
            {"user_id": user, "rank": place + 1, "product_id": product, "score": score}
            for user in (self.users if users is None else users)
            for place, (product, score) in enumerate(self.ranked(user, **how)[:k])
        ]

    def abstentions(
        self, k: int, exclude_owned: bool = True, among: list[str] | None = None
    ) -> dict[tuple[Any, str], tuple[int, int]]:
        """Give (user, reason) -> (returned, count)."""
        found: dict[tuple[Any, str], tuple[int, int]] = {}
        for user in self.users:
            returned = min(k, len(self.ranked(user, exclude_owned, among)))
            if returned == k:
                continue
            reasons: Counter[str] = Counter()
            for product in self.products:
                if among is not None and product not in among:
                    continue
                barring = {rule for rule, verdict in self.verdicts(user, product)
                           if verdict != "pass"}  # fmt: skip
                reasons.update(barring)
                if not barring and exclude_owned and self.owned(user, product):
                    reasons["owned"] += 1
                elif not barring and not self.scores[product]:
                    reasons["no-score"] += 1
            found |= {(user, reason): (returned, count) for reason, count in reasons.items()}
        return found


def _visible(rows: list[dict[str, Any]], side: str, as_of: datetime) -> dict[Any, dict[str, Any]]:
    time = f"{side}_timestamp"
    seen = [row for row in rows if time not in row or row[time] < as_of]
    seen.sort(key=lambda row: row.get(time, as_of))
    return {row[f"{side}_id"]: row for row in seen}
