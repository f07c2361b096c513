"""What a reranker is: it reorders or drops, and never adds."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.topk.lists import Lists

__all__ = ["RerankContext", "Reranker"]


@dataclass(frozen=True)
class RerankContext:
    """What a reranker may look at.

    Attributes:
        user_ids: Whose lists these are, row by row.
        user_fields: Their fields and profiles, a row per list.
        product_ids: The catalogue: list codes are positions in it.
        product_fields: Its fields, a row per product.
        owned: CSR (users of the block, catalogue), stored where a product is owned, each pair once;
            repeatable products included, products that left the catalogue not.

    Example:
        >>> import numpy as np
        >>> context = RerankContext(
        ...     np.array(["ann"]), pa.table({"tier": ["gold"]}),
        ...     np.array(["bond", "etf"]), pa.table({"issuer": ["X", "Y"]}),
        ...     owned=sparse.csr_array(np.array([[0.0, 1.0]])))
        >>> context.product_ids[context.owned.indices].tolist()
        ['etf']
    """

    user_ids: NDArray[Any]
    user_fields: pa.Table
    product_ids: NDArray[Any]
    product_fields: pa.Table
    owned: sparse.csr_array


@runtime_checkable
class Reranker(Protocol):
    """In what order?

    Lists come in deeper than `k`, and go out at most `k` deep. What a reranker adds or repeats is
    dropped by the pipeline, with a warning. One with a method `check_params()` is asked at the
    fit of the pipeline to refuse parameters out of range.

    Example:
        >>> class TopOnly:
        ...     def rerank(self, lists, context, k):
        ...         return lists.keep(np.arange(lists.depth) < np.ones((len(lists.lengths), 1)), k)
        >>> isinstance(TopOnly(), Reranker)
        True
    """

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Reorder or drop; the row of a list stays its user's."""
        ...
