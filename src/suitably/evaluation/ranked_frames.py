"""Recommended and relevant pairs, read from frames and checked, as codes that can be compared."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame
from suitably.data.values import doubles, in_words, is_number, readable
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.metrics import Convention, Hits

__all__ = ["RankedLists", "RelevantPairs", "read_lists", "read_relevant"]

_EXAMPLES = 3


@dataclass(frozen=True)
class RelevantPairs:
    """What every judged user acquired.

    Attributes:
        user_ids: The users, each once, in the order of the frame.
        product_ids: The distinct products.
        users: int64 (n,), positions in `user_ids`.
        products: int64 (n,), positions in `product_ids`.
    """

    user_ids: Vocabulary
    product_ids: Vocabulary
    users: NDArray[np.int64]
    products: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_]) -> "RelevantPairs":
        """Return some of the pairs, and only the users that still have one."""
        rows, users = np.unique(self.users[keep], return_inverse=True)
        return RelevantPairs(
            Vocabulary(self.user_ids.array.take(pa.array(rows))),
            self.product_ids,
            users.astype(np.int64),
            self.products[keep],
        )


@dataclass(frozen=True)
class RankedLists:
    """Lists of recommendations, flat, in the order of user and then of rank.

    Attributes:
        user_ids: The users that have a list.
        product_ids: The distinct products in all lists.
        users: int64 (n,), positions in `user_ids`, ascending.
        products: int64 (n,), positions in `product_ids`.
        places: int64 (n,), place in the list, from 0.
    """

    user_ids: Vocabulary
    product_ids: Vocabulary
    users: NDArray[np.int64]
    products: NDArray[np.int64]
    places: NDArray[np.int64]

    def lengths(self, users: Vocabulary) -> NDArray[np.int64]:
        """Count the products in the list of each of `users`: int64 (users,)."""
        codes = users.codes(self.user_ids.values)[self.users]
        return np.bincount(codes[codes >= 0], minlength=len(users)).astype(np.int64)

    def grid(
        self, users: Vocabulary, values: NDArray[Any], depth: int, empty: object
    ) -> NDArray[Any]:
        """Lay values of the flat pairs out by user and rank: (users, depth).

        Args:
            users: The rows.
            values: (n,), a value per pair.
            depth: How many ranks.
            empty: What stands where a list has ended.
        """
        grid = np.full((len(users), depth), empty, dtype=values.dtype)
        rows = users.codes(self.user_ids.values)[self.users]
        inside = (rows >= 0) & (self.places < depth)
        grid[rows[inside], self.places[inside]] = values[inside]
        return grid

    def hits(self, relevant: RelevantPairs, depth: int) -> Hits:
        """Find which recommended products were relevant, down to `depth`."""
        users, width = relevant.user_ids, len(relevant.product_ids)
        rows = users.codes(self.user_ids.values)[self.users].astype(np.int64)
        columns = relevant.product_ids.codes(self.product_ids.values)[self.products]
        found = np.isin(rows * width + columns, relevant.users * width + relevant.products)
        return Hits(
            relevance=self.grid(users, found & (rows >= 0) & (columns >= 0), depth, False),
            lengths=np.minimum(self.lengths(users), depth),
            relevant=np.bincount(relevant.users, minlength=len(users)).astype(np.int64),
        )


def read_relevant(
    frame: Any, name: str = "relevant_frame", empty_ok: bool = False
) -> RelevantPairs:
    """Read a frame of user_id and product_id; other columns are left alone.

    Raises:
        DataError: A missing column, no row, a null id, or a pair that occurs twice.
    """
    table, _ = read_frame(frame, name)
    _require(table, ("user_id", "product_id"), name)
    if not table.num_rows and not empty_ok:
        raise DataError(f"{name}: the frame is empty, so there is no user to judge")
    user_ids, users = _coded(table, "user_id", name)
    product_ids, products = _coded(table, "product_id", name)
    _refuse_repeated(users, products, f"{name}: the same user_id and product_id twice")
    return RelevantPairs(user_ids, product_ids, users, products)


def read_lists(
    frame: Any, relevant: RelevantPairs, convention: Convention, name: str = "recs_frame"
) -> tuple[RankedLists, str]:
    """Read a frame of user_id, product_id and rank, and of score where the order needs it.

    Returns:
        The lists, and the kind of frame that goes back to the caller.

    Raises:
        DataError: A missing column, a null, a pair or a rank that a user has twice, a rank that is
            no positive whole number, or ids of another type than the relevant ones.
    """
    table, kind = read_frame(frame, name)
    by_score = convention.order == "score"
    _require(table, ("user_id", "product_id", "rank", *(("score",) if by_score else ())), name)
    user_ids, users = _coded(table, "user_id", name)
    product_ids, products = _coded(table, "product_id", name)
    if table.num_rows:
        for column, ours, theirs in (
            ("user_id", user_ids, relevant.user_ids),
            ("product_id", product_ids, relevant.product_ids),
        ):
            if not same_ids(ours.array.type, theirs.array.type):
                raise DataError(
                    f"{name}.{column} holds {ours.array.type}, but the relevant frame's holds "
                    f"{theirs.array.type}: use one type of id"
                )
    ranks = _ranks(table, name)
    _refuse_repeated(users, products, f"{name}: the same user_id and product_id twice")
    _refuse_repeated(users, ranks, f"{name}: the same rank twice for a user")
    scores = _scores(table, name)
    keys = (ranks, users) if scores is None or not by_score else (ranks, -scores, users)
    order = np.lexsort(keys)
    users = users[order]
    first = np.searchsorted(users, users, side="left")
    places = np.arange(len(users)) - first
    return RankedLists(user_ids, product_ids, users, products[order], places), kind


def _require(table: pa.Table, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise DataError(f"{name}: no column {', '.join(missing)}; it has {table.column_names}")


def _coded(table: pa.Table, column: str, name: str) -> tuple[Vocabulary, NDArray[np.int64]]:
    array = id_array(table[column], f"{name}.{column}")
    _refuse(array.is_null().to_numpy(zero_copy_only=False), f"{name}.{column}: no id")
    encoded = array.dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Vocabulary(encoded.dictionary), codes


def _ranks(table: pa.Table, name: str) -> NDArray[np.int64]:
    column = readable(table["rank"].combine_chunks(), f"{name}.rank")
    if not table.num_rows:
        return np.empty(0, dtype=np.int64)
    try:
        if not (is_number(column.type) or pa.types.is_null(column.type)):
            raise pa.ArrowInvalid
        ranks = column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(
            f"{name}.rank: must hold whole numbers, not {in_words(column.type)}"
        ) from None
    _refuse(ranks.is_null().to_numpy(zero_copy_only=False), f"{name}.rank: no rank")
    values: NDArray[np.int64] = ranks.to_numpy(zero_copy_only=False)
    _refuse(values < 1, f"{name}.rank: must be 1 or more")
    return values


def _scores(table: pa.Table, name: str) -> NDArray[np.float64] | None:
    if "score" not in table.column_names:
        return None
    column = readable(table["score"].combine_chunks(), f"{name}.score")
    _refuse(column.is_null().to_numpy(zero_copy_only=False), f"{name}.score: no score")
    if not len(column):
        return np.zeros(0)
    if not is_number(column.type):
        raise DataError(f"{name}.score: must hold numbers, not {in_words(column.type)}")
    return doubles(column, f"{name}.score")


def _refuse_repeated(users: NDArray[np.int64], others: NDArray[np.int64], problem: str) -> None:
    order = np.lexsort((others, users))
    same = (np.diff(users[order]) == 0) & (np.diff(others[order]) == 0)
    bad = np.zeros(len(users), dtype=bool)
    bad[order[1:][same]] = True
    _refuse(bad, problem)


def _refuse(bad: NDArray[np.bool_], problem: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        shown = ", ".join(str(row) for row in rows[:_EXAMPLES])
        raise DataError(f"{problem}: {len(rows)} of {len(bad)} rows (rows {shown})")
