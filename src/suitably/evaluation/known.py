"""What metrics may know beside the lists: fields, history, returns, and what fell in the window."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.dataset import Dataset
from suitably.data.entities import Entities
from suitably.data.events import Events
from suitably.data.frames import read_frame, take_rows
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError
from suitably.evaluation.monthly_returns import Returns, monthly_returns, read_returns
from suitably.evaluation.pairs import refuse_other_ids
from suitably.evaluation.ranked_frames import RelevantPairs
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.types import Scale
from suitably.typing import IdsLike, IntoFrame

__all__ = ["Fields", "History", "Judge", "Known", "read_fields"]

_LEVEL = "risk_level"


class Judge(Protocol):
    """A policy bound to users and products: it says which pairs pass."""

    @property
    def policies(self) -> Sequence[PolicyDocument]:
        """The policies, of which some may say how levels of risk are ordered."""

    @property
    def users(self) -> Entities:
        """The users, with their fields, those of profiles too."""

    def passes(self, user_ids: IdsLike, product_ids: IdsLike) -> NDArray[np.bool_]:
        """Judge pairs of external ids one by one; what is unknown does not pass."""


@dataclass(frozen=True)
class Fields:
    """What is known of users, or of products.

    Attributes:
        ids: Who they are, each once.
        table: A row for each.
    """

    ids: Vocabulary
    table: pa.Table

    def of(self, ids: Vocabulary) -> pa.Table:
        """Return a row for each of `ids`, null where nothing is known.

        Raises:
            DataError: The ids are of another type.
        """
        refuse_other_ids(self.ids, ids, "fields and lists")
        rows = np.asarray(self.ids.codes(ids.values), dtype=np.int64)
        return take_rows(self.table, pa.array(rows, mask=rows < 0))

    @classmethod
    def both(cls, view: View) -> "tuple[Fields, Fields]":
        """Return those of users and those of products, as of the moment of a view."""
        users, products = view.users, view.products
        return cls(users.ids, users.fields), cls(products.ids, products.fields)


def read_fields(frame: Any, column: str, name: str) -> Fields | None:
    """Read a frame with a row per user or per product; None stays None.

    Raises:
        DataError: Without the column of ids, or with an id that is null or there twice.
    """
    if frame is None:
        return None
    table, _ = read_frame(frame, name)
    if column not in table.column_names:
        raise DataError(f"{name}: no column {column}; it has {table.column_names}")
    ids = id_array(table[column], f"{name}.{column}")
    if ids.null_count or len(ids.unique()) < len(ids):
        raise DataError(f"{name}.{column}: must hold each id once, and no null")
    return Fields(Vocabulary(ids), table.drop_columns([column]))


@dataclass(frozen=True)
class History:
    """Who had acquired what before the cut.

    Attributes:
        users: The users.
        products: The products.
        counts: CSR (users, products), how often.
    """

    users: Vocabulary
    products: Vocabulary
    counts: sparse.csr_array

    @staticmethod
    def read(pairs: RelevantPairs) -> "History":
        """Count pairs, of which any may occur several times."""
        shape = len(pairs.user_ids), len(pairs.product_ids)
        ones = np.ones(len(pairs.users))
        counts = sparse.csr_array(sparse.coo_array((ones, (pairs.users, pairs.products)), shape))
        return History(pairs.user_ids, pairs.product_ids, counts)

    def of(self, users: Vocabulary, products: Vocabulary) -> sparse.csr_array:
        """Return the counts of some users and products, 0 for those that are not known."""
        refuse_other_ids(self.products, products, "products")
        columns = products.codes(self.products.values).astype(np.int64)
        found = self._of_users(users).tocoo()
        rows, old = found.coords
        kept = columns[old] >= 0
        pairs = found.data[kept], (rows[kept], columns[old[kept]])
        return sparse.csr_array(sparse.coo_array(pairs, (len(users), len(products))))

    def newcomers(self, users: Vocabulary) -> NDArray[np.bool_]:
        """Return who of some users acquired nothing: bool (users,)."""
        return np.asarray(self._of_users(users).sum(axis=1) == 0)

    def owners(self, products: Vocabulary) -> NDArray[np.int64]:
        """Count the users who acquired each of some products: int64 (products,)."""
        found = np.append(np.bincount(self.counts.indices, minlength=len(self.products)), 0)
        owners: NDArray[np.int64] = found[self.products.codes(products.values)]
        return owners

    @cached_property
    def audience(self) -> int:
        """How many users acquired anything."""
        return int(np.count_nonzero(np.diff(self.counts.indptr)))

    def _of_users(self, users: Vocabulary) -> sparse.csr_array:
        refuse_other_ids(self.users, users, "users")
        rows = self.users.codes(users.values)
        nobody = sparse.csr_array((1, self.counts.shape[1]))
        there = sparse.csr_array(sparse.vstack([self.counts, nobody]))
        return there[rows]  # −1 is the last row, of nobody


@dataclass(frozen=True)
class Known:
    """What metrics may know beside the lists and what was relevant; None: nobody said.

    Attributes:
        on_offer: What could be recommended.
        users: Fields of users.
        products: Fields of products.
        judge: The judging policy.
        history: What was acquired before the cut.
        returns: What products returned after it.
        rejected: What users turned down in the window.
        spent: What users acquired in the window, and for what money: float64 (pairs,).
        events: What else fell in the window, by kind of event.
    """

    on_offer: Vocabulary | None = None
    users: Fields | None = None
    products: Fields | None = None
    judge: Judge | None = None
    history: History | None = None
    returns: Returns | None = None
    rejected: RelevantPairs | None = None
    spent: tuple[RelevantPairs, NDArray[np.float64]] | None = None
    events: Mapping[str, RelevantPairs] = field(default_factory=dict)

    @staticmethod
    def of_split(
        needs: set[str],
        data: Dataset,
        view: View,
        split: Split,
        candidates: NDArray[Any],
        judge: Judge | None = None,
        prices: IntoFrame | None = None,
    ) -> "Known":
        """Return what a dataset knows about a split, as far as metrics need it.

        Fields of users are those that the judging policy reads: columns, and fields of profiles.

        Args:
            needs: Attributes of `MetricInput` that some metric reads.
            data: The log, users and products.
            view: What of them was visible at the cut.
            split: The split.
            candidates: Ids of what could be recommended.
            judge: The judging policy.
            prices: Prices of products, by time.
        """
        users, products = Fields.both(view)
        if judge is not None:
            users = Fields(judge.users.ids, judge.users.fields)
        returns = None
        if "returns" in needs and split.returns is not None:
            returns = read_returns(split.returns, "split.returns")
        elif "returns" in needs and prices is not None and split.end is not None:
            returns = read_returns(monthly_returns(prices, split.begins, split.end), "prices")
        history = None
        if needs & {"history", "newcomers", "owners", "audience"}:
            history = History(view.users.ids, view.products.ids, view.purchases)
        return Known(
            on_offer=Vocabulary(pa.array(candidates)),
            users=users,
            products=products,
            judge=judge,
            history=history,
            returns=returns,
            **(_window(data, split) if needs & {"rejected", "spent", "events"} else {}),
        )

    def levels(self, side: str, ids: Vocabulary) -> NDArray[np.int64] | None:
        """Return the stated level of risk of each as a rank from 1, 0 where it is not known.

        The scales are those on which the judging policy declares the level of risk of users and of
        products. None: no policy declares both, or the fields are not there.
        """
        fields = self.users if side == "user" else self.products
        names = [f"{one}.{_LEVEL}" for one in ("user", "product")]
        for policy in () if self.judge is None else self.judge.policies:
            scales = [policy.fields.get(name) for name in names]
            scale = scales[names.index(f"{side}.{_LEVEL}")]
            if not (all(isinstance(one, Scale) for one in scales) and isinstance(scale, Scale)):
                continue
            if fields is None or _LEVEL not in fields.table.column_names:
                return None
            encoded = fields.of(ids)[_LEVEL].combine_chunks().dictionary_encode()
            ranks = {level: rank for rank, level in enumerate(scale.levels, start=1)}
            known = [ranks.get(value, 0) for value in encoded.dictionary.to_pylist()]
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            levels: NDArray[np.int64] = np.array([*known, 0], np.int64)[codes]
            return levels
        return None

    @property
    def passes(self) -> Callable[[IdsLike, IdsLike], NDArray[np.bool_]] | None:
        """The judging policy's verdict of pairs; None without one."""
        return None if self.judge is None else self.judge.passes


def _window(data: Dataset, split: Split) -> dict[str, Any]:
    """Return what fell in the test window, as `Known` has it; nothing in data without times."""
    if data.events.times is None or split.end is None:
        return {}
    start, end = (data.clock.instant(at, "split") for at in (split.begins, split.end))
    window = data.events.between(start, end)
    acquired = data.kinds.acquisitions(window)
    rejected = window.take(window.among(data.kinds.rejected))
    return {
        "rejected": _pairs(data, rejected)[0] if data.kinds.rejected else None,
        "spent": None if acquired.values is None else _pairs(data, acquired),
        "events": {
            kind: _pairs(data, window.take(window.among([kind])))[0] for kind in window.kind_names
        },
    }


def _pairs(data: Dataset, events: Events) -> tuple[RelevantPairs, Any]:
    """Return the users and products of events, and their amounts if they have any."""
    events = events.take(events.products >= 0)
    pairs = RelevantPairs(
        data.user_versions.ids,
        data.product_versions.ids,
        events.users.astype(np.int64),
        events.products.astype(np.int64),
    )
    return pairs, events.values
