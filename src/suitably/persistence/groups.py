"""Models of groups of users as files: what all of them share stays in the folder of their base."""

import hashlib
from collections.abc import Callable, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.model.model import Model
from suitably.persistence.folder import DIGEST, MANIFEST, file_name, read_manifest
from suitably.persistence.joining import join_models
from suitably.persistence.model import read_model, write_model
from suitably.persistence.publishing import publication
from suitably.persistence.reader import Reader, open_folder
from suitably.persistence.signing import Key, signer
from suitably.persistence.writer import HashingStream, Sink, Stored, Writer
from suitably.utils.pieces import Pieces

__all__ = ["Base", "join_groups"]


class Base:
    """A saved model of no users, beside whose files those of groups of users are read.

    Args:
        folder: Where it is saved.
        trusted: Classes and functions of the caller's own that it is made of.
    """

    def __init__(self, folder: Path, trusted: Sequence[Callable[..., Any]] = ()) -> None:
        reader = open_folder(folder, "manifest")
        self._reader = _Remembering(reader.where, reader.facts, reader.contents)
        self.model: Model = read_model(self._reader, trusted)

    def save(self, model: Model, folder: Path) -> None:
        """Save the model of a group; arrays that it has of the base are not written again."""
        write_model(model, _SharingWriter(_ScratchSink(folder), self._reader.named))

    def open(self, folder: Path) -> Reader:
        """Open the saved model of a group."""
        facts = read_manifest(folder).facts
        own = {name: _mapped(folder / name) for name in facts["files"]}
        return Reader(str(folder), facts, {**self._reader.contents, **own})


def join_groups(base: Base, folders: Sequence[Path], path: Path, sign: Key = None) -> None:
    """Join the saved models of groups of users, who come one after the other, and save the whole.

    Args:
        base: What they were made of.
        folders: Where they are; no user is in two of them.
        path: As for `save_model`.
        sign: Likewise.

    Raises:
        DataError: An event was counted in two groups.
        ArtifactError: Something else is at the path, or a part is damaged.
        OSError: The disk is full, or the folder cannot be written to; the old model stays.
    """
    parts = [base.open(folder) for folder in folders]
    with publication(path, None if sign is None else signer(sign)) as sink:
        join_models(base.model, parts, Writer(sink))


def _mapped(path: Path) -> NDArray[np.uint8]:
    """Map a file, and leave it closed: of thousands of them no more than a few can be open."""
    with pa.memory_map(str(path)) as file:
        return np.frombuffer(file.read_buffer(), np.uint8)


class _Remembering(Reader):
    """Knows of what file each array is that it has given."""

    def __init__(self, *made_of: Any) -> None:
        super().__init__(*made_of)
        self.named: dict[int, tuple[str, NDArray[Any]]] = {}

    def array(self, file: str) -> NDArray[Any]:
        found = super().array(file)
        self.named[id(found)] = file, found  # held, so that no other one gets its number
        return found


class _ScratchSink:
    """Takes in the files of a model that is gone before anything could happen to it.

    Args:
        folder: Where to; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder

    def file(self, stem: str, ending: str, write: Callable[[RawIOBase], object]) -> Stored:
        """Write a file under a name made of its digest."""
        partial = self._folder / "partial"
        with partial.open("wb") as file:
            stream = HashingStream(file.write)
            write(stream)
        name = file_name(stream.digest, stem, ending)
        partial.replace(self._folder / name)
        return Stored(name, stream.digest, stream.size)

    def publish(self, manifest: bytes) -> None:
        """Write the manifest, and its digest."""
        (self._folder / MANIFEST).write_bytes(manifest)
        (self._folder / DIGEST).write_text(hashlib.sha256(manifest).hexdigest())


class _SharingWriter(Writer):
    def __init__(self, sink: Sink, named: dict[int, tuple[str, NDArray[Any]]]) -> None:
        super().__init__(sink)
        self._named = named

    def array(self, name: str, array: NDArray[Any] | Pieces) -> str:
        found = self._named.get(id(array))
        return super().array(name, array) if found is None else found[0]
