"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.card import ProfileCard, card
from suitably.profiles.compose import build
from suitably.profiles.population import Population, population
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.risk_appetite import RiskAppetite

__all__ = [
    "Builder",
    "BuilderState",
    "FieldInfo",
    "Origin",
    "Population",
    "ProfileCard",
    "Provenance",
    "RecencyFrequencyValue",
    "RiskAppetite",
    "build",
    "card",
    "population",
]
