"""Why a pair is kept out: for whole blocks in bits, for one pair in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from suitably.suitability.atoms import Bars
from suitably.suitability.binding import BoundPolicy, BoundRule, Get
from suitably.suitability.bits import Words
from suitably.suitability.expressions import Node
from suitably.suitability.policy import Policy, Rule
from suitably.suitability.scope import Pair, Subjects
from suitably.suitability.semantics import condition
from suitably.suitability.values import Truth
from suitably.suitability.verdicts import RuleVerdict, Verdict, explain_rule, pseudo_verdict

__all__ = ["Reason", "judge", "reasons_of"]

NOBODY: Words = np.zeros((1, 1), np.uint64)
NOBODY.setflags(write=False)


@dataclass(frozen=True)
class Reason:
    """A reason for keeping pairs out.

    Attributes:
        name: The rule's id, with its policy's where two policies share it.
        bars: Which pairs fail, and for which it is unknown whether they pass.
    """

    name: str
    bars: Callable[[Get], Bars]


def reasons_of(
    policies: Sequence[BoundPolicy], in_force: Callable[[Policy | Rule], bool]
) -> tuple[Reason, ...]:
    """List the reasons of bound policies, in their order.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates.
    """
    ids = [bound.rule.id for policy in policies for bound in policy.rules]
    reasons = [Reason("policy:governs", lambda get: _ungoverned(policies, get))]
    for policy in policies:
        if not in_force(policy.policy):
            reasons.append(Reason("policy:effective", _expired(policy)))
            continue
        for rule in policy.rules:
            if not in_force(rule.rule):
                continue
            shared = ids.count(rule.rule.id) > 1
            name = f"{policy.policy.id}/{rule.rule.id}" if shared else rule.rule.id
            reasons.append(Reason(name, _kept_out(policy, rule)))
    return tuple(reasons)


def _ungoverned(policies: Sequence[BoundPolicy], get: Get) -> Bars:
    """Find pairs outside every policy, and those where that cannot be told."""
    outside: Words = ~NOBODY
    unknown: Words = NOBODY
    for policy in policies:
        if policy.governs is None:
            outside = NOBODY
            continue
        governed, out = policy.governs.true(get), policy.governs.false(get)
        outside = outside & out
        unknown = unknown | ~(governed | out)
    return outside, unknown


def _expired(policy: BoundPolicy) -> Callable[[Get], Bars]:
    return lambda get: (_governed(policy, get), NOBODY)


def _kept_out(policy: BoundPolicy, rule: BoundRule) -> Callable[[Get], Bars]:
    def bars(get: Get) -> Bars:
        governed = _governed(policy, get)
        holds, fails = rule.holds(get), rule.fails(get)
        return governed & fails, governed & ~(holds | fails)

    return bars


def _governed(policy: BoundPolicy, get: Get) -> Words:
    return ~NOBODY if policy.governs is None else policy.governs.true(get)


def judge(
    policies: Sequence[BoundPolicy],
    in_force: Callable[[Policy | Rule], bool],
    subjects: Subjects,
    column: int,
    as_of: str,
) -> list[RuleVerdict]:
    """Say what every applicable rule says of one pair, in the policies' order.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates.
        subjects: The one user, and the moment.
        column: The product's position.
        as_of: The moment, as text.
    """
    found: list[RuleVerdict] = []
    scopes: list[bool | None] = []
    for policy in policies:
        pair = policy.pair.of(subjects, np.array([column]))
        node = policy.policy.governs_node
        inside = True if node is None else _decide(node, pair)
        scopes.append(inside)
        if not inside:
            continue
        if not in_force(policy.policy):
            found.append(pseudo_verdict("policy:effective", "fail", policy.policy, as_of=as_of))
            continue
        rules = [bound.rule for bound in policy.rules if in_force(bound.rule)]
        judged = (_judge_rule(policy.policy, rule, pair, as_of) for rule in rules)
        found += [verdict for verdict in judged if verdict is not None]
    if None in scopes:
        return [pseudo_verdict("policy:governs", "unknown"), *found]
    if not any(scopes):
        return [pseudo_verdict("policy:governs", "fail")]
    return found


def _judge_rule(policy: Policy, rule: Rule, pair: Pair, as_of: str) -> RuleVerdict | None:
    applies = True if rule.applies_node is None else _decide(rule.applies_node, pair)
    if applies is False:
        return None
    holds = _decide(rule.require_node, pair) if applies else None
    verdict: Verdict = "unknown" if holds is None else "pass" if holds else "fail"
    fields = dict.fromkeys((*rule.fields, *rule.mentioned))
    values = {str(field): pair.cell(field) for field in fields}
    return explain_rule(policy, rule, verdict, values, as_of)


def _decide(node: Node, pair: Pair) -> bool | None:
    truth: Truth = condition(node, pair)
    if bool(truth.true.all()):
        return True
    return False if bool(truth.false.all()) else None
