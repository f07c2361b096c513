"""What a check of a policy comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from suitably.suitability.messages.told import texts_of
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
        texts: The text in every language, by its code, such as `"zh"`; of one that the library
            did not find, in English alone.

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
    texts: Mapping[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        texts = MappingProxyType({"en": str(self.text), **texts_of(self.text)})
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "text", texts["en"])

    def __repr__(self) -> str:
        return f"Finding({str(self)!r})"

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule or self.policy}: {self.text}"
