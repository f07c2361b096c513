"""Arrays, tables, texts and facts as the files of a saved model, whatever takes them in."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from suitably.errors import ArtifactError
from suitably.persistence.fingerprint import manifest_fingerprint
from suitably.persistence.folder import MOST_BYTES, SCHEMA
from suitably.persistence.npy import check_storable
from suitably.persistence.tables import plain_columns
from suitably.utils.pieces import Pieces

__all__ = ["HashingStream", "Sink", "Stored", "Writer"]

_ROW_GROUP = 1 << 20


class Stored(NamedTuple):
    """A file that has been taken in.

    Attributes:
        name: Under which it is found.
        digest: The sha256 of its bytes.
        size: How many these are.
    """

    name: str
    digest: str
    size: int


class Sink(Protocol):
    """Takes in the files of a model, and the manifest last of all."""

    def file(self, stem: str, ending: str, write: Callable[[io.RawIOBase], object]) -> Stored:
        """Take in what `write` writes."""
        ...

    def publish(self, manifest: bytes) -> None:
        """Take in the manifest: the model is whole."""
        ...


class HashingStream(io.RawIOBase):
    """Passes bytes on, and keeps their digest and number.

    Args:
        write: Where they go.
    """

    def __init__(self, write: Callable[[memoryview], object]) -> None:
        self._write = write
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Return true: libraries ask."""
        return True

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self.size

    def write(self, data: Any) -> int:
        """Pass bytes on, all of them."""
        octets = memoryview(data).cast("B")
        self._write(octets)
        self._hash.update(octets)
        self.size += len(octets)
        return len(octets)

    @property
    def digest(self) -> str:
        """The sha256 of what has been written."""
        return self._hash.hexdigest()


class Writer:
    """Turns arrays, tables and texts into files.

    Args:
        sink: Where to.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._files: dict[str, Stored] = {}

    def array(self, name: str, array: NDArray[Any] | Pieces) -> str:
        """Write an array; texts go to Parquet, since they have no pickle-free .npy.

        What has been written before under another name is not listed again. One in pieces is never
        in memory as a whole.
        """
        if isinstance(array, Pieces):
            return self._pieces(name, array)
        array = np.asarray(array)
        if array.dtype == object:
            return self.table(name, pa.table({"values": pa.array(array.tolist())}))
        try:
            check_storable(array)
        except TypeError as error:
            raise ArtifactError(f"{name}: {error}") from None
        return self._file(name, "npy", lambda out: np.save(out, array, allow_pickle=False))

    def table(self, name: str, table: pa.Table, distinct: Sequence[str] = ()) -> str:
        """Write a table, with dictionaries but for columns whose values are distinct anyway."""
        return self.tables(name, table.schema, lambda: [table], distinct)

    def tables(
        self,
        name: str,
        schema: pa.Schema,
        tables: Callable[[], Iterable[pa.Table]],
        distinct: Sequence[str] = (),
    ) -> str:
        """Write tables one after the other as one, no more than a million rows of it at a time.

        Args:
            name: What they are.
            schema: Theirs.
            tables: Yields them; it is asked twice.
            distinct: Columns whose values are distinct anyway.
        """
        plain = {*distinct, *plain_columns(schema, tables())}
        repeated: Any = [column for column in schema.names if column not in plain]
        if not plain:
            repeated = True  # nested columns have names of their own

        def write(out: io.RawIOBase) -> None:
            options = {"compression": "zstd", "use_dictionary": repeated}
            with pq.ParquetWriter(out, schema, **options) as writer:
                for group in _row_groups(tables(), schema):
                    writer.write_table(group, _ROW_GROUP)

        return self._file(name, "parquet", write)

    def _pieces(self, name: str, array: Pieces) -> str:
        def write(out: io.RawIOBase) -> None:
            header = {
                "descr": np.lib.format.dtype_to_descr(array.dtype),
                "fortran_order": False,
                "shape": array.shape,
            }
            np.lib.format.write_array_header_1_0(out, header)
            rows = 0
            for piece in array:
                out.write(piece.view(np.uint8).data if piece.size else b"")
                rows += len(piece)
            if rows != array.shape[0]:
                raise ValueError(f"{name}: {rows} rows in pieces of {array.shape[0]}")

        return self._file(name, "npy", write)

    def text(self, name: str, text: str) -> str:
        """Write a policy."""
        return self._file(name, "toml", lambda out: out.write(text.encode("utf-8")))

    def manifest(self, facts: dict[str, Any]) -> None:
        """Write the manifest, last of all.

        Raises:
            ArtifactError: It is larger than one that would be read.
        """
        document = {
            **facts,
            "schema": SCHEMA,
            "files": {file.name: file.digest for file in self._files.values()},
            "sizes": {file.name: file.size for file in self._files.values()},
        }
        document["fingerprint"] = manifest_fingerprint(document)
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8")
        if len(text) > MOST_BYTES:
            raise ArtifactError(
                f"the manifest has {len(text):,} bytes, at most {MOST_BYTES:,} would be read: "
                f"let state() hold large things as arrays"
            )
        self._sink.publish(text)

    def _file(self, name: str, ending: str, write: Callable[[io.RawIOBase], object]) -> str:
        stored = self._sink.file(name, ending, write)
        return self._files.setdefault(stored.digest, stored).name


def _row_groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of a million rows each but for the last, wherever those given end."""
    held = schema.empty_table()
    for table in tables:
        held = pa.concat_tables([held, table]) if held.num_rows else table
        while held.num_rows >= _ROW_GROUP:
            yield held.slice(0, _ROW_GROUP)
            held = held.slice(_ROW_GROUP)
    if held.num_rows:
        yield held
