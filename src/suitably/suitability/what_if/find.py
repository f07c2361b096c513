"""The search for what would make a pair pass, and the proof of what it finds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from suitably.errors import PolicyError
from suitably.suitability.engine.atoms import one_reader, pair_scopes
from suitably.suitability.engine.binding import BoundPolicy
from suitably.suitability.engine.clauses import Condition
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.term_values import term_value
from suitably.suitability.language.changeable import Changeable
from suitably.suitability.language.nodes import fields_of
from suitably.suitability.language.texts import fill
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.verdicts import written
from suitably.suitability.what_if.candidates import Leaf, options_for
from suitably.suitability.what_if.minimal import Names, minimal_sets
from suitably.suitability.what_if.record import WhatIf
from suitably.suitability.what_if.supposed import Derived, Options, Supposed
from suitably.suitability.what_if.tables import Table, solve
from suitably.suitability.what_if.thresholds import leaves

__all__ = ["facts_of", "find_what_ifs", "hopeful"]

_AT_ONCE = 2**16  # combinations for which a rule is judged once for all sets
_MOST = 2**24  # and those beyond which it is not judged

Facts = Mapping[str, tuple[Changeable, BoundPolicy]]


def facts_of(policies: Sequence[BoundPolicy], fixed: Iterable[str] = ()) -> Facts:
    """Return the facts that policies let be suggested; the first that does says what to do.

    Args:
        policies: The policies.
        fixed: Fields that the call has said.
    """
    found: dict[str, tuple[Changeable, BoundPolicy]] = {}
    for policy in policies:
        for fact in policy.policy.changeable.values():
            if fact.field not in fixed:
                found.setdefault(fact.field, (fact, policy))
    return found


def _changing(condition: Condition, options: Options) -> Names:
    return options.changing(field for atom in condition.atoms for field in fields_of(atom.node))


def hopeful(conditions: Sequence[Condition], facts: Facts, derived: Derived) -> list[Condition]:
    """Return the conditions that no fact can change: where they do not hold, nothing helps."""
    known = Options(dict.fromkeys(facts), derived, None, None)  # type: ignore[arg-type]
    return [condition for condition in conditions if not _changing(condition, known)]


@dataclass
class _Search:
    """One pair: which sets of facts let it pass, and by which values."""

    options: Options
    scope_of: Callable[[EvalScope], EvalScope]
    conditions: Sequence[tuple[Condition, Names]]

    def __post_init__(self) -> None:
        self._supposed: dict[Names, Supposed] = {}
        self._tables: dict[tuple[int, Names], Table] = {}

    def passes(self, names: Names) -> bool:
        """Return whether some values of some facts let the pair pass."""
        return self.values(names) is not None

    def values(self, names: Names) -> dict[str, int] | None:
        """Return such values, by place; 0 is the present one."""
        return solve([self._table(place, names) for place in range(len(self.conditions))])

    def _table(self, place: int, names: Names) -> Table:
        condition, own = self.conditions[place]
        asked = own & names
        whole = own if self._cells(own) <= _AT_ONCE else asked
        key = (place, whole)
        if key not in self._tables:
            if self._cells(whole) > _MOST:
                raise PolicyError(
                    f"{condition.clause.name}: reads {len(whole)} changeable facts, more than can "
                    f"be tried together: list fewer in [changeable]"
                )
            if whole not in self._supposed:
                self._supposed[whole] = Supposed(self.options, whole, self.scope_of)
            supposed = self._supposed[whole]
            truth = supposed.truth(condition.holds(supposed.read))
            self._tables[key] = (tuple(supposed.names), truth)
        along, truth = self._tables[key]
        present = tuple(slice(None) if name in asked else 0 for name in along)
        return tuple(name for name in along if name in asked), truth[present]

    def _cells(self, names: Names) -> int:
        return prod(len(self.options.arrays[name]) for name in names)


def find_what_ifs(
    policies: Sequence[BoundPolicy],
    conditions: Sequence[Condition],
    batch: UserBatch,
    column: int,
    as_of: str,
    derived: Derived | None = None,
    fixed: Iterable[str] = (),
) -> list[WhatIf]:
    """Return every minimal set of facts that, changed, lets a pair pass.

    Args:
        policies: The policies.
        conditions: All of which an eligible pair meets.
        batch: The one user, and the moment.
        column: The product's position.
        as_of: The moment, as text.
        derived: Fields that follow from others.
        fixed: Fields that the call has said, which no fact can change.
    """
    derived = derived or Derived()
    facts = facts_of(policies, fixed)
    fields = batch.users
    if not facts or not isinstance(fields, Fields) or batch.rows is None:
        return []
    row = int(batch.rows[0])
    scope_of = pair_scopes(batch, column)
    read = one_reader(batch)[1]
    named = Options(dict.fromkeys(facts), derived, fields.texts, fields.clock)
    open_ones, failing = [], []
    for condition in conditions:
        names = _changing(condition, named)
        holds = _has(condition.holds(read), column)
        if not names and not holds:
            return []
        if names:
            open_ones.append((condition, names))
        if not holds:
            failing.append(names)
    if not failing:
        return []
    options = options_for(
        frozenset[str]().union(*(names for _, names in open_ones)),
        _leaves_of([condition for condition, _ in open_ones], named),
        fields,
        row,
        derived,
        scope_of,
        batch.as_of,
    )
    there = frozenset(options.arrays)
    search = _Search(options, scope_of, [(one, names & there) for one, names in open_ones])
    must_hit = [names & there for names in failing]
    if not all(must_hit):
        return []
    found = minimal_sets(there, search.passes, must_hit)
    prove = partial(_proved, search, conditions, batch, column)
    said = {name: _said(*facts[name], scope_of, as_of) for names in found for name in names}
    return [_answer(names, facts, said) for names in found if prove(names)]


def _has(words: Any, column: int) -> bool:
    """Return whether bits of one user, or all or none of them, hold a product."""
    if hasattr(words, "whole"):
        return bool(words.whole)
    word = words[0, column // 64 if words.shape[1] > 1 else 0]
    return bool(int(word) >> column % 64 & 1)


def _leaves_of(conditions: Sequence[Condition], options: Options) -> list[Leaf]:
    found = {}
    for condition in conditions:
        for atom in condition.atoms:
            for node in leaves(atom.node):
                names = options.changing(fields_of(node))
                if names:
                    found[(node, id(atom.scope))] = Leaf(node, atom.scope, names)
    return list(found.values())


def _proved(
    search: _Search,
    conditions: Sequence[Condition],
    batch: UserBatch,
    column: int,
    names: Names,
) -> bool:
    """Judge the user anew, with the values that were found in the row, as any user is judged."""
    values = search.values(names)
    fields, options = batch.users, search.options
    assert values is not None
    assert isinstance(fields, Fields)
    assert batch.rows is not None
    table = fields.table.slice(int(batch.rows[0]), 1)
    changed = {n: options.arrays[n].slice(values[n], 1) for n in sorted(names)}
    follows = [n for n, sources in options.derived.sources.items() if {*sources} & names]
    if follows:
        sources = {s for n in follows for s in options.derived.sources[n]} & names
        made = options.derived.derive(pa.table({n: changed[n] for n in sorted(sources)}))
        changed |= {n: made[n].combine_chunks() for n in follows if n not in changed}
    for name, array in changed.items():
        table = table.drop_columns([name]) if name in table.column_names else table
        table = table.append_column(name, array)
    user = UserBatch(Fields("user", table, fields.texts, fields.clock), batch.as_of)
    read = one_reader(user)[1]
    return all(_has(condition.holds(read), column) for condition in conditions)


def _said(
    fact: Changeable,
    policy: BoundPolicy,
    scope_of: Callable[[EvalScope], EvalScope],
    as_of: str,
) -> Mapping[str, str]:
    """Say what to do about a fact, of the pair as it is."""
    scope = scope_of(policy.scope)
    values: dict[str, Any] = {str(field): scope.cell(field) for field in fact.mentioned}
    values |= {f"term.{name}": term_value(node, scope) for name, node in fact.terms.items()}
    values["as_of"] = as_of
    texts = {}
    for language, sentences in LANGUAGES.items():
        text = fact.texts.get(language)
        if text is None:
            texts[language] = sentences.change.format(fact=fact.name)
        else:
            write = partial(written, policy.policy, fact.terms, values, language)
            texts[language] = fill(text, write)
    return MappingProxyType(texts)


def _answer(names: Names, facts: Facts, said: Mapping[str, Mapping[str, str]]) -> WhatIf:
    ordered = sorted(names, key=lambda name: facts[name][0].name)
    joined = {
        language: sentences.between_sentences.join(said[name][language] for name in ordered)
        for language, sentences in LANGUAGES.items()
    }
    changes = tuple(facts[name][0].name for name in ordered)
    return WhatIf(changes, MappingProxyType(joined))
