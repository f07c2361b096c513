"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.holdings import Holdings
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.risk_appetite import RiskAppetite

__all__ = [
    "Builder",
    "BuilderState",
    "FieldInfo",
    "Holdings",
    "Origin",
    "Provenance",
    "RecencyFrequencyValue",
    "RiskAppetite",
]
