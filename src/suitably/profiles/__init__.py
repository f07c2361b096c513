"""Who is this? One builder a file: events become a mergeable state, the state becomes fields."""

from suitably.profiles.activity.activity import Activity
from suitably.profiles.activity.funnel import funnel
from suitably.profiles.card import ProfileCard, card
from suitably.profiles.churn.churn import Churn
from suitably.profiles.churn.retention import retention
from suitably.profiles.churn.survival import SurvivalCurve, kaplan_meier
from suitably.profiles.cohorts import cohorts
from suitably.profiles.compose import build
from suitably.profiles.functions.from_function import FromFunction
from suitably.profiles.holdings.holdings import Holdings
from suitably.profiles.lifecycle.lifecycle import Lifecycle
from suitably.profiles.lifetime import (
    BetaGeo,
    BetaGeoParams,
    GammaGamma,
    GammaGammaParams,
    ParetoNBD,
    ParetoNBDParams,
    PurchaseModel,
)
from suitably.profiles.lifetime.balance_value import BalanceValue
from suitably.profiles.lifetime.lifetime_value import LifetimeValue
from suitably.profiles.population import Population, population
from suitably.profiles.preferences.preferences import Preferences
from suitably.profiles.protocol import Builder, BuilderState
from suitably.profiles.provenance import FieldInfo, Origin, Provenance
from suitably.profiles.recency_frequency_value import RecencyFrequencyValue
from suitably.profiles.risk.risk_appetite import RiskAppetite
from suitably.profiles.segments import Segmentation, Segments, Strata, adjusted_rand
from suitably.profiles.tags.tags import Tags
from suitably.profiles.tier import Tier

__all__ = [
    "Activity",
    "BalanceValue",
    "BetaGeo",
    "BetaGeoParams",
    "Builder",
    "BuilderState",
    "Churn",
    "FieldInfo",
    "FromFunction",
    "GammaGamma",
    "GammaGammaParams",
    "Holdings",
    "Lifecycle",
    "LifetimeValue",
    "Origin",
    "ParetoNBD",
    "ParetoNBDParams",
    "Population",
    "Preferences",
    "ProfileCard",
    "Provenance",
    "PurchaseModel",
    "RecencyFrequencyValue",
    "RiskAppetite",
    "Segmentation",
    "Segments",
    "Strata",
    "SurvivalCurve",
    "Tags",
    "Tier",
    "adjusted_rand",
    "build",
    "card",
    "cohorts",
    "funnel",
    "kaplan_meier",
    "population",
    "retention",
]
