"""Numbers as if drawn at random, of numbers."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ODD", "mixed"]

ODD = np.uint64(0x9E3779B97F4A7C15)


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return uint64 as if drawn at random, the same of the same: SplitMix64 (Steele et al. 2014).

    Example:
        >>> mixed(np.arange(2, dtype=np.uint64)).tolist()
        [16294208416658607535, 7960286522194355700]
    """
    mixed = (numbers + np.uint64(1)) * ODD
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
