"""Arrays in pieces, one after the other: written as one without ever being one in memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pieces", "recoded", "same", "shifted", "stacked", "texts_of"]

_ROWS = 1 << 20  # read at a time


@dataclass(frozen=True)
class Pieces:
    """An array whose rows come in pieces, each made only when it is asked for.

    Attributes:
        dtype: Of the whole.
        shape: Of the whole.
        pieces: Yields the pieces in order; it may be asked several times.

    Example:
        >>> joint = stacked([np.arange(2), np.arange(3)])
        >>> joint.shape, joint.whole().tolist()
        ((5,), [0, 1, 0, 1, 2])
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    pieces: Callable[[], Iterator[NDArray[Any]]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for piece in self.pieces():
            yield np.ascontiguousarray(piece, self.dtype)

    def whole(self) -> NDArray[Any]:
        """Return all of it as one array."""
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *self])


def stacked(arrays: Sequence[NDArray[Any]], dtype: Any = None) -> Pieces:
    """Return arrays one after the other, along their first axis.

    Args:
        arrays: The arrays.
        dtype: Of the result; None: one that holds all of them.
    """
    return _changed(arrays, lambda place, rows: rows, dtype)


def shifted(arrays: Sequence[NDArray[Any]], by: Sequence[int]) -> Pieces:
    """Return positions one after the other, each array's moved by a number of its own.

    Example:
        >>> shifted([np.array([0, 1]), np.array([0])], by=[0, 2]).whole().tolist()
        [0, 1, 2]
    """
    return _changed(arrays, lambda place, rows: rows + rows.dtype.type(by[place]))


def recoded(
    arrays: Sequence[NDArray[Any]], tables: Sequence[NDArray[Any]], dtype: Any = None
) -> Pieces:
    """Return codes one after the other, each array's looked up in a table of its own.

    Args:
        arrays: Codes from 0 on; −1, where there is one, is looked up at the table's end.
        tables: What each code of an array becomes.
        dtype: Of the result; None: that of the codes.
    """
    kind = np.result_type(*(array.dtype for array in arrays)) if dtype is None else dtype
    return _changed(arrays, lambda place, rows: tables[place][rows], kind)


def same(arrays: Sequence[NDArray[Any]], name: str) -> NDArray[Any]:
    """Return what all arrays are.

    Raises:
        ValueError: They differ.
    """
    first = arrays[0]
    for other in arrays[1:]:
        equal = first.dtype.kind == other.dtype.kind and first.shape == other.shape
        if not equal or first.astype(other.dtype).tobytes() != other.tobytes():
            raise ValueError(f"{name}: parts do not agree")
    return first


def texts_of(
    several: Sequence[NDArray[Any]], ordered: bool = True
) -> tuple[NDArray[Any], list[NDArray[np.int64]]]:
    """Return the distinct values of several lists of them, and where each list's are found there.

    Args:
        several: Distinct values each, texts or numbers.
        ordered: Whether the result is sorted; else values stand as they first occur.

    Returns:
        The values, and for each list positions (values + 1,), of which the last, −1, is for none.

    Example:
        >>> words, places = texts_of([np.array(["b"]), np.array(["a", "b"])])
        >>> words.tolist(), [one.tolist() for one in places]
        (['a', 'b'], [[1, -1], [0, 1, -1]])
    """
    joint = np.concatenate(several)
    distinct, first, places = np.unique(joint, return_index=True, return_inverse=True)
    if not ordered:
        order = np.argsort(first, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        distinct, places = distinct[order], rank[places]
    bounds = np.cumsum([0, *map(len, several)])
    found = [np.append(places[start:end], -1) for start, end in pairwise(bounds)]
    return distinct, found


def _changed(
    arrays: Sequence[NDArray[Any]],
    change: Callable[[int, NDArray[Any]], NDArray[Any]],
    dtype: Any = None,
) -> Pieces:
    kind = np.result_type(*(array.dtype for array in arrays)) if dtype is None else dtype
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise ValueError(f"parts have rows of different shapes: {sorted(shapes)}")

    def pieces() -> Iterator[NDArray[Any]]:
        for place, array in enumerate(arrays):
            for start in range(0, len(array), _ROWS):
                yield change(place, np.asarray(array[start : start + _ROWS]))

    rows = sum(len(array) for array in arrays)
    return Pieces(np.dtype(kind), (rows, *shapes.pop()), pieces)
