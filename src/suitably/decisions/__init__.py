"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.propensity import Calibration, Propensity, ReliabilityBin

__all__ = ["Calibration", "Propensity", "ReliabilityBin"]
