"""Can we prove it? Consent, pseudonyms, and the weights of indicators of trust."""

from suitably.governance.consent import PURPOSES, Consent
from suitably.governance.indicator_weights import (
    AHPWeights,
    EntropyWeights,
    ahp_weights,
    entropy_weights,
)
from suitably.governance.trust_index import TrustIndex
from suitably.utils.masking import DIRECT_IDENTIFIERS, masked
from suitably.utils.pseudonym import pseudonym, set_pseudonym_key

__all__ = [
    "DIRECT_IDENTIFIERS",
    "PURPOSES",
    "AHPWeights",
    "Consent",
    "EntropyWeights",
    "TrustIndex",
    "ahp_weights",
    "entropy_weights",
    "masked",
    "pseudonym",
    "set_pseudonym_key",
]
