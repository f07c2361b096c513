"""Fitting positive parameters by maximum likelihood, with a diagnosis where there is no maximum."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from suitably.errors import DataError

__all__ = ["Floats", "checked", "maximise", "usable"]

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

_FARTHEST = 12.0
"""Logarithm of how far from one a parameter is sought, in units scaled to the data."""
_AWAY = 10.0
"""From where on it is taken to run away: the likelihood is all but flat there."""
_STEEPEST = 1e-5
_STARTS = 5
"""A step as far as the bounds can end a search on a slope; another one from there goes on."""
_LARGEST = 1e300
_LARGEST_PARAMETER = 1e100


def maximise(objective: Objective, start: Floats, free: int, names: tuple[str, ...]) -> Floats:
    """Return the place where a mean log-likelihood is greatest.

    Args:
        objective: Gives the value and the gradient at a place.
        start: Where to begin.
        free: How many of the first coordinates are logarithms of parameters, which a maximum at
            zero or at infinity would drive out of bounds; the rest are coefficients.
        names: What those parameters are called and what it means that one runs away, for the
            message.

    Raises:
        DataError: There is no maximum within bounds, or it was not found.
    """

    def loss(place: Floats) -> tuple[float, Floats]:
        value, gradient = objective(place)
        return -value, -gradient

    for _ in range(_STARTS):
        found = optimize.minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_FARTHEST, _FARTHEST)] * free + [(None, None)] * (len(start) - free),
            options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20},
        )
        place: Floats = found.x
        away = [names[i] for i in range(free) if abs(place[i]) > _AWAY]
        steepest = float(np.abs(loss(place)[1]).max())
        if away or steepest <= _STEEPEST:
            break
        start = place
    if away:
        raise DataError(
            f"the likelihood has no maximum: {'; '.join(away)}. Give more history, or a larger "
            f"penalty"
        )
    if not np.isfinite(found.fun) or steepest > _STEEPEST:
        raise DataError(
            f"the fit did not converge: after {found.nit} steps the likelihood still has a slope "
            f"of {steepest:.1g} ({found.message}). Give more history, or a larger penalty"
        )
    return place


def usable(params: tuple[float, ...], model: str) -> list[float]:
    """Return a model's parameters as numbers.

    Raises:
        DataError: One is not above 0, or so large that products of it overflow.
    """
    numbers = [float(one) for one in params]
    if not all(0 < one <= _LARGEST_PARAMETER for one in numbers):
        raise DataError(
            f"{model}.params_: must be above 0 and at most {_LARGEST_PARAMETER:g}, not {params}"
        )
    return numbers


def checked(**columns: ArrayLike) -> list[Floats]:
    """Read arrays of one length as numbers from 0 to 1e300, broadcast to each other.

    Raises:
        DataError: One is not; the message has its name and the first place.
    """
    read: list[Floats] = []
    for name, column in columns.items():
        try:
            numbers = np.asarray(column, np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{name}: must hold numbers") from None
        bad = np.flatnonzero(~((numbers >= 0) & (numbers <= _LARGEST)).ravel())
        if len(bad):
            value = numbers.ravel()[bad[0]]
            raise DataError(
                f"{name}: {len(bad)} of {numbers.size} are no numbers from 0 to {_LARGEST:g} "
                f"(position {bad[0]}: {value:g})"
            )
        read.append(numbers)
    try:
        return [np.array(one) for one in np.broadcast_arrays(*read)]
    except ValueError:
        shapes = {name: one.shape for name, one in zip(columns, read, strict=True)}
        raise DataError(f"of different lengths: {shapes}") from None
