"""Vectors of users for rankers that are trained by sampling: a logistic regression for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.utils.parallel import one_blas_thread, parallel

__all__ = ["Terms", "by_length", "opposed", "rivals", "shares", "sided", "solve", "vectors"]

Floats = NDArray[Any]
_STEPS = 300
_ENOUGH = 1e-9
_PAIRS = 1 << 13
_CONDITION = 1e12


@dataclass(frozen=True)
class Terms:
    """What a vector x is judged by: Σ weight · ln(1 + exp(−(feature·x + offset))) + λ/2 |x|².

    Attributes:
        features: (users, terms, factors).
        offsets: (users, terms).
        weights: (users, terms), 0 for padding.
        penalty: λ (users,), above 0.
    """

    features: Floats
    offsets: Floats
    weights: Floats
    penalty: Floats

    def of(self, users: NDArray[Any]) -> "Terms":
        """Return those of some users."""
        return Terms(
            self.features[users], self.offsets[users], self.weights[users], self.penalty[users]
        )

    def margins(self, vectors: Floats) -> Floats:
        """Return feature·x + offset: (users, terms)."""
        # A product of its own for each user, so that nobody's rounding depends on others.
        margins: Floats = (self.features @ vectors[:, :, None])[:, :, 0] + self.offsets
        return margins


def solve(terms: Terms) -> Floats:
    """Minimise for every user, by steps of the quadratic function that bounds the loss from above.

    The problem is strictly convex, so there is one answer, and it depends on the user alone. The
    bound's curvature, a quarter for each term, is inverted once; no step can raise the loss.

    Returns:
        float64 (users, factors).

    Source:
        Böhning and Lindsay, "Monotonicity of Quadratic-Approximation Algorithms", Annals of the
        Institute of Statistical Mathematics 40, 1988, section 4.
    """
    users, _, factors = terms.features.shape
    bend = (terms.features * terms.weights[:, :, None] / 4).transpose(0, 2, 1) @ terms.features
    bend[:, np.arange(factors), np.arange(factors)] += terms.penalty[:, None]
    inverse = _inverse(bend, terms.penalty)
    found = np.zeros((users, factors))
    moving = np.arange(users)
    for _ in range(_STEPS):
        now = found[moving]
        doubt = _logistic(-terms.margins(now))
        pull = ((terms.weights * doubt)[:, None, :] @ terms.features)[:, 0]
        pull -= terms.penalty[:, None] * now
        step = (inverse @ pull[:, :, None])[:, :, 0]
        found[moving] = now + step
        gain = (pull[:, None, :] @ step[:, :, None])[:, 0, 0]
        kept = gain > _ENOUGH * terms.weights.sum(axis=1)
        if not kept.any():
            break
        if not kept.all():
            moving, inverse, terms = moving[kept], inverse[kept], terms.of(kept)
    return found


def shares(terms: Terms, vector: Floats, other: Floats) -> Floats:
    """Split the product of a user's vector and another one by the terms.

    Where the loss is least, its gradient is 0: the vector is Σ αₜ featureₜ with αₜ = weightₜ ·
    logistic(−marginₜ) / λ, so that term t adds αₜ featureₜ · other.

    Args:
        terms: Those of one user.
        vector: What `solve` found: (factors,).
        other: (factors,).

    Returns:
        float64 (terms,).

    Source:
        Yeh, Kim, Yen and Ravikumar, "Representer Point Selection for Explaining Deep Neural
        Networks", NeurIPS 2018, theorem 3.1.
    """
    doubt = _logistic(-terms.margins(vector[None]))[0]
    found: Floats = terms.weights[0] * doubt * (terms.features[0] @ other) / terms.penalty[0]
    return found


def rivals(popularity: Floats, most: int) -> tuple[NDArray[np.int64], Floats]:
    """Stand in for negatives drawn in proportion to popularity: the same few for everybody.

    A systematic sample: the products at `most` equally spaced places of the cumulative
    popularity, so that it is all of them where there are few, and nobody's answer is drawn.

    Returns:
        Products, distinct and ascending, and their shares of the sample.
    """
    total = np.cumsum(popularity, dtype=np.float64)
    places = (np.arange(most) + 0.5) / most * total[-1]
    drawn = np.searchsorted(total, places, side="right")
    products, counts = np.unique(drawn, return_counts=True)
    return products.astype(np.int64), counts / most


def sided(features: Floats, offsets: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Turn pairs of a product and a rival round where the product was turned down.

    Args:
        features: (users, entries, rivals, factors), of the product less those of the rival.
        offsets: (users, entries, rivals), likewise.
        weights: (users, entries), below 0 for what was turned down.

    Returns:
        Features and offsets of what is to come first less what is to come after it, and the sizes
        of the weights.
    """
    if not (weights < 0).any():
        return features, offsets, weights
    side = np.sign(weights)[:, :, None]
    return side[..., None] * features, side * offsets, np.abs(weights)


def opposed(
    mine: NDArray[Any], weights: Floats, others: NDArray[Any], places: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return which rivals a user's entries may be set against.

    What the user owns is no rival of what the user owns, nor what was turned down of what was.

    Args:
        mine: (users, entries), products.
        weights: (users, entries), below 0 for what was turned down.
        others: (sample,), products that are rivals.
        places: (entries or 1, rivals), places of each entry's rivals in the sample.

    Returns:
        bool (users, entries or 1, rivals).
    """
    same = others == mine[:, :, None]
    if not (weights < 0).any():
        return np.asarray(~same.any(axis=1)[:, places])
    wanted = weights[:, :, None] > 0
    owned, refused = ((same & side).any(axis=1)[:, places] for side in (wanted, ~wanted))
    return np.asarray(~np.where(wanted, owned, refused))


def vectors(
    lines: sparse.csr_array, terms: Callable[[NDArray[Any], Floats], Terms], factors: int
) -> Floats:
    """Find the vectors of many users, in blocks of those with equally many entries.

    Args:
        lines: CSR (users, products).
        terms: Gives the terms of some users, by their products and weights (users, entries).
        factors: Length of the vectors.

    Returns:
        float64 (users, factors), zeros for a row without entries.
    """
    out = np.zeros((lines.shape[0], factors))
    lengths = np.diff(lines.indptr)

    def one(rows: NDArray[np.int64]) -> None:
        places = lines.indptr[rows, None] + np.arange(lengths[rows[0]])
        out[rows] = solve(terms(lines.indices[places], lines.data[places].astype(np.float64)))

    with one_blas_thread():
        list(parallel(one, by_length(lengths, factors)))
    return out


def by_length(lengths: NDArray[Any], factors: int) -> list[NDArray[np.int64]]:
    """Return the rows that have entries, in blocks of those with equally many."""
    blocks = []
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        several = max(1, _PAIRS // (length * factors))
        blocks += [rows[start : start + several] for start in range(0, len(rows), several)]
    return blocks


def _inverse(bend: Floats, penalty: Floats) -> Floats:
    """Invert curvatures, each at least the penalty: (users, factors, factors).

    Beside terms of enormous weight the penalty is lost to rounding, and what is left may be
    singular or not, as the processor rounds. Such a curvature is taken to be, in every direction,
    at least what rounding leaves uncertain: the steps are the shorter, and none raises the loss.
    """
    factors = bend.shape[1]
    size = np.trace(bend, axis1=1, axis2=2)
    plain = size * factors < _CONDITION * penalty
    inverse = np.empty_like(bend)
    inverse[plain] = np.linalg.inv(bend[plain])
    if not plain.all():
        values, vectors = np.linalg.eigh(bend[~plain])
        doubt = factors * np.finfo(np.float64).eps * values[:, -1]
        values = np.maximum(values, np.maximum(penalty[~plain], doubt)[:, None])
        inverse[~plain] = (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1)
    return inverse


def _logistic(x: Floats) -> Floats:
    logistic: Floats = 0.5 + 0.5 * np.tanh(0.5 * x)
    return logistic
