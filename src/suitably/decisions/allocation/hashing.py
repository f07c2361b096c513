"""Numbers as if drawn at random, of numbers."""

import numpy as np
from numpy.typing import NDArray

from suitably.utils import splitmix

__all__ = ["ODD", "mixed"]

ODD = splitmix.INCREMENT


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return uint64 as if drawn at random, the same of the same: SplitMix64 (Steele et al. 2014).

    Example:
        >>> mixed(np.arange(2, dtype=np.uint64)).tolist()
        [16294208416658607535, 7960286522194355700]
    """
    return splitmix.mixed((numbers + np.uint64(1)) * ODD)
