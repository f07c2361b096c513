"""What a monitor is given: answers, and baselines as frames such as `Monitor.to_frame` gives."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from suitably.data.frames import read_frame
from suitably.errors import DataError
from suitably.monitoring.series import Days
from suitably.recommendations import Recommendations

__all__ = ["baseline_of_frame", "check_answers"]


def check_answers(made: Iterable[Recommendations], expected: str) -> list[Recommendations]:
    """Return the answers of several calls.

    Args:
        made: The answers.
        expected: Who expected what, for the error.

    Raises:
        DataError: Something else is among them.
    """
    found = list(made) if isinstance(made, Iterable) else [made]
    for one in found:
        if not isinstance(one, Recommendations):
            raise DataError(f"{expected}, got {type(one).__name__}")
    return found


def baseline_of_frame(frame: Any) -> dict[str, Days]:
    """Return the sums by day of every series of a frame: series, day, users, mean.

    A frame has no squares; values between 0 and 1 have none greater than themselves, so they are
    taken to vary as much as they can.

    Raises:
        DataError: A column is missing, or a mean is not from 0 to 1.
    """
    table, _ = read_frame(frame, "baseline")
    for name in ("series", "day", "users", "mean"):
        if name not in table.column_names:
            raise DataError(f"baseline: there is no column {name!r}")
    found: dict[str, Days] = {}
    for place, row in enumerate(table.select(["series", "users", "mean"]).to_pylist()):
        users, mean = row["users"] or 0, row["mean"]
        if not users or mean is None:
            continue
        if not 0 <= mean <= 1:
            raise DataError(f"baseline: the mean of {row['series']} is {mean}, not from 0 to 1")
        sums = np.array([users, users * mean, users * mean])
        found.setdefault(str(row["series"]), {})[place] = sums
    return found
