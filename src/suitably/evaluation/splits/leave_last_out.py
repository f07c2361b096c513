"""Leave-last-out with one cut: the last acquisitions of the latest users."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND
from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.errors import DataError
from suitably.evaluation.splits.windows import window

__all__ = ["LeaveLastOut"]


@dataclass(frozen=True)
class LeaveLastOut:
    """The last acquisition of each of the latest users, all of them after one cut.

    To leave everybody's last acquisition out would show pipelines the future of others. So there is
    one cut, so late that the last acquisition of a share of users lies at or after it; these are
    judged by it alone.

    Attributes:
        share: Of the users with two acquisitions or more, how many are judged: above 0, below 1.

    Raises:
        ValueError: No such share.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({"user_id": [1, 2, 1, 2], "product_id": list("abcd"),
        ...     "timestamp": ["2021-01-01", "2021-01-02", "2021-01-03", "2021-01-04"]})
        >>> split = LeaveLastOut(share=0.5).on(Dataset(None, None, log))
        >>> split.at, split.relevant["product_id"].tolist()
        (Timestamp('2021-01-04 00:00:00'), ['d'])
    """

    share: float = 0.2

    def __post_init__(self) -> None:
        """Refuse no share."""
        if isinstance(self.share, bool) or not 0 < self.share < 1:
            raise ValueError(f"share={self.share!r}: must lie between 0 and 1")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Raises:
            DataError: Data without timestamps, or nobody with two acquisitions.
        """
        events = data.kinds.acquisitions(data.events.once())
        if events.times is None:
            raise DataError("the interactions have no timestamps, so nobody's last one is known")
        users, first = np.unique(events.users[::-1], return_index=True)
        several = np.bincount(events.users)[users] > 1
        last = np.sort(events.times[::-1][first[several]])
        if not len(last):
            raise DataError("leave-last-out: nobody has two acquisitions")
        cut = last[min(len(last) - 1, int(len(last) * (1 - self.share)))]
        end = events.times[-1] + MICROSECOND

        def kept(view: View, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
            newest = events.take(events.times >= cut)
            width = len(data.product_versions.ids)
            held = newest.users.astype(np.int64)
            _, latest = np.unique(held[::-1], return_index=True)
            at = len(held) - 1 - latest
            pairs = held[at] * width + newest.products[at]
            before = np.isin(rows, events.users[events.times < cut])
            return np.isin(rows * width + columns, pairs) & before

        return window(data, cut, cut, end, kept)
