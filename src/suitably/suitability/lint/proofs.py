"""What can be proved of a policy without data: what never applies, never passes or never fails."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import And, Constant, Node
from suitably.suitability.language.types import Declaration
from suitably.suitability.lint.possible_worlds import possible_worlds

__all__ = ["Proof", "conflicts", "governs_nothing", "prove"]

_ALWAYS = Constant(True)
Worlds = NDArray[np.bool_]


@dataclass(frozen=True)
class Proof:
    """Something proved of a rule.

    Attributes:
        kind: `unreachable`, `excludes-everything` or `never-fails`.
        within: `governs` or `applies`, where it holds only together with these.
        decided: Whether a missing input makes no difference.
    """

    kind: str
    within: str = ""
    decided: bool = False


def governs_nothing(policy: PolicyDocument) -> bool:
    """Return whether it is proved that a policy never governs any pair."""
    if policy.governs_node is None:
        return False
    found = possible_worlds([policy.governs_node], policy.fields)
    return found is not None and not found[0].true.any()


def prove(policy: PolicyDocument, rule: Rule, governed: bool = True) -> Proof | None:
    """Prove of a rule that it never applies, never passes or never fails, if so.

    The most that can be said with the least: of `require` alone, then where it applies, then where
    the policy governs.

    Args:
        policy: Whose rule it is.
        rule: The rule, of fitting types.
        governed: Whether the types of `governs` fit too.
    """
    governs, applies = policy.governs_node if governed else None, rule.applies_node
    scopes: list[tuple[str, list[Node]]] = [("", [])]
    if applies is not None:
        scopes.append(("applies", [applies]))
    if governs is not None:
        scopes.append(("governs", [governs] if applies is None else [governs, applies]))
    for name, within in scopes:
        proof = _within(name, within, rule.require_node, policy.fields)
        if proof is not None:
            return proof
    return None


def _within(
    name: str, within: Sequence[Node], require: Node, declared: Mapping[str, Declaration]
) -> Proof | None:
    scope = And(tuple(within)) if within else _ALWAYS
    found = possible_worlds([scope, require], declared)
    if found is None:
        return None
    inside: Worlds = found[0].true
    passes, fails = inside & found[1].true, inside & found[1].false
    if not inside.any():
        return Proof("unreachable", name)
    if not passes.any():
        return Proof("excludes-everything", name, decided=bool(fails.sum() == inside.sum()))
    if not fails.any():
        return Proof("never-fails", name, decided=bool(passes.sum() == inside.sum()))
    return None


def conflicts(policy: PolicyDocument, rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Find pairs of rules, both for every pair, that can never pass together."""
    bare = [rule for rule in rules if rule.applies_node is None]
    for first, second in combinations(bare, 2):
        if not set(first.fields) & set(second.fields):
            continue
        found = possible_worlds([And((first.require_node, second.require_node))], policy.fields)
        if found is not None and not found[0].true.any():
            yield first, second
