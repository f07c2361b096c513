"""Keys of a trail, under which its pseudonyms are; kept beside it unless the caller keeps them."""

import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from suitably.errors import ArtifactError
from suitably.utils.pseudonym import checked_key

__all__ = ["KeyRing", "key_id", "key_path"]


def key_id(key: bytes) -> str:
    """Return what tells keys apart and says nothing of them: 16 hexadecimal digits."""
    return hmac.digest(key, b"suitably audit key", "sha256").hex()[:16]


def key_path(path: Path) -> Path:
    """Return where the keys of a trail are kept."""
    return path.with_name(f"{path.name}.key")


class KeyRing:
    """The keys of a trail; the present one is the last, unless its trail says another.

    Args:
        keys: The caller's, as bytes or text; None: those in the file.
        file: Where they are kept otherwise, one a line in hexadecimal digits, for its owner alone.

    Raises:
        ArtifactError: The file holds something else.
        ValueError: A key of fewer than 16 bytes.
    """

    def __init__(self, keys: Sequence[bytes | str] | None, file: Path) -> None:
        self._file = file if keys is None else None
        self._keys = _read(file) if keys is None else [checked_key(key) for key in keys]
        self._size = self._written()
        self.current = self._keys[-1]
        """The key of new records."""

    @property
    def all(self) -> tuple[bytes, ...]:
        """All of them, the oldest first."""
        return tuple(self._keys)

    def of(self, name: str) -> bytes | None:
        """Return the key of some records, None where it is not here."""
        found = next((key for key in self._keys if key_id(key) == name), None)
        if found is None and self._file is not None:  # another process may have added it
            self._keys = _read(self._file)
            found = next((key for key in self._keys if key_id(key) == name), None)
        return found

    def present(self) -> bytes:
        """Return the key of new records, also where another process has added it meanwhile."""
        size = self._written()
        if self._file is not None and size != self._size:
            self._size, self._keys = size, _read(self._file)
            self.current = self._keys[-1]
        return self.current

    def _written(self) -> int:
        try:
            return 0 if self._file is None else self._file.stat().st_size
        except FileNotFoundError:  # it is held here still, and decisions must go on
            return self._size

    def use(self, name: str) -> bool:
        """Make one of them the present one; return whether it is here."""
        found = self.of(name)
        self.current = self.current if found is None else found
        return found is not None

    def add(self, key: bytes | str | None) -> None:
        """Make another key the present one; None: one at random, where they are kept in a file.

        Several processes may do so at once: each adds a line to the file.

        Raises:
            ValueError: None, where the caller keeps the keys; or one that has been used.
        """
        if key is None and self._file is None:
            raise ValueError("key: give the new one, since the trail was opened with a key")
        fresh = secrets.token_bytes(32) if key is None else checked_key(key)
        if fresh in self._keys:
            raise ValueError("key: has been used in this trail")
        if self._file is not None:
            _add_line(self._file, f"{fresh.hex()}\n".encode("ascii"))
            self._size = self._written()
        self._keys.append(fresh)
        self.current = fresh


def _read(file: Path) -> list[bytes]:
    """Read the file, or make it; of two processes at once one makes it."""
    if not file.exists():
        partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        _write(partial, secrets.token_bytes(32))
        try:
            os.link(partial, file)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    try:
        keys = [bytes.fromhex(line) for line in file.read_text(encoding="ascii").split()]
        if not keys:
            raise ValueError("it is empty")
        return [checked_key(key) for key in keys]
    except ValueError as error:
        raise ArtifactError(f"{file}: holds no keys of an audit trail: {error}") from None


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(f"{key.hex()}\n")
        out.flush()
        os.fsync(descriptor)


def _add_line(path: Path, line: bytes) -> None:
    """Add a line at once, which another process that does so too cannot come between."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(f"{path}: the new key could not be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
