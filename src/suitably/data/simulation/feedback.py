"""Dislikes and complaints: kinds of product that customers will not have, and what they say so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.data.simulation.customers import Customers
from suitably.data.simulation.preferences import DrawnPurchases, PreferenceModel
from suitably.data.simulation.products import Catalogue
from suitably.data.simulation.timeline import END, MONTHS, SECOND, START, years_within

__all__ = ["DrawnFeedback", "draw_aversions", "draw_feedback"]

_AVERSE = 1 / 6
_OFFERS = 24.0  # a year
_TURNED_DOWN, _UNLOVED = 0.8, 0.4  # of what is averse to the customer, and worth least of all else
_COMPLAINTS = 0.1


@dataclass(frozen=True)
class DrawnFeedback:
    """What was turned down, in order of time.

    Attributes:
        users: int64 (n,), positions of customers.
        products: int64 (n,), positions of products.
        times: datetime64[s] (n,).
        complaints: bool (n,), which are complaints; the others are dislikes.
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    times: Instants
    complaints: NDArray[np.bool_]


def draw_aversions(
    customers: int, catalogue: Catalogue, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which products customers will not have: bool (customers, products).

    Every customer is averse to a sub-category, such as unit-linked insurance, with probability
    1/6, each apart from the others and from all other traits: a bad experience or a principle.
    """
    names, kind = np.unique(catalogue.frame["sub_category"], return_inverse=True)
    averse = rng.random((customers, len(names))) < _AVERSE
    return np.asarray(averse[:, kind])


def draw_feedback(
    customers: Customers,
    catalogue: Catalogue,
    model: PreferenceModel,
    averse: NDArray[np.bool_],
    bought: DrawnPurchases,
    rng: np.random.Generator,
) -> DrawnFeedback:
    """Draw what customers say of products that are offered to them.

    The bank offers a customer a product some 24 times a year while they may buy, whatever it knows
    of them: any that is on sale, all as likely. Of the offers of what they are averse to four in
    five are turned down; of all others a share of 0.4 · (1 − q)³, q being the share of the
    catalogue that is worth less to them. One in ten of the former is a complaint, all else a
    dislike. What a customer has bought or turned down is not offered again.
    """
    rows, width = np.arange(len(customers)), len(catalogue.level)
    years = years_within(customers.opening[rows], customers.lapsed[rows], START, END)
    counts = rng.poisson(_OFFERS * years)
    users, months = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    aim, moment, mood, tone = rng.random((4, len(users)))
    on_sale = np.cumsum(np.isfinite(catalogue.drift), axis=0)
    products = np.empty(len(users), np.int64)
    for month in np.unique(months).tolist():
        at = months == month
        products[at] = np.searchsorted(
            on_sale[:, month], aim[at] * on_sale[-1, month], side="right"
        )
    seconds = (MONTHS[months + 1] - MONTHS[months]) / SECOND
    times = MONTHS[months] + np.floor(moment * seconds).astype(np.int64) * SECOND
    opening, lapsed = (
        side[users].astype("datetime64[s]") for side in (customers.opening, customers.lapsed)
    )
    against = averse[users, products]
    unloved = _UNLOVED * (1 - model.standings(users, products)) ** 3
    kept = (mood < np.where(against, _TURNED_DOWN, unloved)) & (times >= opening) & (times < lapsed)
    pairs = users * width + products
    kept &= ~_had(pairs, times, bought, width)
    order = np.flatnonzero(kept)[np.lexsort((pairs[kept], times[kept]))]
    _, first = np.unique(pairs[order], return_index=True)
    order = order[np.sort(first)]
    complaints = against[order] & (tone[order] < _COMPLAINTS)
    return DrawnFeedback(users[order], products[order], times[order], complaints)


def _had(
    pairs: NDArray[np.int64], times: Instants, bought: DrawnPurchases, width: int
) -> NDArray[np.bool_]:
    """Return which pairs had been bought by some moments: bool (n,)."""
    known, first = np.unique(bought.users * width + bought.products, return_index=True)
    if not len(known):
        return np.zeros(len(pairs), bool)
    at = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
    return np.asarray((known[at] == pairs) & (bought.times[first][at] <= times))
