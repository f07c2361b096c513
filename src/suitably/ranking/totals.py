"""What everybody's weighted interactions add up to, product by product."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers.scales import chance_norm

__all__ = ["Totals", "core_of"]

Floats = NDArray[np.float64]
_LARGEST = ("largest", "highest")


@dataclass(frozen=True)
class Totals:
    """What the interactions of some users by one weighting add up to, product by product.

    All that a ranker must know of everybody before it adds up anything else: which products anybody
    wants, in which units weights are, how much there is of each.

    Attributes:
        users: int64 (), how many have any.
        entries: int64 (products,), how many have each, or have turned it down.
        wanted_by: int64 (products,), how many want each: their weight is above 0.
        sizes: float64 (products,), the sum of the sizes of weights.
        wanted: float64 (products,), that of the weights above 0.
        squares: float64 (products,), the sum of squares of the weights above 0.
        largest: float64 (products,), the largest size of a weight; 0: there is none.
        highest: float64 (products,), the largest weight above 0; 0: there is none.

    Example:
        >>> made = Totals.of(sparse.csr_array(np.array([[1.0, 0.0, -2.0], [1.0, 0.0, 0.0]])))
        >>> made.known.tolist(), made.sizes.tolist()
        ([True, False, False], [2.0, 0.0, 2.0])
    """

    users: NDArray[np.int64]
    entries: NDArray[np.int64]
    wanted_by: NDArray[np.int64]
    sizes: Floats
    wanted: Floats
    squares: Floats
    largest: Floats
    highest: Floats

    @classmethod
    def of(cls, lines: sparse.csr_array) -> Self:
        """Add up the weights of some users: CSR (users, products)."""
        products, weights = lines.indices, lines.data.astype(np.float64)
        side, above = lines.shape[1], np.maximum(weights, 0)

        def by_product(values: Floats) -> Floats:
            return np.asarray(np.bincount(products, values, minlength=side), np.float64)

        most = np.zeros((2, side))
        np.maximum.at(most[0], products, np.abs(weights))
        np.maximum.at(most[1], products, above)
        return cls(
            users=np.array(np.count_nonzero(np.diff(lines.indptr)), np.int64),
            entries=np.bincount(products, minlength=side).astype(np.int64),
            wanted_by=np.bincount(products[weights > 0], minlength=side).astype(np.int64),
            sizes=by_product(np.abs(weights)),
            wanted=by_product(above),
            squares=by_product(above**2),
            largest=most[0],
            highest=most[1],
        )

    def with_others(self, others: "Totals") -> "Totals":
        """Return those of these users and others together."""
        mine, theirs = self.arrays(), others.arrays()
        return Totals(**{
            name: (np.maximum if name in _LARGEST else np.add)(mine[name], theirs[name])
            for name in mine
        })  # fmt: skip

    @property
    def known(self) -> NDArray[np.bool_]:
        """The products that anybody wants: bool (products,)."""
        known: NDArray[np.bool_] = self.wanted_by > 0
        return known

    @property
    def noise_norm(self) -> float:
        """How large singular values are of chance alone; see `scales.noise_norm`."""
        return chance_norm(float(self.squares.sum()), int(self.users), int(self.known.sum()))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return them by name, to be saved."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take back what `arrays` gave."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def core_of(lines: sparse.csr_array, known: NDArray[np.bool_]) -> sparse.csr_array:
    """Return the columns of known products and the rows that have any: CSR, sorted.

    Example:
        >>> core_of(sparse.csr_array(np.array([[1, 0], [0, 1]])), np.array([True, False])).shape
        (1, 1)
    """
    core = sparse.csr_array(lines[:, known])
    owned = np.diff(core.indptr) > 0
    return core if owned.all() else sparse.csr_array(core[owned])
