"""What is wrong with a policy, before it meets a user: proved, or plain to see."""

from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.lint import check_policy, check_versions
from suitably.suitability.lint.render import list_findings, list_policy
from suitably.suitability.lint.text_checks import check_languages

__all__ = [
    "Finding",
    "check_languages",
    "check_policy",
    "check_versions",
    "list_findings",
    "list_policy",
]
