"""A linear autoencoder in closed form: of all products at once, or of each product's nearest."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.gram import whole_gram
from suitably.ranking.solvers.local_ridge import local_ridge, local_ridge_of_gram, local_room
from suitably.ranking.solvers.memory import check_room, has_room_for_pairs
from suitably.ranking.solvers.nearest import trimmed
from suitably.ranking.solvers.ridge import largest_sum, precision, ridge, ridge_of_gram, row_sums
from suitably.ranking.summed_similarity import SummedSimilarity
from suitably.ranking.summing import Sums
from suitably.ranking.topk.engine import check_factors
from suitably.ranking.totals import Totals
from suitably.utils.params import check_fraction, check_positive, check_positive_int
from suitably.utils.runs import reduce_runs

__all__ = ["EASE"]

_NOISE = 2.0
# How many of the nearest, and of more products than how many only the second number: what a product
# takes grows with the cube of them.
_NEIGHBOURS, _FEWER_NEIGHBOURS, _MANY_PRODUCTS = 200, 100, 300_000
# Bytes that a pair of products takes at the worst moment: in double precision, beside the matrix,
# what is kept of it.
_CELL = {np.float32: 5, np.float64: 12}
_FEWER = "with fewer neighbours it needs no matrix of all pairs"


class EASE(SummedSimilarity):
    """Weights from product to product that best predict each from the others, under a penalty.

    They may be negative. What a user turned down, at a negative weight, is predicted and predicts
    as the opposite of what a user has: it subtracts. A user without visible purchases
    cannot be scored, nor can a product without any.

    Up to 10,000 products it takes one inversion of a matrix of products by products, in place:
    500 MB for 10,000 products, 1.2 GB where the penalty is so small that it takes double precision.
    Beyond, and where there is no room for that, each product is predicted from its `neighbours`
    nearest alone, by the same regression in closed form, and nothing is as large as the pairs of
    products. Nearest are those that would predict it best by themselves. Users of so many products
    that the pairs would be too many (over 17 billion; over 46,000 products: over a billion and
    over 64 for each interaction) count by their heaviest and then rarest products only.

    Args:
        regularization: L2 penalty; None: twice the square root of the number of users, times
            the square of the largest weight. A count of common users is that uncertain, so a
            penalty that suits a large bank drowns what a small one has. For the paper's 137,000
            and 463,000 users that is 740 and 1,360, where its best were 500 and 1,000. With
            scaled rows: twice the root of the sum of the fourth powers of users' largest weights.
        dropout: How likely an interaction is left out of what predicts, from 0 to below 1: adds
            dropout / (1 − dropout) times a product's own sum of squares to its penalty, so that
            popular products are penalised more.
        row_scaling: Each user's weights are divided by their Euclidean length to this power, so
            that users of many products say less of each pair; 0: not at all, 1: all say as much.
        neighbours: How many products each is predicted from; None: all others up to 10,000
            products, 200 beyond, 100 beyond 300,000. With all others it is one inversion.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        similarity_: float32 (known products, known products), zero on the diagonal; CSR where
            each product is predicted from its nearest.
        known_: bool (products,), those that anybody has.
        regularization_: The penalty that was used.

    Source:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, eq. 8; dropout:
        Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020, section 3;
        a sparse set of predictors for each product: Steck, "Markov Random Fields for
        Collaborative Filtering", NeurIPS 2019, section 3.2.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=EASE())
        >>> ranker = pipeline.fit(bank).ranker_
        >>> ranker.similarity_.shape == (ranker.known_.sum(),) * 2
        True
    """

    learned: ClassVar[tuple[str, ...]] = (*SummedSimilarity.learned, "regularization_")
    smaller: ClassVar[str] = "fewer neighbours need less, and so do ItemKNN, IALS and ALS"
    regularization_: float

    def __init__(
        self,
        regularization: float | None = None,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
        dropout: float = 0.0,
        row_scaling: float = 0.0,
        neighbours: int | None = None,
    ) -> None:
        self.regularization = regularization
        self.half_life_days = half_life_days
        self.event_weights = event_weights
        self.dropout = dropout
        self.row_scaling = row_scaling
        self.neighbours = neighbours

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        core = history.core.astype(np.float64)
        # Weights of whatever size become at most 1: their squares must not overflow.
        largest = float(np.abs(core.data).max())
        core.data /= largest
        noise = _NOISE * self._scale(core)
        squares = np.bincount(core.indices, core.data**2, minlength=core.shape[1])
        added = self._added(noise, largest, np.asarray(squares, np.float64))
        norm = largest_sum(core)
        dtype = precision(norm, added)
        if self._is_exact(core.shape[1], dtype):
            check_room("EASE", _CELL[dtype] * core.shape[1] ** 2, _FEWER)
            self._keep(ridge("EASE", core, added, norm, dtype))
        else:
            count = self.neighbours or _nearest(core.shape[1])
            core, _ = trimmed(core)
            check_room("EASE", local_room(core, count, dtype), self.smaller)
            self._keep(local_ridge(core, added, count, dtype))
        self.known_: NDArray[np.bool_] = history.known

    def _group_sums(self, core: sparse.csr_array, totals: Totals) -> Sums:
        core.data /= totals.largest[totals.known].max()
        heaviest = self._heaviest(core)
        return {
            "users": np.array(core.shape[0]),
            "fourth_powers": np.array((heaviest**4).sum()),
            "rows": row_sums(core),
            "gram": whole_gram(core),
        }

    def _learn_sums(self, sums: Sums, totals: Totals) -> None:
        gram, known = sums["gram"], totals.known
        noise = sums["fourth_powers"] if self.row_scaling else sums["users"]
        largest = float(totals.largest[known].max())
        added = self._added(_NOISE * float(noise) ** 0.5, largest, gram.diagonal())
        norm = float(sums["rows"].max())
        dtype = precision(norm, added)
        if self.neighbours is None or self.neighbours >= len(gram) - 1:
            self._keep(ridge_of_gram("EASE", gram.astype(dtype), added, norm))
        else:
            entries = totals.entries[known]
            self._keep(local_ridge_of_gram(gram, entries, added, self.neighbours, dtype))

    def _added(
        self, noise: float, largest: float, squares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what is added to the diagonal, of weights that are at most 1: (products,)."""
        given = self.regularization
        penalty = noise if given is None else given / largest / largest
        self.regularization_ = penalty * largest * largest if given is None else float(given)
        added: NDArray[np.float64] = penalty + self.dropout / (1 - self.dropout) * squares
        return added

    def _keep(self, found: Any) -> None:
        """Keep the weights, dense or sparse, in single precision."""
        if sparse.issparse(found):
            found.data = found.data.astype(np.float32, copy=False)
            check_factors("EASE", found.data)
        else:
            found = found.astype(np.float32, copy=False)
            check_factors("EASE", found)
        self.similarity_: NDArray[np.float32] | sparse.csr_array = found

    def _scale(self, core: sparse.csr_array) -> float:
        """Scale the rows in place; return how uncertain a count of common users then is."""
        heaviest = self._heaviest(core)
        return float(np.sqrt((heaviest**4).sum()) if self.row_scaling else core.shape[0] ** 0.5)

    def _heaviest(self, core: sparse.csr_array) -> NDArray[np.float64]:
        """Scale the rows in place; return the largest weight of each; nothing unless they are."""
        if not self.row_scaling:
            return np.zeros(0)
        lengths = np.sqrt(reduce_runs(np.add, core.data**2, core.indptr[:-1]))
        core.data /= np.repeat(lengths**self.row_scaling, np.diff(core.indptr))
        return reduce_runs(np.maximum, np.abs(core.data), core.indptr[:-1])

    def _is_exact(self, side: int, dtype: Any) -> bool:
        if self.neighbours is not None:
            return self.neighbours >= side - 1
        return has_room_for_pairs(side, _CELL[dtype])

    def _check_params(self) -> None:
        check_positive(self, "regularization", optional=True)
        check_fraction(self, "dropout", one=False)
        check_fraction(self, "row_scaling")
        check_positive_int(self, "neighbours", optional=True)


def _nearest(products: int) -> int:
    return _NEIGHBOURS if products <= _MANY_PRODUCTS else _FEWER_NEIGHBOURS
