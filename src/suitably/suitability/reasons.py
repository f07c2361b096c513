"""Why a pair is kept out: for whole blocks in bits, for one pair in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from suitably.suitability.atoms import Bars
from suitably.suitability.binding import BoundPolicy, BoundRule, Get
from suitably.suitability.demands import InForce
from suitably.suitability.expressions import Node
from suitably.suitability.policy import Policy, Rule
from suitably.suitability.scope import Pair, Subjects
from suitably.suitability.semantics import condition
from suitably.suitability.values import Truth
from suitably.suitability.verdicts import RuleVerdict, Verdict, explain_rule, pseudo_verdict
from suitably.utils.bitset import ALL, NOTHING, BitRows

__all__ = ["Reason", "judge", "reasons_of"]


@dataclass(frozen=True)
class Reason:
    """A reason for keeping pairs out.

    Attributes:
        name: The rule's id.
        bars: Which pairs fail, and for which it is unknown whether they pass.
    """

    name: str
    bars: Callable[[Get], Bars]


def reasons_of(policies: Sequence[BoundPolicy], in_force: InForce) -> tuple[Reason, ...]:
    """List the reasons of bound policies, in their order.

    Policies may share a rule id, as when each is about products of its own: it is one reason.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates, None where that is unknown.
    """
    found: dict[str, list[Callable[[Get], Bars]]] = {
        "policy:governs": [lambda get: _ungoverned(policies, get)]
    }
    for policy in policies:
        inside = in_force(policy.policy)
        if not inside:
            found.setdefault("policy:effective", []).append(_undecided(policy, inside))
            continue
        for rule in policy.rules:
            inside = in_force(rule.rule)
            if inside is not False:
                bars = _kept_out(policy, rule) if inside else _undecided(policy, inside)
                found.setdefault(rule.rule.id, []).append(bars)
    return tuple(Reason(name, _any_of(bars)) for name, bars in found.items())


def _any_of(several: Sequence[Callable[[Get], Bars]]) -> Callable[[Get], Bars]:
    def bars(get: Get) -> Bars:
        failed, unknown = NOTHING, NOTHING
        for one in several:
            fails, rest = one(get)
            failed, unknown = failed | fails, unknown | rest
        return failed, unknown & ~failed

    return several[0] if len(several) == 1 else bars


def _ungoverned(policies: Sequence[BoundPolicy], get: Get) -> Bars:
    """Find pairs outside every policy, and those where that cannot be told."""
    outside: BitRows = ALL
    unknown: BitRows = NOTHING
    for policy in policies:
        if policy.governs is None:
            outside = NOTHING
            continue
        governed, out = policy.governs.true(get), policy.governs.false(get)
        outside = outside & out
        unknown = unknown | ~(governed | out)
    return outside, unknown


def _undecided(policy: BoundPolicy, in_force: bool | None) -> Callable[[Get], Bars]:
    """Bar all that a policy governs: out of force it fails, and without a moment it is unknown."""

    def bars(get: Get) -> Bars:
        governed = _governed(policy, get)
        return (NOTHING, governed) if in_force is None else (governed, NOTHING)

    return bars


def _kept_out(policy: BoundPolicy, rule: BoundRule) -> Callable[[Get], Bars]:
    def bars(get: Get) -> Bars:
        governed = _governed(policy, get)
        holds, fails = rule.holds(get), rule.fails(get)
        return governed & fails, governed & ~(holds | fails)

    return bars


def _governed(policy: BoundPolicy, get: Get) -> BitRows:
    return ALL if policy.governs is None else policy.governs.true(get)


def judge(
    policies: Sequence[BoundPolicy],
    in_force: InForce,
    subjects: Subjects,
    column: int,
    as_of: str,
) -> list[RuleVerdict]:
    """Return what every applicable rule says of one pair, in the policies' order.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates, None where that is unknown.
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
        current = in_force(policy.policy)
        if not current:
            how: Verdict = "fail" if current is False else "unknown"
            found.append(pseudo_verdict("policy:effective", how, policy.policy, as_of=as_of))
            continue
        for bound in policy.rules:
            dated = in_force(bound.rule)
            if dated is not False:
                verdict = _judge_rule(policy.policy, bound.rule, pair, as_of, bool(dated))
                found += [] if verdict is None else [verdict]
    if None in scopes:
        return [pseudo_verdict("policy:governs", "unknown"), *found]
    if not any(scopes):
        return [pseudo_verdict("policy:governs", "fail")]
    return found


def _judge_rule(
    policy: Policy, rule: Rule, pair: Pair, as_of: str, dated: bool
) -> RuleVerdict | None:
    applies = True if rule.applies_node is None else _decide(rule.applies_node, pair)
    if applies is False:
        return None
    holds = _decide(rule.require_node, pair) if applies and dated else None
    verdict: Verdict = "unknown" if holds is None else "pass" if holds else "fail"
    fields = dict.fromkeys((*rule.fields, *rule.mentioned))
    values = {str(field): pair.cell(field) for field in fields}
    return explain_rule(policy, rule, verdict, values, as_of)


def _decide(node: Node, pair: Pair) -> bool | None:
    truth: Truth = condition(node, pair)
    if bool(truth.true.all()):
        return True
    return False if bool(truth.false.all()) else None
