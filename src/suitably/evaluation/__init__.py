"""Is it better? Metrics per user, splits in time, paired statistics, and the A/B decision."""

from suitably.evaluation.abtest import ABResult, ABTest, Guardrail
from suitably.evaluation.evaluate import evaluate
from suitably.evaluation.monthly_returns import monthly_returns
from suitably.evaluation.offpolicy import OffPolicy, OffPolicyResult
from suitably.evaluation.splits import (
    LeaveLastOut,
    NewProducts,
    NewUsers,
    RollingSplit,
    TimeSplit,
)
from suitably.evaluation.statistics import (
    Estimate,
    PairedSample,
    Statistic,
    paired_difference,
    paired_t,
)
from suitably.evaluation.tuning import Tuned, tune
from suitably.report import DecisionBanner, Facts, Paragraph, Report, Table

Difference = Estimate
Verdict = DecisionBanner

__all__ = [
    "ABResult",
    "ABTest",
    "DecisionBanner",
    "Difference",
    "Estimate",
    "Facts",
    "Guardrail",
    "LeaveLastOut",
    "NewProducts",
    "NewUsers",
    "OffPolicy",
    "OffPolicyResult",
    "PairedSample",
    "Paragraph",
    "Report",
    "RollingSplit",
    "Statistic",
    "Table",
    "TimeSplit",
    "Tuned",
    "Verdict",
    "evaluate",
    "monthly_returns",
    "paired_difference",
    "paired_t",
    "tune",
]
