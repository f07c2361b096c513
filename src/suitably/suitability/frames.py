"""Policies on frames, without a pipeline."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from suitably.data.clock import Clock
from suitably.data.columns import Columns
from suitably.data.entities import Entities
from suitably.data.frames import read_frame
from suitably.data.validation import Quarantine, TableValidator
from suitably.data.versions import read_versions
from suitably.errors import DataError
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.language.document import PolicyDocument
from suitably.typing import AsOf, IntoFrame

__all__ = ["evaluate_frames"]

_END_OF_TIME = np.datetime64("9999-12-31T23:59:59.999999", "us")


def evaluate_frames(
    policies: Sequence[PolicyDocument],
    users: IntoFrame,
    products: IntoFrame,
    as_of: AsOf,
    columns: Columns,
) -> Eligibility:
    """Bind policies to frames as of a moment; see `Policy.evaluate`."""
    user_table, kind = read_frame(users, "users")
    product_table, _ = read_frame(products, "products")
    clock = _clock((user_table, product_table), as_of)
    moment = clock.instant(as_of)
    sides = []
    for table, name, id_column, time_role in (
        (user_table, "users", columns.user, "user_timestamp"),
        (product_table, "products", columns.product, "product_timestamp"),
    ):
        time = columns.optional(time_role, table.column_names, name)
        inspection = TableValidator(name, table, "raise", Quarantine())
        versions, zone = read_versions(inspection, id_column, time, _END_OF_TIME)
        if time and (zone is None) != (clock.zone is None):
            raise DataError(f"{name}.{time} and as_of differ in time-zone awareness")
        sides.append(Entities.visible(name, versions, moment, columns))
    people, catalogue = sides[0], sides[1].only_listed()
    return Eligibility(policies, people, catalogue, moment, clock, kind)


def _clock(tables: Sequence[pa.Table], as_of: AsOf) -> Clock:
    """Take the convention of the first aware column, else of `as_of` itself."""
    for table in tables:
        for field in table.schema:
            if pa.types.is_timestamp(field.type) and field.type.tz is not None:
                return Clock(field.type.tz)
    aware = getattr(as_of, "tzinfo", None) is not None
    if isinstance(as_of, str):
        aware = len(as_of) > 10 and (as_of.endswith("Z") or "+" in as_of[10:] or "-" in as_of[10:])
    return Clock("UTC" if aware else None)
