"""How far probabilities are from what came, in plain terms."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["calibration_error", "what_came"]


def what_came(data: Any, builder: Any, as_of: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Fit as of a moment; return the chances of those known, and who acquired nothing after it."""
    chances = np.asarray(builder.fit(data, as_of).transform(data)["p_churn"], float)
    start = np.datetime64(as_of, "us")
    after = data.events.between(start, start + np.timedelta64(builder.horizon_days, "D"))
    silent = ~np.isin(np.arange(len(chances)), after.users)
    known = ~np.isnan(chances)
    return chances[known], silent[known]


def calibration_error(chances: NDArray[Any], happened: NDArray[Any]) -> float:
    """Average the gap of mean chance and share over ten groups of equal count, by chance."""
    groups = np.array_split(np.argsort(chances, kind="stable"), 10)
    gaps = [abs(chances[rows].mean() - happened[rows].mean()) * len(rows) for rows in groups]
    return float(sum(gaps) / len(chances))
