"""Recommended and relevant pairs, read from frames and checked, as codes that can be compared."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame
from suitably.data.values import doubles, is_number, readable
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.evaluation.pairs import Pairs, refuse, refuse_repeated
from suitably.metrics import Convention, Hits

__all__ = [
    "RankedLists",
    "RelevantPairs",
    "read_amounts",
    "read_kinds",
    "read_lists",
    "read_relevant",
]

_ROOMY = 4  # cells of a table by user and rank, for each row that is put into it


@dataclass(frozen=True)
class RelevantPairs(Pairs):
    """What every judged user acquired, or had to do with otherwise.

    Attributes:
        user_ids: The users, each once, in the order of the frame.
        product_ids: The distinct products.
        users: int64 (n,), positions in `user_ids`.
        products: int64 (n,), positions in `product_ids`.
    """

    def where(self, keep: NDArray[np.bool_]) -> "RelevantPairs":
        """Return some of the pairs, and only the users that still have one."""
        rows, users = np.unique(self.users[keep], return_inverse=True)
        return RelevantPairs(
            Vocabulary(self.user_ids.array.take(pa.array(rows))),
            self.product_ids,
            users.astype(np.int64),
            self.products[keep],
        )

    def ids(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the external ids of every pair: users, products."""
        return self.user_ids.values[self.users], self.product_ids.values[self.products]


@dataclass(frozen=True)
class RankedLists(Pairs):
    """Lists of recommendations, flat, in the order of user and then of rank.

    Attributes:
        user_ids: The users that have a list.
        product_ids: The distinct products in all lists.
        users: int64 (n,), positions in `user_ids`, ascending.
        products: int64 (n,), positions in `product_ids`.
        places: int64 (n,), place in the list, from 0.
    """

    places: NDArray[np.int64]

    @cached_property
    def longest(self) -> int:
        """Products in the longest list."""
        return int(self.places.max(initial=-1)) + 1

    def lengths(self, users: Vocabulary) -> NDArray[np.int64]:
        """Count the products in the list of each of `users`: int64 (users,)."""
        counts = np.append(np.bincount(self.users, minlength=len(self.user_ids)), 0)
        lengths: NDArray[np.int64] = counts[self.user_ids.codes(users.values)]
        return lengths

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
        if inside.all():
            grid[rows, self.places] = values
        else:
            grid[rows[inside], self.places[inside]] = values[inside]
        return grid

    def hits(self, relevant: RelevantPairs, users: Vocabulary, depth: int) -> Hits:
        """Find which recommended products were relevant, down to `depth`."""
        rows = users.codes(relevant.user_ids.values)[relevant.users]
        return Hits(
            relevance=self.grid(users, self.among(relevant), depth, False),
            lengths=np.minimum(self.lengths(users), depth),
            relevant=np.bincount(rows[rows >= 0], minlength=len(users)).astype(np.int64),
        )


def read_relevant(
    frame: Any, name: str = "relevant_frame", empty_ok: bool = False, repeats_ok: bool = False
) -> RelevantPairs:
    """Read a frame of user_id and product_id; other columns are left alone.

    Raises:
        DataError: A missing column, no row, a null id, or a pair that occurs twice.
    """
    table, _ = read_frame(frame, name)
    _require(table, ("user_id", "product_id"), name)
    if not table.num_rows and not empty_ok:
        raise DataError(f"{name}: the frame is empty, so there is no user to judge")
    pairs = RelevantPairs(*_coded(table, "user_id", "product_id", name))
    if not repeats_ok:
        refuse_repeated(
            pairs.users, pairs.products, f"{name}: the same user_id and product_id twice"
        )
    return pairs


def read_amounts(frame: Any, column: str, name: str) -> NDArray[np.float64] | None:
    """Read a column of money, NaN where it is null: float64 (rows,); None without the column.

    Raises:
        DataError: It does not hold finite numbers.
    """
    table, _ = read_frame(frame, name)
    if column not in table.column_names:
        return None
    array = readable(table[column].combine_chunks(), f"{name}.{column}")
    if not (is_number(array.type) or pa.types.is_null(array.type)):
        raise DataError(f"{name}.{column}: must hold numbers, not {array.type}")
    values = np.full(len(array), np.nan)
    if is_number(array.type):
        values = doubles(array, f"{name}.{column}")
    refuse(np.isinf(values), f"{name}.{column}: must be finite")
    return values


def read_kinds(frame: Any, name: str) -> dict[str, RelevantPairs]:
    """Read a frame of user_id, product_id and event, by kind of event; others may repeat.

    Raises:
        DataError: A missing column or a null id.
    """
    table, _ = read_frame(frame, name)
    _require(table, ("user_id", "product_id", "event"), name)
    pairs = read_relevant(table, name, empty_ok=True, repeats_ok=True)
    encoded = table["event"].combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return {
        str(kind): replace(
            pairs, users=pairs.users[codes == code], products=pairs.products[codes == code]
        )
        for code, kind in enumerate(encoded.dictionary.to_pylist())
    }


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
    user_ids, product_ids, users, products = _coded(table, "user_id", "product_id", name)
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
    scores = _scores(table, name)
    order = _order(users, ranks, len(user_ids), name)
    users, products = users[order], products[order]
    places = _places(users, len(user_ids))
    lists = RankedLists(user_ids, product_ids, users, products, places)
    _refuse_repeated_products(lists, order, name)
    if by_score and scores is not None:
        again = np.lexsort((places, -scores[order], users))
        lists = RankedLists(user_ids, product_ids, users, products[again], places)
    return lists, kind


def _order(
    users: NDArray[np.int64], ranks: NDArray[np.int64], count: int, name: str
) -> NDArray[np.int64]:
    """Return the rows in the order of user and then of rank; no rank may occur twice for a user."""
    problem = f"{name}: the same rank twice for a user"
    deepest = int(ranks.max(initial=0))
    if count * deepest > _ROOMY * len(users):
        refuse_repeated(users, ranks, problem)
        return np.lexsort((ranks, users))
    cells = users * deepest + (ranks - 1)
    rows = np.arange(len(users))
    if (np.diff(cells) > 0).all():
        return rows
    table = np.full(count * deepest, -1, np.int64)
    table[cells] = rows
    if (table[cells] != rows).any():
        refuse_repeated(users, ranks, problem)
    return table[table >= 0]


def _places(users: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    counts = np.bincount(users, minlength=count)
    first = np.cumsum(counts) - counts
    return np.arange(len(users)) - np.repeat(first, counts)


def _refuse_repeated_products(lists: RankedLists, order: NDArray[np.int64], name: str) -> None:
    problem = f"{name}: the same user_id and product_id twice"
    users, products, depth = lists.users, lists.products, lists.longest
    if len(lists.user_ids) * depth <= _ROOMY * len(users):
        # Past the end of a list stands what no other place has.
        shown = np.empty((len(lists.user_ids), depth), np.int32)
        shown[:] = -1 - np.arange(depth)
        shown[users, lists.places] = products
        shown.sort(axis=1)
        if not (shown[:, 1:] == shown[:, :-1]).any():
            return
    given = np.empty((2, len(order)), np.int64)
    given[:, order] = users, products
    refuse_repeated(given[0], given[1], problem)


def _require(table: pa.Table, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise DataError(f"{name}: no column {', '.join(missing)}; it has {table.column_names}")


def _coded(
    table: pa.Table, users: str, products: str, name: str
) -> tuple[Vocabulary, Vocabulary, NDArray[np.int64], NDArray[np.int64]]:
    vocabularies, codes = [], []
    for column in (users, products):
        array = id_array(table[column], f"{name}.{column}")
        if array.null_count:
            refuse(array.is_null().to_numpy(zero_copy_only=False), f"{name}.{column}: no id")
        encoded = array.dictionary_encode()
        vocabularies.append(Vocabulary(encoded.dictionary))
        codes.append(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64))
    return vocabularies[0], vocabularies[1], codes[0], codes[1]


def _ranks(table: pa.Table, name: str) -> NDArray[np.int64]:
    column = table["rank"].combine_chunks()
    if not table.num_rows:
        return np.empty(0, dtype=np.int64)
    try:
        ranks = column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(f"{name}.rank: must hold whole numbers, not {column.type}") from None
    refuse(ranks.is_null().to_numpy(zero_copy_only=False), f"{name}.rank: no rank")
    values: NDArray[np.int64] = ranks.to_numpy(zero_copy_only=False)
    refuse(values < 1, f"{name}.rank: must be 1 or more")
    return values


def _scores(table: pa.Table, name: str) -> NDArray[np.float64] | None:
    if "score" not in table.column_names:
        return None
    column = readable(table["score"].combine_chunks(), f"{name}.score")
    refuse(column.is_null().to_numpy(zero_copy_only=False), f"{name}.score: no score")
    if not len(column):
        return np.zeros(0)
    if not is_number(column.type):
        raise DataError(f"{name}.score: must hold numbers, not {column.type}")
    return doubles(column, f"{name}.score")
