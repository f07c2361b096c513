"""Parameters of rankers: named once, in the constructor, and checked when they are used."""

import copy
from inspect import signature
from typing import Any

import numpy as np

__all__ = ["Parameterized", "check_fraction", "check_positive", "check_positive_int", "clone"]


class Parameterized:
    """A constructor that only stores its parameters, and can be asked for them."""

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def __repr__(self) -> str:
        plain = {name: p.default for name, p in signature(type(self)).parameters.items()}
        given = [f"{n}={v!r}" for n, v in self.get_params().items() if v is not plain[n]]
        return f"{type(self).__name__}({', '.join(given)})"


def clone(part: Any) -> Any:
    """Return a part as its constructor made it; one that does not say its parameters, as it is."""
    if part is None or not hasattr(part, "get_params"):
        return copy.deepcopy(part)
    return type(part)(**part.get_params())


def check_positive_int(owner: object, *names: str) -> None:
    """Refuse parameters that are not positive integers.

    Raises:
        ValueError: One of them is not.
    """
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{_said(owner, name)}: must be a positive integer")


def check_positive(owner: object, *names: str, zero: bool = False, optional: bool = False) -> None:
    """Refuse parameters that are not finite numbers above 0.

    Args:
        owner: Whose parameters.
        names: Which.
        zero: Whether 0 will do too.
        optional: Whether None will do too.

    Raises:
        ValueError: One of them is not.
    """
    for name in names:
        value = getattr(owner, name)
        if optional and value is None:
            continue
        if not _finite(value) or value < 0 or (value == 0 and not zero):
            least = "0 or more" if zero else "above 0"
            raise ValueError(f"{_said(owner, name)}: must be a finite number, {least}")


def check_fraction(owner: object, *names: str) -> None:
    """Refuse parameters that are not from 0 to 1.

    Raises:
        ValueError: One of them is not.
    """
    for name in names:
        value = getattr(owner, name)
        if not _finite(value) or not 0 <= value <= 1:
            raise ValueError(f"{_said(owner, name)}: must be from 0 to 1")


def _finite(value: object) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))  # type: ignore[call-overload]


def _said(owner: object, name: str) -> str:
    return f"{type(owner).__name__}({name}={getattr(owner, name)!r})"
