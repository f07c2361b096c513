"""Batches of users in, batches of their lists out: the seam that engines use."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.vocabulary import id_array
from suitably.errors import DataError

__all__ = ["stream"]

_FIRST = ("user_id", "product_id", "rank")


def stream(
    lists_of: Callable[[pa.Array], pa.Table], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Return the lists of every row, whoever else is in its batch, repeated rows included.

    Args:
        lists_of: Draws up the lists of distinct users, in their order.
        batches: Record batches with a column `user_id`.

    Yields:
        user_id and product_id in their own types, rank (int32), score (float32), and what else
        the lists have.

    Raises:
        DataError: A batch without a column `user_id`, or with a missing id.
    """
    for batch in batches:
        if "user_id" not in batch.schema.names:
            raise DataError(f"apply_arrow: no column 'user_id'; it has {batch.schema.names}")
        given = batch.column("user_id")
        ids = id_array(given, "user_id")
        if ids.null_count:
            raise DataError(f"user_id: {ids.null_count} of {len(ids)} are missing")
        encoded = ids.dictionary_encode()
        found = lists_of(encoded.dictionary)
        starts = np.searchsorted(
            pc.index_in(found["user_id"].cast(encoded.dictionary.type), encoded.dictionary),
            np.arange(len(encoded.dictionary) + 1),
        )
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        lengths = np.diff(starts)[codes]
        ends = np.cumsum(lengths)
        rows = np.repeat(starts[codes] - (ends - lengths), lengths) + np.arange(lengths.sum())
        out = found.take(pa.array(rows))
        users = _taken(given, pa.array(np.repeat(np.arange(len(codes)), lengths)))
        others = [name for name in out.column_names if name not in _FIRST]
        columns = [users, *(out[name] for name in (*_FIRST[1:], *others))]
        yield from pa.table(columns, names=[*_FIRST, *others]).combine_chunks().to_batches()


def _taken(array: pa.Array, rows: pa.Array) -> pa.Array:
    """Return some rows in their own type, of types too that Arrow itself takes none of."""
    kind = array.type
    if pa.types.is_run_end_encoded(kind):
        return pc.run_end_encode(_taken(pc.run_end_decode(array), rows), kind.run_end_type)
    if kind == pa.string_view():
        return array.cast(pa.string()).take(rows).cast(kind)
    return array.take(rows)
