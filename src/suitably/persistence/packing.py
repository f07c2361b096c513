"""Packed models: the files of a saved model as bytes, the form of copies and pickles."""

import json
from collections.abc import Callable
from io import RawIOBase
from typing import Any

import numpy as np

from suitably.model.model import Model
from suitably.persistence.components import component_classes
from suitably.persistence.fingerprint import known_fingerprint, remember_fingerprint
from suitably.persistence.folder import MANIFEST, file_name
from suitably.persistence.model import read_model, write_model
from suitably.persistence.reader import Reader
from suitably.persistence.writer import HashingStream, Stored, Writer

__all__ = ["fingerprint", "pack", "unpack"]


def pack(model: Model) -> tuple[dict[str, bytes], tuple[Callable[..., Any], ...]]:
    """Return the files of a model by name, and the classes and functions it is made of.

    Raises:
        ArtifactError: A component cannot be saved.
    """
    sink = _MemorySink()
    write_model(model, Writer(sink))
    parts = (*model.state.builders, *model.rankers, *model.rerankers)
    found = (cls for part in parts for cls in component_classes(part))
    return sink.files, tuple(dict.fromkeys(found))


def unpack(files: dict[str, bytes], trusted: tuple[Callable[..., Any], ...]) -> Model:
    """Make a model of its files; its arrays are views of their bytes.

    Raises:
        ArtifactError: The files do not make up a model.
    """
    contents = {name: np.frombuffer(data, np.uint8) for name, data in files.items()}
    return read_model(Reader("packed", json.loads(files[MANIFEST]), contents), trusted)


def fingerprint(model: Model) -> str:
    """Return the sha256 of what a model is made of, worked out once per model.

    It is that of the manifest that saving would write, so a model that was saved and loaded has
    the one of the model in memory; the versions of libraries do not count. An updated model is
    another one.

    Raises:
        ArtifactError: A component cannot be saved, so nothing could be held against it later.
    """
    found = known_fingerprint(model)
    if found is None:
        sink = _DigestSink()
        write_model(model, Writer(sink))
        found = remember_fingerprint(model, json.loads(sink.manifest))
    return found


class _DigestSink:
    """Takes in the files of a model, and keeps nothing but their digests."""

    manifest: bytes = b""

    def file(self, stem: str, ending: str, write: Callable[[RawIOBase], object]) -> Stored:
        stream = HashingStream(lambda octets: None)
        write(stream)
        return Stored(file_name(stream.digest, stem, ending), stream.digest, stream.size)

    def publish(self, manifest: bytes) -> None:
        self.manifest = manifest


class _MemorySink:
    """Takes in the files of a model as bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def file(self, stem: str, ending: str, write: Callable[[RawIOBase], object]) -> Stored:
        parts: list[bytes] = []
        stream = HashingStream(lambda octets: parts.append(octets.tobytes()))
        write(stream)
        name = file_name(stream.digest, stem, ending)
        self.files[name] = b"".join(parts)
        return Stored(name, stream.digest, stream.size)

    def publish(self, manifest: bytes) -> None:
        listed = json.loads(manifest)["files"]
        self.files = {name: self.files[name] for name in listed}  # no content twice
        self.files[MANIFEST] = manifest
