"""A state cannot be looked at as of a moment before what it holds."""

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.errors import DataError

__all__ = ["refuse_later_events"]


def refuse_later_events(later: NDArray[np.bool_], as_of: Instant | None) -> None:
    """Refuse a state that holds events after the moment asked.

    Args:
        later: Of each thing in the state, whether it is not before the moment.
        as_of: The moment, for the message.

    Raises:
        DataError: Any of them is.
    """
    if np.any(later):
        raise DataError(f"as_of={as_of}: the state holds later events; build it anew")
