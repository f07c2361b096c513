"""Tables of truth joined on the names that they share: is there a value of each name for all?

Names are eliminated one by one, so that what is made is as large as names depend on each other
(bucket elimination: R. Dechter, Artificial Intelligence 113, 1999).
"""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["Table", "solve"]

Table = tuple[tuple[str, ...], NDArray[np.bool_]]
"""Names, sorted, and a truth for every combination of their values: an axis per name."""


def solve(tables: Sequence[Table]) -> dict[str, int] | None:
    """Return a value of each name, by place, with which all tables are true; None: there is none.

    Example:
        >>> either = (("a", "b"), np.array([[False, True], [False, False]]))
        >>> solve([either]), solve([either, (("a",), np.array([False, True]))])
        ({'a': 0, 'b': 1}, None)
    """
    if not all(truth.any() for _, truth in tables):
        return None
    left = [table for table in tables if table[0]]
    eliminated: list[tuple[str, Table]] = []
    while left:
        name = min(
            {n for names, _ in left for n in names}, key=lambda n: (_joined_size(left, n), n)
        )
        joined = _joined([table for table in left if name in table[0]])
        eliminated.append((name, joined))
        names, truth = joined
        rest = np.asarray(truth.any(axis=names.index(name)))
        if not rest.any():
            return None
        left = [table for table in left if name not in table[0]]
        if rest.ndim:
            left.append((tuple(n for n in names if n != name), rest))
    values: dict[str, int] = {}
    for name, (names, truth) in reversed(eliminated):
        row = truth[tuple(slice(None) if n == name else values[n] for n in names)]
        values[name] = int(np.argmax(row))
    return dict(sorted(values.items()))


def _joined_size(tables: Sequence[Table], name: str) -> int:
    sizes: dict[str, int] = {}
    for names, truth in tables:
        if name in names:
            sizes |= dict(zip(names, truth.shape, strict=True))
    return prod(sizes.values())


def _joined(tables: Sequence[Table]) -> Table:
    names = tuple(sorted({name for own, _ in tables for name in own}))
    whole = np.ones((1,) * len(names), bool)
    for own, truth in tables:
        sizes = dict(zip(own, truth.shape, strict=True))
        whole = whole & truth.reshape([sizes.get(name, 1) for name in names])
    return names, whole
