"""The files of a saved model: opened once, checked, and used as what was checked."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import ArtifactError
from suitably.persistence.folder import (
    Verify,
    is_listed_name,
    open_regular,
    read_manifest,
    refuse_aliens,
    retried,
)
from suitably.persistence.migrations import check_schema
from suitably.persistence.npy import view_array
from suitably.persistence.signing import check_signature
from suitably.persistence.tables import read_table

__all__ = ["Contents", "Reader", "open_folder"]

Contents = Mapping[str, NDArray[np.uint8]]


class Reader:
    """Makes arrays, tables and texts of the files of a model.

    Args:
        where: The place, for errors.
        facts: The manifest as it was written.
        contents: The bytes of every file that it lists.

    Attributes:
        where: The place, for errors.
        facts: The manifest as it was written.
        contents: The bytes of every file that it lists.
    """

    def __init__(self, where: str, facts: dict[str, Any], contents: Contents) -> None:
        self.where = where
        self.contents = contents
        self.facts = facts

    def array(self, file: str) -> NDArray[Any]:
        """Return an array as a read-only view of the file."""
        if file.endswith(".parquet"):
            values = self.table(file)["values"].combine_chunks().to_numpy(zero_copy_only=False)
            return np.asarray(values)
        octets = self._bytes(file)
        try:
            return view_array(octets)
        except (ValueError, TypeError) as error:
            raise ArtifactError(f"{self.where}/{file}: {error}") from None

    def table(self, file: str, rows: int | None = None) -> pa.Table:
        """Read a table; refuse one of other than so many rows before it takes any room."""
        try:
            return read_table(self._bytes(file), rows)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise ArtifactError(f"{self.where}/{file}: {error}") from None

    def text(self, file: str) -> str:
        """Read a policy."""
        try:
            return self._bytes(file).tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{self.where}/{file}: {error}") from None

    def _bytes(self, file: str) -> NDArray[np.uint8]:
        if not isinstance(file, str) or file not in self.contents:
            raise ArtifactError(f"{self.where}: {file!r} is not named in the manifest")
        return self.contents[file]


def open_folder(
    path: Path, verify: Verify, is_right: Callable[[str, bytes], bool] | None = None
) -> Reader:
    """Open one version of a saved model, whole, whoever saves to the folder meanwhile.

    Arrays are read-only maps of the files that were opened here; they outlast the folder.

    Args:
        path: The folder.
        verify: `"full"` checks every byte of every file; `"manifest"` checks the manifest's, and
            that the files it names are there in the size that it names.
        is_right: Tells whether a signature of the manifest's digest is; None: none is asked for.

    Raises:
        ArtifactError: Damaged, tampered with, incomplete, not signed as asked, or no saved model.
    """
    if verify not in ("full", "manifest"):
        raise ValueError(f'verify={verify!r}: must be "full" or "manifest"')
    return retried(path, lambda: _open(path, verify, is_right))


def _open(path: Path, verify: Verify, is_right: Callable[[str, bytes], bool] | None) -> Reader:
    def check(digest: str) -> None:
        if is_right is not None:
            check_signature(path, digest, is_right)

    facts = read_manifest(path, check).facts
    check_schema(facts, str(path))
    digests, sizes = facts.get("files"), facts.get("sizes", {})
    if not isinstance(digests, dict):
        raise ArtifactError(f"{path}: its manifest lists no files")
    contents = {}
    try:
        with ExitStack() as stack:
            # All are opened before one is read: a version being replaced is caught whole, or gone.
            opened = {
                name: stack.enter_context(open_regular(path / name)) for name in _names(digests)
            }
            refuse_aliens(path, os.listdir(path))
            for name, file in opened.items():
                if os.fstat(file.fileno()).st_size != sizes[name]:
                    raise OSError(f"{name} has another size")
                contents[name], digest = _content(name, file, verify)
                if digest not in (None, digests[name]):
                    raise OSError(f"{name} has other bytes")
    except (OSError, LookupError, TypeError, ValueError, MemoryError) as error:
        raise ArtifactError(f"{path}: is damaged or has been changed: {error}") from None
    return Reader(str(path), facts, contents)


def _names(listed: Iterable[Any]) -> Iterator[str]:
    for name in listed:
        if not is_listed_name(name):
            raise ValueError(f"{name!r} is not the name of a file of a saved model")
        yield name


def _content(
    name: str, file: io.BufferedReader, verify: Verify
) -> tuple[NDArray[np.uint8], str | None]:
    """Return the bytes of an open file, and their digest where it is asked for.

    Arrays are mapped, and hashed through the same descriptor: to hash the map would count all of
    it as memory of this process.
    """
    full = verify == "full"
    if name.endswith(".npy"):
        digest = hashlib.file_digest(file, "sha256").hexdigest() if full else None
        # A plain array on the map: each slice of a `memmap` takes some microseconds.
        return np.asarray(np.memmap(file, np.uint8, "r")), digest
    data = file.read()
    return np.frombuffer(data, np.uint8), hashlib.sha256(data).hexdigest() if full else None
