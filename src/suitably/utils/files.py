"""Files that are replaced only once what replaces them is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suitably.errors import DataError

__all__ = ["file_stamp", "replacing"]


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
