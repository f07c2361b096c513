"""The inner loops of least squares: with numba where it is installed, else with NumPy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "chosen"]

Floats = NDArray[Any]
Kernel = Callable[..., None]
_CELLS = 1 << 20
_SEGMENT = 4_096


@dataclass(frozen=True)
class Rows:
    """Equations to be solved, in compressed rows.

    Attributes:
        starts: int64 (rows + 1,).
        columns: int32 (entries,).
        weights: What each entry adds to the matrix.
        targets: What each adds to the right-hand side.
        ridge: What each row adds to the diagonal.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: Floats
    targets: Floats
    ridge: Floats


def chosen() -> Kernel:
    """Return the fastest kernel there is.

    Called with rows, which of them have few entries, the fixed vectors, the base, its diagonal
    or None, axes to turn back by or None, the array to fill, and which rows to fill.
    """
    return with_numpy if _compiled() is None else with_numba


def with_numpy(
    rows: Rows,
    few: NDArray[np.bool_],
    vectors: Floats,
    base: Floats,
    energy: Floats | None,
    axes: Floats | None,
    out: Floats,
    which: NDArray[np.int64],
) -> None:
    """Solve rows of about equal length together, one BLAS and LAPACK call for each in C."""
    factors = vectors.shape[1]
    for some, width in _alike(rows, few, which, factors):
        places = rows.starts[some, None] + np.arange(width)
        real = places < rows.starts[some + 1, None]
        places = np.where(real, places, 0)
        weights = np.where(real, rows.weights[places], 0)
        targets = np.where(real, rows.targets[places], 0)
        columns = rows.columns[places]
        ridge = rows.ridge[some]
        if energy is not None and few[some[0]]:
            found = _short(vectors[columns], weights, targets, energy + ridge[:, None])
        else:
            found = _long(vectors, columns, weights, targets, base, ridge)
        # One product of a vector and a matrix for each row, so that no row depends on others.
        out[some] = found if axes is None else (found[:, None, :] @ axes)[:, 0]


def with_numba(
    rows: Rows,
    few: NDArray[np.bool_],
    vectors: Floats,
    base: Floats,
    energy: Floats | None,
    axes: Floats | None,
    out: Floats,
    which: NDArray[np.int64],
) -> None:
    """Solve row by row in compiled code, outside the interpreter's lock."""
    compiled = _compiled()
    if compiled is None:
        raise ModuleNotFoundError("numba is not installed: pip install 'suitably[fast]'")
    none = np.empty(0, vectors.dtype)
    parts = (rows.starts, rows.columns, rows.weights, rows.targets, rows.ridge, few)
    diagonal = none if energy is None else energy
    turn = none.reshape(0, 0) if axes is None else axes
    compiled(*parts, vectors, base, diagonal, turn, out, which)


def _alike(
    rows: Rows, few: NDArray[np.bool_], which: NDArray[np.int64], factors: int
) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Put rows together that are padded to the same width; the width depends on the row alone."""
    lengths = rows.starts[which + 1] - rows.starts[which]
    which, lengths = which[lengths > 0], lengths[lengths > 0]
    # Eight widths to a doubling, so that at most an eighth of the work is padding.
    step = 2 ** np.maximum(0, np.floor(np.log2(np.maximum(lengths, 1))).astype(np.int64) - 3)
    widths = -(-lengths // step) * step
    key = widths * 2 + few[which]
    for one in np.unique(key):
        some, width = which[key == one], int(one // 2)
        cells = min(width, _SEGMENT) * factors + factors**2
        for start in range(0, len(some), max(1, _CELLS // cells)):
            yield some[start : start + max(1, _CELLS // cells)], width


def _short(near: Floats, weights: Floats, targets: Floats, diagonal: Floats) -> Floats:
    """Solve in as many unknowns as a row has entries: x = D⁻½ Sᵀ (I + S Sᵀ)⁻¹ t / √c.

    S is √C Y D⁻½; padding has c = 0, so its rows of the inner matrix are those of I.
    """
    roots, scale = np.sqrt(weights), 1 / np.sqrt(diagonal)
    scaled = near * roots[:, :, None] * scale[:, None, :]
    inner = scaled @ scaled.transpose(0, 2, 1)
    width = inner.shape[1]
    inner[:, np.arange(width), np.arange(width)] += 1
    right = np.divide(targets, roots, out=np.zeros_like(targets), where=roots > 0)
    dual = np.linalg.solve(inner, right[:, :, None])
    found: Floats = (scaled.transpose(0, 2, 1) @ dual)[:, :, 0] * scale
    return found


def _long(
    vectors: Floats,
    columns: NDArray[np.int32],
    weights: Floats,
    targets: Floats,
    base: Floats,
    ridge: Floats,
) -> Floats:
    factors = vectors.shape[1]
    matrix = np.repeat(base[None], len(columns), axis=0)
    matrix[:, np.arange(factors), np.arange(factors)] += ridge[:, None]
    right = np.zeros((len(columns), 1, factors), vectors.dtype)
    for start in range(0, columns.shape[1], _SEGMENT):
        part = slice(start, start + _SEGMENT)
        near = vectors[columns[:, part]]
        matrix += (near * weights[:, part, None]).transpose(0, 2, 1) @ near
        right += targets[:, None, part] @ near
    found: Floats = np.linalg.solve(matrix, right.transpose(0, 2, 1))[:, :, 0]
    return found


@cache
def _compiled() -> Kernel | None:
    if find_spec("numba") is None:
        return None
    from suitably.ranking.solvers import compiled

    kernel: Kernel = compiled.kernel
    return kernel
