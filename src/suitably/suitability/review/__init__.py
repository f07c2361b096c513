"""What is wrong with a policy, before it meets a user: proved, or plain to see."""

from suitably.suitability.review.finding import Finding
from suitably.suitability.review.lint import check_policy, check_versions
from suitably.suitability.review.listing import list_findings, list_policy

__all__ = ["Finding", "check_policy", "check_versions", "list_findings", "list_policy"]
