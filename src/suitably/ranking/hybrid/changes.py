"""Which pairs of a user and a product weigh otherwise than before."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.interactions import WeightedInteractions

__all__ = ["changed_pairs"]


def changed_pairs(
    held: WeightedInteractions, joint: WeightedInteractions, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of some rows that weigh otherwise than before: what is new."""
    before = held.sized(np.where(rows < len(held.active), rows, -1))
    now = joint.sized(rows)
    before = sparse.csr_array((before.data, before.indices, before.indptr), now.shape)
    changes = sparse.coo_array(now - before)
    more = changes.data != 0
    return rows[changes.row[more]], changes.col[more].astype(np.int64)
