"""How active users have been: what drives whether they buy anything at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instant, Instants, elapsed_days
from suitably.data.dataset import Dataset
from suitably.data.vocabulary import Vocabulary
from suitably.profiles.churn.return_features import FEATURES, return_features

__all__ = ["ACTIVITY", "Activity"]

ACTIVITY = 1 + FEATURES


@dataclass(frozen=True)
class Activity:
    """When each user bought, as known before a moment.

    Attributes:
        ids: The users.
        users: int32 (purchases,), positions in `ids`.
        times: Instants (purchases,).
        horizon: In days; recency and tenure are measured in horizons.
    """

    ids: Vocabulary
    users: NDArray[np.int32]
    times: Instants
    horizon: int

    @staticmethod
    def before(data: Dataset, moment: Instant, horizon: int) -> "Activity":
        """Return what was known strictly before a moment."""
        bought = data.kinds.acquisitions(data.events.before(moment))
        assert bought.times is not None
        return Activity(data.user_versions.ids, bought.users, bought.times, horizon)

    def of(self, user_ids: NDArray[Any], moment: Instant) -> NDArray[np.float64]:
        """Return whether a user has bought, and the `return_features` of those who have.

        Args:
            user_ids: (users,); of those unknown nothing is known to have been bought.
            moment: Not before the last purchase.

        Returns:
            float64 (users, `ACTIVITY`), zeros without any purchase.
        """
        count = len(self.ids)
        ago = elapsed_days(self.times, moment)
        known, found = return_features(self.users, ago, count, self.horizon)
        features = np.zeros((count + 1, ACTIVITY))
        features[known, 0] = 1.0
        features[known, 1:] = found
        return features[self.ids.codes(user_ids)]  # an unknown user's code is −1, the last row
