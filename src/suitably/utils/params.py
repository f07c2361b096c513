"""Constructor parameters: read, set, copied, shown and checked in one way for every part.

A part follows scikit-learn's conventions: its constructor only stores what it is given, under the
same names, and parameters are checked when it is fitted.
"""

import copy
from collections.abc import Collection, Iterator
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar, Self

import numpy as np

from suitably.utils.suggest import nearest

__all__ = [
    "Parameterized",
    "check_choice",
    "check_fraction",
    "check_no_text",
    "check_positive",
    "check_positive_int",
    "clone",
    "own_params",
    "parameter_names",
    "shown",
]

_KINDS = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class Parameterized:
    """A constructor that only stores its parameters, and can be asked for them.

    Attributes:
        kept_by_clone: Parameters that a clone shares, such as what was fitted before.
    """

    kept_by_clone: ClassVar[tuple[str, ...]] = ()

    def __sklearn_clone__(self) -> Self:
        """Let scikit-learn clone as the library does."""
        made: Self = clone(self)
        return made

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Args:
            deep: Whether to add those of parts, such as `ranker__factors` or `rerankers__0__by`.
        """
        params = {name: getattr(self, name) for name in parameter_names(type(self))}
        if deep:
            params |= {
                f"{name}__{key}": value
                for name, part in params.items()
                for key, value in _parts(part)
            }
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, those of parts as `get_params` calls them.

        Raises:
            ValueError: There is no such parameter; nothing is set then.
        """
        # What is given first must be there before its own parameters are set.
        ordered = sorted(params, key=lambda name: name.count("__"))
        known = set(self.get_params())
        for name in ordered:
            if name not in known:
                hint = nearest(name, known)
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}{hint}")
            known = {other for other in known if not other.startswith(f"{name}__")}
            known |= {f"{name}__{key}" for key, _ in _parts(params[name])}
        for name in ordered:
            owner, attribute = _owner(self, name)
            if isinstance(attribute, int):
                owner[attribute] = params[name]
            else:
                setattr(owner, attribute, params[name])
        return self

    def __repr__(self) -> str:
        cls: Any = type(self)
        plain = {name: p.default for name, p in _signature(cls).parameters.items()}
        params = self.get_params(deep=False)
        given = [f"{n}={v!r}" for n, v in params.items() if not _same(v, plain[n])]
        return f"{type(self).__name__}({', '.join(given)})"


@lru_cache(maxsize=256)
def _signature(cls: Any) -> Signature:
    return signature(cls)


def parameter_names(cls: type) -> list[str]:
    """Return the names of what a constructor takes."""
    return [name for name, p in _signature(cls).parameters.items() if p.kind in _KINDS]


def clone(part: Any) -> Any:
    """Return a part as its constructor made it; one that does not say its parameters, copied."""
    if isinstance(part, list | tuple):
        return type(part)(clone(one) for one in part)
    if part is None or isinstance(part, type) or not hasattr(part, "get_params"):
        return copy.deepcopy(part)
    kept = getattr(part, "kept_by_clone", ())
    return type(part)(
        **{name: v if name in kept else clone(v) for name, v in own_params(part).items()}
    )


def check_positive_int(owner: object, *names: str, optional: bool = False) -> None:
    """Refuse parameters that are not positive integers.

    Args:
        owner: Whose parameters.
        names: Which.
        optional: Whether None will do too.

    Raises:
        ValueError: One of them is not.
    """
    for name in names:
        value = getattr(owner, name)
        if optional and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{shown(owner, name)}: must be a positive integer")


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
            raise ValueError(f"{shown(owner, name)}: must be a finite number, {least}")


def check_fraction(owner: object, *names: str, zero: bool = True, one: bool = True) -> None:
    """Refuse parameters that are not from 0 to 1.

    Args:
        owner: Whose parameters.
        names: Which.
        zero: Whether 0 itself will do.
        one: Whether 1 itself will do.

    Raises:
        ValueError: One of them is not.
    """
    for name in names:
        value = getattr(owner, name)
        inside = _finite(value) and 0 <= value <= 1
        if not inside or (value == 0 and not zero) or (value == 1 and not one):
            least, most = "0" if zero else "above 0", "1" if one else "below 1"
            raise ValueError(f"{shown(owner, name)}: must be from {least} to {most}")


def check_no_text(owner: object, *names: str) -> None:
    """Refuse one text where several kinds of event are meant: its letters would be taken for them.

    Raises:
        ValueError: One of the parameters is a text.
    """
    for name in names:
        if isinstance(getattr(owner, name), str):
            raise ValueError(f"{shown(owner, name)}: must be a list of kinds, or None")


def check_choice(owner: object, name: str, choices: Collection[Any]) -> None:
    """Refuse a parameter that is not among its choices.

    Raises:
        ValueError: It is not.
    """
    value = getattr(owner, name)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{shown(owner, name)}: must be one of {known}")


def _parts(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a part, or of each of a list of parts."""
    if isinstance(part, list | tuple):
        for place, one in enumerate(part):
            if _has_params(one):
                yield str(place), one
                yield from ((f"{place}__{key}", value) for key, value in _parts(one))
    elif _has_params(part):
        own = own_params(part)
        for name, value in own.items():
            yield name, value
            yield from ((f"{name}__{key}", deeper) for key, deeper in _parts(value))


def _owner(root: Any, path: str) -> tuple[Any, str | int]:
    """Return what holds a parameter, and the parameter's name or place there.

    A list on the way is replaced by a copy, so that nobody else's list is changed.
    """
    *way, last = path.split("__")
    owner = root
    for step in way:
        owner = owner[int(step)] if isinstance(owner, list) else _own_list(owner, step)
    return owner, int(last) if isinstance(owner, list) else last


def _own_list(owner: Any, name: str) -> Any:
    value = getattr(owner, name)
    if isinstance(value, list | tuple):
        value = list(value)
        setattr(owner, name, value)
    return value


def _has_params(part: Any) -> bool:
    return not isinstance(part, type) and hasattr(part, "get_params")


def own_params(part: Any) -> dict[str, Any]:
    """Return a part's own parameters; a part of the caller's need not know `deep`."""
    try:
        params: dict[str, Any] = part.get_params(deep=False)
    except TypeError:
        params = part.get_params()
    return params


def _same(value: Any, plain: Any) -> bool:
    return value is plain or (type(value) is type(plain) and bool(np.all(value == plain)))


def _finite(value: object) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))  # type: ignore[call-overload]


def shown(owner: object, name: str) -> str:
    """Return a parameter as messages show it, such as `Diversity(weight=3)`."""
    return f"{type(owner).__name__}({name}={getattr(owner, name)!r:.60})"
