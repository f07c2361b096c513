"""Probe: bins and kinds of event, from a fitted pipeline as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suitably.data.columns import Columns
from suitably.errors import DataError
from suitably.monitoring.bins import Bins, field_bins, number_bins
from suitably.pipeline.generate import ListGenerator
from suitably.pipeline.pipeline import Pipeline
from suitably.suitability.language.nodes import column_name

__all__ = ["Probe", "probe"]

_USERS = 2000
_K = 10


@dataclass(frozen=True)
class Probe:
    """What a monitor takes from a pipeline.

    Attributes:
        kind: The kind of frame that answers come in.
        columns: How the caller's columns are called.
        score_bins: Of the scores that are listed.
        field_bins: Of the users' fields that are watched.
        rejected: The kinds of event by which a product is turned down.
    """

    kind: str
    columns: Columns
    score_bins: Bins
    field_bins: dict[str, Bins]
    rejected: tuple[str, ...]


def probe(pipeline: Pipeline, fields: Sequence[str] | None) -> Probe:
    """Ask a pipeline about up to 2,000 of its users, evenly spread; nothing is recorded.

    Args:
        pipeline: Fitted.
        fields: Which fields; None: those that policies read, and those of profiles.

    Raises:
        DataError: Users have no such field.
    """
    users = pipeline.user_ids
    count = min(len(users), _USERS)
    some = np.unique(np.linspace(0, max(len(users) - 1, 0), count).astype(np.int64))
    made = pipeline.with_audit(None).recommend(users[some], k=_K)
    table = made.generator.snapshot.fields
    names = _watched(made.generator) if fields is None else list(fields)
    missing = [name for name in names if name not in table.column_names]
    if fields is not None and missing:
        raise DataError(f"fields: users have no field {missing[0]!r}")
    found = {name: field_bins(table[name]) for name in names if name not in missing}
    schema = made.generator.state.schema
    return Probe(
        kind=made.generator.state.kind,
        columns=schema.columns,
        score_bins=number_bins(made.lists.scores[made.lists.filled]),
        field_bins={name: bins for name, bins in found.items() if bins is not None},
        rejected=schema.kinds.rejected,
    )


def _watched(generator: ListGenerator) -> list[str]:
    policies = generator.snapshot.eligibility.policies
    read = [field for policy in policies for field in policy.reads if field.side == "user"]
    profiles = generator.snapshot.profiles.column_names
    return list(dict.fromkeys([*(column_name(field.name) for field in read), *profiles]))
