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
def _factor(row: Any, count: int, lanes: Any) -> float:
    """Return the steepness over the mean size: sizes added up in lanes, then the lanes."""
    lanes[:] = 0.0
    for start in range(0, len(row), LANES):
        part = row[start : start + LANES]
        for j in range(len(part)):
            lanes[j] += abs(np.float64(part[j]))
    mean = _total(lanes) / count
    return STEEPNESS / (1.0 if mean == 0 else mean)


@numba.njit(**_COMPILED)
def _total(lanes: Any) -> float:
    total = 0.0
    for j in range(LANES):
        total += lanes[j]
    return total


@numba.njit(**_COMPILED)
def _tile(raw: Any, factor: float, y: Any, size: Any, bits: Any, work: Any, out: Any) -> None:
    """Put a few scores on the scale."""
    for j in range(len(raw)):
        y[j] = np.float32(np.float64(raw[j]) * factor)
    _asinh(y[: len(raw)], size, bits, work, out)


@numba.njit(**_COMPILED)
def _add(out: Any, lanes: Any) -> None:
    """Add scores on the scale to lanes, in order."""
    for start in range(0, len(out), LANES):
        part = out[start : start + LANES]
        for j in range(len(part)):
            lanes[j] += np.float64(part[j])


@numba.njit(**_COMPILED)
def scale(lines: Any, count: int, scaled: Any, means: Any) -> None:
    """Put lines on the scale.

    Args:
        lines: float32 or float64 (lines, products).
        count: How many products are known.
        scaled: float32 (lines, products), written to.
        means: float64 (lines,), written to.
    """
    lanes, y = np.empty(LANES), np.empty(_TILE, np.float32)
    size, work = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
    bits = work.view(np.int32)
    for line in range(len(lines)):
        row, into = lines[line], scaled[line]
        factor = _factor(row, count, lanes)
        lanes[:] = 0.0
        for start in range(0, len(row), _TILE):
            out = into[start : start + _TILE]
            _tile(row[start : start + _TILE], factor, y, size, bits, work, out)
            _add(out, lanes)
        means[line] = _total(lanes) / count


@numba.njit(**_COMPILED)
def add(
    lines: Any, count: int, starts: Any, users: Any, shares: Any, total: Any, means: Any
) -> None:
    """Put lines on the scale and add them to totals; `add_on_scale` says of what."""
    lanes, y = np.empty(LANES), np.empty(_TILE, np.float32)
    size, work = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
    bits, room = work.view(np.int32), np.empty(_TILE, np.float32)
    for line in range(len(lines)):
        row = lines[line]
        factor = _factor(row, count, lanes)
        lanes[:] = 0.0
        for start in range(0, len(row), _TILE):
            raw = row[start : start + _TILE]
            out = room[: len(raw)]
            _tile(raw, factor, y, size, bits, work, out)
            _add(out, lanes)
            for at in range(starts[line], starts[line + 1]):
                into, share = total[users[at], start : start + len(raw)], shares[at]
                for j in range(len(raw)):
                    into[j] += share * out[j]
        means[line] = _total(lanes) / count
