"""Off-policy evaluation: what a log with propensities says of other pipelines."""

from suitably.evaluation.offpolicy.estimators import (
    ESTIMATORS,
    Rounds,
    beta_ips,
    beta_ips_difference,
    clipped_ips,
    dm,
    dr,
    dros,
    effective_size,
    ips,
    sndr,
    snips,
    switch,
)
from suitably.evaluation.offpolicy.offpolicy import OffPolicy
from suitably.evaluation.offpolicy.result import OffPolicyResult, OffPolicyRow
from suitably.evaluation.offpolicy.weights import importance_weights

__all__ = [
    "ESTIMATORS",
    "OffPolicy",
    "OffPolicyResult",
    "OffPolicyRow",
    "Rounds",
    "beta_ips",
    "beta_ips_difference",
    "clipped_ips",
    "dm",
    "dr",
    "dros",
    "effective_size",
    "importance_weights",
    "ips",
    "sndr",
    "snips",
    "switch",
]
