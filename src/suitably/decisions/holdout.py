"""Hold-outs: who is kept aside, by a salted hash of the id and nothing else."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["held_out"]

_BYTES = 8
_LONGEST_KEY = 64


def held_out(user_ids: Iterable[object], share: float, salt: str) -> NDArray[np.bool_]:
    """Return which users are kept aside: bool (users,).

    The keyed BLAKE2b hash of an id, as a number between 0 and 1, lies below the share. Who is kept
    aside at one share is so at any larger one; another salt draws anew.

    Args:
        user_ids: Ids, whole numbers or text.
        share: How many of them, 0 to 1.
        salt: What tells this draw from others.

    Example:
        >>> held_out(["ann", "bob", "cat", "dan"], 0.5, "2026-q1").tolist()
        [False, False, False, True]
    """
    ids = list(user_ids)
    if share <= 0:
        return np.zeros(len(ids), bool)
    key = blake2b(salt.encode(), digest_size=_LONGEST_KEY).digest()
    parts = [blake2b(str(one).encode(), digest_size=_BYTES, key=key).digest() for one in ids]
    numbers = np.frombuffer(b"".join(parts), "<u8").astype(np.float64)
    below: NDArray[np.bool_] = numbers < share * 2.0**64
    return below
