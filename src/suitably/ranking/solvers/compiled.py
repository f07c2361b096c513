"""The inner loops of least squares, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["REORDERED", "factorise", "kernel", "substitute"]

Floats = NDArray[Any]
Whole = NDArray[Any]

# Sums may be reordered, by a rule fixed at compile time, so that they use vector units.
# Inner loops run from 0 over slices: an index that might be negative is not vectorised.
REORDERED = {"reassoc", "contract", "nsz"}
_compile = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=REORDERED)
# Part of whatever calls them: a function of its own would be optimised once more where it is
# called, and whether a cache was there would decide which of both is run, hence the last digits.
_inline = numba.njit(nogil=True, inline="always", error_model="numpy", fastmath=REORDERED)


@_inline
def factorise(a: Floats, size: int) -> None:
    """Turn the upper triangle of a positive definite matrix into its Cholesky factor U."""
    for i in range(size):
        row, k = a[i, i:size], 0
        while k + 4 <= i:
            u0, u1, u2, u3 = (
                a[k, i:size], a[k + 1, i:size], a[k + 2, i:size], a[k + 3, i:size]
            )  # fmt: skip
            f0, f1, f2, f3 = u0[0], u1[0], u2[0], u3[0]
            for j in range(size - i):
                row[j] -= f0 * u0[j] + f1 * u1[j] + f2 * u2[j] + f3 * u3[j]
            k += 4
        while k < i:
            u = a[k, i:size]
            f = u[0]
            for j in range(size - i):
                row[j] -= f * u[j]
            k += 1
        scale = 1 / np.sqrt(row[0])
        for j in range(size - i):
            row[j] *= scale


@_inline
def substitute(a: Floats, x: Floats, size: int) -> None:
    """Solve Uᵀ U x = b in place."""
    for i in range(size):
        row, rest = a[i, i:size], x[i:size]
        value = rest[0] / row[0]
        for j in range(size - i):
            rest[j] -= value * row[j]
        rest[0] = value
    for i in range(size - 1, -1, -1):
        row, rest = a[i, i:size], x[i:size]
        total = rest[0]
        for j in range(1, size - i):
            total -= row[j] * rest[j]
        rest[0] = total / row[0]


@_inline
def accumulate(
    a: Floats, vectors: Floats, columns: Whole, weights: Floats, first: int, last: int
) -> None:
    """Add Σ c y yᵀ to the upper triangle, four entries and two rows at a time."""
    factors, place = vectors.shape[1], first
    while place + 4 <= last:
        y0, y1 = vectors[columns[place]], vectors[columns[place + 1]]
        y2, y3 = vectors[columns[place + 2]], vectors[columns[place + 3]]
        c0, c1, c2, c3 = (
            weights[place], weights[place + 1], weights[place + 2], weights[place + 3]
        )  # fmt: skip
        i = 0
        while i < factors:
            z0, z1, z2, z3 = y0[i:], y1[i:], y2[i:], y3[i:]
            w0, w1, w2, w3 = c0 * z0[0], c1 * z1[0], c2 * z2[0], c3 * z3[0]
            row = a[i, i:]
            if i + 1 == factors:
                row[0] += w0 * z0[0] + w1 * z1[0] + w2 * z2[0] + w3 * z3[0]
                break
            v0, v1, v2, v3 = c0 * z0[1], c1 * z1[1], c2 * z2[1], c3 * z3[1]
            below = a[i + 1, i:]
            for j in range(factors - i):
                row[j] += w0 * z0[j] + w1 * z1[j] + w2 * z2[j] + w3 * z3[j]
                below[j] += v0 * z0[j] + v1 * z1[j] + v2 * z2[j] + v3 * z3[j]
            i += 2
        place += 4
    while place < last:
        y = vectors[columns[place]]
        for i in range(factors):
            row, z = a[i, i:], y[i:]
            w = weights[place] * z[0]
            for j in range(factors - i):
                row[j] += w * z[j]
        place += 1


@_inline
def short(
    vectors: Floats,
    columns: Whole,
    weights: Floats,
    targets: Floats,
    diagonal: Floats,
    scaled: Floats,
    inner: Floats,
    x: Floats,
) -> None:
    """Solve for one row in as many unknowns as it has entries, in `scaled` and `inner`."""
    size, factors = len(columns), len(x)
    scale, dual = np.empty_like(x), np.empty_like(targets)
    for f in range(factors):
        scale[f] = 1 / np.sqrt(diagonal[f])
        x[f] = 0
    for i in range(size):
        root, y, s = np.sqrt(weights[i]), vectors[columns[i]], scaled[i]
        dual[i] = targets[i] / root
        for f in range(factors):
            s[f] = root * y[f] * scale[f]
        for j in range(i + 1):
            total, other = root * 0, scaled[j]
            for f in range(factors):
                total += s[f] * other[f]
            inner[j, i] = total
        inner[i, i] += 1
    factorise(inner, size)
    substitute(inner, dual, size)
    for i in range(size):
        s, value = scaled[i], dual[i]
        for f in range(factors):
            x[f] += value * s[f]
    for f in range(factors):
        x[f] *= scale[f]


@_compile
def kernel(
    starts: Whole,
    columns: Whole,
    weights: Floats,
    targets: Floats,
    ridge: Floats,
    few: NDArray[np.bool_],
    vectors: Floats,
    base: Floats,
    energy: Floats,
    axes: Floats,
    out: Floats,
    which: Whole,
) -> None:
    """Solve some rows one after another; an empty `energy` or `axes` means that there is none."""
    factors, most = vectors.shape[1], 0
    for row in which:
        if few[row]:
            most = max(most, starts[row + 1] - starts[row])
    matrix = np.empty_like(base)
    inner = np.empty((most, most), vectors.dtype)
    scaled = np.empty((most, factors), vectors.dtype)
    x = np.empty(factors, vectors.dtype)
    for row in which:
        first, last = starts[row], starts[row + 1]
        if first == last:
            continue
        if few[row]:
            part = slice(first, last)
            short(vectors, columns[part], weights[part], targets[part], energy + ridge[row],
                  scaled, inner, x)  # fmt: skip
        else:
            matrix[:] = base
            x[:] = 0
            for f in range(factors):
                matrix[f, f] += ridge[row]
            accumulate(matrix, vectors, columns, weights, first, last)
            for place in range(first, last):
                y, target = vectors[columns[place]], targets[place]
                for f in range(factors):
                    x[f] += target * y[f]
            factorise(matrix, factors)
            substitute(matrix, x, factors)
        answer = out[row]
        if len(axes):
            for f in range(factors):
                axis, value = axes[f], x[f]
                for g in range(factors):
                    answer[g] += value * axis[g]
        else:
            answer[:] = x
