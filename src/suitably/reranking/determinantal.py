"""Greedy MAP inference for a determinantal point process."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.topk.lists import Lists
from suitably.reranking.groups import Groups, read_groups, read_numbers
from suitably.reranking.ordering import relevance, reordered
from suitably.reranking.protocol import RerankContext
from suitably.utils.params import Parameterized, check_fraction

__all__ = ["Determinantal"]


class Determinantal(Parameterized):
    """Greedy search for the most probable list of a determinantal point process.

    The similarity of two products is `alike` times the mean over the columns: of those in `by`, 1
    where both have the same value; of those in `near`, `exp(-(x - y)² / 2)` of the values
    standardised over the catalogue; 0 where one is missing. A product's similarity with itself
    is 1. The list is drawn up one product at a time: each time the one with the highest
    `(1 - weight) * relevance + weight * log(det S(list with it) / det S(list))`, where relevance
    is the score scaled to 0 to 1 within the list, and det S the determinant of the similarities:
    the squared volume that the products span. Ties keep the order they came in.

    Unlike `Diversity` it counts: the third product of a kind costs more than the second, and kinds
    may be mixed from several columns.

    Args:
        by: Column of the products frame, or several, whose equal values make products alike.
        near: Numeric columns whose close values do.
        weight: 0 keeps the order, 1 looks at the similarities only. This is 1 − θ of the source.
        alike: Similarity of products that agree in everything, from 0 to below 1.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> kinds = ["fund", "fund", "loan", "fund"]
        >>> products = pd.DataFrame({"product_id": list("abcd"), "category": kinds})
        >>> log = pd.DataFrame({"user_id": list("1231245"), "product_id": list("aaabbcd")})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(),
        ...                        rerankers=[Determinantal(weight=0.8)])
        >>> recs = pipeline.fit(st.Dataset(None, products, log)).recommend(["5"])
        >>> recs.to_frame()["product_id"].tolist()
        ['a', 'c', 'b']

    Source:
        Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to Improve
        Recommendation Diversity", NeurIPS 2018, algorithm 1 and equation 15.
    """

    def __init__(
        self,
        by: str | Sequence[str] = "category",
        near: str | Sequence[str] = (),
        weight: float = 0.3,
        alike: float = 0.9,
    ) -> None:
        self.by = by
        self.near = near
        self.weight = weight
        self.alike = alike

    def check_params(self) -> None:
        """Refuse weights out of bounds, and to compare by no column: ValueError."""
        check_fraction(self, "weight")
        check_fraction(self, "alike", one=False)
        if not _several(self.by) and not _several(self.near):
            raise ValueError("Determinantal: name a column in by= or near=")

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Draw up the lists anew, all users at once, one place after the other.

        Raises:
            DataError: The products frame has no such column, or one in `near` is not numeric.
            ValueError: No columns, or a weight or `alike` out of bounds.
        """
        self.check_params()
        features = self._features(context, lists.products)
        gain = relevance(lists, 1 - self.weight)
        users, depth = np.arange(len(gain)), min(k, lists.depth)
        places = np.zeros((len(gain), depth), np.int64)
        spread = np.ones(gain.shape)  # squared distance from the span of what was taken
        rows: list[NDArray[np.float64]] = []  # of the Cholesky factor, one per product taken
        for place in range(depth):
            best = (gain + self.weight * np.log(spread)).argmax(axis=1)
            places[:, place] = best
            gain[users, best] = -np.inf
            if place + 1 == depth:
                break
            row = self.alike * features.similarity(users, best)
            for earlier in rows:
                row -= earlier[users, best][:, None] * earlier
            row /= np.sqrt(spread[users, best])[:, None]
            rows.append(row)
            # It cannot fall below 1 - alike but by rounding.
            spread = np.maximum(spread - row * row, 1 - self.alike)
        return reordered(lists, places)

    def _features(self, context: RerankContext, products: NDArray[np.int32]) -> "_Features":
        by, near = _several(self.by), _several(self.near)
        groups = [read_groups(context, column, "Determinantal") for column in by]
        numbers = [_standard(read_numbers(context, column, "Determinantal")) for column in near]
        return _Features(groups, numbers, products)


class _Features:
    """What the products of each list are compared by."""

    def __init__(
        self,
        groups: list[Groups],
        numbers: list[NDArray[np.float64]],
        products: NDArray[np.int32],
    ) -> None:
        self._kinds = [(each.codes[products], len(each)) for each in groups]
        self._numbers = [each[products] for each in numbers]

    def similarity(self, users: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[np.float64]:
        """Compare each list's products with the one at a place: float64 (users, depth)."""
        columns: list[NDArray[Any]] = []
        for kinds, missing in self._kinds:
            kind = kinds[users, to][:, None]
            columns.append((kinds == kind) & (kind != missing))
        for numbers in self._numbers:
            apart = numbers - numbers[users, to][:, None]
            columns.append(np.nan_to_num(np.exp(-0.5 * apart * apart)))
        total = columns[0].astype(np.float64)
        for column in columns[1:]:
            total += column
        return total / len(columns)


def _several(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)


def _standard(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers mean 0 and standard deviation 1 over the catalogue."""
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return numbers
    centred: NDArray[np.float64] = numbers - known.mean()
    deviation = known.std()
    return centred / deviation if deviation > 0 else centred
