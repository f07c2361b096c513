"""The pointer of a folder of versions: which of them is the current one, replaced at once.

`current` is a symbolic link to a folder beside it. Where the file system has no links it is a file
that holds the name, and one that is there already stays one.
"""

import os
import re
import stat
from errno import EACCES, ENOSYS, ENOTSUP, EPERM
from pathlib import Path

from suitably.errors import ArtifactError
from suitably.persistence.folder import open_regular
from suitably.utils.files import partial_beside, replace_synced, sync_folder

__all__ = ["CURRENT", "check_version_name", "is_version_name", "read_current", "write_current"]

CURRENT = "current"
"""What the pointer is called."""

_NAME = re.compile(r"\w[\w.:+-]{0,127}")
_MOST_BYTES = 1024
_NO_LINKS = (EACCES, ENOSYS, ENOTSUP, EPERM)


def is_version_name(name: object) -> bool:
    """Return whether a version may be called so: one part of a path, not hidden, not `current`.

    Example:
        >>> [is_version_name(name) for name in ("2026-06-01", "../old", ".old", "current", "a/b")]
        [True, False, False, False, False]
    """
    named = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return named and str(name).lower() != CURRENT  # where file systems do not tell case apart


def check_version_name(name: object) -> str:
    """Return the name of a version.

    Raises:
        ArtifactError: No version may be called so.
    """
    if not isinstance(name, str) or not is_version_name(name):
        raise ArtifactError(
            f"{name!r:.60} is no name of a version: letters, digits and -_.:+ with a letter or "
            f"digit first, such as 2026-06-01"
        )
    return name


def read_current(folder: Path) -> str | None:
    """Return the name that the pointer holds; None where there is no pointer.

    Raises:
        ArtifactError: There is no such folder, or the pointer is none, or leads out of the folder.
    """
    place = folder / CURRENT
    try:
        mode = os.lstat(place).st_mode
        if stat.S_ISLNK(mode):
            name = os.readlink(place).removeprefix("./").rstrip("/")
        elif stat.S_ISREG(mode):
            with open_regular(place) as file:
                name = file.read(_MOST_BYTES).decode("utf-8").strip()
        else:
            raise ArtifactError(f"{place}: is neither a link nor a file with the name of a version")
    except (FileNotFoundError, NotADirectoryError):
        if not folder.is_dir():
            raise ArtifactError(f"{folder}: no such folder") from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{place}: cannot be read: {error}") from None
    if not is_version_name(name):
        raise ArtifactError(f"{place}: holds {name!r:.60}, which is no version of this folder")
    return name


def write_current(folder: Path, name: str) -> None:
    """Let the pointer hold another name, at once; when this returns, it outlasts a loss of power.

    Raises:
        ArtifactError: Something that is no pointer is in its place.
        OSError: It is as it was.
    """
    place = folder / CURRENT
    if place.is_dir() and not place.is_symlink():
        raise ArtifactError(f"{place}: is a folder, and would have to be a link to a version")
    if not place.is_symlink() and place.is_file():
        _write_text(place, name)
        return
    partial = partial_beside(place)
    try:
        os.symlink(name, partial, target_is_directory=True)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _write_text(place, name)
        return
    try:
        os.replace(partial, place)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(folder)


def _write_text(place: Path, name: str) -> None:
    replace_synced(place, f"{name}\n".encode())
