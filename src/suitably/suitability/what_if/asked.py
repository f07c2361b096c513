"""What would make a product suitable, asked of policies that are bound."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from suitably.data.clock import Instant
from suitably.suitability.bound_policies import BoundPolicies
from suitably.suitability.engine.atoms import one_reader
from suitably.suitability.what_if.find import find_what_ifs
from suitably.suitability.what_if.plan import Plan
from suitably.suitability.what_if.record import WhatIf
from suitably.suitability.what_if.supposed import Derived
from suitably.typing import IdLike
from suitably.utils.bitset import BitRows

__all__ = ["WhatIfs"]


class WhatIfs(BoundPolicies):
    """Answers which facts, changed, would let pairs pass."""

    def _set_moment(self, as_of: Instant | None) -> None:
        super()._set_moment(as_of)
        self._plans: dict[Any, Plan] = {}

    def what_if(
        self,
        user_id: IdLike,
        product_id: IdLike,
        derived: Derived | None = None,
        fixed: Iterable[str] = (),
    ) -> list[WhatIf]:
        """Return every smallest set of changeable facts that, changed, lets a pair pass.

        Args:
            user_id: The user.
            product_id: A product of the catalogue.
            derived: Fields that follow from others, and change with them.
            fixed: Fields of the user that stay as they are, changeable or not.

        Returns:
            Sets by size, then by name; none for an eligible pair, and where no values of the facts
            in `[changeable]` would do.

        Raises:
            DataError: An unknown user, or a product that is not in the catalogue.
            PolicyError: A rule reads more changeable facts than can be tried together.
        """
        row, column = self._pair(user_id, product_id)
        return self.what_ifs(int(row[0]), [column], derived, fixed)[column]

    def what_ifs(
        self,
        row: int,
        columns: Sequence[int],
        derived: Derived | None = None,
        fixed: Iterable[str] = (),
    ) -> Mapping[int, list[WhatIf]]:
        """Return the same of several products for one user, all by position.

        Products of which rules that facts can change read the same are judged as one.
        """
        derived = derived or Derived()
        batch = self._batch(np.array([row]))
        return find_what_ifs(self._plan(derived, fixed), batch, columns, self.as_of_text, derived)

    def may_open(
        self, row: int, derived: Derived | None = None, fixed: Iterable[str] = ()
    ) -> BitRows:
        """Return the products that all rules pass which no changeable fact can change.

        Of the others `what_if` has nothing to say.

        Args:
            row: The user's position.
            derived: As for `what_if`.
            fixed: Likewise.

        Returns:
            Words (1, products / 64); none where nothing is changeable.
        """
        plan = self._plan(derived or Derived(), fixed)
        batch = self._batch(np.array([row]))
        words = self._of_one(plan.sure, one_reader(batch)[1])
        return words if plan.facts else np.zeros_like(words)

    def _plan(self, derived: Derived, fixed: Iterable[str]) -> Plan:
        """Return what `what_if` asks at this moment, worked out once."""
        fixed = tuple(fixed)
        key = (fixed, *derived.sources.items())
        if key not in self._plans:
            made_of = (self._user_fields, self._product_fields, derived.sources, fixed)
            self._plans[key] = Plan.of(self._bound, self._conditions, *made_of)
        return self._plans[key]
