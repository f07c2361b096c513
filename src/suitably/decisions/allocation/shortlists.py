"""Short lists: the few products of best net less price of each user, and their best channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.hashing import ODD, mixed
from suitably.decisions.allocation.kernels import compiled
from suitably.decisions.allocation.problem import Constraints, OfferSource, OfferTable

__all__ = ["Lister", "ShortLists"]

_CELLS = 2**20  # nets ranked at a time


@dataclass(frozen=True, eq=False)
class ShortLists:
    """The offers that a plan is looked for among.

    Attributes:
        offers: int32 (products, channels, users), −1 past the end; a product is in one place.
        nets: float64 (products, channels, users), −inf past the end.
        outside: float64 (users,), more than which no offer left out earns after prices.
    """

    offers: NDArray[np.int32]
    nets: NDArray[np.float64]
    outside: NDArray[np.float64]

    @staticmethod
    def empty(depth: int, width: int, users: int) -> "ShortLists":
        """Return lists without offers."""
        return ShortLists(
            np.full((depth, width, users), -1, np.int32),
            np.full((depth, width, users), -np.inf),
            np.full(users, -np.inf),
        )


class Lister:
    """Draws up short lists, block by block.

    Offers that cost more than the budget are left out, and so are those that earn nothing, unless a
    minimum asks for them. Users who are alike get different lists, by a difference of their keys
    too small to matter otherwise, so that what is scarce can be shared among them.

    Args:
        offers: The offers.
        constraints: What they are subject to.
        depth: How many products a list has at most.
        width: How many channels of each.
        noise: By how much two equal nets are told apart.
    """

    def __init__(
        self, offers: OfferTable, constraints: Constraints, depth: int, width: int, noise: float
    ) -> None:
        self.grid = _grid(offers)
        self.depth: int = min(depth, len(self.grid))
        self.width: int = min(width, self.grid.shape[1])
        self.noise: float = noise
        self.salts = mixed(np.arange(len(self.grid), dtype=np.uint64))
        self.least = np.where(constraints.wanted, -np.inf, 0.0)  # more than which a net must be
        self.least[constraints.dear(offers)] = np.inf

    def draw(
        self, source: OfferSource, keys: NDArray[np.uint64], prices: NDArray[np.float64]
    ) -> ShortLists:
        """Return the lists of all users at prices float64 (offers,)."""
        lists = ShortLists.empty(self.depth, self.width, source.users)

        def work(places: NDArray[np.int64], nets: NDArray[Any]) -> None:
            for part in _parts(len(places), nets.shape[1]):
                some = places[part]
                offers, best, outside = self.rank(nets[part], keys[some], prices)
                lists.offers[:, :, some] = offers
                lists.nets[:, :, some] = best
                lists.outside[some] = outside

        for _ in source.map(work):
            pass
        return lists

    def rank(
        self, nets: NDArray[Any], keys: NDArray[np.uint64], prices: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """Return offers, nets and what is outside, of the users of a block."""
        kernel = compiled()
        ranked = _rank if kernel is None else kernel.rank
        found: tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]] = ranked(
            np.ascontiguousarray(nets),
            keys,
            prices,
            self.grid,
            self.least,
            self.salts,
            self.noise,
            self.depth,
            self.width,
        )
        return found


def _rank(
    nets: NDArray[Any],
    keys: NDArray[np.uint64],
    prices: NDArray[np.float64],
    grid: NDArray[np.int64],
    least: NDArray[np.float64],
    salts: NDArray[np.uint64],
    noise: float,
    depth: int,
    width: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Rank with NumPy; the compiled loop gives the same to the last bit."""
    users = np.arange(len(nets))
    nets = nets.astype(np.float64)
    values = np.where(nets > least, nets - prices, -np.inf)
    values = np.where(grid >= 0, values[:, grid], -np.inf)  # users, products, channels
    shares = ((keys[:, None] ^ salts) * ODD >> np.uint64(11)).astype(np.float64) * 2.0**-53
    plain = values.max(axis=2)
    best = plain + noise * shares
    offers = np.full((depth, width, len(nets)), -1, np.int32)
    found = np.full((depth, width, len(nets)), -np.inf)
    outside = np.full(len(nets), -np.inf)
    for place in range(depth):
        product = best.argmax(axis=1)
        channels = values[users, product]
        channels[best[users, product] == -np.inf] = -np.inf  # listed already
        best[users, product] = plain[users, product] = -np.inf
        for channel in range(width):
            which = channels.argmax(axis=1)
            there = channels[users, which] > -np.inf
            offer = grid[product, which]
            offers[place, channel] = np.where(there, offer, -1)
            found[place, channel] = np.where(there, nets[users, offer], -np.inf)
            channels[users, which] = -np.inf
        outside = np.maximum(outside, channels.max(axis=1))
    outside = np.maximum(outside, plain.max(axis=1))
    return offers, found, outside


def _grid(offers: OfferTable) -> NDArray[np.int64]:
    """Return the offers of each product: int64 (products, channels), −1 past the end."""
    order = np.argsort(offers.products, kind="stable")
    _, starts, counts = np.unique(offers.products[order], return_index=True, return_counts=True)
    grid = np.full((len(starts), counts.max(initial=0)), -1, np.int64)
    there = np.arange(grid.shape[1]) < counts[:, None]
    grid[there] = order
    return grid


def _parts(users: int, offers: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, offers))
    return (slice(start, start + step) for start in range(0, users, step))
