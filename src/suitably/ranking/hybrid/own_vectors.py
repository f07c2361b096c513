"""Vectors of users' own after training: what purchases ask for, all other vectors as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers import logistic
from suitably.utils.parallel import one_blas_thread, parallel

__all__ = ["OwnVectors"]

_RIVALS = 64
_SAMPLE = 64
_HALVINGS = 10
_LEAST, _MOST = -10, 30  # of the penalty, as powers of 2


@dataclass(frozen=True)
class OwnVectors:
    """Finds a user's own vector x, which adds to the features' f, by a convex problem of its own.

    x minimises Σ weight · Σ share · ln(1 + exp(−((f + x)·(p − r) + b_p − b_r))) + λ/2 |x|² over
    purchases p and a sample of rivals r by popularity, with biases b: the loss of BPR, for which
    that of WARP is a sharper substitute.

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
        """Choose the penalty under which vectors are as long as training made them.

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
        lines, shared = lines[places], shared[places]
        wanted = float(np.square(trained[places], dtype=np.float64).sum())
        unit = float(lines.data.max())
        low, high = float(_LEAST), float(_MOST)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            found = OwnVectors(popularity, unit * 2.0**middle).of(lines, products, shared)
            if float(np.square(found).sum()) > wanted:
                low = middle
            else:
                high = middle
        return OwnVectors(popularity, unit * 2.0 ** ((low + high) / 2))

    def of(
        self, lines: sparse.csr_array, products: NDArray[np.float32], shared: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return users' own vectors, each by its own purchases alone: float64 (users, factors).

        Args:
            lines: CSR (users, products), weights of known products, at least one each.
            products: (products, factors + 2): bias, 1, vector.
            shared: (users, factors), what their features add up to.
        """
        vectors, bias = products[:, 2:].astype(np.float64), products[:, 0].astype(np.float64)
        others, shares = logistic.rivals(self.popularity, _RIVALS)
        factors = vectors.shape[1]
        lengths, out = np.diff(lines.indptr), np.zeros((lines.shape[0], factors))

        def one(rows: NDArray[np.int64]) -> None:
            places = lines.indptr[rows, None] + np.arange(lengths[rows[0]])
            mine, weights = lines.indices[places], lines.data[places].astype(np.float64)
            features = vectors[mine][:, :, None] - vectors[others]
            base: NDArray[Any] = (bias[mine][:, :, None] - bias[others]) + (
                features @ shared[rows].astype(np.float64)[:, None, :, None]
            )[..., 0]
            # What the user owns is no rival.
            free = shares * (others != mine[:, :, None]).all(axis=1)[:, None, :]
            flat = (len(rows), -1)
            out[rows] = logistic.solve(
                logistic.Terms(
                    features.reshape(*flat, factors),
                    base.reshape(flat),
                    (weights[:, :, None] * free).reshape(flat),
                    np.full(len(rows), self.penalty),
                )
            )

        with one_blas_thread():
            list(parallel(one, logistic.by_length(lengths, factors)))
        return out

    def state(self) -> dict[str, Any]:
        """Return everything as arrays and numbers."""
        return {"popularity": self.popularity, "own_penalty": self.penalty}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "OwnVectors | None":
        """Take back what `state` gave; None of a model saved before there were any.

        Raises:
            ValueError: The penalty is no number above 0.
        """
        if "own_penalty" not in state:
            return None
        penalty = float(state["own_penalty"])
        if not 0 < penalty < np.inf or state["popularity"].ndim != 1:
            raise ValueError("LightFM: the penalty of users' own vectors does not fit")
        return OwnVectors(state["popularity"], penalty)
