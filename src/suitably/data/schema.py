"""Data schemas: how the caller's frames are read, so that what comes later is read the same way."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from suitably.data.columns import Columns
from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.data.view import View

__all__ = ["DataSchema"]


@dataclass(frozen=True)
class DataSchema:
    """What is remembered of a dataset besides its users and products.

    Attributes:
        columns: How the caller's columns are called.
        kinds: What the kinds of event mean.
        blank: No interaction, in the columns that all later interactions have too; quantities,
            ids and impressions, which a row may be without, are in none of them.
    """

    columns: Columns
    kinds: EventKinds
    blank: Events

    @staticmethod
    def of(view: View) -> "DataSchema":
        """Take it from a view."""
        none = view.events.take(np.zeros(0, np.int64))
        varies = (
            "quantities",
            "propensities",
            "slates",
            "positions",
            "ids",
            "id_values",
            "rows",
            "places",
            "extra",
        )
        nothing: dict[str, Any] = dict.fromkeys(varies)
        blank = replace(none, **nothing)
        return DataSchema(view.columns, view.kinds, blank)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        blank = self.blank
        names = ("times", "recorded", "values", "kinds")
        return {
            "columns": asdict(self.columns),
            "events": self.kinds.to_dict(),
            "roles": [name for name in names if getattr(blank, name) is not None],
            "kind_names": list(blank.kind_names),
        }

    @staticmethod
    def from_dict(facts: dict[str, Any]) -> "DataSchema":
        """Take back what `to_dict` gave."""
        kinds = {
            "times": np.zeros(0, "datetime64[us]"),
            "recorded": np.zeros(0, "datetime64[us]"),
            "values": np.zeros(0),
            "kinds": np.zeros(0, np.int32),
        }
        none = np.zeros(0, np.int32)
        roles = {name: kinds[name] for name in facts["roles"]}
        return DataSchema(
            columns=Columns(**facts["columns"]),
            kinds=EventKinds.from_dict(facts["events"]),
            blank=Events(none, none, **roles, kind_names=tuple(facts["kind_names"])),
        )
