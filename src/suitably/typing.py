"""What public signatures are made of: moments, ids and frames, as callers may give them."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, TypeAlias

import numpy as np
from narwhals.typing import IntoFrame

__all__ = ["AsOf", "FrameKind", "IdLike", "IdsLike", "IntoFrame"]

AsOf: TypeAlias = str | date | np.datetime64
"""A moment: ISO 8601 text, a date (its midnight), a datetime or a timestamp of pandas or NumPy."""

IdLike: TypeAlias = int | str | np.integer[Any]
"""An id of a user or a product: whole numbers or text, of one type throughout."""

IdsLike: TypeAlias = Iterable[Any]
"""Ids: a list, an array, or a column of pandas, polars or PyArrow; never one bare text."""

FrameKind: TypeAlias = Literal["pandas", "polars", "pyarrow"]
"""The kind of frame that answers come in: the caller's own."""
