"""A split in time: what was known, what came after, and who is judged."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

__all__ = ["Split"]


@dataclass(frozen=True)
class Split:
    """One cut through a log.

    Attributes:
        at: The cut: a pipeline may use what lies strictly before it.
        end: The end of the test window `[at, end)`.
        candidates: Ids of the products that may be recommended; None: the catalogue.
        relevant: A frame of user_id and product_id: what each judged user acquired in the window.
        returns: A frame of product_id and monthly_return: what products returned in the window,
            per month of 30 days, compounded; None: not known.

        start: The start of the test window where that is not the cut.
        note: What is wrong with it: a window that the log does not cover.

    Example:
        >>> bought = pd.DataFrame({"user_id": ["ann"], "product_id": ["bond"]})
        >>> split = Split(pd.Timestamp("2024-03-01"), pd.Timestamp("2024-06-01"), None, bought)
        >>> split.end - split.at
        Timedelta('92 days 00:00:00')
    """

    at: pd.Timestamp
    end: pd.Timestamp
    candidates: NDArray[Any] | None
    relevant: Any
    returns: Any = None
    start: pd.Timestamp | None = None
    note: str = ""

    @property
    def begins(self) -> pd.Timestamp:
        """The start of the test window."""
        return self.at if self.start is None else self.start
