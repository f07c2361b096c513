"""A folder replaced by the next version of itself, for readers, crashes and other writers at once.

New files, a signature among them, are written and synced beside the old ones, whose names differ.
Then three atomic replacements of small files: both digests, the manifest, the one digest. Then the
old files go.
At every moment the manifest names files that are all there, so whatever ends the process, the old
or the new model is there, whole; what an ended process leaves, the next save takes away. Writers
take turns by a lock on the folder itself. Nothing but files of a model's own is ever deleted.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import Any

from suitably.errors import ArtifactError
from suitably.persistence.folder import (
    DIGEST,
    MANIFEST,
    digest_lines,
    file_name,
    is_own,
    read_manifest,
    refuse_aliens,
    signature_name,
)
from suitably.persistence.writer import HashingStream, Stored
from suitably.utils.files import sync, sync_folder

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: folders have no descriptors; one writer at a time is up to users
    fcntl = None

__all__ = ["FolderSink", "check_place", "publication"]

# What a file system puts at the root of a volume.
_VOLUME = {"lost+found"}


@contextmanager
def publication(path: Path, sign: Callable[[str], bytes] | None = None) -> Iterator["FolderSink"]:
    """Open a folder for a new version; a link is followed and stays.

    Args:
        path: Absent, empty, or a saved model.
        sign: Signs the digest of the manifest; None: the version is not signed.

    Raises:
        ArtifactError: Something else is there.
        OSError: The disk is full, or the folder may not be written to; the old version stays.
    """
    folder = Path(os.path.realpath(path))
    made, descriptor = _enter(folder, path)
    try:
        _check(folder, path)
        try:
            if made:
                sync_folder(folder.parent)
            _clear(folder)
            sink = FolderSink(folder, descriptor, sign)
            yield sink
            if sign is None:  # the version before can have been the same one, signed
                sink.take_signature_away()
        finally:
            _clear(folder)
            sync(descriptor)
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        _leave(descriptor)


def check_place(path: Path) -> None:
    """Refuse a place where something else is than a saved model, or nothing.

    Raises:
        ArtifactError: Something else is there.
    """
    folder = Path(os.path.realpath(path))
    if folder.is_dir():
        _check(folder, path)
    elif os.path.lexists(folder):
        raise ArtifactError(f"{path}: is there, and is not a saved model")


class FolderSink:
    """Takes in the files of a version, beside those of the one before.

    Args:
        folder: Where to.
        descriptor: Of the folder; None where there are none.
        sign: Signs the digest of the manifest; None: it is not signed.
    """

    def __init__(
        self,
        folder: Path,
        descriptor: int | None,
        sign: Callable[[str], bytes] | None = None,
    ) -> None:
        self._folder = folder
        self._descriptor = descriptor
        self._sign = sign

    def file(self, stem: str, ending: str, write: Callable[[RawIOBase], object]) -> Stored:
        """Write and sync a file under a name made of its digest."""
        partial, stream = self._partial(write)
        name = file_name(stream.digest, stem, ending)
        os.replace(partial, self._folder / name)
        return Stored(name, stream.digest, stream.size)

    def publish(self, manifest: bytes) -> None:
        """Put the manifest in the place of the one before."""
        old = _current_digest(self._folder)
        whole, stream = self._partial(lambda out: out.write(manifest))
        new = stream.digest
        # Also these before the first replacement, after which nothing needs room on the disk.
        both, _ = self._partial(lambda out: out.write(digest_lines(old, new)))
        one, _ = self._partial(lambda out: out.write(new.encode()))
        if self._sign is not None:
            signature = self._sign(new)
            partial, _ = self._partial(lambda out: out.write(signature))
            os.replace(partial, self._folder / signature_name(new))
        sync(self._descriptor)
        for partial, name in ((both, DIGEST), (whole, MANIFEST), (one, DIGEST)):
            os.replace(partial, self._folder / name)
            sync(self._descriptor)

    def take_signature_away(self) -> None:
        """Delete the signature of the version that is there."""
        digest = _current_digest(self._folder)
        if digest is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._folder / signature_name(digest))

    def _partial(self, write: Callable[[RawIOBase], object]) -> tuple[Path, HashingStream]:
        path = self._folder / f".{secrets.token_hex(8)}.partial"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            stream = HashingStream(lambda octets: _write(descriptor, octets))
            write(stream)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return path, stream


def _write(descriptor: int, octets: memoryview) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]


def _check(folder: Path, path: Path) -> None:
    names = set(os.listdir(folder))
    if not {MANIFEST, DIGEST} <= names and not all(
        is_own(name) or name == DIGEST for name in names - _VOLUME
    ):
        raise ArtifactError(f"{path}: is there, and is not a saved model")
    refuse_aliens(folder, names)


def _clear(folder: Path) -> None:
    """Delete the files of a model that the manifest does not name, nor is signed by."""
    kept: set[str] = set()
    if (folder / MANIFEST).exists():
        try:
            manifest = read_manifest(folder)
            kept = {*manifest.facts["files"], signature_name(manifest.digest)}
        except (ArtifactError, LookupError, TypeError):
            return  # damaged: no telling what belongs to it, until it has been replaced
    for name in os.listdir(folder):
        if is_own(name) and name not in kept:
            # Windows keeps files that are mapped; the next save tries again.
            with suppress(*(() if fcntl else (PermissionError,))):
                os.unlink(folder / name)


def _current_digest(folder: Path) -> str | None:
    """Return the digest of the manifest that is there; a damaged one is not to become valid."""
    try:
        return read_manifest(folder).digest
    except ArtifactError:
        return None


def _enter(folder: Path, path: Path) -> tuple[bool, int | None]:
    """Make the folder where it is absent, and wait for it; return whether it was made, and it."""
    while True:
        made = True
        try:
            folder.mkdir(parents=True)
        except (FileExistsError, NotADirectoryError):
            made = False
            if not folder.is_dir():
                raise ArtifactError(f"{path}: is there, and is not a saved model") from None
        if fcntl is None:
            return made, None
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            # Some network file systems have no locks on folders.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.stat(folder), os.fstat(descriptor)):
                return made, descriptor
        except FileNotFoundError:
            pass  # the writer before took back what it had made
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _leave(descriptor: int | None) -> None:
    if descriptor is not None:
        # Said, since a process forked meanwhile holds the descriptor too.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
