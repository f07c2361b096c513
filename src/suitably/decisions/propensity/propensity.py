"""Propensity: the probability that a user buys a product within a horizon."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.pipeline import Pipeline
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists
from suitably.typing import AsOf, IdsLike
from suitably.utils.params import Parameterized

__all__ = ["Propensity"]


class Propensity(Parameterized):
    """Turn a pipeline's scores and ranks into probabilities of a purchase.

    Attributes:
        pipeline_: The pipeline fitted as of the fit's `as_of`, whose scores it understands: the
            caller's own where that is fitted no later and knows the ids, else a clone.
    """

    pipeline_: Pipeline

    def __init__(
        self, pipeline: Pipeline, horizon_days: int = 90, method: str = "isotonic"
    ) -> None:
        self.pipeline = pipeline
        self.horizon_days = horizon_days
        self.method = method

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Learn from windows that end at or before `as_of`."""
        raise NotImplementedError

    def predict(
        self, user_ids: IdsLike | None = None, k: int | None = None, as_of: AsOf | None = None
    ) -> Any:
        """Return user_id, product_id, score, probability of every pair that a list could hold."""
        raise NotImplementedError

    def probabilities(
        self, candidates: Candidates
    ) -> Callable[[NDArray[np.int64], GeneratedLists], NDArray[np.float64]]:
        """Return what tells the probabilities of candidates, block by block.

        The function returned is given the places and the part of a block, as
        `Candidates.map` gives them, and returns float64 (users of the block, depth): the
        probability of each product of each list, 0 past its end. It is pure, and may be called
        on several cores at once.

        Args:
            candidates: Of `pipeline_`, or of a pipeline that shares its fitted ranker (`under`,
                `with_consent`), as of the moment asked. Lists must be the whole of what each user
                could be offered, or the first of it: a rank is a place in a list.

        Example:
            >>> chance = propensity.probabilities(candidates)  # doctest: +SKIP
            >>> for places, p in candidates.map(chance): ...  # doctest: +SKIP
        """
        raise NotImplementedError
