"""Not ten of the same kind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.lists import Lists
from suitably.reranking.protocol import RerankContext

__all__ = ["Diversity"]


class Diversity:
    """Maximal marginal relevance, where products of one kind are alike and all others are not.

    The list is drawn up one product at a time: each time the one with the highest
    `(1 - weight) * relevance - weight * alike`, where relevance is the score scaled to 0 to 1
    within the list, and `alike` is 1 if a product of the same kind was taken before. Ties keep the
    order they came in. A product whose kind is missing is like no other.

    Args:
        by: Column of the products frame that says the kind.
        weight: 0 keeps the order, 1 looks at the kind only.

    Source:
        Carbonell and Goldstein, "The Use of MMR", SIGIR 1998.
    """

    def __init__(self, by: str = "category", weight: float = 0.3) -> None:
        self.by = by
        self.weight = weight

    def get_params(self) -> dict[str, Any]:
        """Give the parameters by name."""
        return {"by": self.by, "weight": self.weight}

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Draw up the lists anew, all users at once, one place after the other.

        Raises:
            DataError: The products frame has no such column.
            ValueError: The weight is not from 0 to 1.
        """
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight={self.weight!r}: must be from 0 to 1")
        kinds = self._kinds(context)[lists.products]
        relevance = _relevance(lists)
        left = lists.filled
        depth = min(k, lists.depth)
        picks = np.zeros((len(left), depth), np.int64)
        alike = np.zeros(left.shape, bool)
        users = np.arange(len(left))
        for place in range(depth):
            gain = (1 - self.weight) * relevance - self.weight * alike
            pick = np.where(left, gain, -np.inf).argmax(axis=1)
            picks[:, place] = pick
            left[users, pick] = False
            kind = kinds[users, pick][:, None]
            alike |= (kinds == kind) & (kind >= 0)
        chosen = Lists(
            np.take_along_axis(lists.products, picks, axis=1),
            np.take_along_axis(lists.scores, picks, axis=1),
            np.minimum(lists.lengths, depth),
        )
        return chosen.keep(chosen.filled, depth)

    def _kinds(self, context: RerankContext) -> NDArray[np.int64]:
        """Code the kinds, −1 where missing; one more row for the −1 past the end of a list."""
        if self.by not in context.product_fields.column_names:
            present = context.product_fields.column_names
            raise DataError(f"products: no column {self.by!r} for Diversity; it has {present}")
        encoded = context.product_fields[self.by].combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.append(codes, -1)

    def __repr__(self) -> str:
        return f"Diversity(by={self.by!r}, weight={self.weight!r})"


def _relevance(lists: Lists) -> NDArray[np.float64]:
    scores = lists.scores.astype(np.float64)
    low = np.where(lists.filled, scores, np.inf).min(axis=1, initial=np.inf)[:, None]
    high = np.where(lists.filled, scores, -np.inf).max(axis=1, initial=-np.inf)[:, None]
    span = np.where(high > low, high - low, 1)
    return np.where(lists.filled, (scores - np.where(np.isfinite(low), low, 0)) / span, 0)
