"""Assignment: who gets which arm online, so that any service can work it out again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.vocabulary import id_array
from suitably.typing import IdsLike

__all__ = ["Assignment"]

_VERSION = "1"
_SCALE = 2**32


@dataclass(frozen=True)
class Assignment:
    """Assign users to arms by a salted hash: the same user, the same arm, everywhere.

    A user's number is made of the first 4 bytes, big end first, of SHA-256 of the UTF-8 text
    `suitably-assignment:1:<salt>:<user id>`, in which 1 is the version of this rule. Arms have
    ranges of these numbers that follow each other in the order of `shares`: an arm ends below its
    cumulative share times 2³², rounded down. An experiment has a salt of its own, so that who is in
    one arm of it says nothing about another.

    Args:
        salt: Of this experiment.
        shares: Of users, by arm; their sum is at most 1, and whoever is left over is in none.

    Raises:
        ValueError: No salt, or shares that are no shares.

    Example:
        >>> test = Assignment("autumn-2026", {"control": 0.5, "treatment": 0.5})
        >>> test.arms(["u1", "u2", "u3"]).tolist()
        ['control', 'control', 'treatment']
    """

    salt: str
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse what assigns nobody, or somebody twice."""
        if not isinstance(self.salt, str) or not self.salt:
            raise ValueError(f"salt={self.salt!r:.40}: must be a text of this experiment's own")
        values = list(self.shares.values())
        if not values or not all(value > 0 for value in values) or sum(values) > 1 + 1e-12:
            raise ValueError("shares: must be above 0, and together at most 1")

    def arms(self, user_ids: IdsLike) -> NDArray[Any]:
        """Return the arm of every user: object (users,), None for those in none.

        Raises:
            DataError: Ids that are neither text nor whole numbers.
        """
        ids = id_array(user_ids, "user_ids").to_pylist()
        names = np.array([*self.shares, None], object)
        ends = [int(end * _SCALE) for end in np.cumsum(list(self.shares.values()))]
        found: NDArray[Any] = names[np.searchsorted(ends, self.numbers(ids), side="right")]
        return found

    def numbers(self, user_ids: Any) -> NDArray[np.int64]:
        """Return the number of every user, from 0 to 2³² − 1."""
        start = f"suitably-assignment:{_VERSION}:{self.salt}:"
        digests = (hashlib.sha256(f"{start}{one}".encode()).digest()[:4] for one in user_ids)
        return np.array([int.from_bytes(one, "big") for one in digests], np.int64)
