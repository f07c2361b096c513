"""What a metric may see: lists, relevance, verdicts, fields, and what came after the cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.metrics.convention import TREC, Convention

__all__ = ["RANKED", "SEEN", "Hits", "MetricInput"]


@dataclass(frozen=True)
class Hits:
    """Relevance along the lists of many users.

    Attributes:
        relevance: bool (users, depth); column 0 is the top of the list, false past its end.
        lengths: int64 (users,), products in each list, at most depth.
        relevant: int64 (users,), products there were to find, hit or not.

    Example:
        >>> hits = Hits(np.array([[True, False]]), lengths=np.array([2]), relevant=np.array([3]))
        >>> len(hits), hits.top(1).tolist()
        (1, [[True]])
    """

    relevance: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    relevant: NDArray[np.int64]

    def top(self, k: int | None) -> NDArray[np.bool_]:
        """Return the first `k` columns, fewer where lists are shorter; None: all of them."""
        return self.relevance[:, :k]

    @cached_property
    def by_rank(self) -> NDArray[np.bool_]:
        """Relevance rank by rank: bool (depth, users)."""
        return np.ascontiguousarray(self.relevance.T)

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class MetricInput:
    """The lists of many users, and all that is known about them.

    What nobody gave is None; a metric names what it needs, and is refused where that is missing.

    Attributes:
        lengths: int64 (users,), products in each list, at most depth.
        products: int64 (users, depth), each rank's product as a row of `product_fields`, of which
            the first `size` were on offer; −1 past the end of a list.
        convention: How metrics are defined.
        hits: Which ranks were relevant.
        suitable_hits: Which were relevant and pass the judging policy, out of what was relevant
            and does.
        passes: bool (users, depth), whether the judging policy passes the product at that rank.
        rejected: bool (users, depth), whether the user turned the product at that rank down in the
            window.
        spent: float64 (users, depth), the money of what the user acquired, in the window, of the
            product at that rank: 0 for what was not acquired, NaN where an amount is missing.
        events: By kind of event, bool (users, depth), whether one fell, in the window, on the user
            and the product at that rank.
        size: How many products were on offer.
        user_fields: A row per user.
        product_fields: A row per product.
        user_levels: int64 (users,), the stated level of risk as a rank from 1, 0 where unknown.
        product_levels: int64 (products,), that of products, on a scale that goes with the users'.
        history: CSR (users, products), how often each user acquired each product before the cut.
        newcomers: bool (users,), who acquired nothing before the cut.
        owners: int64 (products,), users who acquired the product before the cut.
        audience: How many users acquired anything before the cut.
        returns: float64 (products, periods), what each product returned in each period after the
            cut, per month of 30 days, compounded; NaN where that is not known.

    Example:
        >>> seen = MetricInput(np.array([2, 0]), np.array([[4, 1], [-1, -1]]))
        >>> len(seen), seen.missing(("lengths", "hits"))
        (2, ['hits'])
    """

    lengths: NDArray[np.int64]
    products: NDArray[np.int64]
    convention: Convention = TREC
    hits: Hits | None = None
    suitable_hits: Hits | None = None
    passes: NDArray[np.bool_] | None = None
    rejected: NDArray[np.bool_] | None = None
    spent: NDArray[np.float64] | None = None
    events: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    size: int | None = None
    user_fields: pa.Table | None = None
    product_fields: pa.Table | None = None
    user_levels: NDArray[np.int64] | None = None
    product_levels: NDArray[np.int64] | None = None
    history: sparse.csr_array | None = None
    newcomers: NDArray[np.bool_] | None = None
    owners: NDArray[np.int64] | None = None
    audience: int | None = None
    returns: NDArray[np.float64] | None = None

    def missing(self, needs: Sequence[str]) -> list[str]:
        """Return which of the needs nobody gave."""
        return [name for name in needs if getattr(self, name) is None]

    def __len__(self) -> int:
        return len(self.lengths)


SEEN = tuple(field.name for field in fields(MetricInput))
"""All that a metric may need."""
RANKED = {"products": -1, "passes": False, "rejected": False, "spent": np.nan}
"""The arrays (users, depth), with what stands past the end of a list."""
