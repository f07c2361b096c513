"""Classes and functions by name, for those who cannot hand them in: files and command lines."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from suitably.errors import DataError

__all__ = ["named_parts"]


def named_parts(names: Sequence[str]) -> tuple[Callable[..., Any], ...]:
    """Return classes and functions of the caller's own, as `trusted` of `load` takes them.

    Their modules are imported, which runs them: names are for whoever runs the process to give.

    Args:
        names: `"package.module:Name"`; a name within a class is `"package.module:Class.Name"`.

    Raises:
        DataError: A name that is none, or of nothing that there is.

    Example:
        >>> [part.__name__ for part in named_parts(["suitably.ranking:ALS"])]
        ['ALS']
    """
    return tuple(map(_named, names))


def _named(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise DataError(f"trusted: {name!r:.100}: must be module:Name, such as bank.rankers:Mine")
    try:
        found: Any = import_module(module)
    except ImportError as error:
        raise DataError(f"trusted: {name!r:.100}: {error}") from None
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise DataError(f"trusted: {name!r:.100}: the module has no such class or function")
    return found  # type: ignore[no-any-return]
