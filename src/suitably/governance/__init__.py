"""Can we prove it? Consent, pseudonyms, and the weights of indicators of trust."""

from suitably.governance.audit_trail import AuditTrail
from suitably.governance.consent import PURPOSES, Consent
from suitably.governance.indicator_weights import (
    AHPWeights,
    EntropyWeights,
    ahp_weights,
    entropy_weights,
)
from suitably.governance.legal_hold import Hold
from suitably.governance.purge import Purge
from suitably.governance.receipt import check_receipt
from suitably.governance.replay import Replay
from suitably.governance.retention import RETENTION_CLASSES, RetentionClass
from suitably.governance.switch_record import RecordedSwitch
from suitably.governance.trust_index import TrustIndex
from suitably.governance.verification import Problem, Verification
from suitably.utils.masking import DIRECT_IDENTIFIERS, masked
from suitably.utils.pseudonym import pseudonym, set_pseudonym_key

__all__ = [
    "DIRECT_IDENTIFIERS",
    "PURPOSES",
    "RETENTION_CLASSES",
    "AHPWeights",
    "AuditTrail",
    "Consent",
    "EntropyWeights",
    "Hold",
    "Problem",
    "Purge",
    "RecordedSwitch",
    "Replay",
    "RetentionClass",
    "TrustIndex",
    "Verification",
    "ahp_weights",
    "check_receipt",
    "entropy_weights",
    "masked",
    "pseudonym",
    "set_pseudonym_key",
]
