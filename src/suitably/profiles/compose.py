"""Several builders at once: one row of fields per user, every field made by one of them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from suitably.data import Dataset, View
from suitably.data.frames import write_frame
from suitably.errors import DataError, NotFittedError
from suitably.typing import AsOf

__all__ = ["build", "field_table", "fields_of", "fit_missing"]


def build(builders: Sequence[Any], data: Dataset, as_of: AsOf | None = None) -> Any:
    """Fit builders and return what they make: a row per user.

    Args:
        builders: They are fitted here.
        data: The data.
        as_of: The moment; default: just after the latest timestamp.

    Returns:
        `user_id` and the fields of every builder, in order, as the caller's kind of frame.

    Raises:
        DataError: Two builders make the same field, or the data lacks what one reads.
        ValueError: A parameter of a builder is out of range.

    Example:
        >>> import pyarrow as pa
        >>> from suitably.profiles import RecencyFrequencyValue, RiskAppetite
        >>> users = pa.table({"user_id": [1, 2], "risk_level": ["C1", None]})
        >>> log = pa.table({"user_id": [1, 1], "product_id": ["a", "b"]})
        >>> builders = [RecencyFrequencyValue(), RiskAppetite(date=None, valid_months=None)]
        >>> found = build(builders, Dataset(users, None, log))
        >>> found.select(["frequency", "risk_level"]).to_pylist()
        [{'frequency': 2, 'risk_level': 'C1'}, {'frequency': 0, 'risk_level': None}]
    """
    for builder in builders:
        if hasattr(builder, "fit"):
            builder.fit(data, as_of)
    return write_frame(field_table(builders, data.view(as_of)), data.kind)


def fit_missing(builders: Sequence[Any], data: Dataset, as_of: AsOf | None) -> None:
    """Fit those builders that have not been fitted."""
    for builder in builders:
        if hasattr(builder, "fit") and not hasattr(builder, "as_of_"):
            builder.fit(data, as_of)


def field_table(builders: Sequence[Any], view: View) -> pa.Table:
    """Return `user_id` and what fitted builders make of a view.

    Raises:
        DataError: Two builders make the same field.
        NotFittedError: A builder that learns something has not been fitted.
    """
    for builder in builders:
        lacking = [name for name in getattr(builder, "learned", ()) if not hasattr(builder, name)]
        if lacking:
            raise NotFittedError(f"{type(builder).__name__}: learns from the data; fit it first")
    tables = [builder.finalise(builder.accumulate(view), view.as_of) for builder in builders]
    fields = fields_of(builders, tables, len(view.users))
    return pa.table({"user_id": view.users.ids.array, **fields})


def fields_of(
    builders: Sequence[Any], tables: Sequence[pa.Table], users: int
) -> dict[str, pa.Array]:
    """Return the fields of several builders by name, each a value per user.

    Raises:
        DataError: Two builders make the same field, or one gave another number of rows.
    """
    made: dict[str, str] = {}
    found: dict[str, pa.Array] = {}
    for builder, table in zip(builders, tables, strict=True):
        name = type(builder).__name__
        if table.num_rows != users:
            raise DataError(f"{name}: gave {table.num_rows} rows for {users} users")
        for field in table.column_names:
            if field in found:
                raise DataError(
                    f"profile field {field!r} is made by two builders, {made[field]} and {name}: "
                    f"leave one of them out"
                )
            made[field], found[field] = name, table[field].combine_chunks()
    return found
