"""A workbench for policies: write one from parts, try it on a table of cases, sign the sheet."""

from suitably.suitability.workbench.cases import Case, CaseTable
from suitably.suitability.workbench.draft import PRODUCT_TYPES, REGIMES, Draft, draft_policy
from suitably.suitability.workbench.run import CaseCheck, CaseRun, run_cases

__all__ = [
    "PRODUCT_TYPES",
    "REGIMES",
    "Case",
    "CaseCheck",
    "CaseRun",
    "CaseTable",
    "Draft",
    "draft_policy",
    "run_cases",
]
