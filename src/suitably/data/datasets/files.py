"""Files of published data sets: where they lie, and what to say when one is missing."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

import pandas as pd

from suitably.errors import DataError

__all__ = ["DatasetFiles", "PathLike"]

PathLike = str | os.PathLike[str]
_VARIABLE = "SUITABLY_DATA"


@dataclass(frozen=True)
class DatasetFiles:
    """A published data set, read where it lies and never copied.

    Attributes:
        folder: Name of its folder.
        title: What it is, for messages.
        origin: Where it is published.
    """

    folder: str
    title: str
    origin: str

    def locate(self, path: PathLike | None) -> Path:
        """Find the folder of the files.

        Args:
            path: That folder or its parent; None: the environment variable SUITABLY_DATA.

        Raises:
            DataError: No such folder, or neither a path nor the variable given.
        """
        given = os.environ.get(_VARIABLE) if path is None else path
        if not given:
            raise DataError(
                f"{self.title}: give the path of the folder {self.folder!r}, or set {_VARIABLE} to "
                f"its parent; the data set is published at {self.origin}"
            )
        if not isinstance(given, str | os.PathLike):
            raise DataError(f"{self.title}: path={given!r} is not a path")
        root = Path(given).expanduser()
        folder = root / self.folder if (root / self.folder).is_dir() else root
        if not folder.is_dir():
            raise DataError(f"{self.title}: no folder {str(root)!r}; {self._advice()}")
        return folder

    def file(self, folder: Path, name: str) -> Path:
        """Return the path of one file.

        Raises:
            DataError: It is not there.
        """
        if not (folder / name).is_file():
            raise DataError(f"{self.title}: no file {name!r} in {str(folder)!r}; {self._advice()}")
        return folder / name

    def read(self, folder: Path, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a CSV file, xz-compressed or plain.

        Args:
            folder: As `locate` gave it.
            name: Name of the file.
            columns: The columns to read; None: all.

        Raises:
            DataError: The file is missing, damaged, or lacks a column.
        """
        path = self.file(folder, name)
        try:
            frame = pd.read_csv(path, low_memory=False)
        except (ValueError, OSError, EOFError, LZMAError) as error:
            raise DataError(f"{self.title}: {str(path)!r} cannot be read: {error}") from None
        wanted = list(frame.columns if columns is None else columns)
        missing = sorted(set(wanted) - set(frame.columns))
        if missing:
            raise DataError(
                f"{self.title}: {str(path)!r} has no column {missing}; "
                f"it has {list(frame.columns)[:20]}"
            )
        return frame[wanted]

    def _advice(self) -> str:
        return (
            f"the data set is published at {self.origin}; put its files there, or give the folder "
            f"that holds them, or set {_VARIABLE} to the parent of {self.folder!r}"
        )
