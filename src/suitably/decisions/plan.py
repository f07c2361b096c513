"""Plans: the offers to make, what the limits cost, and why an offer is not among them."""

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.frames import write_frame
from suitably.decisions.allocation import Constraints
from suitably.decisions.limits import Limits
from suitably.decisions.nets import OfferNets
from suitably.decisions.plan_page import plan_sections
from suitably.decisions.planned import Planned
from suitably.decisions.prices import price_table
from suitably.decisions.universe import Universe
from suitably.decisions.why_not import why_not
from suitably.pipeline import Pipeline
from suitably.report import Report
from suitably.suitability.verdicts import RuleVerdict
from suitably.typing import IdLike

__all__ = ["Plan"]

_WRITERS = ("parquet", "csv")


class Plan:
    """The offers that a campaign makes, and what it knows of those that it does not make.

    Made by `Campaign.plan`. It stands for the moment it was made as of, whatever becomes of the
    pipeline since.

    Attributes:
        universe: The users considered.
        limits: The limits, with their names.
        planned: The offers as arrays.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        universe: Universe,
        nets: OfferNets,
        limits: Limits,
        constraints: Constraints,
        planned: Planned,
    ) -> None:
        self.pipeline = pipeline
        self.universe = universe
        self.nets = nets
        self.limits = limits
        self.constraints = constraints
        self.planned = planned

    def __len__(self) -> int:
        return len(self.planned)

    @property
    def net(self) -> float:
        """What the plan is expected to earn: the sum of nets."""
        return float(self.planned.net.sum())

    @property
    def bound(self) -> float:
        """An upper bound on what any plan within the limits could earn."""
        return max(self.planned.allocation.bound, self.net)

    @property
    def gap(self) -> float:
        """How far from the bound the plan is: (bound − net) / bound, 0 where nothing can be earned.

        Where minimums force a loss, so that the bound is below 0, it is in parts of that loss.
        """
        return (self.bound - self.net) / abs(self.bound) if self.bound else 0.0

    @property
    def as_of(self) -> Any:
        """The moment; None in data without timestamps."""
        return self.universe.eligibility.moment

    @cached_property
    def _table(self) -> pa.Table:
        planned, universe = self.planned, self.universe
        return pa.table(
            {
                "user_id": universe.user_ids(universe.rows[planned.users]),
                "product_id": universe.product_ids(planned.offers),
                "channel": universe.channel_names(planned.offers),
                "probability": planned.probability,
                "value": universe.values[planned.offers // universe.several],
                "cost": universe.costs[planned.offers],
                "net": planned.net,
            }
        )

    def to_arrow(self) -> pa.Table:
        """Return the same as `to_frame` as an Arrow table."""
        return self._table

    def to_frame(self) -> Any:
        """Return a row per offer, by user: whom to approach with what, and what it may bring.

        Returns:
            A frame of the caller's kind: `user_id`, `product_id`, `channel`, `probability` (of a
            purchase, after the channel's response), `value`, `cost` and `net` (float64).
        """
        return write_frame(self._table, self.universe.eligibility.kind)

    def holdout(self) -> Any:
        """Return who is kept aside: a frame with `user_id`, of those who could have been planned.

        Who it is depends on the campaign's salt and the id alone.
        """
        held = np.sort(self.universe.held)
        table = pa.table({"user_id": self.universe.user_ids(held)})
        return write_frame(table, self.universe.eligibility.kind)

    def prices(self) -> Any:
        """Return what the limits cost.

        Returns:
            A frame: `constraint` (`budget`, `capacity of …`, or the product and channel of a
            limit, with `at least` or `at most`), `limit`, `used`, and `price`: what one more unit
            of the limit would earn; below 0 for a minimum that costs.
        """
        table = price_table(self.limits, self.constraints, self.planned.allocation)
        return write_frame(table, self.universe.eligibility.kind)

    def why_not(self, user_id: IdLike, product_id: IdLike, channel: str) -> list[RuleVerdict]:
        """Return what speaks for and against an offer to a user.

        The rules come first: every verdict of the pipeline's policies, then of the contact policy.
        Then whether the product is owned, turned down or unscored, whether the user was considered,
        has agreed to marketing or is held out, whether a probability is known, and last which
        limits priced the offer out. An offer that is planned has passes alone.

        Raises:
            DataError: A product that is not in the catalogue, or an unknown channel.
        """
        return why_not(self, user_id, product_id, channel)

    def to_dict(self) -> dict[str, Any]:
        """Return a summary, JSON-ready and without ids of users."""
        prices = price_table(self.limits, self.constraints, self.planned.allocation)
        return {
            "as_of": None if self.as_of is None else str(self.as_of),
            "considered": len(self.universe.rows),
            "held_out": len(self.universe.held),
            "users": len(np.unique(self.planned.users)),
            "offers": len(self.planned),
            "cost": float(self.universe.costs[self.planned.offers].sum()),
            "net": self.net,
            "bound": self.bound,
            "gap": self.gap,
            "prices": prices.to_pylist(),
        }

    def to_html(self, path: str | PathLike[str], title: str = "Campaign") -> None:
        """Write the plan as a page of sums by channel and product; no user appears on it."""
        report = Report(title)
        for heading, blocks in plan_sections(self):
            report.section(heading, *blocks)
        report.write(path)

    def export(self, path: str | PathLike[str]) -> None:
        """Write the rows of `to_frame` for whatever sends them.

        Args:
            path: A file that ends in `.parquet` or `.csv`.

        Raises:
            ValueError: Another suffix.
        """
        suffix = Path(path).suffix.lower().removeprefix(".")
        if suffix == "parquet":
            from pyarrow import parquet

            parquet.write_table(self._table, path)
        elif suffix == "csv":
            from pyarrow import csv

            csv.write_csv(self._table, path)
        else:
            raise ValueError(f"export: {path!s}: must end in one of {', '.join(_WRITERS)}")

    def by(self, column: str) -> pa.Table:
        """Return sums by channel or product: offers, cost, expected purchases, net; most net first.

        Args:
            column: `"channel"` or `"product_id"`.
        """
        sums = [("net", "count"), ("cost", "sum"), ("probability", "sum"), ("net", "sum")]
        table = self._table.group_by(column).aggregate(sums)
        names = ["net_count", "cost_sum", "probability_sum", "net_sum"]
        table = table.select([column, *names]).rename_columns(
            [column, "offers", "cost", "purchases", "net"]
        )
        order = pc.sort_indices(table, sort_keys=[("net", "descending"), (column, "ascending")])
        return table.take(order)

    @cached_property
    def ghosts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which offers the held-out users would have been made: rows of users, and offers.

        An offer counts where its net exceeds what it takes up is worth by the plan's prices, best
        first and no more than `per_user`: the rule that the planned users were chosen by. So a
        held-out user stands beside planned ones who are alike.
        """
        from suitably.decisions.ghosts import ghost_offers

        return ghost_offers(self)

    def __repr__(self) -> str:
        users = len(np.unique(self.planned.users))
        return (
            f"Plan({len(self):,} offers to {users:,} of {len(self.universe.rows):,} users, "
            f"net {self.net:,.2f}, gap {self.gap:.2%}, {len(self.universe.held):,} held out)"
        )
