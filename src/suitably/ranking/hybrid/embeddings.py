"""One side of a hybrid: vectors of its own for those in training, vectors of features for all."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError
from suitably.ranking.hybrid.encoding import Encoder, Encoding
from suitably.ranking.hybrid.feature_columns import Now

__all__ = ["Side"]


@dataclass(frozen=True)
class Side:
    """What was learned of users, or of products.

    Attributes:
        encoding: How fields become features.
        own: float32 (rows at the fit, columns), zeros for those that were not in training.
        trained: bool (rows at the fit,), which were.
        shared: float32 (features, columns), zeros for those that nobody in training had: what
            training starts from is noise.
    """

    encoding: Encoding
    own: NDArray[np.float32]
    trained: NDArray[np.bool_]
    shared: NDArray[np.float32]

    @staticmethod
    def learned(
        encoding: Encoding,
        vectors: NDArray[np.float32],
        features: sparse.csr_array,
        trained: NDArray[np.bool_],
    ) -> "Side":
        """Take apart what training gives.

        Args:
            encoding: How fields become features.
            vectors: Of those in training, then of the features: (trained + features, columns).
            features: Of those in training: CSR (trained, features).
            trained: bool (rows,), which are in training.
        """
        count = int(trained.sum())
        own = np.zeros((len(trained), vectors.shape[1]), np.float32)
        own[trained] = vectors[:count]
        shared = np.array(vectors[count:], np.float32)
        shared[np.bincount(features.indices, minlength=len(shared)) == 0] = 0
        return Side(encoding, own, trained, shared)

    def vectors(
        self, fields: pa.Table, now: Now | None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Sum up everyone's vectors.

        Args:
            fields: A row per user or product: those at the fit first, newcomers after them.
            now: The moment that dates are reckoned to.

        Returns:
            float32 (rows, columns); and bool (rows,), of whom anything is known: they were in
            training, or have a value in training's.

        Raises:
            DataError: Fields that do not fit those of the fit.
        """
        encoded, vectors = self._encoded(fields, now)
        before = len(self.own)
        self.check_rows(encoded.shape[0])
        vectors[:before] += self.own
        telling = (self.encoding.telling & self.shared.any(axis=1)).astype(np.float32)
        known = np.asarray(abs(encoded) @ telling) > 0
        known[:before] |= self.trained
        return vectors, known

    def check_rows(self, rows: int) -> None:
        """Refuse fewer rows than there were: DataError."""
        if rows < len(self.own):
            raise DataError(
                f"LightFM: {rows} {self.encoding.side}s, fewer than the {len(self.own)} at fit"
            )

    def of_features(self, fields: pa.Table, now: Now | None) -> NDArray[np.float32]:
        """Return what everyone's features alone add up to: float32 (rows, columns)."""
        return self._encoded(fields, now)[1]

    def _encoded(
        self, fields: pa.Table, now: Now | None
    ) -> tuple[sparse.csr_array, NDArray[np.float32]]:
        encoded = self.encoding.encode(fields, now)
        return encoded, np.asarray(encoded @ self.shared, np.float32)

    def parts(
        self, row: int, fields: pa.Table, now: Now | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what a vector is summed up from.

        Args:
            row: Whose it is.
            fields: Their one row of fields.
            now: The moment that dates are reckoned to.

        Returns:
            float64 (fields, columns), what each field adds; and (columns,), a vector of one's own.

        Raises:
            DataError: Fields that do not fit those of the fit.
        """
        encoded = self.encoding.encode(fields, now)
        widths = [encoder.width for encoder in self.encoding.encoders]
        owners = np.repeat(np.arange(len(widths)), widths)[encoded.indices]
        vectors = np.zeros((len(widths), self.shared.shape[1]))
        added = encoded.data[:, None].astype(np.float64) * self.shared[encoded.indices]
        np.add.at(vectors, owners, added)
        own = self.own[row] if row < len(self.own) else np.zeros(self.shared.shape[1])
        return vectors, np.asarray(own, np.float64)

    def only(self, kept: NDArray[np.bool_]) -> "Side":
        """Return it without what was learned of the others by themselves: bool (rows,)."""
        mine = kept[: len(self.own)]
        return replace(self, own=self.own[mine], trained=self.trained[mine])

    def state(self) -> dict[str, Any]:
        """Return everything as arrays, numbers and text, under names that begin with the side's."""
        side = self.encoding.side
        return {
            f"{side}_encoders": [encoder.state() for encoder in self.encoding.encoders],
            f"{side}_own": self.own,
            f"{side}_trained": self.trained,
            f"{side}_shared": self.shared,
        }

    @staticmethod
    def from_state(side: str, state: dict[str, Any]) -> "Side":
        """Take back what `state` gave.

        Raises:
            ValueError: The parts do not fit each other.
        """
        encoders = tuple(Encoder.from_state(e) for e in state[f"{side}_encoders"])
        parts = (state[f"{side}_{part}"] for part in ("own", "trained", "shared"))
        made = Side(Encoding(side, encoders), *parts)
        fits = (
            made.own.ndim == made.shared.ndim == 2
            and made.own.shape[1] == made.shared.shape[1] > 1
            and made.trained.shape == (len(made.own),)
            and made.trained.dtype == np.bool_
            and len(made.shared) == made.encoding.width
        )
        if not fits:
            raise ValueError(f"LightFM: the {side}s' features and vectors do not fit")
        return made
