"""Trust index: indicators of a platform, weighed by judgement and by data, period by period."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from suitably.data.frames import read_frame, write_frame
from suitably.data.values import is_number, one_array
from suitably.errors import DataError, NotFittedError
from suitably.governance.indicator_weights import ahp_weights, entropy_weights
from suitably.utils.params import Parameterized

__all__ = ["TrustIndex"]

_SAFETY = ("identity", "transaction_safety", "risk_control")
_INDICATORS = ("identity", "transaction_safety", "disclosure", "service", "risk_control")


class TrustIndex(Parameterized):
    """Score a platform by weighted indicators of trust, over time.

    The caller scores each indicator from 0 to 1 for every period, or platform: say, the share of
    customers whose identity was checked twice, of transactions without an incident, of products
    with a full key information document, of complaints answered within a week, of reviews that
    found nothing. The index is their weighted mean, times 100.

    Weights are judged (`judgements`, by AHP) and, to a part, follow from how far an indicator tells
    the periods apart (`entropy_share`). Entropy rewards dispersion and not importance: where every
    period is equally unsafe, safety weighs nothing. So it is refused as the only source of weights
    as long as there is an indicator of safety.

    Args:
        judgements: How many times as important each indicator is as each other, see `ahp_weights`;
            None: there are none.
        entropy_share: Which share of the weights follows from entropy, from 0 to 1.
        indicators: The columns, in the order of the judgements.
        safety: Which of them are of safety.

    Attributes:
        weights_: float64 (indicators,), of sum 1.
        consistency_ratio_: Of the judgements; None without any.

    Example:
        >>> import pandas as pd
        >>> quarters = pd.DataFrame({
        ...     "period": ["2024-Q1", "2024-Q2"], "safety": [0.9, 0.8], "service": [0.5, 0.9]})
        >>> index = TrustIndex([[1, 3], [1 / 3, 1]], indicators=["safety", "service"],
        ...                    safety=["safety"])
        >>> index.fit(quarters).score(quarters).round(1).to_dict("list")
        {'period': ['2024-Q1', '2024-Q2'], 'trust_index': [80.0, 82.5]}
    """

    weights_: NDArray[np.float64]
    consistency_ratio_: float | None

    def __init__(
        self,
        judgements: ArrayLike | None = None,
        entropy_share: float = 0.0,
        indicators: Sequence[str] = _INDICATORS,
        safety: Sequence[str] = _SAFETY,
    ) -> None:
        self.judgements = judgements
        self.entropy_share = entropy_share
        self.indicators = indicators
        self.safety = safety

    def fit(self, frame: Any) -> Self:
        """Learn the weights.

        Args:
            frame: A row per period or platform, a column per indicator.

        Raises:
            DataError: A column is missing or holds something else than shares, or judgements that
                contradict each other or do not fit the indicators.
            ValueError: A parameter out of range, or entropy alone for indicators of safety.
        """
        self._check_params()
        scores = self._scores(read_frame(frame, "indicators")[0])
        parts = []
        self.consistency_ratio_ = None
        if self.judgements is not None:
            judged = ahp_weights(self.judgements)
            if len(judged) != len(self.indicators):
                raise DataError(
                    f"judgements: are of {len(judged)} indicators, not of {len(self.indicators)}"
                )
            self.consistency_ratio_ = judged.consistency_ratio
            parts.append((1 - self._share) * judged.weights)
        if self._share:
            parts.append(self._share * entropy_weights(scores).weights)
        self.weights_ = np.sum(parts, axis=0)
        return self

    def score(self, frame: Any) -> Any:
        """Return the index of every row: its other columns, and `trust_index`, from 0 to 100.

        Raises:
            DataError: A column is missing or holds something else than shares.
            NotFittedError: Called before `fit`.
        """
        if not hasattr(self, "weights_"):
            raise NotFittedError("TrustIndex: call fit first")
        table, kind = read_frame(frame, "indicators")
        index = pa.array(100 * (self._scores(table) @ self.weights_))
        others = [name for name in table.column_names if name not in self.indicators]
        return write_frame(table.select(others).append_column("trust_index", index), kind)

    @property
    def _share(self) -> float:
        return 1.0 if self.judgements is None else float(self.entropy_share)

    def _check_params(self) -> None:
        names = list(self.indicators)
        if isinstance(self.indicators, str) or not names or len(set(names)) < len(names):
            raise ValueError(f"indicators={self.indicators!r:.80}: must be distinct names")
        strange = sorted(set(self.safety) - set(names))
        if strange:
            raise ValueError(f"safety: {strange} are none of the indicators {names}")
        share = self.entropy_share
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"entropy_share={share!r}: must be from 0 to 1")
        if self._share == 1.0 and len(self.safety):
            raise ValueError(
                f"entropy alone cannot weigh {', '.join(self.safety)}: where all periods are "
                f"equally unsafe it gives safety no weight; give judgements, and an entropy_share "
                f"below 1"
            )

    def _scores(self, table: pa.Table) -> NDArray[np.float64]:
        columns = []
        for name in self.indicators:
            if name not in table.column_names:
                raise DataError(f"indicators: no column {name!r}; it has {table.column_names}")
            column = one_array(table[name])
            if not is_number(column.type):
                raise DataError(f"indicators.{name}: must hold numbers from 0 to 1")
            values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
            bad = ~((values >= 0) & (values <= 1))
            if bad.any():
                rows = np.flatnonzero(bad)[:3].tolist()
                raise DataError(
                    f"indicators.{name}: {int(bad.sum())} of {len(bad)} rows are no number from 0 "
                    f"to 1 (rows {rows})"
                )
            columns.append(values)
        return np.column_stack(columns)
