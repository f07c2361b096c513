"""Which parameters? A search on inner splits in time."""

from suitably.evaluation.tuning.tune import Tuned, tune

__all__ = ["Tuned", "tune"]
