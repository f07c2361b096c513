"""From a score and its rank to the probability of a purchase within a horizon."""

from suitably.decisions.propensity.calibration import Calibration, ReliabilityBin
from suitably.decisions.propensity.propensity import Propensity

__all__ = ["Calibration", "Propensity", "ReliabilityBin"]
