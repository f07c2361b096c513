"""Splits in time: what was known, and what the users then did."""

from suitably.evaluation.splits.by_time import RollingSplit, TimeSplit
from suitably.evaluation.splits.leave_last_out import LeaveLastOut
from suitably.evaluation.splits.newcomers import NewProducts, NewUsers
from suitably.evaluation.splits.reading import Splitter, read_splits, warn_of_uncovered

__all__ = [
    "LeaveLastOut",
    "NewProducts",
    "NewUsers",
    "RollingSplit",
    "Splitter",
    "TimeSplit",
    "read_splits",
    "warn_of_uncovered",
]
