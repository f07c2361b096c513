"""Not ten of the same kind."""

from typing import Any

from suitably.ranking.topk.lists import Lists
from suitably.reranking.columns import read_groups
from suitably.reranking.kernels import marginal
from suitably.reranking.order import arranged, relevance
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
        """Return the parameters by name."""
        return {"by": self.by, "weight": self.weight}

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Draw up the lists anew, all users at once.

        Raises:
            DataError: The products frame has no such column.
            ValueError: The weight is not from 0 to 1.
        """
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight={self.weight!r}: must be from 0 to 1")
        groups = read_groups(context, self.by, "Diversity")
        kinds = groups.codes[lists.products]
        scaled, depth = relevance(lists, 1 - self.weight), min(k, lists.depth)
        places = marginal(kinds, len(groups), scaled, float(self.weight), depth)
        return arranged(lists, places)

    def __repr__(self) -> str:
        return f"Diversity(by={self.by!r}, weight={self.weight!r})"
