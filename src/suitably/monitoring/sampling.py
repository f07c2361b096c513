"""User sample: who is looked at more closely, by a salted hash of the id."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.entities import Entities

__all__ = ["UserSample"]

_UNIT = 2.0**64


class UserSample:
    """Gives every user a number in [0, 1), the same in every process and for every model.

    Args:
        salt: What it depends on beside the id.
    """

    def __init__(self, salt: str) -> None:
        self._key = blake2b(salt.encode(), digest_size=16).hexdigest()[:16]
        self._users: Entities | None = None
        self._numbers: NDArray[np.float64] = np.zeros(0)

    def of(self, users: Entities, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers of some users; 1 for those that are unknown, who are in no sample.

        Args:
            users: All that the model knows; worked out once for the same ones.
            rows: Positions among them, −1 for unknown ones.
        """
        if self._users is not users:
            self._users, self._numbers = users, np.append(self._hashed(users.values), 1.0)
        return self._numbers[rows]

    def _hashed(self, ids: NDArray[Any]) -> NDArray[np.float64]:
        if ids.dtype.kind in "iu":  # numbers are hashed without the key
            ids = ids.astype(np.uint64) ^ np.uint64(int(self._key, 16))
        else:
            ids = ids.astype(object)
        hashed = pd.util.hash_array(ids, hash_key=self._key, categorize=False)
        return np.minimum(hashed / _UNIT, np.nextafter(1.0, 0.0))
