"""Does it still hold?"""

from suitably.monitoring.alarm import Alarm
from suitably.monitoring.distances import gini, psi, top_share, wasserstein
from suitably.monitoring.monitor import Monitor

__all__ = ["Alarm", "Monitor", "gini", "psi", "top_share", "wasserstein"]
