"""The same lists for more users than one frame holds: from Spark, from Dask, from file to file.

`spark.recommend` and `dask.recommend` take and give a frame of the engine. Only the model's path
and a few arguments travel to the workers; each process reads the saved model once.
`files.recommend` reads users from a file and writes their lists to another, in batches.
`spark.profiles` and `files.profiles` make the fields of profiles, all rows of a user together;
`spark.fit` fits a pipeline where the log is too large for one process.
"""

from importlib import import_module
from typing import Any

__all__ = ["dask", "files", "spark"]  # imported when asked for, as the rooms are


def __getattr__(name: str) -> Any:
    """Import an engine when it is first asked for (PEP 562)."""
    if name in __all__:
        return import_module(f"suitably.engines.{name}")
    raise AttributeError(f"module 'suitably.engines' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
