"""One logarithmic scale for the scores of any ranker: asinh(10 · x / mean size).

Everything here is additions, products, quotients and square roots in a fixed order, so that NumPy
and the compiled loop (extra `fast`) give the same to the last bit, for any block of users.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

__all__ = ["COEFFICIENTS", "LANES", "STEEPNESS", "add_on_scale", "asinh", "on_scale"]

STEEPNESS = 10.0
LANES = 64
# Of x³, descending, in log(1 + x) = x − x²/2 + x³ · polynomial, for 1 + x between √½ and √2.
COEFFICIENTS = tuple(
    np.float32(value)
    for value in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_HALF_ROOT = np.int32(0x3F3504F3)  # the bits of √½
_MANTISSA = np.int32(0x007FFFFF)
_LOG_2 = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum, the first exact
_ONE, _HALF = np.float32(1), np.float32(0.5)
_CELLS = 2**16

Floats = NDArray[np.float32]


def on_scale(
    lines: NDArray[np.floating], known: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.float64]]:
    """Put lines of scores on the common scale.

    Args:
        lines: float32 or float64 (lines, products), 0 for what is not known.
        known: bool (products,).

    Returns:
        float32 (lines, products), 0 for what is not known; and the mean of what is: (lines,).
    """
    scaled = np.empty(lines.shape, np.float32)
    means = np.zeros(len(lines))
    count = int(np.count_nonzero(known))
    if not count:
        scaled[:] = 0
        return scaled, means
    loop = _compiled()
    if loop is not None:
        loop[0](np.ascontiguousarray(lines), count, scaled, means)
        return scaled, means
    step = max(1, _CELLS // lines.shape[1])
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for start in range(0, len(lines), step):
            part = slice(start, start + step)
            raw = lines[part].astype(np.float64)
            size = _sums(np.abs(raw)) / count
            size[size == 0] = 1
            raw *= (STEEPNESS / size)[:, None]
            scaled[part] = asinh(raw.astype(np.float32))
            means[part] = _sums(scaled[part].astype(np.float64)) / count
    return scaled, means


def add_on_scale(
    lines: NDArray[np.floating],
    known: NDArray[np.bool_],
    starts: NDArray[np.int64],
    users: NDArray[np.int64],
    shares: Floats,
    total: Floats,
) -> NDArray[np.float64]:
    """Put lines of scores on the scale and add shares of them to users' totals, in place.

    Args:
        lines: float32 or float64 (lines, products), 0 for what is not known.
        known: bool (products,).
        starts: int64 (lines + 1,), where each line's users begin.
        users: int64 (n,), rows of `total`, distinct.
        shares: (n,), theirs.
        total: (users, products or more).

    Returns:
        The mean of what is known: float64 (lines,).
    """
    loop, count = _compiled(), int(np.count_nonzero(known))
    if loop is not None and count:
        means = np.zeros(len(lines))
        lines = np.ascontiguousarray(lines)
        loop[1](lines, count, starts, users, shares, total, means)
        return means
    scaled, means = on_scale(lines, known)
    width, which = lines.shape[1], np.repeat(np.arange(len(lines)), np.diff(starts))
    step = max(1, _CELLS // max(1, width))
    for start in range(0, len(users), step):
        part = slice(start, start + step)
        several = shares[part, None] * scaled[_run(which[part])]
        total[_run(users[part]), :width] += several
    return means


def asinh(y: Floats) -> Floats:
    """Return the inverse hyperbolic sine, to within 3 units of the last place.

    asinh |y| = log(1 + t) with t = |y| + y² / (1 + √(1 + y²)); what 1 + t loses of a small t is
    added back.

    Args:
        y: float32, at most 10¹⁸ in size; what is not finite gives NaN.

    Source:
        The logarithm's polynomial: S. L. Moshier, "Methods and Programs for Mathematical
        Functions", 1989 (Cephes, `logf`); the correction: D. Goldberg, "What Every Computer
        Scientist Should Know About Floating-Point Arithmetic", 1991, theorem 4, in additive form.
    """
    # In place, since making room costs more than the arithmetic.
    size = np.abs(y)
    t = size * size
    root = t + _ONE
    np.sqrt(root, out=root)
    root += _ONE
    t /= root
    t += size
    u = np.add(t, _ONE, out=root)
    lost = np.subtract(u, _ONE, out=size)
    np.subtract(t, lost, out=lost)
    lost /= u
    bits = u.view(np.int32)
    bits -= _HALF_ROOT
    exponent = (bits >> np.int32(23)).astype(np.float32)
    bits &= _MANTISSA
    bits += _HALF_ROOT
    x = np.subtract(u, _ONE, out=u)
    z = np.multiply(x, x, out=t)
    series = x * COEFFICIENTS[0]
    for coefficient in COEFFICIENTS[1:-1]:
        series += coefficient
        series *= x
    series += COEFFICIENTS[-1]
    series *= x * z
    series += exponent * _LOG_2[1]
    z *= _HALF
    series -= z
    series += x
    exponent *= _LOG_2[0]
    series += exponent
    series += lost
    series += y - y
    return np.asarray(np.copysign(series, y, out=series))


def _run(places: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return places as a slice where they follow each other: that copies nothing."""
    first, end = int(places[0]), int(places[-1]) + 1
    ascending = end - first == len(places) and (
        len(places) < 3 or bool((np.diff(places) == 1).all())
    )
    return slice(first, end) if ascending else places


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up rows in lanes, each in order, then the lanes: zeros at the end change nothing."""
    rows, width = values.shape
    whole = width - width % LANES
    lanes = values[:, :whole].reshape(rows, -1, LANES).sum(axis=1)
    lanes[:, : width - whole] += values[:, whole:]
    sums: NDArray[np.float64] = np.add.accumulate(lanes, axis=1)[:, -1]
    return sums


@cache
def _compiled() -> tuple[Callable[..., None], Callable[..., None]] | None:
    """Return the compiled twins of `on_scale` and `add_on_scale` (extra `fast`)."""
    if find_spec("numba") is None:
        return None
    from suitably.ranking.blending.scale_compiled import add, scale

    return scale, add
