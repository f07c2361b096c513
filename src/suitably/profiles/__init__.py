"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.balance_value import BalanceValue
from suitably.profiles.lifetime import BetaGeo, BetaGeoParams, GammaGamma, GammaGammaParams
from suitably.profiles.lifetime_value import LifetimeValue
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.risk_appetite import RiskAppetite

__all__ = [
    "BalanceValue",
    "BetaGeo",
    "BetaGeoParams",
    "Builder",
    "BuilderState",
    "FieldInfo",
    "GammaGamma",
    "GammaGammaParams",
    "LifetimeValue",
    "Origin",
    "Provenance",
    "RecencyFrequencyValue",
    "RiskAppetite",
]
