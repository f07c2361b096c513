"""Outcomes: what users bought in the window after a plan, and what they were sent and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import Dataset
from suitably.data.clock import MICROSECOND, Instant, Instants
from suitably.data.frames import read_frame
from suitably.decisions.universe import Universe
from suitably.errors import DataError
from suitably.typing import IntoFrame

__all__ = ["Outcomes"]

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Outcomes:
    """What became of users, by their position among those of the pipeline.

    Attributes:
        purchases: float64 (users,), distinct products acquired in the window.
        value: float64 (users,), what these are worth.
        sent: bool (users,), who was sent something; None: nobody says.
        answered: bool (users,), who answered; None: nobody says.
        start: The first instant of the window; None without timestamps.
        end: The first instant after it; None: all that the log has.
        last: The latest event of the log; None without any.
    """

    purchases: NDArray[np.float64]
    value: NDArray[np.float64]
    sent: NDArray[np.bool_] | None
    answered: NDArray[np.bool_] | None
    start: Instant | None
    end: Instant | None
    last: Instant | None

    @classmethod
    def read(
        cls,
        log: Dataset | IntoFrame,
        universe: Universe,
        horizon_days: float | None,
        owned: Sequence[str] | None,
        sent: Sequence[str],
        answered: Sequence[str],
    ) -> "Outcomes":
        """Read a log of what came after a plan.

        Args:
            log: Interactions in the columns of a `Dataset`, or one, of which what lies in the
                window counts.
            universe: Who was considered, as of which moment.
            horizon_days: How long the window is; None: all that the log has.
            owned: Kinds of event that are purchases; None: all but those below.
            sent: Kinds by which users were sent an offer.
            answered: Kinds by which they answered.

        Raises:
            DataError: An outcome from before the plan, or a log that cannot be read.
        """
        count = len(universe.eligibility.users)
        start = universe.eligibility.as_of
        end = None
        if start is not None and horizon_days is not None:
            end = start + np.timedelta64(round(horizon_days * _DAY), "us")
        data = log if isinstance(log, Dataset) else _dataset(log, owned, [*sent, *answered])
        zeros = np.zeros(count)
        marks = [np.zeros(count, bool) if kinds else None for kinds in (sent, answered)]
        if data is None:
            return cls(zeros, zeros, marks[0], marks[1], start, end, None)
        view = data.view()
        events, times = view.events, view.events.times
        last = None if times is None or not len(times) else times.max()
        inside = np.ones(len(events), bool)
        if start is not None:
            if times is None:
                raise DataError("log: has no timestamps, so nothing tells what came after the plan")
            if (view.clock.zone is None) != (universe.eligibility.clock.zone is None):
                raise DataError("log: differs from the plan in time-zone awareness")
            early = int((times < start).sum())
            if early and not isinstance(log, Dataset):
                raise DataError(
                    f"log: {early} of {len(events)} events are before the plan's moment "
                    f"{universe.eligibility.as_of_text}, the first of {_shown(times)}: an outcome "
                    f"before the treatment says nothing of it"
                )
            inside = times >= start
            if end is not None:
                inside &= times < end
        events = events.take(inside)
        users = universe.eligibility.users.ids.codes(view.users.values)
        bought = view.kinds.acquisitions(events)
        products = universe.eligibility.products.ids.codes(view.products.values)
        who, what = users[bought.users], products[bought.products]
        known = (who >= 0) & (bought.products >= 0) & (what >= 0)
        width = max(1, len(universe.values))
        pairs = np.unique(who[known].astype(np.int64) * width + what[known])
        owners, items = np.divmod(pairs, width)
        purchases = np.bincount(owners, minlength=count).astype(np.float64)
        value = np.bincount(owners, universe.values[items], count).astype(np.float64)
        for mark, kinds in zip(marks, (sent, answered), strict=True):
            if mark is not None:
                seen = users[events.take(events.among(tuple(kinds))).users]
                mark[seen[seen >= 0]] = True
        return cls(purchases, value, marks[0], marks[1], start, end, last)

    @property
    def is_short(self) -> bool:
        """Whether the log ends before the window does."""
        if self.end is None:
            return False
        return self.last is None or bool(self.last < self.end - MICROSECOND)


def _dataset(log: IntoFrame, owned: Sequence[str] | None, others: Sequence[str]) -> Dataset | None:
    """Read a frame of interactions; None for one without rows."""
    table, _ = read_frame(log, "log")
    if not table.num_rows:
        return None
    given: dict[str, Any] = {"owned_events": owned, "other_events": others}
    return Dataset(None, None, table, **given)


def _shown(times: Instants) -> str:
    return str(times.min().astype("datetime64[s]")).replace("T", " ")
