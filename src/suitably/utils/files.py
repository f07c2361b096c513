"""Files that are replaced only once what replaces them is whole, and locks that die with us."""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOTSUP
from pathlib import Path
from typing import Any

from suitably.errors import DataError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: no locks; one writer at a time is up to users
    fcntl = None

__all__ = [
    "clear_partials",
    "file_stamp",
    "locked",
    "partial_beside",
    "replace_synced",
    "replacing",
    "sync",
]
__all__ += ["replacing", "sync", "sync_folder"]

_TOKEN = re.compile("[0-9a-f]{16}")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a place beside a file that replaces it once all is well.

    Raises:
        DataError: There is no such folder.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     target = Path(folder, "lists.csv")
        ...     with replacing(target) as partial:
        ...         _ = partial.write_text("user_id")
        ...         before = target.exists()
        ...     (before, target.exists(), partial.exists())
        (False, True, False)
    """
    if not target.parent.is_dir():
        raise DataError(f"{target.parent}: no such folder")
    partial = target.with_name(f".{target.name}.partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def file_stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Return what tells a file from the one before at its place; None where there is none."""
    try:
        found = None if path is None else os.stat(path)
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def partial_beside(target: Path) -> Path:
    """Return a new name for what is to replace a file; see `clear_partials`."""
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}")


def replace_synced(target: Path, octets: bytes, later_than: int = 0) -> None:
    """Replace a small file at once; when this returns, it outlasts a loss of power.

    Args:
        target: The file.
        octets: What it holds from now on.
        later_than: A time of change, in nanoseconds, that the file's is to be above whatever the
            clock says, so that whoever looks at times alone sees that it has changed.

    Raises:
        OSError: The file is as it was.
    """
    partial = partial_beside(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(partial, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as out:
            with suppress(FileNotFoundError):  # who may read it stays as it is
                partial.chmod(stat.S_IMODE(target.stat().st_mode))
            out.write(octets)
            out.flush()
            if os.fstat(descriptor).st_mtime_ns <= later_than:
                os.utime(partial, ns=(later_than + 1_000, later_than + 1_000))
            os.fsync(descriptor)
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def clear_partials(target: Path) -> None:
    """Delete what writers of a file have left that were ended half-way.

    To be called by the only writer that there is.
    """
    start = f".{target.name}."
    for name in os.listdir(target.parent):
        if name.startswith(start) and _TOKEN.fullmatch(name.removeprefix(start)):
            with suppress(OSError):
                os.unlink(target.parent / name)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int | None) -> None:
    """Sync a folder by its descriptor, where the file system can; None: nothing is done."""
    if descriptor is None:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (EINVAL, ENOTSUP):
            raise


@contextmanager
def locked(path: Path, wait: bool = True, folder: bool = False) -> Iterator[None]:
    """Hold a lock, which the system releases whatever ends this process.

    Args:
        path: A file, which is made where it is absent, and stays.
        wait: Whether to wait for whoever holds it.
        folder: Whether it is a folder instead, which must be there and is locked itself.

    Raises:
        BlockingIOError: Another holds it, and `wait` is false.
        OSError: It cannot be opened.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, locked(Path(folder), folder=True):
        ...     with locked(Path(folder), wait=False, folder=True):
        ...         pass
        Traceback (most recent call last):
        BlockingIOError: ...
    """
    if fcntl is None:
        yield
        return
    flags = os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError as error:  # some network file systems have no locks
            if error.errno not in (EINVAL, ENOTSUP):
                raise
        yield
    finally:
        # Said, since a process forked meanwhile holds the descriptor too.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
