"""Versions: what a figure rests on besides the data."""

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["library_versions"]

_LIBRARIES = ("suitably", "numpy", "scipy")


def library_versions() -> tuple[str, ...]:
    """Return Suitably, NumPy, SciPy and Python with their versions.

    Example:
        >>> library_versions()[-1].startswith("Python 3.")
        True
    """
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (*found, f"Python {platform.python_version()}")
