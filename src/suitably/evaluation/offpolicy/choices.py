"""Choices: with what probability an arm would show each product, given those above it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.errors import DataError
from suitably.evaluation.abtest.arms import PreparedArm
from suitably.evaluation.ranked_frames import RelevantPairs, read_lists
from suitably.metrics import TREC
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking.explore import Explore
from suitably.ranking.topk.plackett_luce import log_weights

__all__ = ["Choices", "choices_of"]


@dataclass(frozen=True)
class Choices:
    """What an arm would show each user.

    Attributes:
        products: int64 (users, pool), best first, as positions in the data's products; −1 past the
            end.
        log_weights: float64 (users, pool), the logarithms of the weights that products are drawn
            by, 0 at the most, −∞ past the end.
        drawn: bool (users,), for whom the list is drawn; for others it is the pool from the top.

    Example:
        >>> sure = Choices(np.array([[4, 7]]), np.array([[0.0, 0.0]]), np.array([False]))
        >>> chances, left = sure.given(np.array([0]), np.array([[4, 9]]))
        >>> chances.tolist()
        [[1.0, 0.0]]
    """

    products: NDArray[np.int64]
    log_weights: NDArray[np.float64]
    drawn: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many products each user could be shown: int64 (users,)."""
        lengths: NDArray[np.int64] = (self.log_weights > -np.inf).sum(axis=1)
        return lengths

    def at(
        self, users: NDArray[np.int64], shown: NDArray[np.int64], ranks: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how likely what was shown is at its rank, whatever stands above.

        Args:
            users: int64 (slates,), rows of these choices.
            shown: int64 (slates, ranks), products; −1 past the end.
            ranks: int64 (slates, ranks), the rank of each.

        Returns:
            As `given`.

        Raises:
            DataError: Lists are drawn, and a rank is not the first: what is drawn there on average
                over all that may stand above has no closed form.
        """
        drawn = self.drawn[users]
        if (drawn[:, None] & (ranks > 0) & (shown >= 0)).any():
            raise DataError(
                'slates="independent": an arm draws its lists (Explore), whose probabilities at '
                "the second rank and below are known only given the ranks above; log "
                'Columns.slate, and use slates="cascade"'
            )
        products, weights = self.products[users], np.exp(self.log_weights[users])
        total = weights.sum(axis=1, keepdims=True)
        first = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        listed = (self.log_weights[users] > -np.inf)[:, None]
        place = np.arange(products.shape[1]) == ranks[:, :, None]
        each = np.where(drawn[:, None, None], first[:, None, :], place & listed)
        here = (products[:, None, :] == shown[:, :, None]) & (shown >= 0)[:, :, None]
        return (each * here).sum(axis=2), each

    def given(
        self, users: NDArray[np.int64], shown: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how likely what was shown is, rank by rank, given what was shown above.

        Args:
            users: int64 (slates,), rows of these choices.
            shown: int64 (slates, ranks), products; −1 past the end.

        Returns:
            float64 (slates, ranks), the probabilities, and float64 (slates, ranks, pool), those of
            each product of the pool to be shown at that rank.
        """
        products, left = self.products[users], self.log_weights[users].copy()
        sure = ~self.drawn[users]
        chances = np.zeros(shown.shape)
        each = np.zeros((*shown.shape, products.shape[1]))
        for rank in range(shown.shape[1]):
            if not products.shape[1]:
                break
            # On the scale of the highest that is left, as they are drawn: others may vanish.
            highest = left.max(axis=1, keepdims=True)
            now = np.exp(left - np.where(highest > -np.inf, highest, 0.0))
            # A list that is not drawn shows the first that is left.
            first = np.zeros_like(now[sure])
            rows = np.flatnonzero((now[sure] > 0).any(axis=1))
            first[rows, (now[sure][rows] > 0).argmax(axis=1)] = 1.0
            now[sure] = first
            total = now.sum(axis=1, keepdims=True)
            each[:, rank] = np.divide(now, total, out=np.zeros_like(now), where=total > 0)
            here = (products == shown[:, [rank]]) & (shown[:, [rank]] >= 0)
            chances[:, rank] = (each[:, rank] * here).sum(axis=1)
            left[here] = -np.inf
        return chances, each


def choices_of(
    arm: PreparedArm,
    data: Dataset,
    users: NDArray[np.int64],
    depth: int,
    candidates: NDArray[np.object_],
) -> Choices:
    """Ask an arm what it would show users, as of the cut.

    Args:
        arm: Prepared for the cut.
        data: Whose positions count.
        users: Positions of the users.
        depth: How many ranks.
        candidates: Ids of the products that may be shown.
    """
    pipeline, ids = arm.pipeline, data.user_versions.ids.values[users]
    explore = pipeline.ranker_ if isinstance(pipeline, Pipeline) else None
    if isinstance(pipeline, Pipeline) and isinstance(explore, Explore):
        pool = (
            pipeline.with_audit(None)
            .greedy()
            .recommend(ids, k=explore.pool_size(depth), as_of=arm.as_of, product_ids=candidates)
        )
        codes = data.product_versions.ids.codes(pipeline.product_ids)
        lists = pool.lists
        products = np.where(lists.filled, codes[np.maximum(lists.products, 0)], -1)
        logarithms = np.where(lists.filled, log_weights(lists, explore.temperature), -np.inf)
        return Choices(products.astype(np.int64), logarithms, explore.can_score(ids))
    people, shelf = data.user_versions.ids, data.product_versions.ids
    none = np.zeros(0, np.int64)
    asked = RelevantPairs(people.subset(users), shelf, none, none)
    lists_, _ = read_lists(arm.recommend(ids, depth, candidates), asked, TREC, "recommendations")
    codes_ = shelf.codes(lists_.product_ids.values).astype(np.int64)
    grid = lists_.grid(asked.user_ids, codes_[lists_.products], depth, -1)
    return Choices(grid, np.where(grid >= 0, 0.0, -np.inf), np.zeros(len(users), bool))
