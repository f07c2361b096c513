"""Cold start: what follows a cut, judged by new users or by new products alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.evaluation.splits.windows import Kept, check_days, window_after

__all__ = ["NewProducts", "NewUsers"]


@dataclass(frozen=True)
class _Newcomers:
    at: Any
    horizon_days: int

    def __post_init__(self) -> None:
        """Refuse a window without length."""
        check_days(self, "horizon_days")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Raises:
            DataError: As `TimeSplit.on`.
        """
        return window_after(data, self.at, 0, self.horizon_days, self._kept(data))

    def _kept(self, data: Dataset) -> Kept:
        raise NotImplementedError


@dataclass(frozen=True)
class NewUsers(_Newcomers):
    """As `TimeSplit`, judged by those alone who had acquired nothing before the cut.

    Attributes:
        at: The cut.
        horizon_days: Length of the window.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(None, None, pd.DataFrame({
        ...     "user_id": [1, 1, 2, 3], "product_id": ["a", "b", "a", "a"],
        ...     "timestamp": ["2020-12-01", "2021-01-05", "2021-01-06", "2021-04-01"]}))
        >>> NewUsers("2021-01-01", 30).on(data).relevant["user_id"].tolist()
        [2]
    """

    def _kept(self, data: Dataset) -> Kept:
        def kept(view: View, rows: NDArray[np.int64], _: NDArray[np.int64]) -> NDArray[np.bool_]:
            ids = view.users.ids.decode(np.unique(view.acquisitions.users))
            return ~np.isin(rows, data.user_versions.ids.codes(ids))

        return kept


@dataclass(frozen=True)
class NewProducts(_Newcomers):
    """As `TimeSplit`, judged by those products alone that nobody had acquired before the cut.

    Attributes:
        at: The cut.
        horizon_days: Length of the window.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(None, None, pd.DataFrame({
        ...     "user_id": [1, 2, 2, 3], "product_id": ["a", "b", "a", "a"],
        ...     "timestamp": ["2020-12-01", "2021-01-05", "2021-01-06", "2021-04-01"]}))
        >>> NewProducts("2021-01-01", 30).on(data).relevant["product_id"].tolist()
        ['b']
    """

    def _kept(self, data: Dataset) -> Kept:
        def kept(view: View, _: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
            ids = view.products.ids.decode(np.unique(view.acquisitions.products))
            return ~np.isin(columns, data.product_versions.ids.codes(ids))

        return kept
