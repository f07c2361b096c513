"""What a hybrid reads of a fit: fields of users, and the moment."""

import pyarrow as pa

from suitably.ranking.hybrid.feature_columns import Now
from suitably.ranking.protocol import FitContext

__all__ = ["now_of", "user_fields"]


def user_fields(context: FitContext) -> pa.Table:
    """Put profile fields before the frame's columns of other names."""
    fields = context.data.user_fields
    rest = [name for name in fields.column_names if name not in context.profiles.column_names]
    if not context.profiles.num_columns:
        return fields
    table = context.profiles
    for name in rest:
        table = table.append_column(name, fields[name])
    return table


def now_of(context: FitContext) -> Now | None:
    """Return the moment that dates count back from, None in data without timestamps."""
    return None if context.as_of is None else Now(context.as_of, context.data.clock)
