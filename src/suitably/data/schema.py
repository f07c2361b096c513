"""Data schemas: how the caller's frames are read, so that what comes later is read the same way."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from suitably.data.columns import Columns
from suitably.data.interactions import Events
from suitably.data.view import View

__all__ = ["DataSchema"]


@dataclass(frozen=True)
class DataSchema:
    """What is remembered of a dataset besides its users and products.

    Attributes:
        columns: How the caller's columns are called.
        owned_events: The kinds of event that mean ownership, None for all.
        blank: No interaction, in the columns that interactions have.
    """

    columns: Columns
    owned_events: tuple[str, ...] | None
    blank: Events

    @staticmethod
    def of(view: View) -> "DataSchema":
        """Take it from a view."""
        blank = view.events.take(np.zeros(0, np.int64))
        return DataSchema(view.columns, view.owned_events, blank)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        blank = self.blank
        names = ("times", "recorded", "values", "kinds")
        return {
            "columns": asdict(self.columns),
            "owned_events": None if self.owned_events is None else list(self.owned_events),
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
        owned = facts["owned_events"]
        return DataSchema(
            columns=Columns(**facts["columns"]),
            owned_events=None if owned is None else tuple(owned),
            blank=Events(none, none, **roles, kind_names=tuple(facts["kind_names"])),
        )
