"""Maximal marginal relevance by category."""

from suitably.ranking.topk.lists import Lists
from suitably.reranking.groups import read_groups
from suitably.reranking.kernels import category_mmr
from suitably.reranking.ordering import relevance, reordered
from suitably.reranking.protocol import RerankContext
from suitably.utils.params import Parameterized, check_fraction

__all__ = ["Diversity"]


class Diversity(Parameterized):
    """Maximal marginal relevance, where products of one kind are alike and all others are not.

    The list is drawn up one product at a time: each time the one with the highest
    `(1 - weight) * relevance - weight * alike`, where relevance is the score scaled to 0 to 1
    within the list, and `alike` is 1 if a product of the same kind was taken before. Ties keep the
    order they came in. A product whose kind is missing is like no other.

    Args:
        by: Column of the products frame that says the kind.
        weight: 0 keeps the order, 1 looks at the kind only.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> kinds = ["fund", "fund", "loan", "fund"]
        >>> products = pd.DataFrame({"product_id": list("abcd"), "category": kinds})
        >>> log = pd.DataFrame({"user_id": list("1231245"), "product_id": list("aaabbcd")})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(),
        ...                        rerankers=[Diversity(weight=0.8)])
        >>> recs = pipeline.fit(st.Dataset(None, products, log)).recommend(["5"])
        >>> recs.to_frame()["product_id"].tolist()
        ['a', 'c', 'b']

    Source:
        Carbonell and Goldstein, "The Use of MMR", SIGIR 1998.
    """

    def __init__(self, by: str = "category", weight: float = 0.3) -> None:
        self.by = by
        self.weight = weight

    def check_params(self) -> None:
        """Refuse a weight that is not from 0 to 1: ValueError."""
        check_fraction(self, "weight")

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Draw up the lists anew, all users at once.

        Raises:
            DataError: The products frame has no such column.
            ValueError: The weight is not from 0 to 1.
        """
        self.check_params()
        groups = read_groups(context, self.by, "Diversity")
        kinds = groups.codes[lists.products]
        scaled, depth = relevance(lists, 1 - self.weight), min(k, lists.depth)
        places = category_mmr(kinds, len(groups), scaled, float(self.weight), depth)
        return reordered(lists, places)
