"""What a saved model's folder holds, by name, and its manifest.

Files are .npy, .parquet and .toml under names that begin with the sha256 of their bytes, so that
no name ever means two contents. `manifest.json` lists them with digest and size; its own digest
stands beside it in `manifest.sha256`, for the moment in which one version follows another with
both digests and a third of these two lines. A signature of that digest is in a file named by it.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from suitably.errors import ArtifactError

__all__ = ["MOST_BYTES", "Manifest", "Verify", "manifest_digest", "open_regular"]
__all__ += ["read_manifest", "retried", "signature_name"]

Verify = Literal["full", "manifest"]
MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
SCHEMA = 5
# Of a manifest: what is parsed takes some twenty times the room of its text.
MOST_BYTES = 1 << 25

_STEM = 60
_ATTEMPTS = 100
_LISTED = re.compile(r"[0-9a-f]{64}-[a-z0-9_-]+\.(npy|parquet|toml)")
# Also the names of schema 2, whose folders can be saved over, and of a file being written.
_OWN = re.compile(rf"{_LISTED.pattern}|[0-9]{{3}}-[a-z0-9_-]+\.(npy|parquet|toml)")
_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial")
_SIGNATURE = re.compile(r"[0-9a-f]{64}\.sig")
_ALIEN = {".npy", ".npz", ".parquet", ".toml", ".pkl", ".pickle", ".joblib", ".py", ".pyc"}

_Made = TypeVar("_Made")


class Manifest(NamedTuple):
    """A manifest whose digest is right.

    Attributes:
        facts: Its content.
        digest: Of its bytes.
    """

    facts: dict[str, Any]
    digest: str


def file_name(digest: str, stem: str, ending: str) -> str:
    """Return the name of a file: its digest first, then what it is."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", stem.lower())[:_STEM]
    return f"{digest}-{plain}.{ending}"


def is_listed_name(name: Any) -> bool:
    """Return whether a manifest may list a name: one of a file in the folder itself."""
    return isinstance(name, str) and _LISTED.fullmatch(name) is not None


def is_own(name: str) -> bool:
    """Return whether a name is one that saving makes, the manifest's excepted."""
    return any(form.fullmatch(name) for form in (_OWN, _PARTIAL, _SIGNATURE))


def signature_name(digest: str) -> str:
    """Return the name of the signature of the manifest that has a digest."""
    return f"{digest}.sig"


def refuse_aliens(folder: Path, names: Iterable[str]) -> None:
    """Refuse files that could be taken for parts of a model, or would run; all others may stay.

    Raises:
        ArtifactError: There are some.
    """
    odd = sorted(n for n in names if not is_own(n) and Path(n).suffix.lower() in _ALIEN)
    if odd:
        raise ArtifactError(f"{folder}: holds files that no manifest of a model names: {odd[:3]}")


def digest_lines(old: str | None, new: str) -> bytes:
    """Return what `manifest.sha256` holds while a manifest of either digest may stand beside it."""
    if old is None or old == new:
        return new.encode()
    both = f"{old}\n{new}"
    return f"{both}\n{_sha256(both.encode())}".encode()


def read_manifest(folder: Path, check: Callable[[str], None] = lambda digest: None) -> Manifest:
    """Read the manifest of a folder once, and check the bytes that were read.

    Args:
        folder: The folder.
        check: Refuses a digest, before anything of the manifest is parsed.

    Raises:
        ArtifactError: There is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        data, listed = (_read(folder / name) for name in (MANIFEST, DIGEST))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{folder}: has no {MANIFEST} with its {DIGEST}") from None
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be read: {error}") from None
    digest = _sha256(data)
    if digest not in _digests(listed):
        raise ArtifactError(f"{path}: is damaged or has been changed")
    check(digest)
    try:
        facts = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ArtifactError(f"{path}: {error}") from None
    if not isinstance(facts, dict):
        raise ArtifactError(f"{path}: is not a manifest")
    return Manifest(facts, digest)


def manifest_digest(folder: Path) -> str:
    """Return the digest of the manifest: which version of a model a folder holds.

    Raises:
        ArtifactError: There is no manifest, or it is damaged.
    """
    return retried(folder, lambda: read_manifest(folder)).digest


def retried(folder: Path, read: Callable[[], _Made]) -> _Made:
    """Read a folder, anew for as long as others save to it meanwhile; a bounded number of times.

    Raises:
        ArtifactError: What reading raised, while nothing had changed.
    """
    now = _stamp(folder)
    for _ in range(_ATTEMPTS - 1):
        before = now
        try:
            return read()
        except ArtifactError:
            now = _stamp(folder)
            if now == before:
                raise
    return read()


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file: no link, and nothing that could block.

    Raises:
        OSError: It is none, or cannot be opened.
    """
    optional = ("O_NONBLOCK", "O_BINARY", "O_NOFOLLOW")
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in optional)
    descriptor = os.open(path, flags)
    is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if not is_regular or path.is_symlink():
        os.close(descriptor)
        raise OSError(f"{path.name!r} is not a file of a saved model")
    return open(descriptor, "rb")


def _read(path: Path) -> bytes:
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise OSError(f"{path.name} is larger than any manifest")
        return file.read(MOST_BYTES)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is said twice: readers would not agree which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("says something twice")
    return found


def _digests(data: bytes) -> tuple[str, ...]:
    lines = data.decode("ascii", "replace").split("\n")
    if len(lines) == 1:
        return (lines[0],)
    old_and_new, check = lines[:2], lines[2:]
    return tuple(old_and_new) if check == [_sha256("\n".join(old_and_new).encode())] else ()


def _stamp(folder: Path) -> list[tuple[int, ...] | None]:
    """Return what tells two versions apart without reading them."""
    found: list[tuple[int, ...] | None] = []
    for name in (MANIFEST, DIGEST):
        try:
            there = os.stat(folder / name)
        except OSError:
            found.append(None)
        else:
            found.append((there.st_dev, there.st_ino, there.st_mtime_ns, there.st_size))
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
