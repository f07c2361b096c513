"""Rows in the order of their users, cut into blocks of so many rows between two users."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["user_blocks"]


def user_blocks(batches: Iterable[pa.RecordBatch], key: str, rows: int) -> Iterator[pa.Table]:
    """Yield tables of at least so many rows, the last excepted, of which no two share a user.

    Args:
        batches: In the order of users, so that all rows of each come together.
        key: The column of users.
        rows: How many rows at least.

    Example:
        >>> batch = pa.record_batch({"user": ["ann", "ann", "bob", "cat"]})
        >>> [table["user"].to_pylist() for table in user_blocks([batch], "user", rows=2)]
        [['ann', 'ann'], ['bob', 'cat']]
    """
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        held.append(batch)
        count += batch.num_rows
        if count < rows:
            continue
        table = pa.Table.from_batches(held)
        start = 0
        for end in _ends(table[key]).tolist():
            if end - start >= rows:
                yield table.slice(start, end - start)
                start = end
        rest = table.slice(start)
        held, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(held)


def _ends(users: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return where a user's rows end and the next one's begin; the last end is not known."""
    codes = users.combine_chunks().dictionary_encode(null_encoding="encode")
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.chunk(0)
    indices = pc.cast(codes.indices, pa.int64()).to_numpy(zero_copy_only=False)
    return np.flatnonzero(indices[1:] != indices[:-1]) + 1
