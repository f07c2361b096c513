"""Point-in-time views: what was visible strictly before a moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Clock, Instant
from suitably.data.columns import Columns
from suitably.data.entities import Entities
from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.data.ledger import Ledger

__all__ = ["View", "ones_at"]


@dataclass(frozen=True)
class View:
    """What was visible strictly before a moment.

    Attributes:
        as_of: The moment, None in data without timestamps.
        clock: The data's convention of time zones.
        users: The users, with their fields.
        products: The products, with theirs: the axis of every scorer.
        events: The visible interactions, in order of time; what has an id is there once.
        kinds: What the kinds of event mean.
        columns: How the caller's columns are called.
        doubtful: int64, users of whom rows of the log were set aside, so that it is not whole.

    Example:
        >>> import pandas as pd
        >>> from suitably import Dataset
        >>> log = pd.DataFrame({
        ...     "user_id": ["ann", "bob"], "product_id": ["bond", "etf"],
        ...     "timestamp": ["2024-01-01", "2024-02-01"]})
        >>> Dataset(None, None, log).view("2024-02-01").product_ids
        array(['bond'], dtype=object)
    """

    as_of: Instant | None
    clock: Clock
    users: Entities
    products: Entities
    events: Events
    kinds: EventKinds
    columns: Columns
    doubtful: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def user_ids(self) -> NDArray[Any]:
        """External ids of the users, in order."""
        return self.users.values

    @property
    def product_ids(self) -> NDArray[Any]:
        """External ids of the products, in order: the axis of every scorer."""
        return self.products.values

    @property
    def user_fields(self) -> pa.Table:
        """A row per user, all null where no row was visible."""
        return self.users.fields

    @property
    def product_fields(self) -> pa.Table:
        """A row per product, all null where no row was visible."""
        return self.products.fields

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Which products were in the catalogue: bool (products,)."""
        return self.products.listed

    def without(self, users: NDArray[np.bool_]) -> "View":
        """Return the same without the interactions of some users: bool (users,)."""
        return replace(self, events=self.events.take(~users[self.events.users]))

    @cached_property
    def acquisitions(self) -> Events:
        """The visible interactions that mean ownership."""
        return self.kinds.acquisitions(self.events)

    def counted(self, kinds: Sequence[str] | None) -> Events:
        """Return the visible interactions of some kinds; None: those that mean ownership.

        Raises:
            DataError: A kind that the data does not have.
        """
        return self.acquisitions if kinds is None else self.events.of(tuple(kinds))

    @cached_property
    def feedback(self) -> Events:
        """The visible interactions that may be learned from, whatever their kind."""
        return self.kinds.feedback(self.events)

    @cached_property
    def purchases(self) -> sparse.csr_array:
        """How often each user acquired each product: CSR (users, products), float64."""
        return self.acquisitions.matrix(*self._shape)

    @cached_property
    def ledger(self) -> Ledger | None:
        """What acquisitions, disposals and rejections have come to; None: the first are all."""
        return Ledger.of(self.events, self.kinds) if self.kinds.keep_a_ledger else None

    @cached_property
    def owned(self) -> sparse.csr_array:
        """What is owned, acquired and not disposed of since: CSR (users, products), int8 ones."""
        if self.ledger is not None:
            return self.ledger.owned(self._shape)
        return ones_at(self.purchases)

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.users), len(self.products)


def ones_at(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix that only says where something is stored, in a byte for each."""
    ones = np.ones(matrix.nnz, np.int8)
    return sparse.csr_array((ones, matrix.indices, matrix.indptr), matrix.shape)
