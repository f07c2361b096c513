"""Metrics per user of a frame of recommendations against a frame of what was relevant."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import write_frame
from suitably.evaluation.lists import RankedLists, read_lists, read_relevant
from suitably.metrics import (
    Convention,
    Hits,
    Metric,
    UserMetric,
    coverage,
    find_convention,
    parse_metrics,
)

__all__ = ["depth_of", "evaluate", "measure"]

_DEPTH = 10


def evaluate(
    recs_frame: Any,
    relevant_frame: Any,
    metrics: Iterable[str | UserMetric],
    convention: str | Convention = "trec",
) -> Any:
    """Measure how well lists of recommendations met what users then chose.

    The order of a list is its `rank`, which is what the user saw: equal scores are in the order
    of rank, and so is a list whose scores a reranker left out of order. Gaps between ranks do not
    count. `Convention(order="score")` sorts by score first, as trec_eval does with a run file.

    Args:
        recs_frame: user_id, product_id, rank (1-based) and, if it is there, score; a row per
            recommendation, in any order, of any kind of frame.
        relevant_frame: user_id and product_id, a row per relevant product.
        metrics: dcg, ndcg, recall, precision, hit_rate, map or mrr with a depth, such as
            `"ndcg@10"`; `"coverage"`; or objects that are a `suitably.metrics.UserMetric`.
        convention: `"trec"`, `"rectools"`, `"lenskit"`, or a `Convention` of your own.

    Returns:
        A frame of the kind of `recs_frame`: user_id and a float64 column per metric, named as
        asked. A row per user of `relevant_frame`, in its order: 0 without a list. Users of
        `recs_frame` alone are left out.

    Raises:
        ValueError: Metrics or convention that do not exist, or a depth that is no positive integer.
        DataError: A missing column, a null, a pair or rank twice, or an empty relevant frame.

    Example:
        >>> import pandas as pd
        >>> recs = pd.DataFrame({"user_id": [1, 1], "product_id": ["a", "b"], "rank": [1, 2]})
        >>> relevant = pd.DataFrame({"user_id": [1, 2], "product_id": ["b", "a"]})
        >>> evaluate(recs, relevant, metrics=["mrr@5", "recall@5"])
           user_id  mrr@5  recall@5
        0        1    0.5       1.0
        1        2    0.0       0.0
    """
    asked = parse_metrics(metrics)
    reading = find_convention(convention)
    for metric in asked:
        if isinstance(metric, Metric) and metric.k is None and metric.name != "coverage":
            raise ValueError(f"metric {metric.label!r}: needs two pipelines and data, use ABTest")
    relevant = read_relevant(relevant_frame)
    lists, kind = read_lists(recs_frame, relevant, reading)
    hits = lists.hits(relevant, depth_of(asked, lists))
    columns = {"user_id": relevant.user_ids.array}
    columns |= {metric.label: pa.array(measure(metric, hits, reading)) for metric in asked}
    return write_frame(pa.table(columns), kind)


def depth_of(metrics: Iterable[UserMetric], lists: RankedLists | None = None) -> int:
    """Return how deep lists must be for every metric; never deeper than the longest of `lists`."""
    depths = [metric.k for metric in metrics if metric.k is not None]
    depth = max(depths, default=_DEPTH)
    if lists is None:
        return depth
    return min(depth, int(lists.places.max(initial=0)) + 1)


def measure(metric: UserMetric, hits: Hits, convention: Convention) -> NDArray[np.float64]:
    """Compute a metric for every user of `hits`: float64 (users,).

    Raises:
        ValueError: A metric of the caller's own that gives another shape, or infinity.
    """
    if metric == Metric("coverage"):
        return coverage(hits.lengths)
    values = np.asarray(metric.per_user(hits, convention), dtype=np.float64)
    if values.shape != (len(hits),):
        raise ValueError(f"metric {metric.label!r}: gave {values.shape} for {len(hits)} users")
    if np.isinf(values).any():
        raise ValueError(f"metric {metric.label!r}: gave infinite values")
    return values
