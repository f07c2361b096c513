"""Multinomial choice on a Poisson process: how much each user wants each product, and when."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instant, Instants
from suitably.data.simulation.customers import Customers
from suitably.data.simulation.product_kinds import CATEGORIES, LEVELS, TICKETS
from suitably.data.simulation.products import Catalogue
from suitably.data.simulation.timeline import END, MONTHS, SECOND, START, YEAR, years_within
from suitably.utils.thread_limits import limited

__all__ = ["DrawnPurchases", "PreferenceModel"]

_CELLS = 4_000_000  # of a block of users by products
_TASTE = 0.75
_ABOVE, _BELOW = 0.6, 0.4  # dislike of risk above and below the customer's appetite
_BEYOND_MEANS = -60.0
_AVERSION = 6.0
_SETTLED = 1.4  # extra pace of a newcomer
_SETTLING = 5.0  # months in which it fades


@dataclass(frozen=True)
class DrawnPurchases:
    """Purchases in order of time.

    Attributes:
        users: int64 (n,), positions of customers.
        products: int64 (n,), positions of products.
        times: datetime64[s] (n,).
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    times: Instants


class PreferenceModel:
    """A piecewise constant Poisson process per customer, whose events choose among products.

    In month t customer u buys at the rate λ(u, t) = pace(u) · (1 + 1.4 · exp(−months since the
    opening / 5)) a year, from the opening of the relationship until it lapses. A purchase falls on
    product p with probability

        P(p | u, t) = exp(v(u, p) + d(p, t)) / Σ over products on sale,

    where v adds up: a product of hidden tastes (8 factors, variance 4.5); −0.6 (−0.4 below)
    times the squared distance, halved, of the product's risk from the customer's hidden appetite;
    reluctance towards minimum amounts above a fifth of the liquid assets, absolute above all of
    them; the customer's leaning to the category, by age and wealth; and the product's appeal. The
    drift d is the novelty of a launch, fading over months, and a fashion that wanders from month
    to month. A product that is not repeatable is bought once: later purchases do not happen.

    By the thinning of Poisson processes the purchases of a pair are independent of all others, so
    that the probability of at least one in a window is 1 − exp(−Λ(u, p)) whatever was bought
    before. Nothing depends on the level that a customer stated.

    Args:
        customers: Who buys.
        catalogue: What is bought.
        averse: bool (customers, products), what customers will hardly ever have: 6 less in v.
    """

    def __init__(
        self,
        customers: Customers,
        catalogue: Catalogue,
        averse: NDArray[np.bool_] | None = None,
    ) -> None:
        self._customers = customers
        self._averse = averse
        self._repeatable = catalogue.repeatable
        self._user_vectors = _user_vectors(customers)
        self._product_vectors = _product_vectors(catalogue)
        self._drift = np.exp(catalogue.drift)
        self._n = len(customers), len(catalogue.level)

    def expected(
        self, start: Instant, end: Instant, users: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Return Λ, the expected number of purchases of each pair in `[start, end)`, by blocks.

        Purchases of products that are not repeatable are counted as if each could recur.

        Args:
            start: Beginning of the window.
            end: End of the window, exclusive.
            users: Positions of customers, None for all.

        Yields:
            Which of the users, and float64 (block, products).
        """
        rows = np.arange(self._n[0]) if users is None else users
        for block in _blocks(len(rows), _CELLS // self._n[1]):
            weights, totals = self._weights(rows[block])
            shares = np.divide(self._rates(rows[block], start, end), totals)
            yield block, weights * (shares @ self._drift.T)

    def standings(
        self, users: NDArray[np.int64], products: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what share of the catalogue is worth less to each customer than a product.

        Args:
            users: int64 (n,), positions of customers, ascending.
            products: int64 (n,), positions of products.

        Returns:
            float64 (n,), by v, from 0 to below 1.
        """
        found = np.empty(len(users))
        for block in _blocks(self._n[0], _CELLS // self._n[1]):
            weights, _ = self._weights(np.arange(block.start, block.stop))
            places = np.argsort(np.argsort(weights, axis=1, kind="stable"), axis=1)
            some = slice(*np.searchsorted(users, [block.start, block.stop]))
            found[some] = places[users[some] - block.start, products[some]] / self._n[1]
        return found

    def draw(self, rng: np.random.Generator) -> DrawnPurchases:
        """Draw the purchases of the recorded years."""
        n_users, n_products = self._n
        counts = rng.poisson(self._rates(np.arange(n_users), START, END))
        users, months = np.divmod(
            np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1]
        )
        group_aim, aim, moment = rng.random((3, len(users)))
        # The group is chosen first, so that a purchase looks at some 2√n products and not at n.
        drifts = _grouped(self._drift.T)
        products = np.empty(len(users), np.int64)
        # Threads cost ten times more than they bring in many small products.
        with limited(1, "blas"):
            for block in _blocks(n_users, _CELLS // n_products):
                weights, _ = self._weights(np.arange(block.start, block.stop))
                worth = _grouped(weights)
                # (groups, users, months): what a group is worth to a user in a month.
                totals = np.matmul(worth.transpose(1, 0, 2), drifts.transpose(1, 2, 0))
                events = slice(*np.searchsorted(users, [block.start, block.stop]))
                user, month = users[events] - block.start, months[events]
                group = _choose(totals[:, user, month].T, group_aim[events])
                heights = worth[user, group] * drifts[month, group]
                products[events] = group * drifts.shape[2] + _choose(heights, aim[events])
        times = self._moments(users, months, moment)
        return self._ordered(users, products, times)

    def _weights(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return exp(v) of customers and products, and its total over each month's sale."""
        weights = self._user_vectors[rows] @ self._product_vectors.T
        if self._averse is not None:
            weights[self._averse[rows]] -= _AVERSION
        # A customer's own scale cancels in P; without it, the largest weights might overflow.
        weights -= weights.max(axis=1, keepdims=True)
        np.exp(weights, out=weights)
        return weights, weights @ self._drift

    def _rates(self, rows: NDArray[np.int64], start: Instant, end: Instant) -> NDArray[np.float64]:
        """Return the expected purchases of every month, as far as it lies in `[start, end)`."""
        opening = self._customers.opening[rows]
        years = years_within(opening, self._customers.lapsed[rows], start, end)
        months = 12.0 * ((MONTHS[:-1] - opening[:, None]) / YEAR)
        novelty = np.exp(-np.maximum(months, 0.0) / _SETTLING)
        rates: NDArray[np.float64] = (
            self._customers.pace[rows][:, None] * (1.0 + _SETTLED * novelty) * years
        )
        return rates

    def _moments(
        self, users: NDArray[np.int64], months: NDArray[np.int64], moment: NDArray[np.float64]
    ) -> Instants:
        """Spread purchases evenly over the part of the month in which the customer may buy."""
        low = np.maximum(MONTHS[months], self._customers.opening[users].astype("datetime64[s]"))
        high = np.minimum(MONTHS[months + 1], self._customers.lapsed[users].astype("datetime64[s]"))
        seconds = np.floor(moment * ((high - low) / SECOND)).astype(np.int64)
        times: Instants = low + seconds * SECOND
        return times

    def _ordered(
        self, users: NDArray[np.int64], products: NDArray[np.int64], times: Instants
    ) -> DrawnPurchases:
        order = np.lexsort((products, users, times))
        users, products, times = users[order], products[order], times[order]
        _, first = np.unique(users * self._n[1] + products, return_index=True)
        keep = self._repeatable[products]
        keep[first] = True
        return DrawnPurchases(users[keep], products[keep], times[keep])


def _user_vectors(customers: Customers) -> NDArray[np.float64]:
    """Return the customers' side of v, to be multiplied with rows of `_product_vectors`."""
    distance = np.arange(1, len(LEVELS) + 1) - customers.appetite[:, None]
    risk = -0.5 * np.where(distance > 0, _ABOVE, _BELOW) * distance**2
    tickets = np.array(TICKETS)
    liquid = customers.liquid_assets[:, None]
    means = -1.5 * np.maximum(np.log(tickets / (0.2 * liquid)), 0.0)
    means = np.where(liquid < tickets, _BEYOND_MEANS, means)
    ones = np.ones((len(customers), 1))
    return np.hstack([_TASTE * customers.tastes, risk, means, customers.leaning, ones])


def _product_vectors(catalogue: Catalogue) -> NDArray[np.float64]:
    return np.hstack(
        [
            catalogue.tastes,
            np.eye(len(LEVELS))[catalogue.level],
            np.eye(len(TICKETS))[catalogue.ticket],
            np.eye(len(CATEGORIES))[catalogue.category],
            catalogue.appeal[:, None],
        ]
    )


def _grouped(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut the products of every row into √n groups: (rows, groups, products in one), zeros last."""
    size = int(np.ceil(np.sqrt(rows.shape[1])))
    count = -(-rows.shape[1] // size)
    padded = np.zeros((len(rows), count * size))
    padded[:, : rows.shape[1]] = rows
    return padded.reshape(len(rows), count, size)


def _choose(heights: NDArray[np.float64], aim: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose a column in every row, with chances in proportion to the heights.

    Args:
        heights: float64 (draws, choices), not negative, some positive in every row.
        aim: float64 (draws,), uniform on [0, 1).
    """
    summed = np.cumsum(heights, axis=1)
    chosen: NDArray[np.int64] = (summed <= (aim * summed[:, -1])[:, None]).sum(axis=1)
    return chosen


def _blocks(rows: int, size: int) -> Iterator[slice]:
    size = max(size, 1)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
