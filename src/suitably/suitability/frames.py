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
    inspected = []
    zones: dict[str, str | None] = {}
    for table, name, id_column, time_role in (
        (user_table, "users", columns.user, "user_timestamp"),
        (product_table, "products", columns.product, "product_timestamp"),
    ):
        time = columns.optional(time_role, table.column_names, name)
        inspection = TableValidator(name, table, "raise", Quarantine())
        versions, zone = read_versions(inspection, id_column, time, _END_OF_TIME)
        inspected.append((name, versions))
        zones |= {f"{name}.{time}": zone} if time else {}
    clock = _clock(zones, (user_table, product_table), as_of)
    moment = clock.instant(as_of)
    sides = [Entities.visible(name, versions, moment, columns) for name, versions in inspected]
    people, catalogue = sides[0], sides[1].only_listed()
    return Eligibility(policies, people, catalogue, moment, clock, kind)


def _clock(zones: dict[str, str | None], tables: Sequence[pa.Table], as_of: AsOf) -> Clock:
    """Return the convention of `as_of`; for a bare date, of the timestamps, else of the fields."""
    asked, held = Clock.of_moment(as_of), Clock.of_columns(zones)
    if asked is not None:
        for column, zone in zones.items():
            if (zone is None) != (asked.zone is None):
                raise DataError(f"{column} and as_of={as_of!s} differ in time-zone awareness")
        return asked
    if zones:
        return held
    kinds = {field.type for table in tables for field in table.schema}
    aware = [kind for kind in kinds if pa.types.is_timestamp(kind) and kind.tz is not None]
    return Clock.of_columns({str(kind): kind.tz for kind in aware})
