"""Switched off: what a pipeline does not offer for now, whatever it has learned.

A switch only ever takes away. Rules go on judging what is off as they would, so that what they say
and count is theirs alone; what is off is no candidate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.model.state import FittedState
from suitably.suitability.eligibility import Eligibility
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["SwitchState", "SwitchedOff"]

_LONGEST = 39
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SwitchState:
    """What is off: ids as text, whole numbers in digits, whether a model knows them or not.

    Attributes:
        everything: Whether nothing at all is offered.
        users: Who is offered nothing.
        products: What is offered to nobody.
        policies: By id; what one governs, or may govern, is not offered.

    Example:
        >>> SwitchState(products=frozenset({"etf"})).any, SwitchState().any
        (True, False)
    """

    everything: bool = False
    users: frozenset[str] = _NOBODY
    products: frozenset[str] = _NOBODY
    policies: frozenset[str] = _NOBODY

    @property
    def any(self) -> bool:
        """Whether anything is off."""
        return self.everything or bool(self.users or self.products or self.policies)

    def shared(self) -> dict[str, Any]:
        """Return what of it is the same for all users, JSON-ready."""
        return {
            "everything": self.everything,
            "policies": sorted(self.policies),
            "products": sorted(self.products),
        }

    def __repr__(self) -> str:
        if self.everything:
            return "SwitchState(everything)"
        kinds = {"users": self.users, "products": self.products, "policies": self.policies}
        said = ", ".join(f"{len(ids):,} {kind}" for kind, ids in kinds.items() if ids)
        return f"SwitchState({said})"


@dataclass(frozen=True, eq=False)
class SwitchedOff:
    """What is off, among the users and the catalogue of a model.

    Attributes:
        state: As it was asked for.
        users: bool (users of the model,), who is offered nothing.
        products: Words (1, catalogue / 64), what is offered to nobody.
    """

    state: SwitchState
    users: NDArray[np.bool_]
    products: BitRows

    @staticmethod
    def among(state: SwitchState, model: FittedState) -> "SwitchedOff":
        """Look up what is off in what a model holds; what it does not know has no effect."""
        users = np.full(len(model.users), state.everything)
        users[_codes(model.users.ids, state.users)] = True
        products = np.zeros((1, len(model.positions)), bool)
        products[0, _codes(model.catalogue.ids, state.products)] = True
        return SwitchedOff(state, users, bitset.pack(products))

    def pairs(self, rows: NDArray[np.int64], eligibility: Eligibility) -> BitRows:
        """Return which pairs of known users are off: words (1, catalogue / 64) or (users, …)."""
        words = self.products
        if self.state.policies:
            words = words | eligibility.governed(rows, self.state.policies)
        mine = self.users[rows]
        if mine.any():
            words = np.where(mine[:, None], ~np.uint64(0), words)
        return words


def _codes(ids: Vocabulary, texts: Iterable[str]) -> NDArray[np.int64]:
    """Return the positions of ids that are given as text."""
    texts = map(str, texts)
    if ids.array.type == "string":
        wanted = np.array(sorted(texts), object)
    else:
        numbers = (text for text in texts if text.removeprefix("-").isdecimal())
        wanted = np.array([int(text) for text in numbers if len(text) <= _LONGEST], object)
    codes = ids.codes(wanted).astype(np.int64)
    return codes[codes >= 0]
