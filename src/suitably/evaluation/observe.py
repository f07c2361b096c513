"""What metrics see, put together: lists, relevance, verdicts, and the fields of both sides."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame, take_rows
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.evaluation.ranked_frames import RankedLists, RelevantPairs
from suitably.metrics import Convention, MetricInput

__all__ = ["Fields", "observe", "read_fields"]


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
        ours, theirs = self.ids.array.type, ids.array.type
        if len(ids) and not same_ids(ours, theirs):
            raise DataError(f"fields are those of {ours} ids, lists have {theirs}: use one type")
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


def observe(
    lists: RankedLists,
    users: Vocabulary,
    depth: int,
    convention: Convention,
    *,
    relevant: RelevantPairs | None = None,
    on_offer: Vocabulary | None = None,
    passes: NDArray[np.bool_] | None = None,
    user_fields: Fields | None = None,
    product_fields: Fields | None = None,
) -> MetricInput:
    """Lay out what metrics see of the lists of some users.

    Args:
        lists: The lists.
        users: The users, in the order of the answer's rows.
        depth: How deep metrics look.
        convention: How metrics are defined.
        relevant: What these very users acquired.
        on_offer: What could be recommended; None: what was, and nobody knows of how many.
        passes: bool (n,), a verdict per pair of the lists.
        user_fields: What is known of users.
        product_fields: What is known of products.
    """
    products = lists.product_ids if on_offer is None else on_offer
    codes = np.asarray(products.codes(lists.product_ids.values), dtype=np.int64)[lists.products]
    return MetricInput(
        lengths=np.minimum(lists.lengths(users), depth),
        products=lists.grid(users, codes, depth, -1),
        convention=convention,
        hits=None if relevant is None else lists.hits(relevant, depth),
        passes=None if passes is None else lists.grid(users, passes, depth, False),
        # Where nothing was on offer nothing was shown either, and no share of it is 0 / 0.
        size=None if on_offer is None else max(len(on_offer), 1),
        user_fields=None if user_fields is None else user_fields.of(users),
        product_fields=None if product_fields is None else product_fields.of(products),
    )
