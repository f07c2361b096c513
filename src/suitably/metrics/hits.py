"""What an accuracy metric sees: which ranks were hits, and how much there was to find."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hits"]


@dataclass(frozen=True)
class Hits:
    """Relevance along the lists of many users.

    Attributes:
        relevance: bool (users, depth); column 0 is the top of the list, false past its end.
        lengths: int64 (users,), products in each list, at most depth.
        relevant: int64 (users,), products there were to find, hit or not.
    """

    relevance: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    relevant: NDArray[np.int64]

    def top(self, k: int) -> NDArray[np.bool_]:
        """Return the first `k` columns, fewer where lists are shorter."""
        return self.relevance[:, :k]

    def __len__(self) -> int:
        return len(self.lengths)
