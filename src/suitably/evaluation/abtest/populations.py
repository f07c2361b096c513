"""Whom each metric is measured on, the same users for all arms."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary
from suitably.evaluation.abtest.arms import JudgingPolicy
from suitably.evaluation.ranked_frames import RelevantPairs
from suitably.metrics.protocol import MetricLike, needs_of

__all__ = ["Populations", "with_rejecters"]


@dataclass(frozen=True)
class Populations:
    """The users of a split.

    A choice of what is relevant hides neither a violation nor an empty list: it applies to metrics
    of hits alone.

    Attributes:
        everyone: All who acquired something, and what.
        evaluable: What of it counts as relevant.
        suitable: What of it passes the judging policy.
        asked: Everyone, and then those who only turned something down.
    """

    everyone: RelevantPairs
    evaluable: RelevantPairs
    suitable: RelevantPairs
    asked: Vocabulary

    @staticmethod
    def read(
        everyone: RelevantPairs,
        asked: Vocabulary,
        judging: JudgingPolicy,
        needs: set[str],
        only_suitable: bool,
    ) -> "Populations":
        """Part what was acquired by the judging policy's verdict, where something needs that."""
        suitable = everyone
        if only_suitable or "suitable_hits" in needs:
            suitable = everyone.where(judging.passes(*everyone.ids()))
        return Populations(everyone, suitable if only_suitable else everyone, suitable, asked)

    def of(self, metric: MetricLike) -> Vocabulary:
        """Return the users whom a metric is measured on."""
        needs = needs_of(metric)
        if "rejected" in needs:
            return self.asked
        if "hits" in needs:
            return self.evaluable.user_ids
        return (self.suitable if "suitable_hits" in needs else self.everyone).user_ids

    def relevant(self, users: Vocabulary) -> RelevantPairs:
        """Return what was relevant to one of these groups of users."""
        return self.evaluable if users is self.evaluable.user_ids else self.everyone


def with_rejecters(
    everyone: RelevantPairs, data: Dataset, split: Split, needs: set[str]
) -> Vocabulary:
    """Return the users to ask lists for: those who acquired, then those who only rejected."""
    kinds = data.kinds.rejected
    if "rejected" not in needs or not kinds or data.events.times is None or split.end is None:
        return everyone.user_ids
    start, end = (data.clock.instant(at, "split") for at in (split.begins, split.end))
    window = data.events.between(start, end)
    rows = np.unique(window.users[window.among(kinds)])
    ids = data.user_versions.ids.array.take(pa.array(rows))
    fresh = np.flatnonzero(everyone.user_ids.codes(ids) < 0)
    return everyone.user_ids.grown(ids.take(pa.array(fresh))) if len(fresh) else everyone.user_ids
