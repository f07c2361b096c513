"""A builder used alone: its fields as a frame with the users' ids."""

from typing import Any

import pandas as pd

from suitably.data import Dataset
from suitably.data.frames import write_frame
from suitably.errors import NotFittedError
from suitably.profiles.protocol import Builder, Provenance

__all__ = ["fitted_moment", "profile_frame", "provenance_of"]


def fitted_moment(data: Dataset, as_of: Any) -> pd.Timestamp | None:
    """Read the moment of a fit in the data's convention; None in data without timestamps."""
    moment = data.moment(as_of)
    return None if moment is None else data.clock.stamp(moment)


def profile_frame(builder: Builder[Any], data: Dataset, as_of: Any) -> Any:
    """Return a row per user, as of a moment or, for None, the builder's fitted one.

    Raises:
        NotFittedError: The builder was not fitted.
    """
    if not hasattr(builder, "as_of_"):
        raise NotFittedError(f"{type(builder).__name__}: call fit(data, as_of) before transform")
    view = data.view(builder.as_of_ if as_of is None else as_of)
    table = builder.finalise(builder.accumulate(view), view.as_of)
    return write_frame(table.add_column(0, "user_id", view.users.ids.array), data.kind)


def provenance_of(builder: Builder[Any], field: str, provenance: Provenance) -> Provenance:
    """Return the provenance of a field that the builder makes.

    Raises:
        ValueError: It does not make that field.
    """
    if field not in builder.fields:
        name = type(builder).__name__
        raise ValueError(f"field={field!r}: {name} makes {', '.join(builder.fields)}")
    return provenance
