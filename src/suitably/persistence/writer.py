"""Arrays, tables, texts and facts as the files of a saved model, whatever takes them in."""

import hashlib
import io
import json
from collections.abc import Callable, Sequence
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

__all__ = ["HashingStream", "Sink", "Stored", "Writer"]


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

    def array(self, name: str, array: NDArray[Any]) -> str:
        """Write an array; texts go to Parquet, since they have no pickle-free .npy.

        What has been written before under another name is not listed again.
        """
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
        plain = {*distinct, *plain_columns(table)}
        repeated: Any = [column for column in table.column_names if column not in plain]
        if not plain:
            repeated = True  # nested columns have names of their own

        def write(out: io.RawIOBase) -> None:
            pq.write_table(table, out, compression="zstd", use_dictionary=repeated)

        return self._file(name, "parquet", write)

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
