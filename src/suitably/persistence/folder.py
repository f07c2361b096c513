"""Artefact folders: arrays, tables and facts as plain files that execute nothing.

Files are .npy (opened as read-only maps), .parquet, .toml and one manifest.json that holds the
sha256 of all others; the manifest's own digest stands beside it in manifest.sha256.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from suitably.errors import ArtifactError

__all__ = ["Reader", "Verify", "Writer"]

Verify = Literal["full", "manifest"]
MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
SCHEMA = 2
_NAME = re.compile(r"[a-z0-9_-]+\.(npy|parquet|toml)")


class Writer:
    """Writes a folder beside its place, and puts it there once everything is in it.

    Args:
        path: Where the folder goes; a saved model that is there is replaced.

    Raises:
        ArtifactError: Something else is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists() and not (path.is_dir() and _replaceable(path)):
            raise ArtifactError(f"{path}: is there, and is not a saved model")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        self._files: dict[str, str] = {}
        self._count = 0

    def array(self, name: str, array: NDArray[Any]) -> str:
        """Write an array; texts go to Parquet, since they have no pickle-free .npy.

        What has been written before under another name is not written again.
        """
        array = np.asarray(array)
        if array.dtype == object:
            return self.table(name, pa.table({"values": pa.array(array.tolist())}))
        file = self._file(name, "npy")
        np.save(self._folder / file, array, allow_pickle=False)
        return self._done(file)

    def table(self, name: str, table: pa.Table) -> str:
        """Write a table."""
        file = self._file(name, "parquet")
        pq.write_table(table, self._folder / file, compression="zstd")
        return self._done(file)

    def text(self, name: str, text: str) -> str:
        """Write a policy."""
        file = self._file(name, "toml")
        (self._folder / file).write_bytes(text.encode("utf-8"))
        return self._done(file)

    def manifest(self, facts: dict[str, Any]) -> None:
        """Write the manifest, last of all, and move the folder to its place."""
        document = {**facts, "schema": SCHEMA, "files": self._files}
        data = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8")
        (self._folder / MANIFEST).write_bytes(data)
        (self._folder / DIGEST).write_bytes(hashlib.sha256(data).hexdigest().encode())
        os.chmod(self._folder, 0o755)
        if self._path.exists():
            old = self._folder.with_name(f"{self._folder.name}-old")
            self._path.rename(old)
            self._folder.rename(self._path)
            shutil.rmtree(old)
        else:
            self._folder.rename(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, name: str, ending: str) -> str:
        stem = re.sub(r"[^a-z0-9_-]+", "-", name.lower())
        file = f"{self._count:03d}-{stem}.{ending}"
        self._count += 1
        self._files[file] = ""
        return file

    def _done(self, file: str) -> str:
        digest = _digest(self._folder / file)
        same = next((other for other, known in self._files.items() if known == digest), None)
        if same is not None:
            (self._folder / file).unlink()
            del self._files[file]
            return same
        self._files[file] = digest
        return file


class Reader:
    """Reads a folder after verifying it.

    Args:
        path: The folder.
        verify: `"full"` checks every byte of every file; `"manifest"` checks the manifest's, and
            that the files are the ones it names.

    Attributes:
        facts: The manifest.

    Raises:
        ArtifactError: Damaged, tampered with, incomplete, or not a saved model.
    """

    def __init__(self, path: Path, verify: Verify) -> None:
        if verify not in ("full", "manifest"):
            raise ValueError(f'verify={verify!r}: must be "full" or "manifest"')
        self._path = path
        self.facts: dict[str, Any] = self._manifest()
        files = self.facts.get("files")
        if self.facts.get("schema") != SCHEMA or not isinstance(files, dict):
            raise ArtifactError(f"{path}: written in another format, this version reads {SCHEMA}")
        there = {entry.name for entry in path.iterdir()} - {MANIFEST, DIGEST}
        if there != set(files):
            odd = sorted(there ^ set(files))[:3]
            raise ArtifactError(f"{path}: files missing or not named in the manifest: {odd}")
        for file, digest in files.items():
            regular = (path / file).is_file() and not (path / file).is_symlink()
            if not _NAME.fullmatch(file) or not regular:
                raise ArtifactError(f"{path}: {file!r} is not a file of a saved model")
            if verify == "full" and _digest(path / file) != digest:
                raise ArtifactError(f"{path / file}: is damaged or has been changed")

    def array(self, file: str) -> NDArray[Any]:
        """Open an array as a read-only map."""
        if file.endswith(".parquet"):
            values = self.table(file)["values"].combine_chunks().to_numpy(zero_copy_only=False)
            return np.asarray(values)
        try:
            array: NDArray[Any] = np.load(self._known(file), mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise ArtifactError(f"{self._path / file}: {error}") from None
        if not isinstance(array, np.ndarray):
            raise ArtifactError(f"{self._path / file}: is not one array")
        return array

    def table(self, file: str) -> pa.Table:
        """Read a table."""
        try:
            return pq.read_table(self._known(file))
        except (pa.ArrowException, OSError) as error:
            raise ArtifactError(f"{self._path / file}: {error}") from None

    def text(self, file: str) -> str:
        """Read a policy."""
        try:
            return self._known(file).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{self._path / file}: {error}") from None

    def _known(self, file: str) -> Path:
        if file not in self.facts["files"]:
            raise ArtifactError(f"{self._path}: {file!r} is not named in the manifest")
        return self._path / file

    def _manifest(self) -> dict[str, Any]:
        try:
            data = (self._path / MANIFEST).read_bytes()
            digest = (self._path / DIGEST).read_bytes()
        except OSError:
            raise ArtifactError(f"{self._path}: has no {MANIFEST} with its {DIGEST}") from None
        if hashlib.sha256(data).hexdigest().encode() != digest:
            raise ArtifactError(f"{self._path / MANIFEST}: is damaged or has been changed")
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{self._path / MANIFEST}: {error}") from None
        if not isinstance(document, dict):
            raise ArtifactError(f"{self._path / MANIFEST}: is not a manifest")
        return document


def _replaceable(path: Path) -> bool:
    return all((path / name).is_file() for name in (MANIFEST, DIGEST)) or not any(path.iterdir())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
