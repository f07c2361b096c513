"""Base class of rankers that add up how alike products are, densely or sparsely."""

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.ranking.base import HistoryRanker
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext, Histories, Scores, State
from suitably.ranking.solvers.growing import narrow

__all__ = ["SimilarityRanker"]

_GLANCE = 64
_ZERO = np.float32(0)
# What a sparse similarity is saved as: where rows begin, which products, how alike.
_SPARSE = ("starts_", "neighbours_", "similarities_")


class SimilarityRanker(HistoryRanker):
    """A ranker that adds up how alike each product is to those a user has.

    Attributes:
        similarity_: float32 (known products, known products), dense or CSR, from the row a user
            has to the column scored; products nobody has take no room in it.
        known_: bool (products,), the products that anything is known of.
    """

    learned: ClassVar[tuple[str, ...]] = ("known_",)
    made_of_learned: ClassVar[tuple[str, ...]] = ("_places",)
    similarity_: Any
    known_: NDArray[np.bool_]
    _has_similar: NDArray[np.bool_]
    _unit: float

    def score_rows(self, rows: NDArray[np.int64]) -> Scores:
        """Return the sums, each added up in the order of the user's products."""
        self._check_fitted()
        if len(rows) == 1 and not sparse.issparse(self.similarity_) and adds_in_turn():
            return Scores(self._of_one(rows.item()), self.known_)
        lines = self.interactions_.lines(rows)
        lines.data *= np.float32(self._unit)
        if self.known_.all() and lines.shape[1] == len(self.known_):
            return Scores(self._sums(lines), self.known_)
        block = np.zeros((len(rows), len(self.known_)), np.float32)
        block[:, self.known_] = self._sums(self._of_known(lines))
        return Scores(block, self.known_)

    def sparse_rows(self, rows: NDArray[np.int64]) -> sparse.csr_array | None:
        """Return the sums of `score_rows` as a sparse matrix, where they are made as one.

        Returns:
            CSR float32 (rows, products), columns of a row in any order, none twice; None: what a
            subclass adds up itself, or a dense similarity.
        """
        self._check_fitted()
        cls, own = type(self), SimilarityRanker
        plain = cls.score_rows is own.score_rows and cls._sums is own._sums
        if not plain or not sparse.issparse(self.similarity_):
            return None
        lines = self.interactions_.lines(rows)
        lines.data *= np.float32(self._unit)
        sums = self._of_known(lines) @ self.similarity_
        places = np.flatnonzero(self.known_).astype(sums.indices.dtype)
        parts = (sums.data.astype(np.float32, copy=False), places[sums.indices], sums.indptr)
        return sparse.csr_array(parts, shape=(len(rows), len(self.known_)))

    def _of_one(self, row: int) -> NDArray[np.float32]:
        """Return the sums of one user, who costs more in calls than in work: (1, products)."""
        products, weights = self.interactions_.line(row)
        width, (places, columns) = len(self.known_), self._places
        if self._unit != 1:
            weights = weights * np.float32(self._unit)
        rows = places.take(products, mode="clip")  # what came after the fit is past the end
        if np.count_nonzero(rows < 0):
            weights, rows = weights[rows >= 0], rows[rows >= 0]
        sums = sum_in_turn(weights, np.asarray(self.similarity_).take(rows, axis=0))
        if len(sums) == width:
            return sums[None]
        block = np.zeros(width, np.float32)
        block[columns] = sums
        return block[None]

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each product is among the known ones, −1 for others and one past the end.

        And which these are.
        """
        places = np.append(np.where(self.known_, np.cumsum(self.known_) - 1, -1), -1)
        return places, np.flatnonzero(self.known_)

    def _of_known(self, lines: sparse.csr_array) -> sparse.csr_array:
        """Return the columns of known products, sooner than by an index of columns for few rows."""
        places, width = self._places[0], len(self.known_)
        kept = lines.indices < width
        kept[kept] = self.known_[lines.indices[kept]]
        bounds = np.concatenate([[0], np.cumsum(kept)])[lines.indptr]
        parts = (lines.data[kept], places[lines.indices[kept]], bounds)
        return sparse.csr_array(parts, shape=(lines.shape[0], int(self.known_.sum())))

    def fit(self, context: FitContext) -> Self:
        """Learn from who did what before the context's moment.

        Raises:
            DataError: Nobody did anything that counts, or what is learned is not finite.
            ValueError: A parameter out of range.
        """
        super().fit(context)
        self._has_similar = self._find_similar()
        return self

    def state(self) -> State:
        """Return the parameters and what was learned; a sparse similarity as its three arrays."""
        made, alike = super().state(), self.similarity_
        if not sparse.issparse(alike):
            return {**made, "similarity_": alike}
        arrays = alike.indptr.astype(np.int64), alike.indices.astype(np.int32), alike.data
        return {**made, **dict(zip(_SPARSE, arrays, strict=True))}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return a ranker that has learned what a state says; `attach` makes it score."""
        ranker = super().from_state(state)
        if "similarity_" in state:
            ranker.similarity_ = state["similarity_"]
        else:
            starts, neighbours, values = (state[name] for name in _SPARSE)
            side, starts = len(starts) - 1, narrow(starts)
            ranker.similarity_ = sparse.csr_array((values, neighbours, starts), shape=(side, side))
        return ranker

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return the state of the groups' rankers: they differ in nothing; see `JoinedRanker`."""
        return states[0]

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have a product that says anything of others: bool (rows,)."""
        self._check_fitted()
        places, bounds = self.interactions_.stored(rows)
        products = self.interactions_.weights.indices[places]
        told = np.append(0, np.cumsum(self._telling(products)))
        able: NDArray[np.bool_] = np.diff(told[bounds]) > 0
        return able

    def _go_by(self, interactions: WeightedInteractions) -> None:
        super()._go_by(interactions)
        self._unit = interactions.unit()

    def _telling(self, products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which products by position are similar to any, or dissimilar: bool."""
        there = products < len(self._has_similar)
        telling: NDArray[np.bool_] = np.zeros(len(products), bool)
        telling[there] = self._has_similar[products[there]]
        return telling

    def _find_similar(self) -> NDArray[np.bool_]:
        found = self.known_.copy()
        if np.count_nonzero(found) > 1:  # a single product is all that there is to list
            found[self.known_] = self._similar_to_any()
        return found

    def _similar_to_any(self) -> NDArray[np.bool_]:
        """Return which rows of the similarity say anything of others: bool (known products,).

        What lies beside the diagonal by rounding alone says nothing.
        """
        if sparse.issparse(self.similarity_):
            some: NDArray[np.bool_] = np.diff(self.similarity_.indptr) > 0
            return some
        itself = np.abs(np.asarray(self.similarity_.diagonal()))
        noise = itself * np.finfo(np.float32).eps
        # A few columns settle nearly every row, and the matrix may lie on disk.
        first = np.abs(self.similarity_[:, :_GLANCE])
        np.fill_diagonal(first, 0)
        found: NDArray[np.bool_] = (first > noise[:, None]).any(axis=1)
        for row in np.flatnonzero(~found):
            others = np.delete(np.abs(self.similarity_[row]), row)
            found[row] = (others > noise[row]).any()
        return found

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return how much having one product, by position, speaks for every other.

        Returns:
            float32 (products,), NaN where it does not.
        """
        self._check_fitted()
        alike = np.full(len(self.known_), np.nan, np.float32)
        if product < len(self.known_) and self.known_[product]:
            values = self._row(int(self.known_[:product].sum()))
            alike[self.known_] = np.where(values > 0, values, np.nan)
        return alike

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what each product of the user's past adds to a score: weight times similarity."""
        self._check_fitted()
        if pair.product >= len(self.known_) or not self.known_[pair.product]:
            return None
        products, weights = self.interactions_.line(pair.user.rows.item())
        there = products < len(self.known_)
        there[there] = self.known_[products[there]]
        products, weights = products[there], weights[there] * np.float32(self._unit)
        places = self._places[0]
        alike = self._similarities(places[products], int(places[pair.product]))
        return Contributions.of_past(products, weights, weights * alike)

    def _similarities(self, rows: NDArray[np.int64], column: int) -> NDArray[np.float64]:
        """Return the similarities of some known products to one: float64 (rows,)."""
        alike = self.similarity_
        if not sparse.issparse(alike):
            return np.asarray(alike[rows, column], np.float64)
        found = np.zeros(len(rows))
        for place, row in enumerate(rows.tolist()):
            start, end = alike.indptr.item(row), alike.indptr.item(row + 1)
            at = start + int(np.searchsorted(alike.indices[start:end], column))
            if at < end and alike.indices.item(at) == column:
                found[place] = alike.data.item(at)
        return found

    def _row(self, row: int) -> NDArray[np.floating]:
        """Return the similarities of one known product to all: (known products,)."""
        found = self.similarity_[[row]]
        return np.asarray(found.toarray() if sparse.issparse(found) else found).ravel()

    def _sums(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        """Add up similarities: CSR (users, known products) to (users, known products)."""
        sums = lines @ self.similarity_
        dense: NDArray[np.float32] = sums.toarray() if sparse.issparse(sums) else sums
        return dense

    def _check_learned(self) -> None:
        known = int(self.known_.sum())
        wide = len(self.known_) > self.interactions_.weights.shape[1]
        if self.similarity_.shape != (known, known) or wide or not _sound(self.similarity_):
            raise ValueError(f"{type(self).__name__}: products and similarities do not fit")
        self._has_similar = self._find_similar()


def _sound(similarity: Any) -> bool:
    """Return whether a sparse similarity is one: its rows in order, its columns within it."""
    if not sparse.issparse(similarity):
        return True
    starts, columns, values = similarity.indptr, similarity.indices, similarity.data
    return (
        starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(columns) == len(values)
        and bool(((columns >= 0) & (columns < similarity.shape[1])).all())
        and bool(np.isfinite(values).all())
    )


@cache
def adds_in_turn() -> bool:
    """Return whether SciPy adds up rows as `sum_in_turn` does: not where it fuses the operations.

    It depends on the processor that SciPy was built for.
    """
    draw = np.random.default_rng(0)
    table = draw.standard_normal((40, 257)).astype(np.float32)
    weights = draw.standard_normal((1, 40)).astype(np.float32)
    sums = sparse.csr_array(weights) @ table
    return np.array_equal(sums[0], sum_in_turn(weights[0], table))


def sum_in_turn(weights: NDArray[np.float32], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights @ table, each product rounded, then added to those before: (columns,)."""
    terms = table * weights[:, None]
    if table.shape[1] == 1:  # what lies side by side is added in pairs
        return np.add.accumulate(np.append(_ZERO, terms))[-1:]
    sums: NDArray[np.float32] = np.add.reduce(terms, axis=0, initial=_ZERO)
    return sums
