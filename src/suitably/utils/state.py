"""What a part has learned, and whether saving would keep all of it."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from suitably.utils.params import own_params, parameter_names

__all__ = ["from_state", "state_of", "undeclared_state"]

State = dict[str, Any]
_PLAIN = (bool, int, float, str, bytes, np.generic, np.ndarray)


def state_of(part: Any) -> State | None:
    """Return what a part declares: its `state()`, or else its parameters; None: nothing."""
    if hasattr(part, "state"):
        state: State = part.state()
        return state
    return own_params(part) if hasattr(part, "get_params") else None


def from_state(part_type: type, state: State) -> Any:
    """Make a part of what `state_of` gave."""
    revive: Callable[[State], Any] | None = getattr(part_type, "from_state", None)
    return part_type(**state) if revive is None else revive(state)


def undeclared_state(part: Any, revive: Callable[[type, State], Any] = from_state) -> list[str]:
    """Name the attributes of a part that would be lost if it were saved now.

    Constructor parameters and cached properties are not learned. Any other attribute of the
    instance is declared if the state has its name, underscores at either end aside, or if the part
    made again from the state has it too: with the same value, where that is a number, text or
    array.

    Args:
        part: A builder, ranker or reranker.
        revive: How a part is made of its class and state.

    Returns:
        Names in the order in which they were set; empty where nothing would be lost.
    """
    state = state_of(part)
    declared = {name.strip("_") for name in (*parameter_names(type(part)), *(state or ()))}
    unnamed = {
        name: value
        for name, value in getattr(part, "__dict__", {}).items()
        if name.strip("_") not in declared
        and not isinstance(getattr(type(part), name, None), cached_property)
    }
    if not unnamed or state is None:
        return list(unnamed)
    again = revive(type(part), state)
    return [name for name, value in unnamed.items() if _lost(value, getattr(again, name, None))]


def _lost(value: Any, again: Any) -> bool:
    if value is None:
        return False
    if again is None:
        return True
    if not isinstance(value, _PLAIN):
        return False
    return not np.array_equal(np.asarray(value), np.asarray(again), equal_nan=_floating(value))


def _floating(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fc"
