"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.preferences import Preferences
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.risk_appetite import RiskAppetite
from suitably.profiles.segments import Segmentation, Segments, Strata, adjusted_rand

__all__ = [
    "Builder",
    "BuilderState",
    "FieldInfo",
    "Origin",
    "Preferences",
    "Provenance",
    "RecencyFrequencyValue",
    "RiskAppetite",
    "Segmentation",
    "Segments",
    "Strata",
    "adjusted_rand",
]
