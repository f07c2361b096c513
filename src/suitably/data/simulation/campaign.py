"""Simulated campaign: who was approached, what came of it, and what would have without."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import expit

from suitably.data.clock import Instant, Instants
from suitably.data.simulation.customers import Customers
from suitably.data.simulation.timeline import DAY
from suitably.data.view import View
from suitably.errors import DataError

__all__ = ["SimulatedCampaign", "draw_campaign"]

Floats = NDArray[np.float64]
_STREAM = 16
"""Of this file alone, so that the bank draws what it drew without it."""


@dataclass(frozen=True)
class SimulatedCampaign:
    """A campaign whose true effect on every customer is known.

    Without an approach a customer buys something within the horizon with probability
    1 − exp(−Λ), Λ from the model that drew the bank's purchases. An approach turns Λ into
    (1 − annoyance) · Λ + pull. The pull is strongest for customers of some means who buy now and
    then, wears off with every contact of the last 30 days and with the time since the last
    purchase; the annoyance grows with contacts, age, arrears and vulnerability. So there are
    persuadable, sure and lost customers, and some whom an approach drives away.

    Attributes:
        frame: A row per customer of the bank at that moment: `user_id`; the fields of the users
            frame that are no lists; `purchases_12m`, `last_purchase`, `contacts_30d`; then
            `probability` (of being approached), `approached` and `bought` (anything within the
            horizon), both booleans.
        baseline: float64 (rows,), the probability of a purchase without an approach.

    Example:
        >>> from suitably.data import simulate_bank
        >>> campaign = simulate_bank(users=200, products=20).campaign("2024-07-01")
        >>> campaign.frame["approached"].dtype, campaign.truth().shape == campaign.baseline.shape
        (dtype('bool'), True)
    """

    frame: pd.DataFrame
    baseline: Floats
    _effect: Floats

    def truth(self) -> Floats:
        """Return what an approach adds to each customer's probability: float64 (rows,)."""
        return self._effect.copy()

    def __repr__(self) -> str:
        share = self.frame["approached"].mean()
        return f"SimulatedCampaign({len(self.frame):,} customers, {share:.0%} approached)"


def draw_campaign(
    view: View,
    people: Customers,
    expected: Floats,
    bank_seed: int,
    seed: int,
    probability: float | None,
) -> SimulatedCampaign:
    """Draw a campaign.

    Args:
        view: The bank at the moment of the campaign.
        people: Its customers.
        expected: float64 (customers,), the purchases expected within the horizon.
        bank_seed: Of traits that stay with the customers.
        seed: Of the campaign.
        probability: Of being approached; None: as a desk chooses that likes the wealthy and those
            who bought lately, between 0.1 and 0.9.

    Raises:
        DataError: No customer has joined by then.
    """
    as_of = view.as_of
    assert as_of is not None  # the bank's log has times
    joined = np.flatnonzero(people.since < as_of.astype("datetime64[D]"))
    if not len(joined):
        raise DataError(f"as_of={as_of}: no customer has joined before it")
    rng = np.random.default_rng([_STREAM, bank_seed, seed, int(as_of.astype(np.int64))])
    trait = np.random.default_rng([_STREAM, bank_seed]).normal(size=len(people))
    fields = _fields(view, as_of, rng).iloc[joined].reset_index(drop=True)
    recency = _years(as_of, fields["last_purchase"])
    wealth = np.log(people.liquid_assets[joined] / 50_000.0)
    contacts = fields["contacts_30d"].to_numpy(np.float64)

    pull = np.exp(
        -1.9
        + 0.5 * np.clip(wealth, -2.0, 2.0)
        + 0.4 * trait[joined]
        - 0.5 * contacts
        - 1.2 * np.abs(np.clip(recency, 0.0, 4.0) - 0.8)
    )
    age = people.age(as_of.astype("datetime64[D]"))[joined]
    annoyance = expit(
        -3.0
        + 0.8 * contacts
        + 0.05 * (age - 50.0)
        + 1.5 * fields["in_arrears"].to_numpy(bool)
        + 1.5 * fields["vulnerable"].to_numpy(bool)
    )
    before = expected[joined]
    after = (1.0 - annoyance) * before + pull
    baseline, approached = -np.expm1(-before), -np.expm1(-after)
    chance = np.clip(expit(0.4 * wealth - 0.8 * (recency > 1.0) - 0.3 * contacts), 0.1, 0.9)
    if probability is not None:
        chance = np.full(len(joined), probability)
    who = rng.random(len(joined)) < chance
    bought = rng.random(len(joined)) < np.where(who, approached, baseline)
    frame = fields.assign(
        probability=chance,
        approached=who,
        bought=bought,
    )
    return SimulatedCampaign(frame, baseline, approached - baseline)


def _fields(view: View, as_of: Instant, rng: np.random.Generator) -> pd.DataFrame:
    """Return what the bank knows of every customer."""
    table = view.user_fields
    scalar = [field.name for field in table.schema if not pa.types.is_list(field.type)]
    # Whoever has not joined yet has no row, and pandas would make objects of booleans.
    table = table.select([name for name in scalar if name not in _KEYS])
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_boolean(column.type):
            column = pc.fill_null(column, False)
        columns[name] = column.to_pandas()
    events = view.acquisitions
    assert events.times is not None
    n = len(view.user_ids)
    last = np.full(n, np.datetime64("NaT", "us"))
    last[events.users] = events.times  # in order of time
    lately = events.times >= as_of - 365 * DAY
    purchases = np.bincount(events.users[lately], minlength=n)
    return pd.DataFrame(
        {
            "user_id": view.user_ids,
            **columns,
            "purchases_12m": purchases,
            "last_purchase": last,
            "contacts_30d": rng.poisson(0.6, n),
        }
    )


_KEYS = ("user_id", "user_timestamp")


def _years(as_of: Instant, last: "pd.Series[Any]") -> Floats:
    """Return the years since the last purchase; five where there was none."""
    since: Instants = np.asarray(last, "datetime64[us]")
    days = (as_of - since) / DAY
    return np.where(np.isnan(days), 5.0, days / 365.25)
