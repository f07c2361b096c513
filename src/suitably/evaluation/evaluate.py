"""Metrics per user of a frame of recommendations against a frame of what was relevant."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.evaluation.observe import Fields, observe, read_fields
from suitably.evaluation.ranked_frames import RankedLists, read_lists, read_relevant
from suitably.metrics import (
    Convention,
    MetricInput,
    UserMetric,
    find_convention,
    parse_metrics,
)
from suitably.metrics.protocol import (
    ListMetric,
    MetricLike,
    is_per_user,
    measure,
    needs_of,
)
from suitably.typing import IntoFrame

__all__ = ["depth_of", "evaluate", "evaluate_with"]

_DEPTH = 10
_FRAMES = {"user_fields": "users", "product_fields": "products"}


def evaluate(
    recs_frame: IntoFrame,
    relevant_frame: IntoFrame,
    metrics: Iterable[str | UserMetric | ListMetric],
    convention: str | Convention = "trec",
    *,
    users: IntoFrame | None = None,
    products: IntoFrame | None = None,
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
            `"ndcg@10"`; `"coverage"`; one that was registered; or objects that are a
            `suitably.metrics.UserMetric` or `ListMetric`.
        convention: `"trec"`, `"rectools"`, `"lenskit"`, or a `Convention` of your own.
        users: user_id and the fields that metrics read, a row per user.
        products: product_id and the fields that metrics read, a row per product.

    Returns:
        A frame of the kind of `recs_frame`: user_id and a float64 column per metric, named as
        asked. A row per user of `relevant_frame`, in its order: 0 without a list. Users of
        `recs_frame` alone are left out.

    Raises:
        ValueError: Metrics or convention that do not exist, a depth that is no positive integer,
            or a metric that needs more than is given.
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
    asked, reading = parse_metrics(metrics), find_convention(convention)
    fields = read_fields(users, "user_id", "users"), read_fields(products, "product_id", "products")
    return evaluate_with(recs_frame, relevant_frame, asked, reading, *fields)


def evaluate_with(
    recs_frame: IntoFrame,
    relevant_frame: IntoFrame,
    metrics: Sequence[MetricLike],
    convention: Convention,
    users: Fields | None,
    products: Fields | None,
) -> Any:
    """Measure as `evaluate` does, with what it takes read already."""
    relevant = read_relevant(relevant_frame)
    lists, kind = read_lists(recs_frame, relevant, convention)
    seen = observe(
        lists,
        relevant.user_ids,
        depth_of(metrics, lists),
        convention,
        relevant=relevant,
        user_fields=users,
        product_fields=products,
    )
    for metric in metrics:
        _refuse(metric, seen)
    columns = {"user_id": relevant.user_ids.array}
    columns |= {metric.label: pa.array(measure(metric, seen)) for metric in metrics}
    return write_frame(pa.table(columns), kind)


def depth_of(metrics: Iterable[MetricLike], lists: RankedLists | None = None) -> int:
    """Return how deep lists must be for every metric; never deeper than the longest of `lists`."""
    depths = [metric.k for metric in metrics if metric.k is not None]
    depth = max(depths, default=_DEPTH)
    if lists is None:
        return depth
    return min(depth, int(lists.places.max(initial=0)) + 1)


def _refuse(metric: MetricLike, seen: MetricInput) -> None:
    """Refuse a metric that two frames are not enough for, before anything is measured."""
    missing = seen.missing(needs_of(metric))
    if not set(missing) <= set(_FRAMES) or not is_per_user(metric):
        raise ValueError(f"metric {metric.label!r}: needs two pipelines and data, use ABTest")
    if missing:
        wanted = " and ".join(f"{_FRAMES[name]}=" for name in missing)
        raise ValueError(f"metric {metric.label!r}: reads fields, so give a frame as {wanted}")
