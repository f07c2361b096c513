"""Contributions: what a score is made of, so that it can be said what speaks for a product."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.ranking.hybrid.feature_columns import Now
from suitably.ranking.protocol import AskedUsers, Ranker, definer

__all__ = ["AskedPair", "Contributions", "ExplainingRanker", "Standing", "contributions"]

Floats = NDArray[np.float64]
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class AskedPair:
    """One user and one product, of which a ranker is asked what speaks for it.

    Attributes:
        user: The one user.
        product: The product's position, on the axis of scores.
        read_fields: Gives one row: the user's profile fields and columns.
        now: The moment that dates are reckoned to; None where nothing is dated.
    """

    user: AskedUsers
    product: int
    read_fields: Callable[[], pa.Table]
    now: Now | None = None


class Standing(NamedTuple):
    """A product's place by popularity.

    Attributes:
        rank: From 1.
        products: How many products are ranked so.
        field: What those who are counted share with the user; None: all are counted.
        value: The user's value of it.
    """

    rank: int
    products: int
    field: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Contributions:
    """What the score of one pair is the sum of.

    Attributes:
        products: int64, positions of products of the user's past, distinct.
        by_product: float64, what each adds; may be negative.
        by_field: What each field of the user's profile adds.
        rest: What is nobody's past or profile: biases, popularity, a user's own vector.
        standing: The product's place by popularity, where that has a say.
        turned_down: int64, positions of those of the products that the user turned down.

    Example:
        >>> made = Contributions(np.array([4, 7]), np.array([0.5, -0.1]), rest=0.2)
        >>> round(made.score, 3)
        0.6
    """

    products: NDArray[np.int64] = field(default_factory=lambda: _NONE)
    by_product: Floats = field(default_factory=lambda: np.zeros(0))
    by_field: tuple[tuple[str, float], ...] = ()
    rest: float = 0.0
    standing: Standing | None = None
    turned_down: NDArray[np.int64] = field(default_factory=lambda: _NONE)

    @property
    def score(self) -> float:
        """Their sum."""
        by_field = sum(value for _, value in self.by_field)
        return float(self.by_product.sum()) + by_field + float(self.rest)

    @property
    def gains(self) -> float:
        """The sum of what is above 0."""
        values = [*self.by_product.tolist(), *(value for _, value in self.by_field), self.rest]
        return float(sum(value for value in values if value > 0))

    @staticmethod
    def of_past(
        products: NDArray[np.int64], weights: NDArray[Any], values: Floats, rest: float = 0.0
    ) -> "Contributions":
        """Return what a user's past adds to a score.

        A product that the user turned down may speak against another, but not for it: that one is
        unlike the other is no merit of this, so what it adds is rest.

        Args:
            products: Positions, distinct.
            weights: Of the user's strongest interaction with each, below 0 for what was turned
                down.
            values: float64, what each adds.
            rest: What none of them does.
        """
        made = Contributions(products, values, rest=rest, turned_down=products[weights < 0])
        return made._without_merits()

    def _without_merits(self) -> "Contributions":
        amiss = np.isin(self.products, self.turned_down) & (self.by_product > 0)
        if not amiss.any():
            return self
        values, moved = np.where(amiss, 0.0, self.by_product), float(self.by_product[amiss].sum())
        return replace(self, by_product=values, rest=self.rest + moved)

    def times(self, factor: float) -> "Contributions":
        """Return them on another scale."""
        return replace(
            self,
            by_product=self.by_product * factor,
            by_field=tuple((name, value * factor) for name, value in self.by_field),
            rest=self.rest * factor,
        )

    @staticmethod
    def sum_of(parts: Iterable["Contributions"]) -> "Contributions":
        """Add several up; the first standing counts."""
        found = list(parts)
        products, places = np.unique(
            np.concatenate([_NONE, *(part.products for part in found)]), return_inverse=True
        )
        values = np.concatenate([np.zeros(0), *(part.by_product for part in found)])
        fields: dict[str, float] = {}
        for part in found:
            for name, value in part.by_field:
                fields[name] = fields.get(name, 0.0) + value
        return Contributions(
            products,
            np.bincount(places, values, len(products)).astype(np.float64),
            tuple(fields.items()),
            sum(part.rest for part in found),
            next((part.standing for part in found if part.standing is not None), None),
            np.unique(np.concatenate([_NONE, *(part.turned_down for part in found)])),
        )._without_merits()


@runtime_checkable
class ExplainingRanker(Ranker, Protocol):
    """A ranker that can say what its scores are made of."""

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what a pair's score is the sum of, within rounding; None where it has none."""
        ...


def contributions(ranker: Ranker, pair: AskedPair) -> Contributions | None:
    """Return what a ranker says a pair's score is made of, None where it says nothing.

    A subclass that scores in its own way and explains in its parent's says nothing.
    """
    cls = type(ranker)
    explains, scores = definer(cls, "contributions"), _scoring(cls)
    if explains is None or any(place < explains for place in scores):
        return None
    return cast(ExplainingRanker, ranker).contributions(pair)


def _scoring(cls: type) -> Sequence[int]:
    places: list[Any] = [definer(cls, name) for name in ("scorer", "score_rows")]
    return [place for place in places if place is not None]
