"""Lists as tables, and what shortened them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.ranking.topk.lists import Lists

__all__ = ["cause_table", "list_table"]

Causes = tuple[NDArray[np.int64], list[str], NDArray[np.int64]]


def list_table(lists: Lists, users: pa.Array, products: Vocabulary) -> pa.Table:
    """Return lists row by row: user_id, rank, product_id, score, and propensity of drawn ones.

    Args:
        lists: The lists.
        users: Whose, an id for each.
        products: The catalogue's ids.
    """
    row, rank = np.nonzero(lists.filled)
    codes = lists.products[row, rank]
    columns = {
        "user_id": users.take(pa.array(row)),
        "rank": pa.array(rank + 1, pa.int32()),
        "product_id": products.decode(codes),
        "score": pa.array(lists.scores[row, rank], pa.float32()),
    }
    if lists.propensities is not None:
        columns["propensity"] = pa.array(lists.propensities[row, rank], pa.float64())
    return pa.table(columns)


def cause_table(causes: Sequence[Causes], unknown: NDArray[np.bool_], first: int = 0) -> pa.Table:
    """Return what shortened lists: place (int64), reason and count, place by place.

    Args:
        causes: Places, reasons, and how often each shortened which: (places, reasons).
        unknown: bool (users,), of whom no reason but that is known: theirs stands with a count of 0
            too.
        first: The place that is called 0.
    """
    names = [name for _, own, _ in causes for name in own]
    starts = np.cumsum([0, *(len(own) for _, own, _ in causes)])
    found = np.concatenate([np.repeat(block, len(own)) for block, own, _ in causes])
    reasons = np.concatenate(
        [
            np.tile(np.arange(start, start + len(own)), len(block))
            for start, (block, own, _) in zip(starts.tolist(), causes, strict=False)
        ]
    )
    counts = np.concatenate([count.ravel() for _, _, count in causes])
    order = np.flatnonzero((counts > 0) | unknown[found])
    order = order[np.argsort(found[order], kind="stable")]
    return pa.table(
        {
            "place": pa.array(found[order] - first, pa.int64()),
            "reason": pa.array(names, pa.string()).take(pa.array(reasons[order], pa.int64())),
            "count": pa.array(counts[order], pa.int64()),
        }
    )
