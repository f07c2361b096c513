"""SplitMix64: numbers as if drawn at random, of numbers.

Source:
    Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["INCREMENT", "mixed"]

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return what the generator gives in some states: uint64, in their shape.

    Example:
        The first output of the generator for the seed 1234567 is 6457827717110365317:

        >>> with np.errstate(over="ignore"):
        ...     int(mixed(np.uint64(1234567) + INCREMENT))
        6457827717110365317
    """
    with np.errstate(over="ignore"):
        found = (states ^ (states >> np.uint64(30))) * _MULTIPLIERS[0]
        found = (found ^ (found >> np.uint64(27))) * _MULTIPLIERS[1]
        found ^= found >> np.uint64(31)
    return found
