"""Vectors of users' own after training: how new purchases move them, all others as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers import logistic
from suitably.utils.parallel import one_blas_thread, parallel

__all__ = ["Moves", "OwnVectors"]

_RIVALS = 64
_SAMPLE = 64
_PENALTIES = 2.0 ** np.arange(-6, 21, 2)  # in units of the largest weight
_FINE = 2.0 ** np.array([-1, 0, 1])


@dataclass(frozen=True)
class OwnVectors:
    """Finds how far purchases since the fit move a user's vector, by a convex problem of its own.

    The move x minimises Σ weight · Σ share · ln(1 + exp(−((v + x)·(p − r) + b_p − b_r))) + λ/2 |x|²
    over new purchases p and a sample of rivals r by popularity, with biases b and v what the user's
    vector was: the loss of BPR, for which that of WARP is a sharper substitute. Of what was turned
    down, at a negative weight, the sides change and the size counts.

    Attributes:
        popularity: float64 (products at the fit,), the number of users who had each.
        penalty: λ.
    """

    popularity: NDArray[np.float64]
    penalty: float

    @staticmethod
    def matching(
        popularity: NDArray[np.float64],
        lines: sparse.csr_array,
        products: NDArray[np.float32],
        shared: NDArray[np.float32],
        trained: NDArray[np.float32],
    ) -> "OwnVectors":
        """Choose the penalty under which moves from nothing come closest to what training made.

        Training takes few short steps, which holds vectors back as a penalty would; how far it
        went is what its vectors show.

        Args:
            popularity: As above.
            lines: CSR (users, products), weights of users in training.
            products: (products, factors + 2): bias, 1, vector.
            shared: (users, factors), what their features add up to.
            trained: (users, factors), what training made of their own.
        """
        places = np.linspace(0, lines.shape[0] - 1, min(lines.shape[0], _SAMPLE)).astype(np.int64)
        lines, shared, trained = lines[places], shared[places], trained[places]
        unit = float(lines.data.max())

        def distance(penalty: float) -> float:
            found = OwnVectors(popularity, penalty).of(lines, lines, products, shared)
            return float(np.square(found - trained).sum())

        best = min((unit * _PENALTIES).tolist(), key=distance)
        return OwnVectors(popularity, min((best * _FINE).tolist(), key=distance))

    def of(
        self,
        lines: sparse.csr_array,
        owned: sparse.csr_array,
        products: NDArray[np.float32],
        vectors: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """Return moves, each by its own purchases alone: float64 (users, factors).

        Args:
            lines: CSR (users, products), weights of new purchases, of known products, below 0 of
                what was turned down.
            owned: CSR (users, products), all that they have, which is no rival, and below 0 what
                they turned down.
            products: (products, factors + 2): bias, 1, vector.
            vectors: (users, factors), from where they move.
        """
        goods, bias = products[:, 2:].astype(np.float64), products[:, 0].astype(np.float64)
        others, shares = logistic.rivals(self.popularity, _RIVALS)
        factors, starts = goods.shape[1], vectors.astype(np.float64)
        has = owned[:, others].toarray()
        lengths, out = np.diff(lines.indptr), np.zeros((lines.shape[0], factors))

        def one(rows: NDArray[np.int64]) -> None:
            places = lines.indptr[rows, None] + np.arange(lengths[rows[0]])
            mine, weights = lines.indices[places], lines.data[places].astype(np.float64)
            features = goods[mine][:, :, None] - goods[others]
            base = bias[mine][:, :, None] - bias[others]
            base += (features @ starts[rows][:, None, :, None])[..., 0]
            # What the user owns is no rival of what is, nor what was turned down of what was.
            ours = np.sign(weights)[:, :, None] == np.sign(has[rows])[:, None]
            free = shares * ~ours
            features, base, sizes = logistic.sided(features, base, weights)
            flat = (len(rows), -1)
            out[rows] = logistic.solve(
                logistic.Terms(
                    features.reshape(*flat, factors),
                    base.reshape(flat),
                    (sizes[:, :, None] * free).reshape(flat),
                    np.full(len(rows), self.penalty),
                )
            )

        with one_blas_thread():
            list(parallel(one, logistic.by_length(lengths, factors)))
        return out

    def state(self) -> dict[str, Any]:
        """Return everything as arrays and numbers."""
        return {"popularity": self.popularity, "move_penalty": self.penalty}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "OwnVectors | None":
        """Take back what `state` gave; None of a model saved before there were any.

        Raises:
            ValueError: The penalty is no number above 0.
        """
        if "move_penalty" not in state:
            return None
        penalty = float(state["move_penalty"])
        if not 0 < penalty < np.inf or state["popularity"].ndim != 1:
            raise ValueError("LightFM: the penalty of users' moves does not fit")
        return OwnVectors(state["popularity"], penalty)


@dataclass(frozen=True)
class Moves:
    """What users have bought since the fit or ever turned down, and how it moves them.

    Attributes:
        users: int64 (pairs,), rows of users, a row per new pair, ascending.
        products: int64 (pairs,), the products, ascending for each user.
        rows: int64 (moved,), the users who have moved, ascending.
        vectors: float32 (moved, factors), by how much.
    """

    users: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    products: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def plus(self, users: NDArray[np.int64], products: NDArray[np.int64]) -> "Moves":
        """Return them with more pairs."""
        both = np.stack([np.append(self.users, users), np.append(self.products, products)])
        pairs = np.unique(both, axis=1)
        return Moves(pairs[0], pairs[1], self.rows, self.vectors)

    def put(self, rows: NDArray[np.int64], vectors: NDArray[np.floating]) -> "Moves":
        """Return them with some users' moves found anew: distinct rows, ascending."""
        kept = ~np.isin(self.rows, rows)
        joint = np.append(self.rows[kept], rows)
        width = (0, vectors.shape[1])
        held = self.vectors[kept] if len(self.rows) else np.zeros(width, np.float32)
        order = np.argsort(joint)
        both = np.concatenate([held, vectors.astype(np.float32)])[order]
        return Moves(self.users, self.products, joint[order], both)

    def only(self, kept: NDArray[np.bool_]) -> "Moves":
        """Return those of some users alone: bool (users,)."""
        row = np.cumsum(kept) - 1
        pairs, moved = kept[self.users], kept[self.rows]
        return Moves(
            *(row[self.users[pairs]], self.products[pairs]),
            *(row[self.rows[moved]], self.vectors[moved]),
        )

    def of(self, row: int) -> NDArray[np.float64] | float:
        """Return how one user has moved: (factors,), or 0."""
        at = int(np.searchsorted(self.rows, row))
        if at == len(self.rows) or self.rows[at] != row:
            return 0.0
        return np.asarray(self.vectors[at], np.float64)

    def among(self, rows: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_array:
        """Return the new pairs of some users: CSR (rows, products) of 1."""
        pairs = sparse.csr_array(
            (np.ones(len(self.users), np.float32), (self.users, self.products)), shape=shape
        )
        return sparse.csr_array(pairs[rows])

    def state(self) -> dict[str, Any]:
        """Return everything as arrays."""
        return {
            "bought_users": self.users,
            "bought_products": self.products,
            "moved_rows": self.rows,
            "moves": self.vectors,
        }

    @staticmethod
    def from_state(state: Mapping[str, Any], users: int, factors: int) -> "Moves":
        """Take back what `state` gave.

        Raises:
            ValueError: The parts do not fit each other, or the users.
        """
        if "moves" not in state:
            return Moves()
        names = ("bought_users", "bought_products", "moved_rows", "moves")
        made = Moves(*(np.asarray(state[name]) for name in names))
        fits = (
            made.users.shape == made.products.shape == (len(made.users),)
            and made.rows.shape == (len(made.vectors),)
            and (not len(made.rows) or made.vectors.shape[1] == factors)
            and bool(((made.rows >= 0) & (made.rows < users)).all())
            and bool(((made.users >= 0) & (made.users < users)).all())
            and bool((np.diff(made.rows) > 0).all())
        )
        if not fits:
            raise ValueError("LightFM: users and their moves do not fit")
        return made
