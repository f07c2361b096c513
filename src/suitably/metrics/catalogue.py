"""The metrics that come with the library, each under its name, with unit, range and direction."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.metrics import accuracy, beyond_accuracy, business, coverage, returns, suitability
from suitably.metrics.convention import LENSKIT, TREC, Convention
from suitably.metrics.metric_input import Hits
from suitably.metrics.registry import register

__all__ = ["ACCURACY"]

_SHARE = (0.0, 1.0)
_Kernel = Callable[..., NDArray[np.float64]]

ACCURACY: dict[str, _Kernel] = {
    "dcg": accuracy.dcg,
    "hit_rate": accuracy.hit_rate,
    "map": accuracy.average_precision,
    "mrr": accuracy.mrr,
    "ndcg": accuracy.ndcg,
    "precision": accuracy.precision,
    "recall": accuracy.recall,
}
"""Accuracy at a depth; each is registered with `suitable_` before its name too."""


def _most_dcg(k: int) -> tuple[float, float]:
    return 0.0, max(TREC.most(k), LENSKIT.most(k))  # whichever discount is asked for


def _on_suitable(kernel: _Kernel) -> _Kernel:
    """Return an accuracy metric of what was relevant and passes the judging policy."""

    def suitable(suitable_hits: Hits, k: int, convention: Convention) -> NDArray[np.float64]:
        found = kernel(suitable_hits, k, convention)
        return np.where(suitable_hits.relevant > 0, found, np.nan)

    return suitable


def _suitable_auc(suitable_hits: Hits, size: int, k: int | None = None) -> NDArray[np.float64]:
    return accuracy.auc(suitable_hits, size, k)


for _name, _kernel in ACCURACY.items():
    _given: dict[str, Any] = (
        {"unit": "discounts", "bounds": _most_dcg}
        if _name == "dcg"
        else {"unit": "share", "bounds": _SHARE}
    )
    register(_name, _kernel, **_given)
    register(f"suitable_{_name}", _on_suitable(_kernel), **_given)
register("auc", accuracy.auc, unit="probability", bounds=_SHARE)
register("suitable_auc", _suitable_auc, unit="probability", bounds=_SHARE)

register("coverage", coverage.coverage, unit="share", bounds=_SHARE)
register(
    "abstention_rate", coverage.abstention_rate, higher_is_better=False, unit="share", bounds=_SHARE
)
register(
    "catalogue_coverage",
    coverage.catalogue_coverage,
    is_per_user=False,
    unit="share",
    bounds=_SHARE,
)
register(
    "gini",
    coverage.gini,
    higher_is_better=False,
    is_per_user=False,
    unit="coefficient",
    bounds=_SHARE,
)

register("novelty", beyond_accuracy.novelty, unit="bits")
register("intra_list_diversity", beyond_accuracy.intra_list_diversity, unit="share", bounds=_SHARE)
register("serendipity", beyond_accuracy.serendipity, unit="share", bounds=_SHARE)
for _name, _kernel in (
    ("calibration", beyond_accuracy.calibration),
    ("profile_calibration", beyond_accuracy.profile_calibration),
):
    register(
        _name,
        _kernel,
        higher_is_better=False,
        unit="nats",
        bounds=beyond_accuracy.CALIBRATION_RANGE,
    )
register(
    "concentration",
    beyond_accuracy.concentration,
    higher_is_better=False,
    unit="index",
    bounds=_SHARE,
)

for _name, _kernel in (
    ("violation_rate", suitability.violation_rate),
    ("violation_rate_at", suitability.violation_rate_at),
    ("rejection_rate", suitability.rejection_rate),
    ("over_conservatism", suitability.over_conservatism),
    ("risk_excess", suitability.risk_excess),
):
    register(_name, _kernel, higher_is_better=False, unit="share", bounds=_SHARE)
register("risk_match", suitability.risk_match, unit="share", bounds=_SHARE)

register("roi", returns.roi, unit="share per month")
register("volatility", returns.volatility, higher_is_better=False, unit="share per month")
register("sharpe", returns.sharpe, unit="per month")

register("expected_revenue", business.expected_revenue, unit="money")
register("revenue_per_user", business.revenue_per_user, is_ratio=True, unit="money")
register("contribution", business.contribution, is_ratio=True, unit="money")
register("conversion", business.conversion, is_ratio=True, unit="share")
register("retention", business.retention, is_ratio=True, unit="share")
register("cac", business.cac, is_ratio=True, higher_is_better=False, unit="money")
register("ltv_to_cac", business.ltv_to_cac, is_ratio=True, unit="multiple")
