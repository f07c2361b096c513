"""Calibrated recommendations: a list in the proportions of the user's own profile."""

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.topk.lists import Lists
from suitably.reranking.groups import Groups, read_groups, read_map
from suitably.reranking.ordering import relevance, reordered
from suitably.reranking.protocol import RerankContext
from suitably.utils.params import Parameterized, check_fraction

__all__ = ["Calibration"]

_SMOOTHING = 0.01
_NOTHING = 1e-12  # a share below it moves no divergence, and would overflow its logarithm


class Calibration(Parameterized):
    """Bring the shares of the groups in a list near those of the user's profile.

    The list is drawn up one product at a time, each time the one with the highest
    `(1 - weight) * relevance - weight * KL(p, q)` of the list with it, where relevance is the score
    scaled to 0 to 1 within the list, `KL = Σ p(g) log(p(g) / q̃(g))` over the groups g,
    `q̃ = (1 - α) q + α p` with α = 0.01, p(g) the group's share in the profile and q(g) its share
    of the products in the list. Ties keep the order they came in. A product whose group is missing
    takes a place and counts for no group. A user without a profile keeps the order.

    Args:
        by: Column of the products frame that says the group.
        target: A field of the users with a map from group to share (of any sum), such as the
            profile field `category_share`; None: the groups' shares among the products that the
            user owns, by number.
        weight: 0 keeps the order, 1 looks at the shares only.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> kinds = ["fund", "fund", "loan", "fund"]
        >>> products = pd.DataFrame({"product_id": list("abcd"), "category": kinds})
        >>> log = pd.DataFrame({"user_id": list("1231245"), "product_id": list("cccbbad")})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(),
        ...                        rerankers=[Calibration(weight=0.9)])
        >>> recs = pipeline.fit(st.Dataset(None, products, log)).recommend(["5"])
        >>> recs.to_frame()["product_id"].tolist()
        ['b', 'a', 'c']

    Source:
        Steck, "Calibrated Recommendations", RecSys 2018, equations 2 to 7.
    """

    def __init__(
        self, by: str = "category", target: str | None = None, weight: float = 0.5
    ) -> None:
        self.by = by
        self.target = target
        self.weight = weight

    def check_params(self) -> None:
        """Refuse a weight that is not from 0 to 1: ValueError."""
        check_fraction(self, "weight")

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Draw up the lists anew, all users at once, one place after the other.

        Raises:
            DataError: A frame has no such column, or the target is no map to shares.
            ValueError: The weight is not from 0 to 1.
        """
        self.check_params()
        groups = read_groups(context, self.by, "Calibration")
        kinds = groups.codes[lists.products]
        users = np.arange(len(kinds))
        share = self._profile(context, groups)[users[:, None], kinds]
        wanted = share > 0
        smooth = np.where(wanted, _SMOOTHING * share, 1)
        gain = relevance(lists, 1 - self.weight)
        depth = min(k, lists.depth)
        places = np.zeros((len(gain), depth), np.int64)
        counts = np.zeros(kinds.shape)  # of each product's group, in the list so far
        for place in range(depth):
            # A product moves only its own group's term of the divergence, by this much.
            before = (1 - _SMOOTHING) * counts + smooth * (place + 1)
            less = share * np.log1p((1 - _SMOOTHING) / before)
            best = (gain + self.weight * less).argmax(axis=1)
            places[:, place] = best
            gain[users, best] = -np.inf
            counts += kinds == kinds[users, best][:, None]
        return reordered(lists, places)

    def _profile(self, context: RerankContext, groups: Groups) -> NDArray[np.float64]:
        """Return every user's shares: float64 (users, groups + 1), none in the last column."""
        if self.target is None:
            by_group = groups.owned(context).astype(np.float64)
            by_group[:, -1] = 0
            totals = by_group.sum(axis=1)
        else:
            amounts = read_map(context, self.target, groups, "Calibration")
            by_group, totals = amounts.by_group, amounts.totals
        shares: NDArray[np.float64] = by_group / np.where(totals > 0, totals, 1)[:, None]
        return np.where(shares > _NOTHING, shares, 0.0)
