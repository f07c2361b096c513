"""The inner loops of allocation: with numba where it is installed (extra `fast`), else NumPy."""

from functools import cache
from importlib.util import find_spec
from typing import Any

__all__ = ["compiled"]


@cache
def compiled() -> Any:
    """Return the module of compiled loops, None without numba."""
    if find_spec("numba") is None:
        return None
    from suitably.decisions.allocation import kernels_compiled

    return kernels_compiled
