"""A ranker of the caller's own: no base class, no registration."""

from typing import Any, Self

import numpy as np
import pyarrow as pa

from suitably.data import Vocabulary
from suitably.ranking import FitContext, Scores

__all__ = ["Cheapest"]


class Cheapest:
    """The smallest minimum amount first, for customers with any history; nothing for others."""

    def fit(self, context: FitContext) -> Self:
        fields = context.data.product_fields
        amounts = fields["min_amount"].combine_chunks().to_numpy(zero_copy_only=False)
        self._amounts = np.asarray(amounts, float)
        self._ids = context.data.users.ids
        self._active = np.diff(context.data.purchases.indptr) > 0
        return self

    def scorer(self, user_ids: Any) -> Scores:
        known = ~np.isnan(self._amounts)
        row = -np.where(known, self._amounts, 0).astype(np.float32)
        return Scores(np.tile(row, (len(user_ids), 1)), known)

    def can_score(self, user_ids: Any) -> Any:
        codes = self._ids.codes(user_ids)
        return (codes >= 0) & self._active[np.maximum(codes, 0)]

    def state(self) -> dict[str, Any]:
        return {"amounts": self._amounts, "ids": self._ids.values, "active": self._active}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        ranker = cls()
        ranker._amounts, ranker._active = state["amounts"], state["active"]
        ranker._ids = Vocabulary(pa.array(state["ids"]))
        return ranker
