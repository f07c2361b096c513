"""What a pair must meet to be eligible: the policies as a list of demands, all of which hold.

A rule whose requirement is an `and` makes one demand per part, so that each is about few fields.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from suitably.suitability.atoms import Atom, Bars, UserAtom
from suitably.suitability.binding import BoundPolicy, BoundRule, Formula, Get
from suitably.suitability.policy import Policy, Rule
from suitably.utils.bitset import ALL, NOTHING, BitRows

__all__ = ["Demand", "InForce", "demands_of"]

InForce = Callable[[Policy | Rule], bool | None]


@dataclass(frozen=True)
class Demand:
    """A condition that keeps out every pair that does not meet it.

    Attributes:
        atoms: What it reads, each once.
        met: Gives the pairs that meet it, from the bits of its atoms.
    """

    atoms: tuple[Atom, ...]
    met: Callable[[Get], BitRows]

    @cached_property
    def of_user(self) -> bool:
        """Whether it looks at the user only: every product alike."""
        return all(isinstance(atom, UserAtom) for atom in self.atoms)


def demands_of(policies: Sequence[BoundPolicy], in_force: InForce) -> list[Demand]:
    """List the demands of bound policies, first those that look at the user only.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates, None where that is unknown.
    """
    demands = []
    for policy in policies:
        if not in_force(policy.policy):
            demands.append(_demand(partial(_outside, policy)))
            continue
        for rule in policy.rules:
            inside = in_force(rule.rule)
            if inside:
                demands += [_of_part(policy, rule, part) for part in rule.require.parts]
            elif inside is None:
                demands.append(_demand(partial(_outside, policy)))
    if all(policy.governs is not None for policy in policies):
        demands.append(_demand(partial(_governed, policies)))
    return sorted(demands, key=lambda demand: not demand.of_user)


def _of_part(policy: BoundPolicy, rule: BoundRule, part: Formula) -> Demand:
    def met(get: Get) -> BitRows:
        holds = part.true(get)
        if rule.applies is not None:
            holds = rule.applies.false(get) | (rule.applies.true(get) & holds)
        if policy.governs is None:
            return holds
        return policy.governs.false(get) | (policy.governs.true(get) & holds)

    return _demand(met)


def _outside(policy: BoundPolicy, get: Get) -> BitRows:
    return NOTHING if policy.governs is None else policy.governs.false(get)


def _governed(policies: Sequence[BoundPolicy], get: Get) -> BitRows:
    found = NOTHING
    for policy in policies:
        found = found | (ALL if policy.governs is None else policy.governs.true(get))
    return found


def _demand(met: Callable[[Get], BitRows]) -> Demand:
    """Find out which atoms a demand reads, by letting it read nothing."""
    seen: dict[int, Atom] = {}

    def note(atom: Atom) -> Bars:
        seen[id(atom)] = atom
        return NOTHING, NOTHING

    met(note)
    return Demand(tuple(seen.values()), met)
