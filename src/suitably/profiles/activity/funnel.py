"""A funnel: how many users come how far through stages in order, and how long it takes them."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data import Dataset
from suitably.data.clock import elapsed_days
from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.profiles.activity.stages import (
    Stages,
    reached,
    read_stages,
    stage_codes,
    without_refunds,
)
from suitably.typing import AsOf

__all__ = ["funnel"]


def funnel(data: Dataset, as_of: AsOf | None, stages: Stages) -> Any:
    """Return how many users reached each stage, having reached all stages before it in order.

    A user reaches a stage by the first event of its kinds that is not before the moment at which
    the stage before was reached; an event at that very moment will do, so that days without a time
    can be in order. What happened too early does not count: a purchase before the first view is no
    purchase of this funnel, and a refund, an acquisition of an amount below 0, is none either. The
    events of a user count whatever product they are about.

    Args:
        data: The data, which must have timestamps and kinds of event.
        as_of: Events strictly before it count; None: all.
        stages: Names of the stages in order, each with its kind of event or a list of these; or a
            list of kinds, each a stage.

    Returns:
        As the caller's kind of frame, a row per stage in order: `stage`; `users`, how many reached
        it; `share` of those who reached the first stage; `conversion`, the share of those who
        reached the stage before, null for the first; `median_days`, the median time since the stage
        before, in days of 24 hours, null for the first. Shares of nobody are null.

    Raises:
        ValueError: No stages, a stage without kinds, or a kind or name that is there twice.
        DataError: A kind that no event has, or data without timestamps, which have no order.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({
        ...     "user_id": [1, 1, 2, 2, 3], "product_id": ["a", "a", "a", "b", "a"],
        ...     "event": ["view", "buy", "buy", "view", "view"],
        ...     "timestamp": ["2024-01-01", "2024-01-05", "2024-01-01", "2024-01-02",
        ...                   "2024-01-03"]})
        >>> data = Dataset(None, None, log, owned_events=["buy"])
        >>> funnel(data, "2024-02-01", {"seen": ["view"], "bought": ["buy"]})
            stage  users     share  conversion  median_days
        0    seen      3  1.000000         NaN          NaN
        1  bought      1  0.333333    0.333333          4.0
    """
    named = read_stages(stages, f"stages={stages!r:.80}")
    data.events.of(tuple(kind for kinds in named.values() for kind in kinds))
    view = data.view(as_of)
    events = without_refunds(view)
    if events.times is None:
        raise DataError("funnel: the interactions have no timestamps, so stages have no order")
    codes = stage_codes(events, named)
    moments = reached(events.users, codes, events.times, len(view.users), len(named))
    users = (~np.isnat(moments)).sum(axis=1)
    before = np.append(0, users[:-1])
    waits = [np.nan] + [_median_days(*pair) for pair in pairwise(moments)]
    return write_frame(
        pa.table(
            {
                "stage": pa.array(named, pa.string()),
                "users": pa.array(users, pa.int64()),
                "share": _ratios(users, np.full(len(users), users[0])),
                "conversion": _ratios(users, before),
                "median_days": pa.array(waits, pa.float64(), from_pandas=True),
            }
        ),
        data.kind,
    )


def _median_days(before: Any, after: Any) -> float:
    both = ~np.isnat(after)
    if not both.any():
        return np.nan
    return float(np.median(elapsed_days(before[both], after[both])))


def _ratios(parts: Any, wholes: Any) -> pa.Array:
    none = wholes == 0
    return pa.array(parts / np.where(none, 1, wholes), pa.float64(), mask=none)
