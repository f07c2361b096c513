"""The sentences of a policy, one by one."""

from collections.abc import Iterator

from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.nodes import Node

__all__ = ["sentences"]


def sentences(policy: PolicyDocument) -> Iterator[tuple[str, str, str, Node]]:
    """Return every sentence: the rule's id, the key, the text and its tree."""
    if policy.governs_node is not None:
        yield "", "governs", policy.governs or "", policy.governs_node
    for rule in policy.rules:
        if rule.applies_node is not None:
            yield rule.id, "applies", rule.applies or "", rule.applies_node
        yield rule.id, "require", rule.require, rule.require_node
