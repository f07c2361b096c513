"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.propensity import Propensity

__all__ = ["Propensity"]
