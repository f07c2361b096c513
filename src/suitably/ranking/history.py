"""What each user did, as weights: the matrix that rankers learn from and fold into."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.data.dataset import View
from suitably.data.interactions import Events
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError

__all__ = ["History", "Weighting"]

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Weighting:
    """How much an interaction says: by its kind and its age.

    The weight of a pair is that of its strongest interaction, so a repeated purchase says no more
    than its latest one.

    Attributes:
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts, 0 or more; None: those that
            mean ownership, at 1.
    """

    half_life_days: float | None = None
    event_weights: Mapping[str, float] | None = None

    def check(self) -> None:
        """Refuse what cannot weigh.

        Raises:
            ValueError: A half-life or weight out of range.
        """
        days, kinds = self.half_life_days, self.event_weights
        if days is not None and not (_real(days) and 0 < days < np.inf):
            raise ValueError(f"half_life_days={days!r}: must be a finite number above 0, or None")
        if kinds is None:
            return
        if not isinstance(kinds, Mapping) or not kinds:
            raise ValueError(f"event_weights={kinds!r}: must map kinds of event to weights")
        for kind, weight in kinds.items():
            if not isinstance(kind, str) or not (_real(weight) and 0 <= weight < np.inf):
                raise ValueError(
                    f"event_weights={{{kind!r}: {weight!r}}}: must be a finite number, 0 or more"
                )

    def matrix(self, view: View, origin: Instant | None) -> sparse.csr_array:
        """Weigh the interactions of a view: CSR (users, products), float32, above 0 where stored.

        Args:
            view: What is visible.
            origin: The moment at which an interaction of age 0 weighs its full weight.

        Raises:
            DataError: A half-life in data without timestamps, a kind of event that no interaction
                has, or a weight beyond float32.
        """
        events, weights = self._chosen(view)
        if self.half_life_days is not None:
            if events.times is None or origin is None:
                raise DataError("half_life_days: the interactions have no timestamps, so no age")
            age = (origin - events.times).astype(np.float64) / _DAY
            with np.errstate(over="ignore", under="ignore"):
                weights = weights * np.exp2(-age / self.half_life_days)
        return _strongest(events, weights, (len(view.users), len(view.products)))

    def _chosen(self, view: View) -> tuple[Events, NDArray[np.float64]]:
        if self.event_weights is None:
            return view.acquisitions, np.ones(len(view.acquisitions))
        events = view.events.of(tuple(self.event_weights))
        by_code = [float(self.event_weights.get(name, 0)) for name in events.kind_names]
        return events, np.array(by_code)[events.kinds]


@dataclass(frozen=True)
class History:
    """The weighted interactions of every user.

    Attributes:
        users: Whose they are, row by row.
        weights: CSR (users, products), float32, sorted; above 0 where stored.
        origin: The moment that ages are reckoned to; None in data without timestamps.
    """

    users: Vocabulary
    weights: sparse.csr_array
    origin: Instant | None

    @staticmethod
    def of(view: View, weighting: Weighting) -> "History":
        """Weigh all that a view shows, as of its own moment.

        Raises:
            ValueError: A weighting out of range.
            DataError: See `Weighting.matrix`.
        """
        weighting.check()
        return History(view.users, weighting.matrix(view, view.as_of), view.as_of)

    def plus(self, view: View, weighting: Weighting) -> tuple["History", NDArray[np.int64]]:
        """Add new interactions; vocabularies may have grown at their ends.

        Args:
            view: The new interactions only, over all users and products.
            weighting: As for those held.

        Returns:
            The joint history, and the rows that have something new, ascending.
        """
        new = weighting.matrix(view, self.origin)
        held = sparse.csr_array(
            (self.weights.data, self.weights.indices, _longer(self.weights.indptr, new.shape[0])),
            shape=new.shape,
        )
        joint = sparse.csr_array(held.maximum(new)) if new.nnz else held
        joint.sort_indices()
        rows = np.flatnonzero(np.diff(new.indptr))
        return History(view.users, joint, self.origin), rows

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which users have any history: bool (users,)."""
        active: NDArray[np.bool_] = np.diff(self.weights.indptr) > 0
        return active

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which products occur in any: bool (products,)."""
        known: NDArray[np.bool_] = np.zeros(self.weights.shape[1], bool)
        known[self.weights.indices] = True
        return known

    @property
    def core(self) -> sparse.csr_array:
        """The rows of active users and the columns of known products.

        What is drawn at random by shape must not change with users and products to come.
        """
        return sparse.csr_array(self.weights[self.active][:, self.known])

    def rows(self, user_ids: NDArray[Any]) -> NDArray[np.int64]:
        """Return the users' rows, −1 for strangers."""
        return self.users.codes(user_ids).astype(np.int64)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which users have any history: bool (users,)."""
        rows = self.rows(user_ids)
        if not len(self.active):
            return np.zeros(len(rows), bool)
        able: NDArray[np.bool_] = (rows >= 0) & self.active[rows]
        return able

    def lines(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return the weights of some users by row: CSR (rows, products); −1 has none."""
        starts, ends = self.weights.indptr[rows], self.weights.indptr[rows + 1]
        lengths = np.where(rows >= 0, ends - starts, 0).astype(np.int64)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])
        parts = (self.weights.data[places], self.weights.indices[places], bounds)
        return sparse.csr_array(parts, shape=(len(rows), self.weights.shape[1]))

    def state(self) -> dict[str, Any]:
        """Return everything as arrays and numbers, to be saved."""
        origin = None if self.origin is None else int(self.origin.astype(np.int64))
        return {
            "history_users": self.users.values,
            "history_starts": self.weights.indptr,
            "history_products": self.weights.indices,
            "history_weights": self.weights.data,
            "history_width": int(self.weights.shape[1]),
            "history_origin": origin,
        }

    @staticmethod
    def from_state(state: dict[str, Any]) -> "History":
        """Take back what `state` gave.

        Raises:
            ValueError: The arrays do not fit each other.
        """
        users = Vocabulary(pa.array(state["history_users"]))
        starts, products = state["history_starts"], state["history_products"]
        weights, width = state["history_weights"], state["history_width"]
        origin = state["history_origin"]
        fits = (
            len(starts) == len(users) + 1
            and starts[0] == 0
            and bool((np.diff(starts) >= 0).all())
            and starts[-1] == len(products) == len(weights)
            and bool(((products >= 0) & (products < width)).all())
            and bool(np.isfinite(weights).all())
            and not users.array.null_count
            and len(users.array.unique()) == len(users)
        )
        if not fits:
            raise ValueError("the history of users and products does not fit itself")
        matrix = sparse.csr_array((weights, products, starts), shape=(len(users), width))
        return History(users, matrix, None if origin is None else np.datetime64(origin, "us"))


def _strongest(
    events: Events, weights: NDArray[np.float64], shape: tuple[int, int]
) -> sparse.csr_array:
    """Keep the largest weight of every pair; none of 0 is stored."""
    key = events.users.astype(np.int64) * max(1, shape[1]) + events.products
    order = np.argsort(key, kind="stable")
    key, sorted_weights = key[order], weights[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else order
    with np.errstate(over="ignore", under="ignore"):
        largest = np.maximum.reduceat(sorted_weights, first) if len(key) else weights
        single = largest.astype(np.float32)
    if not np.isfinite(single).all():
        raise DataError("event weights: some are beyond the range of float32; use smaller ones")
    users, products = events.users[order][first], events.products[order][first]
    kept = single > 0
    pairs = (single[kept], (users[kept], products[kept]))
    matrix = sparse.csr_array(sparse.coo_array(pairs, shape=shape))
    matrix.sort_indices()
    return matrix


def _longer(starts: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.append(starts, np.full(rows + 1 - len(starts), starts[-1], starts.dtype))


def _real(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
