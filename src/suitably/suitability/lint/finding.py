"""What a check of a policy comes to."""

from dataclasses import dataclass
from typing import Literal

from suitably.utils.record import Record

__all__ = ["SEVERITIES", "Finding", "Severity"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, repr=False)
class Finding(Record):
    """Something to look at again.

    Attributes:
        severity: `"error"`: the policy cannot do what it says; `"warning"`: it probably does not
            do what was meant; `"note"`: worth knowing.
        kind: What kind of thing, such as `"unreachable"`; see the page "Suitability".
        text: What is wrong, and what to do.
        rule: The rule, empty where it is about the whole policy.
        policy: The policy's id.

    Example:
        >>> finding = Finding("warning", "missing-article", "names no article", rule="age")
        >>> print(finding)
        warning: age: names no article
        >>> finding.to_dict()["kind"]
        'missing-article'
    """

    severity: Severity
    kind: str
    text: str
    rule: str = ""
    policy: str = ""

    def __repr__(self) -> str:
        return f"Finding({str(self)!r})"

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule or self.policy}: {self.text}"
