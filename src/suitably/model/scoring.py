"""A ranker's scores, in the catalogue's order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import SuitablyError
from suitably.model.state import FittedState
from suitably.ranking.protocol import Factors, Ranker, Scorer, Scores
from suitably.ranking.topk.engine import longest
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["CatalogueScorer"]


@dataclass(frozen=True)
class _Held:
    """What was made of a ranker's products, and of which."""

    source: tuple[Any, Any]
    products: NDArray[Any]
    known: BitRows
    longest: float


class CatalogueScorer:
    """Asks a fitted ranker for scores over the catalogue; it knows none that came after its axis.

    Vectors of products do not depend on who is asked about: what is made of them is kept for as
    long as the ranker gives the same arrays.

    Args:
        ranker: The fitted ranker.
        fitted: What the pipeline holds.
    """

    def __init__(self, ranker: Ranker, fitted: FittedState) -> None:
        self.ranker = ranker
        self._fitted = fitted
        self._held: _Held | None = None

    def able(self, ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for which users the ranker has anything to go by."""
        return np.asarray(self.ranker.can_score(ids), bool)

    def scores(self, ids: NDArray[Any]) -> tuple[Scorer, BitRows]:
        """Return scores of users over the catalogue, and which products have one: words (1, …).

        Raises:
            SuitablyError: The ranker gave another number of users or products.
        """
        scorer = self.ranker.scorer(ids)
        if isinstance(scorer, Factors):
            self._check("users", len(scorer.users), {len(ids)})
            held = self._held
            if held is None or any(
                a is not b
                for a, b in zip(held.source, (scorer.products, scorer.known), strict=True)
            ):
                self._held = held = self._shelved(scorer)
            return Factors(scorer.users, held.products, longest=held.longest), held.known
        self._check("users", len(scorer.block), {len(ids)})
        products, known = self._in_order(scorer.block.T, scorer.known)
        return Scores(products.T), bitset.pack(known[None])

    def _shelved(self, scorer: Factors) -> _Held:
        products, known = self._in_order(scorer.products, scorer.known)
        products = np.array(products, order="C")
        source = (scorer.products, scorer.known)
        return _Held(source, products, bitset.pack(known[None]), longest(products))

    def _in_order(
        self, matrix: NDArray[Any], known: NDArray[np.bool_] | None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        axis = len(matrix)
        self._check("products", axis, {len(self._fitted.products), self._fitted.learned})
        told = np.ones(axis, bool) if known is None else np.asarray(known, bool)
        catalogue = self._fitted.catalogue
        if self._fitted.plain and axis == len(catalogue):
            return matrix, told
        return _taken(matrix, catalogue), _taken(told, catalogue)

    def _check(self, what: str, given: int, wanted: set[int]) -> None:
        if given not in wanted:
            raise SuitablyError(
                f"{type(self.ranker).__name__}: gave scores of {given} {what} for "
                f"{max(wanted)} asked"
            )


def _taken(matrix: NDArray[Any], catalogue: NDArray[np.int64]) -> NDArray[Any]:
    """Take the rows of the catalogue, zeros for what lies past the end."""
    inside = catalogue < len(matrix)
    if inside.all():
        return matrix[catalogue]
    out = np.zeros((len(catalogue), *matrix.shape[1:]), matrix.dtype)
    out[inside] = matrix[catalogue[inside]]
    return out
