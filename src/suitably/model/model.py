"""What a fitted pipeline serves from, and how it looks as of the moments asked lately."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from suitably.data.clock import Instant
from suitably.model.scoring import CatalogueScorer
from suitably.model.state import FittedState, Snapshot
from suitably.ranking.protocol import Ranker
from suitably.suitability.policy import Policy

__all__ = ["Model", "key"]

_MOMENTS = 4


@dataclass(frozen=True)
class Model:
    """What a fitted pipeline serves from: replaced as a whole, never changed."""

    fitted: FittedState
    rankers: tuple[Ranker, ...]
    policies: tuple[Policy, ...]
    rerankers: tuple[Any, ...]
    moments: OrderedDict[Any, Snapshot] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    @cached_property
    def shelvers(self) -> tuple[CatalogueScorer, ...]:
        """The scores of each ranker over the catalogue."""
        return tuple(CatalogueScorer(ranker, self.fitted) for ranker in self.rankers)

    def moment(self, as_of: Instant | None) -> Snapshot:
        """Return how it looks as of a moment; that of the fit and the latest asked are held."""
        wanted = key(as_of)
        with self.lock:
            held = self.moments.get(wanted)
        if held is not None:
            return held
        made = self._made(as_of)
        with self.lock:
            held = self.moments.setdefault(wanted, made)
            kept = (wanted, key(self.fitted.as_of))
            spare = [other for other in self.moments if other not in kept]
            for other in spare[: max(0, len(self.moments) - _MOMENTS)]:
                del self.moments[other]
        return held

    def _made(self, as_of: Instant | None) -> Snapshot:
        """Judge anew; without profiles the fields are those of the moment fitted as of."""
        with self.lock:
            first = self.moments.get(key(self.fitted.as_of))
        if first is None or self.fitted.builders:
            return self.fitted.moment(self.policies, as_of)
        return replace(first, as_of=as_of, eligibility=first.eligibility.at(as_of))


def key(as_of: Instant | None) -> Any:
    """Return a moment a form to look it up by."""
    return None if as_of is None else int(as_of.astype(np.int64))
