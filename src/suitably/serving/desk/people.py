"""Pseudonyms of a version's users, both ways: whose page is this, and what is this one called."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import numpy as np

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.utils.fork import ForkLock

__all__ = ["SHORTEST", "People"]

SHORTEST = 8
"""How many hexadecimal digits tell whom is meant, where only one begins with them."""

_MOST = 20
_HEX = frozenset("0123456789abcdef")


class People:
    """Users by pseudonym: worked out for all of them at the first question, 40 bytes each.

    Args:
        users: The users.
        name: Returns what stands for an id, in hexadecimal digits.

    Example:
        >>> import pyarrow as pa
        >>> names = {"ann": "a1b2c3d4e5f60718", "bob": "a1b2c3d4ffffffff"}
        >>> people = People(Vocabulary(pa.array(["ann", "bob"])), names.__getitem__)
        >>> people.find("A1B2C3D4E"), people.find("a1b2c3d4"), people.find("a1")
        ([0], [0, 1], [])
        >>> people.name_of(1), people.row_of_id("bob"), people.row_of_id("eve")
        ('a1b2c3d4ffffffff', 1, None)
    """

    def __init__(self, users: Vocabulary, name: Callable[[Any], str]) -> None:
        self._users, self._name = users, name
        self._lock = ForkLock()
        self._order: np.ndarray[Any, Any] | None = None
        self._sorted: np.ndarray[Any, Any] = np.zeros(0, "S1")

    def id_of(self, row: int) -> Any:
        """Return the id of the user at a position."""
        return self._users.decode(np.array([row]))[0].as_py()

    def name_of(self, row: int) -> str:
        """Return the pseudonym of the user at a position."""
        return self._name(self.id_of(row))

    def row_of_id(self, text: str) -> int | None:
        """Return the position of the user whose id is written so, None where there is none."""
        for asked in (text, *_number(text)):
            try:
                (code,) = self._users.codes(self._users.read([asked], "user_id"))
            except DataError:  # ids of another type
                continue
            if code >= 0:
                return int(code)
        return None

    def find(self, beginning: str) -> list[int]:
        """Return the positions of users whose pseudonym begins so, 20 at most.

        None where that is no beginning of one, or too short to mean anybody.
        """
        sought = beginning.strip().lower()
        if len(sought) < SHORTEST or not _HEX.issuperset(sought):
            return []
        order, names = self._ordered()
        first = bisect_left(names, sought.encode())
        last = bisect_left(names, sought.encode() + b"g")  # behind every hexadecimal digit
        return [int(row) for row in order[first : min(last, first + _MOST)]]

    def _ordered(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        with self._lock:
            if self._order is None:
                names = np.array([self._name(one) for one in self._users.array.to_pylist()], "S")
                order = np.argsort(names, kind="stable").astype(np.int32)
                self._sorted, self._order = names[order], order
            return self._order, self._sorted


def _number(text: str) -> list[int]:
    stripped = text.strip()
    plain = stripped.isascii() and stripped.lstrip("-").isdigit() and len(stripped) <= 39
    return [int(stripped)] if plain else []
