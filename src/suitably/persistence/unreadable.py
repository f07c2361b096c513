"""Columns without a common type, as a saved model has them: texts, and what is wrong beside them.

The files of a model hold plain types alone, since Arrow hands others to whoever registered them.
"""

from collections.abc import Mapping

import pyarrow as pa

from suitably.data.values import Unreadable

__all__ = ["plain_fields", "with_unreadable"]


def plain_fields(fields: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """Return fields in plain types, and by column what is wrong with those that have none."""
    problems = {}
    for place, field in enumerate(fields.schema):
        if isinstance(field.type, Unreadable):
            problems[field.name] = field.type.problem
            texts = fields[field.name].combine_chunks().cast(pa.string())
            fields = fields.set_column(place, field.name, texts)
    return fields, problems


def with_unreadable(fields: pa.Table, problems: Mapping[str, str]) -> pa.Table:
    """Take back what `plain_fields` gave.

    Raises:
        LookupError: There is no such column.
        ValueError: One that is no text.
    """
    for name, problem in problems.items():
        place = fields.column_names.index(name)
        texts = fields[name].combine_chunks()
        if not isinstance(problem, str) or not pa.types.is_string(texts.type):
            raise ValueError(f"column {name!r} is said to have no common type, and is no text")
        column = pa.ExtensionArray.from_storage(Unreadable(problem), texts)
        fields = fields.set_column(place, name, column)
    return fields
