"""The loops of `scale`, compiled by numba: the same operations in the same order.

No `fastmath`: whatever fuses or reorders would change the last bits. Loops run over a few numbers
at a time, each a single step that vectorises.
"""

from typing import Any

import numba
import numpy as np

from suitably.ranking.blending.scale import COEFFICIENTS, LANES, STEEPNESS

__all__ = ["add", "scale"]

_COMPILED: Any = {"nogil": True, "cache": True, "error_model": "numpy"}
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = COEFFICIENTS
_HALF_ROOT, _MANTISSA = np.int32(0x3F3504F3), np.int32(0x007FFFFF)
_HIGH, _LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_ONE, _HALF, _ZERO = np.float32(1), np.float32(0.5), np.float32(0)
_TILE = 512


@numba.njit(**_COMPILED)
def _asinh(y: Any, size: Any, bits: Any, work: Any, out: Any) -> None:
    """Fill `out` with the inverse hyperbolic sines of `y`; `bits` is the memory of `work`."""
    for j in range(len(y)):
        a = abs(y[j])
        square = a * a
        t = a + square / (_ONE + np.sqrt(_ONE + square))
        u = _ONE + t
        size[j] = (t - (u - _ONE)) / u
        work[j] = u
    for j in range(len(y)):
        shifted = np.int32(bits[j] - _HALF_ROOT)
        out[j] = np.float32(np.int32(shifted >> np.int32(23)))
        bits[j] = np.int32(np.int32(shifted & _MANTISSA) + _HALF_ROOT)
    for j in range(len(y)):
        x, exponent = work[j] - _ONE, out[j]
        z = x * x
        series = _C0 * x + _C1
        series = series * x + _C2
        series = series * x + _C3
        series = series * x + _C4
        series = series * x + _C5
        series = series * x + _C6
        series = series * x + _C7
        series = series * x + _C8
        series = x * z * series
        series = series + exponent * _LOW
        series = series - _HALF * z
        found = x + series + exponent * _HIGH
        found = found + size[j] + (y[j] - y[j])
        out[j] = np.copysign(found, y[j])


@numba.njit(**_COMPILED)
def _sum(row: Any, lanes: Any, absolute: bool) -> float:
    """Add up a row in lanes, each in order, then the lanes."""
    lanes[:] = 0.0
    whole = len(row) - len(row) % LANES
    for start in range(0, whole, LANES):
        part = row[start : start + LANES]
        if absolute:
            for j in range(LANES):
                lanes[j] += abs(np.float64(part[j]))
        else:
            for j in range(LANES):
                lanes[j] += np.float64(part[j])
    rest = row[whole:]
    for j in range(len(rest)):
        lanes[j] += abs(np.float64(rest[j])) if absolute else np.float64(rest[j])
    total = 0.0
    for j in range(LANES):
        total += lanes[j]
    return total


@numba.njit(**_COMPILED)
def scale(lines: Any, count: int, scaled: Any, means: Any) -> None:
    """Put lines on the scale; `on_scale` says of what.

    Args:
        lines: float32 or float64 (lines, products).
        count: How many products are known.
        scaled: float32 (lines, products), written to.
        means: float64 (lines,), written to.
    """
    lanes = np.empty(LANES)
    y, size, work = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
    bits = work.view(np.int32)
    for line in range(len(lines)):
        row, into = lines[line], scaled[line]
        mean = _sum(row, lanes, True) / count
        factor = STEEPNESS / (1.0 if mean == 0 else mean)
        for start in range(0, len(row), _TILE):
            raw, out = row[start : start + _TILE], into[start : start + _TILE]
            several = len(raw)
            for j in range(several):
                y[j] = np.float32(np.float64(raw[j]) * factor)
            _asinh(y[:several], size, bits, work, out)
        means[line] = _sum(into, lanes, False) / count


@numba.njit(**_COMPILED)
def add(total: Any, users: Any, shares: Any, lines: Any, which: Any) -> None:
    """Add a share of a line to each of some users."""
    for at in range(len(users)):
        into, line, share = total[users[at]], lines[which[at]], shares[at]
        for j in range(len(line)):
            into[j] += share * line[j]
