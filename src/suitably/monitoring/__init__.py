"""Does it still hold?

Evidence is gathered by betting against a level that is supposed to hold.

Source:
    Fan, Grama and Liu, "Exponential inequalities for martingales with applications", Electronic
    Journal of Probability 20 (2015); Waudby-Smith and Ramdas, "Estimating means of bounded random
    variables by betting", Journal of the Royal Statistical Society B 86 (2024); Shin, Ramdas and
    Rinaldo, "E-detectors", New England Journal of Statistics in Data Science (2024); Ville, Étude
    critique de la notion de collectif (1939).
"""

from suitably.monitoring.alarm import Alarm
from suitably.monitoring.distances import gini, psi, top_share, wasserstein
from suitably.monitoring.monitor import Monitor

__all__ = ["Alarm", "Monitor", "gini", "psi", "top_share", "wasserstein"]
