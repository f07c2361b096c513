"""Nets held in memory, as a source: those of a sample, or of all users where they are few."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.problem import OfferSource
from suitably.utils.parallel import parallel

__all__ = ["HeldSource"]

_T = TypeVar("_T")
_CELLS = 2**20


@dataclass(frozen=True, eq=False)
class HeldSource:
    """The nets of some users.

    Attributes:
        nets: float32 or float64 (users, offers), −inf where an offer may not be made.
    """

    nets: NDArray[Any]

    @staticmethod
    def of(
        source: OfferSource, offers: int, users: NDArray[np.int64] | None = None
    ) -> "HeldSource":
        """Return the nets of users of another source, by their places, ascending; None: of all."""
        places = np.arange(source.users) if users is None else users
        nets: NDArray[Any] = np.full((len(places), offers), -np.inf, np.float32)

        def copied(at: NDArray[np.int64], block: NDArray[Any]) -> NDArray[Any]:
            return block.copy()

        for at, block in source.map(copied, users):
            if block.dtype != nets.dtype:
                nets = nets.astype(np.float64)
            nets[np.searchsorted(places, at)] = block
        return HeldSource(nets)

    @property
    def users(self) -> int:
        """How many users there are."""
        return len(self.nets)

    @property
    def unit(self) -> float:
        """About what an offer earns: the mean over users of their best."""
        best = np.maximum(self.nets.max(axis=1, initial=-np.inf), 0).astype(np.float64)
        if best.any():
            return float(best.mean())
        return self.largest or 1.0

    @property
    def largest(self) -> float:
        """The largest net, whatever its sign."""
        finite = self.nets[self.nets > -np.inf]
        return float(np.abs(finite).max(initial=0.0))

    def map(
        self,
        work: Callable[[NDArray[np.int64], NDArray[Any]], _T],
        users: NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Do something with the nets of every block of users."""
        places = np.arange(self.users) if users is None else users
        step = max(1, _CELLS // max(1, self.nets.shape[1]))
        parts = [places[start : start + step] for start in range(0, len(places), step)]
        yield from zip(parts, parallel(lambda at: work(at, self.nets[at]), parts), strict=True)
