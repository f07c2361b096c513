"""Optional packages: imported where they are needed, or named with the extra that has them."""

import importlib
from typing import Any

__all__ = ["PYPLOT", "import_extra"]

PYPLOT = ("matplotlib.pyplot", "plot:", "matplotlib", "viz")
"""What every plot imports."""


def import_extra(module: str, what: str, package: str, extra: str) -> Any:
    """Import a module of a package that only an extra installs.

    Args:
        module: Its full name.
        what: What needs it, as a message begins.
        package: What the package is called where it is installed from.
        extra: The extra that has it.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs the package {package} ({error}); "
            f"install it with: pip install 'suitably[{extra}]'"
        ) from error
