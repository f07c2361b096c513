"""What kinds of event mean: acquired, disposed of, rejected, or nothing of the sort."""

import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.events import Events
from suitably.errors import DataError, SuitabilityWarning

__all__ = ["EventKinds"]

_ROLES = ("owned", "disposed", "rejected", "other")


@dataclass(frozen=True)
class EventKinds:
    """What each kind of event means.

    An impression, which is a row with a propensity, means nothing unless its kind is in `owned`.

    Attributes:
        owned: Kinds that make a product owned; None: all that are named nowhere else.
        disposed: Kinds that end ownership.
        rejected: Kinds by which a user turns a product down.
        other: Kinds that say nothing about a product, and may lack one.
        rejected_days: For how many days a rejection holds; None: for good.

    Example:
        >>> events = Events(np.array([0, 0], np.int32), np.array([1, 2], np.int32),
        ...                 kinds=np.array([0, 1], np.int32), kind_names=("buy", "sell"))
        >>> EventKinds(disposed=("sell",)).acquisitions(events).products
        array([1], dtype=int32)
    """

    owned: tuple[str, ...] | None = None
    disposed: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    rejected_days: float | None = None

    @staticmethod
    def read(
        owned: Any, disposed: Any, rejected: Any, other: Any, rejected_days: Any
    ) -> "EventKinds":
        """Check what the caller says.

        Raises:
            DataError: No list of kinds, a kind with two meanings, or no number of days above 0.
        """
        given = dict(zip(_ROLES, (owned, disposed, rejected, other), strict=True))
        kinds = {role: _names(role, asked) for role, asked in given.items()}
        seen: dict[str, str] = {}
        for role, names in kinds.items():
            for name in names or ():
                if seen.setdefault(name, role) != role:
                    raise DataError(f"{role}_events: {name!r} is also in {seen[name]}_events")
        real = isinstance(rejected_days, int | float | np.number)
        if rejected_days is not None and (
            not real or isinstance(rejected_days, bool) or not 0 < rejected_days < np.inf
        ):
            raise DataError(
                f"rejected_days={rejected_days!r}: must be a number of days above 0, or None"
            )
        return EventKinds(
            owned=kinds["owned"],
            disposed=kinds["disposed"] or (),
            rejected=kinds["rejected"] or (),
            other=kinds["other"] or (),
            rejected_days=None if rejected_days is None else float(rejected_days),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        return {
            role: list(kinds) if isinstance(kinds, tuple) else kinds
            for role, kinds in asdict(self).items()
        }

    @staticmethod
    def from_dict(facts: dict[str, Any]) -> "EventKinds":
        """Take back what `to_dict` gave."""
        return EventKinds.read(**facts)

    def check(self, events: Events) -> None:
        """Refuse kinds that the events do not have.

        A kind that does not occur yet is no fault, but for one that owns, or that looks like a
        misspelling of a kind without a meaning.

        Raises:
            DataError: There are such kinds, or the events have no kinds, or no time to count days.
        """
        if self.owned is not None:
            events.of(self.owned)
        named = [*self.disposed, *self.rejected, *self.other]
        if named and events.kinds is None:
            events.of(tuple(named))
        free = set(events.kind_names) - {*named, *(self.owned or ())}
        for role in _ROLES[1:]:
            for name in set(getattr(self, role)) - set(events.kind_names):
                close = get_close_matches(name, sorted(free), n=1, cutoff=0.8)
                if close:
                    raise DataError(
                        f"{role}_events: no interaction is of kind {name!r}; did you mean "
                        f"{close[0]!r}?"
                    )
        if self.rejected_days is not None and events.times is None:
            raise DataError("rejected_days: the interactions have no timestamps, so no age")

    def warn_of_several(
        self, events: Events, known: Iterable[str] = (), stacklevel: int = 3
    ) -> None:
        """Warn where several kinds make a product owned and nobody has said so.

        Args:
            events: The events.
            known: Kinds that have been there before.
            stacklevel: Of the caller who is to be warned, as in `warnings.warn`.

        Warns:
            SuitabilityWarning: There are several, and at least one of them is new.
        """
        if self.owned is not None or events.kinds is None:
            return
        codes = events.kinds[self._owning(events)]
        owning = {events.kind_names[code] for code in np.flatnonzero(np.bincount(codes))}
        meant = {*self.disposed, *self.rejected, *self.other}
        joint = sorted(owning | (set(known) - meant))
        if len(joint) < 2 or owning <= set(known):
            return
        warnings.warn(
            f"interactions: every kind of event makes a product owned: {', '.join(joint)}; say "
            f"which do in owned_events, or what else they mean in disposed_events, "
            f"rejected_events or other_events",
            SuitabilityWarning,
            stacklevel=stacklevel,
        )

    def speaking_for(self, against: frozenset[str]) -> "EventKinds":
        """Return them with no acquisition among some kinds, which turn a product down."""
        if self.owned is not None:
            return replace(self, owned=tuple(kind for kind in self.owned if kind not in against))
        more = against - {*self.disposed, *self.rejected, *self.other}
        return replace(self, rejected=(*self.rejected, *sorted(more))) if more else self

    @property
    def keep_a_ledger(self) -> bool:
        """Whether more counts for ownership than that something was ever acquired."""
        return bool(self.disposed or self.rejected)

    def acquisitions(self, events: Events) -> Events:
        """Return the events that make a product owned."""
        owning = self._owning(events)
        return events if owning.all() else events.take(owning)

    def _owning(self, events: Events) -> NDArray[np.bool_]:
        if self.owned is not None:
            return events.among(self.owned)
        named = events.among((*self.disposed, *self.rejected, *self.other))
        return ~(named | events.shown)

    def feedback(self, events: Events) -> Events:
        """Return the events that may say what users want: no impressions, none of `other`."""
        ignored = events.among(self.other)
        ignored |= events.shown & ~events.among(self.owned or ())
        return events.take(~ignored) if ignored.any() else events


def _names(role: str, asked: Any) -> tuple[str, ...] | None:
    if asked is None:
        return None
    kinds = [*asked] if isinstance(asked, Iterable) and not isinstance(asked, str) else [None]
    if not all(isinstance(kind, str) for kind in kinds):
        raise DataError(f"{role}_events={asked!r:.50}: must be a list of kinds of event")
    return tuple(map(str, kinds))
