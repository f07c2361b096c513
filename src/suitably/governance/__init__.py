"""Can we prove it? Consent, and the weights of indicators of trust."""

from suitably.governance.consent import PURPOSES, Consent
from suitably.governance.indicator_weights import (
    AHPWeights,
    EntropyWeights,
    ahp_weights,
    entropy_weights,
)
from suitably.governance.trust_index import TrustIndex

__all__ = [
    "PURPOSES",
    "AHPWeights",
    "Consent",
    "EntropyWeights",
    "TrustIndex",
    "ahp_weights",
    "entropy_weights",
]
