"""The search for what would make pairs of one user pass, and the proof of what it finds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import prod
from operator import and_
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import PolicyError
from suitably.suitability.engine.atoms import one_reader, pair_scopes
from suitably.suitability.engine.binding import BoundPolicy
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.term_values import term_value
from suitably.suitability.language.changeable import Changeable
from suitably.suitability.language.texts import fill
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.verdicts import written
from suitably.suitability.what_if.candidates import options_for
from suitably.suitability.what_if.minimal import Names, minimal_sets
from suitably.suitability.what_if.plan import Plan
from suitably.suitability.what_if.proof import changed_reader
from suitably.suitability.what_if.record import WhatIf
from suitably.suitability.what_if.supposed import Derived, Options, Supposed
from suitably.suitability.what_if.tables import Table, solve
from suitably.utils.bitset import EVERY, BitRows

__all__ = ["find_what_ifs"]

_AT_ONCE = 2**16  # combinations for which a rule is judged once for all sets
_MOST = 2**24  # and those beyond which it is not judged


@dataclass
class _Judged:
    """Where the open conditions hold, for values of facts and some products, judged when asked.

    Attributes:
        plan: What is asked.
        options: The values that facts may take.
        scope_of: Narrows a policy's scope to the user and the products.
        products: How many these are.
    """

    plan: Plan
    options: Options
    scope_of: Callable[[EvalScope], EvalScope]
    products: int

    def __post_init__(self) -> None:
        self.there = frozenset(self.options.arrays)
        self._supposed: dict[Names, Supposed] = {}
        self._truths: dict[tuple[int, Names], NDArray[np.bool_]] = {}

    def cells(self, names: Names) -> int:
        """Return how many combinations of values there are."""
        return prod(len(self.options.arrays[name]) for name in names) * self.products

    def truth(self, place: int, names: Names) -> NDArray[np.bool_]:
        """Return where a condition holds, by its place: an axis per fact, and the products."""
        if (place, names) not in self._truths:
            if names not in self._supposed:
                self._supposed[names] = Supposed(self.options, names, self.scope_of)
            supposed = self._supposed[names]
            words = self.plan.open[place][0].holds(supposed.read)
            self._truths[place, names] = supposed.truth(words, self.products)
        return self._truths[place, names]


@dataclass
class _Search:
    """One pair: which sets of facts let it pass, and by which values.

    Attributes:
        judged: Where conditions hold.
        product: The product's place among those that were judged.
        holds: Which of the open conditions hold as it is.
    """

    judged: _Judged
    product: int
    holds: Sequence[bool]

    def __post_init__(self) -> None:
        self._solved: dict[Names, dict[str, int] | None] = {}

    def passes(self, names: Names) -> bool:
        """Return whether some values of some facts let the pair pass."""
        return self.values(names) is not None

    def values(self, names: Names) -> dict[str, int] | None:
        """Return such values, by place; 0 is the present one."""
        if names not in self._solved:
            tables = [self._table(place, names) for place in range(len(self.holds))]
            self._solved[names] = solve(tables)
        return self._solved[names]

    def _table(self, place: int, names: Names) -> Table:
        condition, own = self.judged.plan.open[place]
        own &= self.judged.there
        asked = own & names
        if not asked:
            return (), np.array(self.holds[place])
        whole = own if self.judged.cells(own) <= _AT_ONCE else asked
        if self.judged.cells(whole) > _MOST:
            raise PolicyError(
                f"{condition.clause.name}: reads {len(whole)} changeable facts, more than can "
                f"be tried together: list fewer in [changeable]"
            )
        along, truth = sorted(whole), self._truth(place, whole)
        present = tuple(slice(None) if name in asked else 0 for name in along)
        return tuple(name for name in along if name in asked), truth[present]

    def _truth(self, place: int, names: Names) -> NDArray[np.bool_]:
        """Return where a condition holds, along the values of facts."""
        plan = self.judged.plan
        if plan.of_one_fact.get(place) not in plan.settled:
            return self.judged.truth(place, names)[..., self.product]
        if place not in plan.truths:
            plan.truths[place] = self.judged.truth(place, names)[1:, self.product]
        return np.append(self.holds[place], plan.truths[place])


@dataclass
class _User:
    """One user, of whom the same is asked for several products.

    Attributes:
        plan: What is asked.
        batch: The user, and the moment.
        fields: The users' fields.
        as_of: The moment, as text.
        derived: Fields that follow from others.
    """

    plan: Plan
    batch: UserBatch
    fields: Fields
    as_of: str
    derived: Derived

    def __post_init__(self) -> None:
        read = one_reader(self.batch)[1]
        sure = [condition.holds(read) for condition in self.plan.sure]
        self._sure: BitRows = reduce(and_, sure, EVERY)
        self._holds = [condition.holds(read) for condition, _ in self.plan.open]
        self._proofs: dict[Any, list[BitRows]] = {}
        self._said: dict[str, Mapping[str, str]] = {}
        self._answers: dict[Names, WhatIf] = {}

    def may_pass(self, column: int) -> bool:
        """Return whether all hold that no fact can change."""
        return _has(self._sure, column)

    def answers(self, groups: Sequence[Sequence[int]]) -> Iterator[tuple[int, list[WhatIf]]]:
        """Return the answers of products; conditions cannot tell those of a group apart."""
        columns = [group[0] for group in groups]
        together = self._judged(columns) if groups and self.plan.turns_on_user else None
        for place, group in enumerate(groups):
            holds = [_has(words, group[0]) for words in self._holds]
            if all(holds):
                continue
            if together is None:
                self._proofs = {}
            judged = together or self._judged(columns[place : place + 1])
            search = _Search(judged, place if together else 0, holds)
            found = self._found(search)
            for column in group:
                proved = (names for names, proof in found if all(_has(w, column) for w in proof))
                yield column, [self._answer(names, column) for names in proved]

    def _judged(self, columns: Sequence[int]) -> _Judged:
        scope_of = pair_scopes(self.batch, columns)
        made_of = (self.plan, self.fields, int(self.batch.rows[0]))  # type: ignore[index]
        options = options_for(*made_of, self.derived, scope_of, self.batch.as_of)
        return _Judged(self.plan, options, scope_of, len(columns))

    def _found(self, search: _Search) -> list[tuple[Names, list[BitRows]]]:
        """Return the minimal sets, and where each condition holds with the values of each."""
        there = search.judged.there
        pairs = zip(self.plan.open, search.holds, strict=True)
        must_hit = dict.fromkeys(names & there for (_, names), held in pairs if not held)
        if not all(must_hit):
            return []
        found = minimal_sets(there, search.passes, must_hit)
        return [(names, self._proof(search, names)) for names in found]

    def _proof(self, search: _Search, names: Names) -> list[BitRows]:
        """Judge the user anew with the values that were found: where each condition holds.

        What reads none of them has been judged before.
        """
        values, arrays = search.values(names), search.judged.options.arrays
        assert values is not None
        key = tuple(values.items())
        if key not in self._proofs:
            changed = {name: arrays[name].slice(values[name], 1) for name in sorted(names)}
            read = changed_reader(self.batch, self.fields, changed, self.derived)
            pairs = zip(self.plan.open, self._holds, strict=True)
            self._proofs[key] = [
                one.holds(read) if own & names else old for (one, own), old in pairs
            ]
        return self._proofs[key]

    def _answer(self, names: Names, column: int) -> WhatIf:
        if names in self._answers:
            return self._answers[names]
        says = self.plan.says
        ordered = sorted(names, key=lambda name: says[name][0].name)
        said = [self._say(name, column) for name in ordered]
        joined = {
            language: sentences.between_sentences.join(one[language] for one in said)
            for language, sentences in LANGUAGES.items()
        }
        changes = tuple(says[name][0].name for name in ordered)
        answer = WhatIf(changes, MappingProxyType(joined))
        if names <= self._said.keys():
            self._answers[names] = answer
        return answer

    def _say(self, name: str, column: int) -> Mapping[str, str]:
        """Say what to do about a fact, once for all products where no text names any."""
        if name in self._said:
            return self._said[name]
        fact, policy = self.plan.says[name]
        said = _said(fact, policy, pair_scopes(self.batch, [column]), self.as_of)
        if all(field.side == "user" for field in fact.mentioned):
            self._said[name] = said
        return said


def find_what_ifs(
    plan: Plan,
    batch: UserBatch,
    columns: Sequence[int],
    as_of: str,
    derived: Derived,
) -> dict[int, list[WhatIf]]:
    """Return every minimal set of facts that, changed, lets pairs of a user pass, by product.

    Args:
        plan: What is asked, of this moment.
        batch: The one user, and the moment.
        columns: The products' positions.
        as_of: The moment, as text.
        derived: Fields that follow from others.
    """
    found: dict[int, list[WhatIf]] = {column: [] for column in columns}
    if not plan.facts or not isinstance(batch.users, Fields):
        return found
    user = _User(plan, batch, batch.users, as_of, derived)
    open_to = [column for column in found if user.may_pass(column)]
    found.update(user.answers(_alike(plan, open_to)))
    return found


def _alike(plan: Plan, columns: Sequence[int]) -> list[list[int]]:
    """Group products of which the same is read."""
    if len(columns) < 2:
        return [[column] for column in columns]
    groups: dict[int, list[int]] = {}
    for column in columns:
        groups.setdefault(int(plan.alike[column]), []).append(column)
    return list(groups.values())


def _has(words: Any, column: int) -> bool:
    """Return whether bits of one user, or all or none of them, hold a product."""
    if hasattr(words, "whole"):
        return bool(words.whole)
    word = words[0, column // 64 if words.shape[1] > 1 else 0]
    return bool(int(word) >> column % 64 & 1)


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
