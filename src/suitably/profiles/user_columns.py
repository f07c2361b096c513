"""Columns of the users frame, as builders read them."""

import pyarrow as pa

from suitably.data import View
from suitably.data.values import readable
from suitably.errors import DataError

__all__ = ["user_column"]


def user_column(view: View, name: str, owner: object) -> pa.Array:
    """Return a column as it stands in a view, a value per user.

    Args:
        view: The view.
        name: Of the column.
        owner: The builder that reads it, for the message.

    Raises:
        DataError: There is none, or its values have no common type.
    """
    fields = view.user_fields
    if name not in fields.column_names:
        raise DataError(
            f"users: no column {name!r} for {type(owner).__name__}; it has {fields.column_names}"
        )
    return readable(fields[name].combine_chunks(), f"users.{name}")
