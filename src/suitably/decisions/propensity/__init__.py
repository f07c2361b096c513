"""From a score and its rank to the probability of a purchase within a horizon."""

from suitably.decisions.propensity.propensity import Propensity

__all__ = ["Propensity"]
