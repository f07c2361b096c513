"""What a popularity pipeline must answer, one pair at a time in plain Python: the judge."""

import tomllib
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
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
        self.catalogue = len(self.products)
        self.log = Log(world, self.as_of)
        self.pairs = {key for key, rows in self.log.by_pair.items() if rows["owned"]}
        self.scores = Counter(product for _, product in self.pairs)

    def verdicts(self, user: Any, product: str) -> list[tuple[str, str]]:
        """Give (reason, verdict) in the policies' order."""
        return judge(self.policies, self.users[user], self.products[product], self.as_of).verdicts

    def flags(self, user: Any, product: str) -> list[tuple[str, str]]:
        """Give (rule, what it comes to) for rules that flag the pair."""
        return judge(self.policies, self.users[user], self.products[product], self.as_of).flags

    def eligible(self, user: Any, product: str) -> bool:
        return all(verdict == "pass" for _, verdict in self.verdicts(user, product))

    def owned(self, user: Any, product: str) -> bool:
        repeatable = self.products[product].get("repeatable") is True
        return self.log.holds(user, product) and not repeatable

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
            and not self.log.turned_down(user, product)
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
                if barring:
                    continue
                owned = exclude_owned and self.owned(user, product)
                rejected = self.log.turned_down(user, product)
                unscored = not owned and not rejected and not self.scores[product]
                reasons.update({"owned": owned, "rejected": rejected, "no-score": unscored})
            if among is not None:
                reasons["narrowed"] = self.catalogue - len({*self.products} & {*among})
            reasons["catalogue"] = max(0, k - self.catalogue)
            found |= {(user, reason): (returned, count) for reason, count in reasons.items()
                      if count}  # fmt: skip
        return found


class Log:
    """What the visible events of every pair mean, read one by one."""

    def __init__(self, world: World, as_of: datetime) -> None:
        self.as_of, self.days = as_of, world.rejected_days
        rows = [
            row
            for row in world.events
            if row["timestamp"] < as_of and row.get("recorded_at", row["timestamp"]) < as_of
        ]
        latest: dict[Any, dict[str, Any]] = {}
        for place, row in enumerate(rows):
            key = row.get("event_id") or place
            if key not in latest or row.get("recorded_at", 0) >= latest[key].get("recorded_at", 0):
                latest[key] = row
        roles = {"disposed": world.disposed_events, "rejected": world.rejected_events}
        self.by_pair: dict[tuple[Any, Any], dict[str, list[dict[str, Any]]]] = {}
        for row in latest.values():
            kind = row.get("event")
            role = next((role for role, kinds in roles.items() if kind in kinds), None)
            free = role is None and kind not in world.other_events
            if world.owned_events is not None:
                owns = kind in world.owned_events
            else:
                owns = free and row.get("propensity") is None
            key = (row["user_id"], row["product_id"])
            pair = self.by_pair.setdefault(key, {"owned": [], "disposed": [], "rejected": []})
            if role or owns:
                pair[role or "owned"].append(row)

    def holds(self, user: Any, product: Any) -> bool:
        pair = self.by_pair.get((user, product))
        if pair is None or not pair["owned"]:
            return False
        bought, sold = pair["owned"], pair["disposed"]
        if all(row.get("quantity") is not None for row in bought + sold):
            sums = [sum(Fraction(str(abs(row["quantity"]))) for row in rows)
                    for rows in (bought, sold)]  # fmt: skip
            return sums[0] > sums[1]
        return _latest(bought) > _latest(sold)

    def turned_down(self, user: Any, product: Any) -> bool:
        pair = self.by_pair.get((user, product))
        if pair is None or not pair["rejected"]:
            return False
        last = _latest(pair["rejected"])
        if self.days is not None and self.as_of - last >= timedelta(days=self.days):
            return False
        return _latest(pair["owned"]) <= last


def _latest(rows: list[dict[str, Any]]) -> datetime:
    return max((row["timestamp"] for row in rows), default=datetime.min)


def _visible(rows: list[dict[str, Any]], side: str, as_of: datetime) -> dict[Any, dict[str, Any]]:
    time = f"{side}_timestamp"
    seen = [row for row in rows if time not in row or row[time] < as_of]
    seen.sort(key=lambda row: row.get(time, as_of))
    return {row[f"{side}_id"]: row for row in seen}
