"""What a search may try: paths of parameters, and their ranges."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suitably.utils.params import own_params
from suitably.utils.suggest import nearest

__all__ = ["SearchSpace", "replaced"]

_PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class SearchSpace:
    """Ranges by path, or a function of the caller's.

    Attributes:
        space: As `tune` takes it.

    Raises:
        ValueError: An empty space, or a range that is none.
    """

    space: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]]

    def __post_init__(self) -> None:
        """Refuse what cannot be searched."""
        if callable(self.space):
            return
        if not isinstance(self.space, Mapping) or not self.space:
            raise ValueError(
                f"space={self.space!r:.60}: must map paths of parameters to ranges, such as "
                f'{{"ranker.factors": (8, 128)}}'
            )
        for path, values in self.space.items():
            _check(path, values)

    def drawn(self, trial: Any) -> dict[str, Any]:
        """Let a trial of Optuna choose: values by path.

        Raises:
            ValueError: The caller's function gives something else.
        """
        if callable(self.space):
            found = self.space(trial)
            if not isinstance(found, Mapping) or not found:
                raise ValueError(f"space: gave {found!r:.60}, must give values by path")
            return dict(found)
        return {path: _suggest(trial, path, values) for path, values in self.space.items()}

    @property
    def text(self) -> str:
        """The ranges in words, to tell one search from another."""
        return "a function" if callable(self.space) else repr(dict(sorted(self.space.items())))

    def check(self, pipeline: Any) -> None:
        """Refuse paths that a pipeline does not have.

        Raises:
            ValueError: There is one.
        """
        if not callable(self.space):
            for path in self.space:
                replaced(pipeline, {path: None})


def replaced(part: Any, values: Mapping[str, Any]) -> Any:
    """Return an unfitted copy of a part, or of a list of parts, with some parameters replaced.

    Args:
        part: Anything with `get_params`, or a list or tuple of such.
        values: New values by path, such as `"ranker.factors"` or `"rerankers.0.weight"`.

    Raises:
        ValueError: A path that leads nowhere.
    """
    for path, value in values.items():
        part = _replaced(part, path.split("."), value, path)
    return part


def _replaced(part: Any, steps: list[str], value: Any, path: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(part, list | tuple):
        if not step.isdecimal() or int(step) >= len(part):
            raise ValueError(f"{path!r}: {step!r} is no place in a list of {len(part)}")
        items = list(part)
        items[int(step)] = _replaced(items[int(step)], rest, value, path)
        return items
    if isinstance(part, type) or not hasattr(part, "get_params"):
        raise ValueError(f"{path!r}: {type(part).__name__} has no parameters, so no {step!r}")
    params = own_params(part)
    if step not in params:
        name = type(part).__name__
        raise ValueError(f"{path!r}: {name} has no parameter {step!r}{nearest(step, params)}")
    params[step] = _replaced(params[step], rest, value, path)
    return type(part)(**params)


def _check(path: Any, values: Any) -> None:
    if not isinstance(path, str) or not path:
        raise ValueError(f"space: {path!r} must be a path such as 'ranker.factors'")
    if isinstance(values, list):
        if not values:
            raise ValueError(f"space[{path!r}]: the list of choices is empty")
        if len(set(_labels(values))) < len(values):
            raise ValueError(f"space[{path!r}]: the same choice twice")
        return
    shape = isinstance(values, tuple) and (
        len(values) == 2 or (len(values) == 3 and values[2] == "log")
    )
    if not shape or not all(_number(value) for value in values[:2]):
        raise ValueError(
            f"space[{path!r}]={values!r:.60}: must be (low, high), (low, high, 'log') or a list "
            f"of choices"
        )
    low, high = values[:2]
    if not low < high:
        raise ValueError(f"space[{path!r}]={values!r}: low must be below high")
    if len(values) == 3 and low <= 0:
        raise ValueError(f"space[{path!r}]={values!r}: low must be above 0 on a logarithmic scale")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _labels(choices: list[Any]) -> list[Any]:
    """Return choices as Optuna can store them: others than plain values by how they look."""
    if all(choice is None or isinstance(choice, _PLAIN) for choice in choices):
        return choices
    return [repr(choice) for choice in choices]


def _suggest(trial: Any, path: str, values: Any) -> Any:
    if isinstance(values, list):
        labels = _labels(values)
        return values[labels.index(trial.suggest_categorical(path, labels))]
    low, high = values[:2]
    suggest = trial.suggest_int if isinstance(low + high, int) else trial.suggest_float
    return suggest(path, low, high, log=len(values) == 3)
