"""Nets: what every offer is expected to earn of every user, block by block and never stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.chances import Chances
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists
from suitably.ranking.topk.lists import Lists
from suitably.suitability.eligibility import Eligibility
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["Block", "OfferNets"]

_T = TypeVar("_T")
_EXACT = 2**24  # cells up to which nets are doubles
_FIRST = 1024


@dataclass(frozen=True)
class Block:
    """Some users, and the probability of a purchase after every offer that may be made.

    Attributes:
        nets: Whose block it is.
        chances: float64 (users, depth, channels or 1), before response where it still counts.
        lists: The candidates, best first.
        allowed: Words (users, offers / 64), what the contact policy lets through; None: all.
    """

    nets: "OfferNets"
    chances: NDArray[np.float64]
    lists: Lists
    allowed: BitRows | None

    def table(self, kind: type[np.floating[Any]]) -> NDArray[Any]:
        """Return the net of every offer: (users, offers), −inf where it may not be made.

        Worked out for what is listed alone: most products of a catalogue are not for most users.
        """
        nets = self.nets
        users, several, width = len(self.lists.lengths), len(nets.costs), len(nets.values)
        rows, ranks = self._listed
        products = self.lists.products[rows, ranks]
        earned = self._likely(self.chances[rows, ranks].astype(kind), nets.responses.astype(kind))
        earned = earned * nets.values.astype(kind)[products][:, None] - nets.costs.astype(kind)
        barred = np.isnan(earned)
        places = rows * width + products
        if self.allowed is not None:
            mask = bitset.unpack(self.allowed, width * several).reshape(-1, several)
            barred |= ~mask[places]
        earned[barred] = -np.inf
        table = np.full((users * width, several), -np.inf, kind)
        table[places] = earned
        return table.reshape(users, width * several)

    def probability(
        self, rows: NDArray[np.int64], offers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the probability after response of some offers to users of the block, NaN for none.

        Args:
            rows: int64 (pairs,), users by their place in the block.
            offers: int64 (pairs,), offers by position.
        """
        several = len(self.nets.costs)
        products, channels = offers // several, offers % several
        at, rank = np.nonzero(self.lists.products[rows] == products[:, None])
        mine = self.chances[rows[at], rank]
        own = mine[np.arange(len(mine)), channels[at] if mine.shape[1] > 1 else 0]
        found = np.full(len(rows), np.nan)
        found[at] = self._likely(own, self.nets.responses[channels[at]])
        if self.allowed is not None:
            found[~bitset.has(self.allowed, rows, offers)] = np.nan
        return found

    @property
    def _listed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which places of the lists are filled: users of the block, and ranks."""
        lengths = self.lists.lengths.astype(np.int64)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        first = np.cumsum(lengths) - lengths
        return rows, np.arange(len(rows)) - np.repeat(first, lengths)

    def _likely(self, chances: NDArray[Any], responses: NDArray[Any]) -> NDArray[Any]:
        if self.nets.chances.responds:
            chances = chances * responses
        likely: NDArray[Any] = np.minimum(chances, 1)
        return likely


@dataclass(frozen=True)
class OfferNets:
    """What is expected of every offer to every user of a plan; offers are coded product by product.

    Attributes:
        candidates: The users of the plan, with what they may be offered.
        chances: How likely they are to buy.
        values: float64 (products,), what a purchase is worth.
        costs: float64 (channels,), what a contact costs.
        responses: float64 (channels,), the factor of a channel on the probability.
        contacts: The contact policy's verdicts on offers, for all users of the pipeline; None: all
            may be made.
    """

    candidates: Candidates
    chances: Chances
    values: NDArray[np.float64]
    costs: NDArray[np.float64]
    responses: NDArray[np.float64]
    contacts: Eligibility | None

    @property
    def users(self) -> int:
        """How many users there are."""
        return len(self.candidates.rows)

    @property
    def offers(self) -> int:
        """How many offers there are."""
        return len(self.values) * len(self.costs)

    def of(self, users: NDArray[np.int64]) -> "OfferNets":
        """Return the same for some users alone."""
        return replace(self, candidates=self._only(users), chances=_Taken(self.chances, users))

    def map(
        self,
        work: Callable[[NDArray[np.int64], NDArray[Any]], _T],
        users: NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Do something with the nets of every block of users, as an `OfferSource` does."""
        kind = np.float64 if self.users * self.offers <= _EXACT else np.float32
        yield from self.blocks(lambda places, block: work(places, block.table(kind)), users)

    def blocks(
        self,
        work: Callable[[NDArray[np.int64], Block], _T],
        users: NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Do something with every block of users, or of some of them, on its core.

        Args:
            work: Is given the places of users and their block.
            users: int64, the places of the users wanted; None: all.

        Yields:
            The places of a block, and what became of it.
        """
        asked = np.arange(self.users) if users is None else users
        candidates = self.candidates if users is None else self._only(users)
        told = self.chances.of(candidates, asked)
        if self.contacts is not None:  # tables are made once, before several cores ask for them
            self.contacts.bits(candidates.rows[:_FIRST])

        def one(places: NDArray[np.int64], part: GeneratedLists) -> _T:
            rows = candidates.rows[places]
            allowed = None if self.contacts is None else self.contacts.bits(rows)
            block = Block(self, told(places, part), part.lists, allowed)
            return work(asked[places], block)

        for places, made in candidates.map(one):
            yield asked[places], made

    def probabilities(
        self, users: NDArray[np.int64], offers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the probability after response of pairs, users ascending; NaN for none.

        Args:
            users: int64 (pairs,), places.
            offers: int64 (pairs,).
        """
        distinct, starts = np.unique(users, return_index=True)
        ends = np.append(starts[1:], len(users))
        place = np.full(self.users, -1)
        place[distinct] = np.arange(len(distinct))
        out = np.full(len(users), np.nan)

        def work(
            mine: NDArray[np.int64], block: Block
        ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            at = place[mine]
            counts = ends[at] - starts[at]
            rows = np.repeat(np.arange(len(mine)), counts)
            first = np.cumsum(counts) - counts
            pairs = np.repeat(starts[at] - first, counts) + np.arange(counts.sum())
            return pairs, block.probability(rows, offers[pairs])

        for _, (pairs, found) in self.blocks(work, distinct):
            out[pairs] = found
        return out

    def _only(self, users: NDArray[np.int64]) -> Candidates:
        return replace(self.candidates, rows=self.candidates.rows[users])


@dataclass(frozen=True)
class _Taken:
    """The chances of some users of a plan."""

    chances: Chances
    users: NDArray[np.int64]

    @property
    def responds(self) -> bool:
        """Whether a channel's response is still to be multiplied in."""
        return self.chances.responds

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> Any:
        """Return what tells the chances of some of them."""
        return self.chances.of(candidates, self.users[users])
