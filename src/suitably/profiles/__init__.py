"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.churn import Churn
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.retention import retention
from suitably.profiles.risk_appetite import RiskAppetite
from suitably.profiles.survival import SurvivalCurve, kaplan_meier

__all__ = [
    "Builder",
    "BuilderState",
    "Churn",
    "FieldInfo",
    "Origin",
    "Provenance",
    "RecencyFrequencyValue",
    "RiskAppetite",
    "SurvivalCurve",
    "kaplan_meier",
    "retention",
]
