"""Is it better? Metrics per user, splits in time, paired statistics, and the A/B decision."""

from suitably.evaluation.abtest import ABTest
from suitably.evaluation.accuracy import evaluate
from suitably.evaluation.guardrails import Guardrail
from suitably.evaluation.report import Facts, Paragraph, Report, Table, Verdict
from suitably.evaluation.result import ABResult
from suitably.evaluation.splits import TimeSplit
from suitably.evaluation.statistics import Difference, paired_difference
from suitably.evaluation.tuning import Tuned, tune

__all__ = [
    "ABResult",
    "ABTest",
    "Difference",
    "Facts",
    "Guardrail",
    "Paragraph",
    "Report",
    "Table",
    "TimeSplit",
    "Tuned",
    "Verdict",
    "evaluate",
    "paired_difference",
    "tune",
]
