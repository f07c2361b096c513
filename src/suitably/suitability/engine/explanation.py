"""Why a pair is kept out, or is not: every clause that speaks of it, in words or without any."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import Atom, TruthBits, pair_reader, pair_scopes
from suitably.suitability.engine.binding import BoundPolicy
from suitably.suitability.engine.clauses import Clause, Governed, OutOfForce, Required
from suitably.suitability.engine.gaps import narrowest
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.term_values import term_value
from suitably.suitability.language.document import Rule
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.overflow import overflows
from suitably.suitability.verdicts import RuleVerdict, Verdict, explain_rule, pseudo_verdict
from suitably.utils import bitset

__all__ = ["explain_pair", "pass_by_sentences"]


def explain_pair(
    clauses: Sequence[Clause], batch: UserBatch, column: int, as_of: str
) -> list[RuleVerdict]:
    """Return what every clause says of one pair, where it is not silent.

    Args:
        clauses: Those of the policies.
        batch: The one user, and the moment.
        column: The product's position.
        as_of: The moment, as text.
    """
    scope_of = pair_scopes(batch, [column])
    read = pair_reader(scope_of)
    found = []
    for clause in clauses:
        if clause.silent(read).any():
            continue
        verdict: Verdict = "unknown"
        if clause.passes(read).any():
            verdict = "pass"
        elif clause.fails(read).any():
            verdict = "fail"
        found.append(_worded(clause, verdict, scope_of, as_of))
    return found


def pass_by_sentences(
    clauses: Sequence[Clause], batch: UserBatch, columns: Sequence[int]
) -> NDArray[np.bool_]:
    """Return which pairs of one user no clause keeps out: bool (columns,).

    Sentences are evaluated as they stand; no table or code that is made for many users has a part
    in it, so that it can be held against what was worked out by these.

    Args:
        clauses: Those of the policies.
        batch: The one user, and the moment.
        columns: The products' positions.
    """
    shape = (1, len(columns))
    scope_of, found = pair_scopes(batch, columns), dict[int, TruthBits]()

    def read(atom: Atom) -> TruthBits:
        if id(atom) not in found:
            truth = condition(atom.node, scope_of(atom.scope))
            true, false = (np.broadcast_to(part, shape) for part in (truth.true, truth.false))
            found[id(atom)] = bitset.pack(true), bitset.pack(false)
        return found[id(atom)]

    words = bitset.pack(np.ones(shape, bool))
    for clause in clauses:
        if clause.bars:
            words = words & (clause.silent(read) | clause.passes(read))
    mask: NDArray[np.bool_] = bitset.unpack(words, len(columns))[0]
    return mask


def _worded(
    clause: Clause, verdict: Verdict, scope_of: Callable[[EvalScope], EvalScope], as_of: str
) -> RuleVerdict:
    if isinstance(clause, Required):
        policy, rule = clause.policy, clause.bound.rule
        scope = scope_of(policy.scope)
        named = dict.fromkeys((*rule.fields, *rule.mentioned))
        values = {str(field): scope.cell(field) for field in named}
        values |= {f"term.{name}": term_value(node, scope) for name, node in rule.terms.items()}
        beyond = _overflows(rule, scope) if verdict == "unknown" else []
        decides = verdict == "pass" and clause.bars
        gap = narrowest(rule.require_node, scope) if decides else None
        return explain_rule(policy.policy, rule, verdict, values, as_of, beyond, gap)
    if isinstance(clause, Governed) and verdict == "unknown":
        beyond = [part for policy in clause.policies for part in _beyond(policy, scope_of)]
        return pseudo_verdict(clause.name, verdict, overflows=list(dict.fromkeys(beyond)))
    if isinstance(clause, OutOfForce):
        return pseudo_verdict(clause.name, verdict, clause.policy.policy, as_of=as_of)
    return pseudo_verdict(clause.name, verdict)


def _beyond(policy: BoundPolicy, scope_of: Callable[[EvalScope], EvalScope]) -> Iterator[str]:
    node, text = policy.policy.governs_node, policy.policy.governs or ""
    return iter(()) if node is None else overflows(node, text, scope_of(policy.scope))


def _overflows(rule: Rule, scope: EvalScope) -> list[str]:
    found = list(overflows(rule.require_node, rule.require, scope))
    if rule.applies_node is not None:
        found += overflows(rule.applies_node, rule.applies or "", scope)
    return list(dict.fromkeys(found))
