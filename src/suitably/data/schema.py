"""How the caller's data is read, so that what comes later is read the same way."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from suitably.data.clock import Instants
from suitably.data.columns import Columns
from suitably.data.dataset import View
from suitably.data.interactions import Events

__all__ = ["DataSchema"]


@dataclass(frozen=True)
class DataSchema:
    """What is remembered of a dataset besides its facts.

    Attributes:
        columns: How the caller's columns are called.
        owned_events: The kinds of event that mean ownership, None for all.
        framed: Whether there is a frame of users, and one of products.
        user_times: From when each user's row holds; None where users have no versions.
        product_times: Likewise for products.
        blank: No interaction, in the columns that interactions have.
    """

    columns: Columns
    owned_events: tuple[str, ...] | None
    framed: tuple[bool, bool]
    user_times: Instants | None
    product_times: Instants | None
    blank: Events

    @staticmethod
    def of(view: View) -> "DataSchema":
        """Take it from a view."""
        return DataSchema(
            columns=view.columns,
            owned_events=view.owned_events,
            framed=view.framed,
            user_times=view.user_times,
            product_times=view.product_times,
            blank=view.events.take(np.zeros(0, np.int64)),
        )

    def facts(self) -> dict[str, Any]:
        """Return what is not an array, for the manifest of a saved pipeline."""
        blank = self.blank
        names = ("times", "recorded", "values", "kinds")
        return {
            "columns": asdict(self.columns),
            "owned_events": None if self.owned_events is None else list(self.owned_events),
            "framed": list(self.framed),
            "roles": [name for name in names if getattr(blank, name) is not None],
            "kind_names": list(blank.kind_names),
        }

    @staticmethod
    def from_facts(
        facts: dict[str, Any], user_times: Instants | None, product_times: Instants | None
    ) -> "DataSchema":
        """Take back what `facts` gave, with the two arrays."""
        kinds = {
            "times": np.zeros(0, "datetime64[us]"),
            "recorded": np.zeros(0, "datetime64[us]"),
            "values": np.zeros(0),
            "kinds": np.zeros(0, np.int32),
        }
        none = np.zeros(0, np.int32)
        roles = {name: kinds[name] for name in facts["roles"]}
        owned, framed = facts["owned_events"], facts["framed"]
        return DataSchema(
            columns=Columns(**facts["columns"]),
            owned_events=None if owned is None else tuple(owned),
            framed=(bool(framed[0]), bool(framed[1])),
            user_times=user_times,
            product_times=product_times,
            blank=Events(none, none, **roles, kind_names=tuple(facts["kind_names"])),
        )
