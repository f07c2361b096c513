"""Opt-out: who has not consented to personal lists, or to the use of sensitive fields."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant, micros
from suitably.data.frames import blanked
from suitably.data.view import View
from suitably.errors import DataError
from suitably.model.model import Model
from suitably.model.state import FittedState
from suitably.ranking.protocol import Factors, Scorer, Scores
from suitably.utils import bitset
from suitably.utils.bitset import BitRows
from suitably.utils.suggest import nearest

__all__ = ["OWNERS", "PERSONALISATION", "SENSITIVE", "ConsentRegister", "OptOut", "WithheldFields"]
__all__ += ["learnable", "opt_out", "withheld_fields", "without_consent"]

PERSONALISATION, SENSITIVE = "personalisation", "sensitive"
OWNERS = "number of other owners"
"""What ranks for whoever has opted out, by name."""


@runtime_checkable
class ConsentRegister(Protocol):
    """Knows who has consented to which purpose, such as `Consent`.

    A tuple `sensitive_fields`, where it has one, names the fields of users that rankers and
    rerankers may use with consent to `sensitive` alone.
    """

    def granted(
        self, user_ids: pa.Array, purpose: str, as_of: pd.Timestamp | None
    ) -> NDArray[np.bool_]:
        """Return who has consented, and not withdrawn it, as of a moment: bool (users,)."""
        ...


def without_consent(
    register: ConsentRegister,
    purpose: str,
    user_ids: pa.Array,
    as_of: Instant | None,
    clock: Clock,
) -> NDArray[np.bool_]:
    """Return who of some users has not consented to a purpose: bool (users,).

    Raises:
        DataError: The register does not take such ids or moments, or says nothing of some.
    """
    moment = None if as_of is None else clock.stamp(as_of)
    granted = np.asarray(register.granted(user_ids, purpose, moment))
    if granted.dtype != bool or granted.shape != (len(user_ids),):
        raise DataError(
            f"consent: {type(register).__name__}.granted must give a boolean for each of "
            f"{len(user_ids)} users, and gave {granted.dtype} {granted.shape}"
        )
    return ~granted


def learnable(register: ConsentRegister, view: View, profiles: pa.Table) -> tuple[View, pa.Table]:
    """Return what of a view and of profiles rankers may learn from.

    No interaction of whoever has not consented to personal lists, and no sensitive field of whoever
    has not consented to the use of these.

    Raises:
        DataError: A sensitive field that users do not have.
    """
    asked = (view.users.ids.array, view.as_of, view.clock)
    learned = view.without(without_consent(register, PERSONALISATION, *asked))
    names = _sensitive_fields(register)
    if not names:
        return learned, profiles
    there = [*view.user_fields.column_names, *profiles.column_names]
    for name in names:
        if name not in there:
            raise DataError(f"consent: users have no field {name!r}{nearest(name, there)}")
    out = without_consent(register, SENSITIVE, *asked)
    users = replace(view.users, fields=blanked(view.user_fields, names, out))
    return replace(learned, users=users), blanked(profiles, names, out)


def opt_out(
    register: ConsentRegister, model: Model, rows: NDArray[np.int64], as_of: Instant | None
) -> "OptOut | None":
    """Ask who has opted out, of some users by position; None where nobody has.

    Args:
        register: Who has consented.
        model: What answers.
        rows: The users; −1 for who is unknown.
        as_of: The moment of the call.
    """
    out = _refusing(register, PERSONALISATION, model, rows, as_of)
    if out is None:
        return None
    return OptOut(model.state, out, lambda: _owner_counts(register, model, as_of))


@dataclass(frozen=True)
class WithheldFields:
    """Which fields of which users rerankers do not see.

    Attributes:
        names: The fields.
        out: bool (users,), of whom, among those asked about.
    """

    names: tuple[str, ...]
    out: NDArray[np.bool_]

    def of(self, fields: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
        """Return a table of some users' fields without what is withheld."""
        return blanked(fields, self.names, self.out[rows])


def withheld_fields(
    register: ConsentRegister, model: Model, rows: NDArray[np.int64], as_of: Instant | None
) -> WithheldFields | None:
    """Ask of whom sensitive fields are withheld, as `opt_out` does; None where nothing is."""
    names = _sensitive_fields(register)
    out = _refusing(register, SENSITIVE, model, rows, as_of) if names else None
    return None if out is None else WithheldFields(names, out)


def _sensitive_fields(register: ConsentRegister) -> tuple[str, ...]:
    return tuple(getattr(register, "sensitive_fields", ()))


def _refusing(
    register: ConsentRegister,
    purpose: str,
    model: Model,
    rows: NDArray[np.int64],
    as_of: Instant | None,
) -> NDArray[np.bool_] | None:
    """Return who of some users has not consented: bool (users of the model,), None: nobody."""
    known, ids = rows[rows >= 0], model.state.users.ids
    asked = ids.array if len(known) == len(ids) else ids.array.take(pa.array(known))
    mine = np.arange(len(ids)) if len(known) == len(ids) else known
    out = without_consent(register, purpose, asked, as_of, model.state.clock)
    if not out.any():
        return None
    mask = np.zeros(len(ids), bool)
    mask[mine[out]] = True
    return mask


class OptOut:
    """The users without consent to personal lists, and how they are ranked for.

    Their score of a product is how many others own it who have consented: nobody who has opted
    out has a part in it, so that no list depends on the history of whom it is for. Counts are whole
    numbers, from which a user who has opted out since they were counted is taken exactly.

    Args:
        state: What the model holds.
        out: bool (users,), who has opted out, of those asked about.
        counted: Counts the owners of every product.
    """

    def __init__(
        self,
        state: FittedState,
        out: NDArray[np.bool_],
        counted: "Callable[[], OwnerCounts]",
    ) -> None:
        self._state = state
        self._out = out
        self._counted = counted

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some known users have opted out: bool (rows,)."""
        found: NDArray[np.bool_] = self._out[rows]
        return found

    def scores(self, rows: NDArray[np.int64]) -> tuple[Scorer, BitRows]:
        """Return the scores of some who have opted out, and which products have one.

        The words are one row for all of them, or a row for each.
        """
        counted = self._counted()
        mine = counted.included[rows]
        if not mine.any():
            users = np.ones((len(rows), 1), np.float32)
            known = bitset.pack((counted.counts > 0)[None])
            return Factors(users, counted.counts[:, None]), known
        block = np.tile(counted.counts, (len(rows), 1))
        block[mine] -= self._state.holdings(rows[mine]).toarray().astype(np.float32)
        return Scores(block), bitset.pack(block > 0)


@dataclass(frozen=True)
class OwnerCounts:
    """How many of those who have consented own each product of the catalogue.

    Attributes:
        included: bool (users,), who was counted.
        counts: float32 (catalogue,), whole numbers.
    """

    included: NDArray[np.bool_]
    counts: NDArray[np.float32]

    @classmethod
    def of(cls, state: FittedState, included: NDArray[np.bool_]) -> Self:
        """Count the owners of every product."""
        owned = state.owned
        owners = np.repeat(included, np.diff(owned.indptr))
        counts = np.bincount(owned.indices[owners], minlength=owned.shape[1])
        return cls(included, counts[state.positions].astype(np.float32))


_latest: WeakKeyDictionary[Model, tuple[ConsentRegister, int | None, OwnerCounts]]
_latest = WeakKeyDictionary()


def _owner_counts(register: ConsentRegister, model: Model, as_of: Instant | None) -> OwnerCounts:
    """Count once per model, register and moment."""
    found = _latest.get(model)
    if found is None or found[0] is not register or found[1] != micros(as_of):
        state = model.state
        included = ~without_consent(
            register, PERSONALISATION, state.users.ids.array, as_of, state.clock
        )
        found = (register, micros(as_of), OwnerCounts.of(state, included))
        _latest[model] = found
    return found[2]
