"""Metrics per user of a frame of recommendations against a frame of what was relevant."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.columns import Columns
from suitably.data.frames import write_frame
from suitably.evaluation.known import History, Judge, Known, read_fields
from suitably.evaluation.monthly_returns import read_returns
from suitably.evaluation.observe import observe
from suitably.evaluation.ranked_frames import (
    RankedLists,
    read_amounts,
    read_kinds,
    read_lists,
    read_relevant,
)
from suitably.metrics import Convention, UserMetric, find_convention, parse_metrics
from suitably.metrics.protocol import (
    ListMetric,
    MetricLike,
    is_per_user,
    measure,
    missing_inputs,
    needs_of,
)
from suitably.suitability.frames import evaluate_frames
from suitably.suitability.policy import read_policies
from suitably.typing import AsOf, IntoFrame

__all__ = ["depth_of", "evaluate", "evaluate_with", "needed"]

_DEPTH = 10


def evaluate(
    recs_frame: IntoFrame,
    relevant_frame: IntoFrame,
    metrics: Iterable[str | UserMetric | ListMetric],
    convention: str | Convention = "trec",
    *,
    users: IntoFrame | None = None,
    products: IntoFrame | None = None,
    history: IntoFrame | None = None,
    returns: IntoFrame | None = None,
    rejected: IntoFrame | None = None,
    events: IntoFrame | None = None,
    policy: Any = None,
    as_of: AsOf | None = None,
) -> Any:
    """Measure how well lists of recommendations met what users then chose.

    The order of a list is its `rank`, which is what the user saw: equal scores are in the order
    of rank, and so is a list whose scores a reranker left out of order. Gaps between ranks do not
    count. `Convention(order="score")` sorts by score first, as trec_eval does with a run file.

    Args:
        recs_frame: user_id, product_id, rank (1-based) and, if it is there, score; a row per
            recommendation, in any order, of any kind of frame.
        relevant_frame: user_id and product_id, a row per relevant product; for metrics of revenue
            also value, the money of what was acquired.
        metrics: Registered names with a depth, such as `"ndcg@10"`, and options, such as
            `"concentration[by:category]@10"`; or objects that are a `suitably.metrics.UserMetric`
            or `ListMetric`.
        convention: `"trec"`, `"rectools"`, `"lenskit"`, or a `Convention` of your own.
        users: user_id and the fields that metrics read, a row per user.
        products: product_id and the fields that metrics read, a row per product on offer.
        history: user_id and product_id, a row per acquisition before the cut.
        returns: product_id and monthly_return, a share; with several periods, period from 0, as
            `monthly_returns` makes it of prices.
        rejected: user_id and product_id, what was turned down in the window.
        events: user_id, product_id and event, what else fell in the window.
        policy: Judges the lists: a `Policy`, its file or built-in name, or a list of them. It reads
            `users` and `products`.
        as_of: The moment that the policy judges as of.

    Returns:
        A frame of the kind of `recs_frame`: user_id and a float64 column per metric, named as
        asked. A row per user of `relevant_frame`, in its order: 0 without a list, or NaN where the
        metric says so. Users of `recs_frame` alone are left out. A figure of all lists together
        stands in every row. Of a ratio of sums, each row holds the user's own.

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
    needs = needed(asked)
    people = read_fields(users, "user_id", "users")
    shelf = read_fields(products, "product_id", "products")
    spent = None
    if "spent" in needs:
        values = read_amounts(relevant_frame, "value", "relevant_frame")
        spent = None if values is None else (read_relevant(relevant_frame), values)
    known = Known(
        on_offer=None if shelf is None else shelf.ids,
        users=people,
        products=shelf,
        judge=None if policy is None else _judge(policy, users, products, as_of),
        history=_history(history),
        returns=None if returns is None else read_returns(returns, "returns"),
        rejected=None if rejected is None else _pairs(rejected, "rejected"),
        spent=spent,
        events={} if events is None else read_kinds(events, "events"),
    )
    return evaluate_with(recs_frame, relevant_frame, asked, reading, known)


def evaluate_with(
    recs_frame: IntoFrame,
    relevant_frame: IntoFrame,
    metrics: Sequence[MetricLike],
    convention: Convention,
    known: Known,
) -> Any:
    """Measure as `evaluate` does, with what it takes read already."""
    relevant = read_relevant(relevant_frame)
    lists, kind = read_lists(recs_frame, relevant, convention)
    users = relevant.user_ids
    depth = depth_of(metrics, lists)
    seen = observe(lists, users, depth, convention, needed(metrics), known, relevant)
    for metric in metrics:
        missing_inputs(metric, seen)
    columns: dict[str, Any] = {"user_id": users.array}
    for metric in metrics:
        values = measure(metric, seen)
        if not is_per_user(metric):
            values = np.full(len(users), values)
        columns[metric.label] = pa.array(values)
    return write_frame(pa.table(columns), kind)


def depth_of(metrics: Iterable[MetricLike], lists: RankedLists | None = None) -> int:
    """Return how deep lists must be for every metric; never deeper than the longest of `lists`.

    A metric of the whole list looks at all of `lists`.
    """
    if lists is not None and any(metric.k is None for metric in metrics):
        return max(lists.longest, 1)
    depths = [metric.k for metric in metrics if metric.k is not None]
    depth = max(depths, default=_DEPTH)
    return depth if lists is None else min(depth, max(lists.longest, 1))


def needed(metrics: Iterable[MetricLike]) -> set[str]:
    """Return the attributes of `MetricInput` that some metric reads."""
    return {name for metric in metrics for name in needs_of(metric)}


def _judge(policy: Any, users: Any, products: Any, as_of: AsOf | None) -> Judge:
    for name, given in (("users", users), ("products", products), ("as_of", as_of)):
        if given is None:
            raise ValueError(f"policy: reads users and products as of a moment, so give {name}=")
    assert as_of is not None
    return evaluate_frames(read_policies(policy), users, products, as_of, Columns())


def _history(frame: IntoFrame | None) -> History | None:
    return None if frame is None else History.read(_pairs(frame, "history"))


def _pairs(frame: IntoFrame, name: str) -> Any:
    return read_relevant(frame, name, empty_ok=True, repeats_ok=True)
