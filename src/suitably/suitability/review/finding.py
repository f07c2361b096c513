"""What a check of a policy comes to."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["SEVERITIES", "Finding", "Severity"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something to look at again.

    Attributes:
        severity: `"error"`: the policy cannot do what it says; `"warning"`: it probably does not
            do what was meant; `"note"`: worth knowing.
        kind: What kind of thing, such as `"unreachable"`; see the page "Suitability".
        text: What is wrong, and what to do.
        rule: The rule, empty where it is about the whole policy.
        policy: The policy's id.
    """

    severity: Severity
    kind: str
    text: str
    rule: str = ""
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule or self.policy}: {self.text}"
