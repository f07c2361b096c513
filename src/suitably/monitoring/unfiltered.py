"""What would have been listed without rules, and how much of it rules bar."""

from typing import Any

import numpy as np

from suitably.monitoring.measures import Answers, Sums
from suitably.monitoring.series import sums_of
from suitably.pipeline.pipeline import Pipeline
from suitably.suitability.policy import Policy

__all__ = ["Unfiltered"]


class Unfiltered:
    """Asks a pipeline without its policy, which it makes anew when the pipeline was updated.

    Args:
        pipeline: Fitted.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._free: Pipeline | None = None
        self._made_of: Any = None

    def sums(self, answers: Answers) -> Sums:
        """Return the share of each user's unfiltered list that the rules of the answers bar.

        The lists are as of the moment of the fit, so that no profile is judged anew for them.
        """
        generator = answers.generator
        rows = np.unique(answers.rows[answers.rows >= 0])
        free = self._without_policy(generator.state)
        if free is None or not len(rows):
            return {}
        ids = generator.state.users.values[rows]
        made = free.recommend(ids, k=answers.k, exclude_owned=generator.exclude_owned)
        places, ranks = np.nonzero(made.lists.filled)
        codes = made.lists.products[places, ranks].astype(np.int64)
        barred = np.zeros(made.lists.filled.shape)
        barred[places, ranks] = ~generator.snapshot.eligibility.pairs(rows[places], codes)
        some = made.lists.lengths > 0
        shares = barred[some].sum(axis=1) / made.lists.lengths[some]
        return {"unfiltered-violation": sums_of(shares)}

    def _without_policy(self, state: Any) -> Pipeline | None:
        """Return the pipeline without a policy; None where the answers are another model's."""
        if self._made_of is not state:
            free = self._pipeline.with_audit(None).under(Policy.unrestricted())
            probe = free.recommend(free.user_ids[:1], k=1)
            self._free = free if probe.generator.state is state else None
            self._made_of = state
        return self._free
