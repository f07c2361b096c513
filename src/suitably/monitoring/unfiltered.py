"""What would have been listed without rules, and how much of it rules bar."""

import numpy as np
from numpy.typing import NDArray

from suitably.model.state import FittedState
from suitably.monitoring.answers import Answers
from suitably.monitoring.sampling import UserSample
from suitably.monitoring.series import Sums, sums_of
from suitably.pipeline.pipeline import Pipeline
from suitably.suitability.policy import Policy

__all__ = ["Unfiltered"]

_PART = 0.02  # of the sample
_PANEL = 250


class Unfiltered:
    """Asks a pipeline without its policy for the lists of a panel, once for each model.

    Args:
        pipeline: Fitted.
        users: Gives users their numbers; those with the least are the panel.
    """

    def __init__(self, pipeline: Pipeline, users: UserSample) -> None:
        self._pipeline, self._users = pipeline, users
        self._free: Pipeline | None = None
        self._made_of: FittedState | None = None
        self._panel: NDArray[np.int64] = np.zeros(0, np.int64)
        self._lists: dict[tuple[int, bool], NDArray[np.int32]] = {}

    def sums(
        self,
        answers: Answers,
        rows: NDArray[np.int64],
        numbers: NDArray[np.float64],
        share: float,
    ) -> Sums:
        """Return the share of some users' unfiltered lists that the rules of the answers bar.

        The lists are as of the moment of the fit, so that no profile is judged anew for them.

        Args:
            answers: The answers.
            rows: The users of the sample.
            numbers: Their numbers.
            share: The number below which users are in the sample.
        """
        free = self._without_policy(answers.state)
        rows = np.unique(rows[numbers < min(_PART * share, self._least(answers.state))])
        if free is None or not len(rows):
            return {}
        products = self._listed(free, answers)[np.searchsorted(self._panel, rows)]
        filled = products >= 0
        lengths = filled.sum(axis=1)
        places, ranks = np.nonzero(filled)
        codes = products[places, ranks].astype(np.int64)
        barred = np.zeros(filled.shape)
        barred[places, ranks] = ~answers.snapshot.eligibility.pairs(rows[places], codes)
        some = lengths > 0
        return {"unfiltered-violation": sums_of(barred[some].sum(axis=1) / lengths[some])}

    @staticmethod
    def _least(state: FittedState) -> float:
        """Return the number below which users are on the panel."""
        return min(_PART, _PANEL / max(1, len(state.users)))

    def _listed(self, free: Pipeline, answers: Answers) -> NDArray[np.int32]:
        """Return what the panel would be listed: product codes (users, depth), −1 past the end."""
        k, exclude_owned = answers.k, answers.exclude_owned
        if (k, exclude_owned) not in self._lists:
            ids = answers.state.users.values[self._panel]
            made = free.recommend(ids, k=k, exclude_owned=exclude_owned)
            self._lists[k, exclude_owned] = made.lists.products
        return self._lists[k, exclude_owned]

    def _without_policy(self, state: FittedState) -> Pipeline | None:
        """Return the pipeline without a policy; None where the answers are another model's."""
        if self._made_of is not state:
            free = self._pipeline.with_audit(None).under(Policy.unrestricted())
            probe = free.recommend(free.user_ids[:1], k=1)
            self._free = free if probe.generator.state is state else None
            numbers = self._users.of(state.users, np.arange(len(state.users)))
            self._panel = np.flatnonzero(numbers < self._least(state))
            self._made_of, self._lists = state, {}
        return self._free
