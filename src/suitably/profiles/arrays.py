"""Arrays per user that grow when users are added."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["padded"]

D = TypeVar("D", bound=np.generic)


def padded(array: NDArray[D], users: int, fill: Any) -> NDArray[D]:
    """Copy an array and fill it up at the end: (users,)."""
    out = np.full(users, fill, array.dtype)
    out[: len(array)] = array
    return out
