"""One user's list: products, scores, flags, and why there are not more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any

from suitably.utils.json import jsonable
from suitably.utils.record import Record

__all__ = ["UserList"]


@dataclass(frozen=True, repr=False)
class UserList(Record):
    """One user's list, best first.

    Attributes:
        user_id: The user.
        product_ids: The products, in the order of their ranks.
        scores: Their scores, comparable within the list only.
        reasons: Why there are fewer than were asked for, with counts as in
            `Recommendations.abstentions`; empty where nothing was kept out, or the list is full.
        flags: The rules that flag products of the list, by product, and whether that is unknown;
            products without flags are left out.
        propensities: Of lists drawn at random, the probability of each product at its rank, given
            those above it; None: nothing was drawn.

    Example:
        >>> UserList("ann", ("bond", "etf"), (2.0, 1.5), {"risk-level": 3})
        UserList(2 products; kept out: risk-level 3)
        >>> len(UserList("ann", ("bond", "etf"), (2.0, 1.5), {}))
        2
    """

    user_id: Any
    product_ids: tuple[Any, ...]
    scores: tuple[float, ...]
    reasons: Mapping[str, int]
    flags: Mapping[Any, Mapping[str, bool]] = field(default_factory=lambda: MappingProxyType({}))
    propensities: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return len(self.product_ids)

    def to_dict(self) -> dict[str, Any]:
        """Return the list JSON-ready: user_id, products (rank, product_id, score) and reasons.

        A product that rules flag has `flags` too, each with `rule` and `unknown`; one drawn at
        random has its `propensity`.
        """
        ids = self.product_ids
        if ids and type(ids[0]) not in (str, int):
            ids = tuple(jsonable(one) for one in ids)
        listed = enumerate(zip(ids, self.scores, strict=True), 1)
        products = [
            {"rank": rank, "product_id": product, "score": score if isfinite(score) else None}
            for rank, (product, score) in listed
        ]
        if self.propensities is not None:
            for one, propensity in zip(products, self.propensities, strict=True):
                one["propensity"] = propensity
        if self.flags:
            for one, product in zip(products, self.product_ids, strict=True):
                one |= self._flags_of(product)
        return {
            "user_id": jsonable(self.user_id),
            "products": products,
            "reasons": jsonable(self.reasons) if self.reasons else {},
        }

    @property
    def kept_out(self) -> str:
        """The reasons, in one line."""
        return ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())

    def shown(self, place: int) -> str:
        """Name the product at a place, from 0, with its flags."""
        product = self.product_ids[place]
        raised = self.flags.get(product, {}).items()
        return " ⚑ ".join([str(product), *(f"{rule}{'?' * unknown}" for rule, unknown in raised)])

    def _flags_of(self, product: Any) -> dict[str, Any]:
        raised = self.flags.get(product, {}).items()
        flags = [{"rule": rule, "unknown": unknown} for rule, unknown in raised]
        return {"flags": flags} if flags else {}

    def __repr__(self) -> str:
        products = f"{len(self)} product{'s' * (len(self) != 1)}"
        return f"UserList({products}{'; kept out: ' * bool(self.reasons)}{self.kept_out})"
