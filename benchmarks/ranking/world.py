"""What everybody ranks: factors, and what each customer owns; handed on as .npy files."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["FACTORS", "K", "Lists", "World", "draw"]

K = 10
FACTORS, OWNED = 64, 10


@dataclass(frozen=True)
class World:
    """The input of every contender. NumPy and SciPy alone read it: peers have little else.

    Attributes:
        users: float32 (users, factors).
        products: float32 (products, factors).
        owned: int32 (users, owned), positions of products, ascending, each once.
    """

    users: NDArray[np.float32]
    products: NDArray[np.float32]
    owned: NDArray[np.int32]

    def owned_matrix(self) -> sparse.csr_matrix:
        """Give ownership as CSR (users, products)."""
        users, several = self.owned.shape
        starts = np.arange(users + 1, dtype=np.int32) * several
        ones = np.ones(self.owned.size, np.float32)
        shape = (users, len(self.products))
        return sparse.csr_matrix((ones, self.owned.ravel(), starts), shape=shape)

    def save(self, folder: Path) -> None:
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> "World":
        return cls(*(np.load(folder / f"{field.name}.npy") for field in fields(cls)))


@dataclass(frozen=True)
class Lists:
    """What a contender answered.

    Attributes:
        products: int32 (users, depth), −1 past the end.
        scores: float32 (users, depth).
    """

    products: NDArray[np.int32]
    scores: NDArray[np.float32]

    def of(self, rows: NDArray[np.int64]) -> "Lists":
        return Lists(self.products[rows], self.scores[rows])

    def save(self, path: Path) -> None:
        np.savez(path, products=self.products, scores=self.scores)

    @classmethod
    def load(cls, path: Path) -> "Lists":
        with np.load(path) as found:
            return cls(found["products"], found["scores"])


def draw(users: int, products: int, seed: int = 0) -> World:
    """Draw factors, and ten owned products a customer at even distances from a random start."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((users, FACTORS), dtype=np.float32)
    right = rng.standard_normal((products, FACTORS), dtype=np.float32)
    start = rng.integers(0, products, (users, 1))
    step = rng.integers(1, max(2, products // OWNED), (users, 1))
    owned = (start + step * np.arange(OWNED)) % products
    return World(left, right, np.sort(owned, axis=1).astype(np.int32))
