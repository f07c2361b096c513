"""Data files of the command line: CSV or Parquet, by the ending of the name."""

from pathlib import Path
from typing import Any

from suitably.errors import SuitablyError

__all__ = ["read_data_file"]


def read_data_file(path: Path) -> Any:
    """Return what is in a file, as a PyArrow table.

    Raises:
        SuitablyError: It cannot be read as what its name says.
    """
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    try:
        return csv.read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
    except pa.ArrowException as error:
        raise SuitablyError(f"{path}: cannot be read: {error}") from None
