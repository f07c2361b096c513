"""What may they be offered? Rules as data, judged in three values, with reasons."""

from suitably.suitability.eligibility import Eligibility
from suitably.suitability.impact import Impact, impact
from suitably.suitability.lint import Finding, check_policy, check_versions
from suitably.suitability.personal_terms import personal_terms
from suitably.suitability.policy import Policy, Rule
from suitably.suitability.priips import priips_sri
from suitably.suitability.questionnaire import QuestionnaireScale
from suitably.suitability.verdicts import RuleVerdict
from suitably.suitability.what_if.record import WhatIf
from suitably.suitability.workbench import CaseRun, CaseTable, draft_policy, run_cases

__all__ = [
    "CaseRun",
    "CaseTable",
    "Eligibility",
    "Finding",
    "Impact",
    "Policy",
    "QuestionnaireScale",
    "Rule",
    "RuleVerdict",
    "WhatIf",
    "check_policy",
    "check_versions",
    "draft_policy",
    "impact",
    "personal_terms",
    "priips_sri",
    "run_cases",
]
