"""Recommended and relevant pairs, read from frames and checked, as codes that can be compared."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame
from suitably.data.values import doubles, in_words, is_number, readable
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.evaluation.pairs import Pairs, refuse, refuse_repeated, repeated
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
_WIDEST = 2**62


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


@dataclass(frozen=True)
class RankedLists(Pairs):
    """Lists of recommendations, flat, in the order of user and then of rank.

    Attributes:
        user_ids: The users that have a list.
        product_ids: The distinct products in all lists.
        users: int64 (n,), positions in `user_ids`, ascending; each has a row.
        products: int64 (n,), positions in `product_ids`.
    """

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The row of the top of each list: int64 (user_ids,)."""
        if not len(self.users):
            return np.zeros(0, np.int64)
        return np.append(0, np.flatnonzero(self.users[1:] != self.users[:-1]) + 1)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Products in each list: int64 (user_ids,)."""
        return np.diff(self.first, append=len(self.users))

    @cached_property
    def longest(self) -> int:
        """Products in the longest list."""
        return int(self.counts.max(initial=0))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Place of each product in its list, from 0: int64 (n,)."""
        return np.arange(len(self.users)) - np.repeat(self.first, self.counts)

    def lengths(self, users: Vocabulary) -> NDArray[np.int64]:
        """Count the products in the list of each of `users`: int64 (users,)."""
        lengths: NDArray[np.int64] = np.append(self.counts, 0)[self._rows(users)]
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
        laid = self._laid(values, depth, empty)
        rows = self._rows(users)
        nobody = rows < 0
        if not nobody.any():
            return np.take(laid, rows, axis=0)
        grid = np.full((len(users), depth), empty, dtype=values.dtype)
        grid[~nobody] = laid[rows[~nobody]]
        return grid

    def _laid(self, values: NDArray[Any], depth: int, empty: object) -> NDArray[Any]:
        """Lay values out by list and rank: (user_ids, depth)."""
        own = len(self.user_ids)
        if own and len(values) == own * depth and depth == self.longest:
            return values.reshape(own, depth)
        laid = np.full((own, depth), empty, dtype=values.dtype)
        inside = self.places < depth
        if inside.all():
            laid[self.users, self.places] = values
        else:
            laid[self.users[inside], self.places[inside]] = values[inside]
        return laid

    @property
    def may_repeat(self) -> bool:
        """Whether some list may hold a product twice; False is certain."""
        depth = self.longest
        if len(self.user_ids) * depth > _ROOMY * len(self.users):
            return True
        shown = self._laid(self.products.astype(np.int32), depth, -1)
        shown.sort(axis=1)
        alike = shown[:, 1:] == shown[:, :-1]
        return bool(alike.any() and (alike & (shown[:, 1:] >= 0)).any())

    def _rows(self, users: Vocabulary) -> NDArray[np.int32]:
        """Return each user's list, −1 where there is none."""
        known, rows = self._asked.get(id(users), (None, None))
        if rows is None or known is not users:
            rows = self.user_ids.codes(users.array)
            self._asked[id(users)] = users, rows
        return rows

    @cached_property
    def _asked(self) -> dict[int, tuple[Vocabulary, NDArray[np.int32]]]:
        return {}

    def hits(self, relevant: RelevantPairs, users: Vocabulary, depth: int) -> Hits:
        """Find which recommended products were relevant, down to `depth`."""
        counts = np.bincount(relevant.users, minlength=len(relevant.user_ids)).astype(np.int64)
        if users is not relevant.user_ids:
            counts = np.append(counts, 0)[relevant.user_ids.codes(users.array)]
        return Hits(
            relevance=self.grid(users, self.among(relevant), depth, False),
            lengths=np.minimum(self.lengths(users), depth),
            relevant=counts,
        )


def read_relevant(
    frame: Any, name: str = "relevant_frame", empty_ok: bool = False, repeats_ok: bool = False
) -> RelevantPairs:
    """Read a frame of user_id and product_id; other columns are left alone.

    Raises:
        DataError: A missing column, no row, a null id, or a pair that occurs twice.
    """
    table, _ = read_frame(frame, name, copy=False)
    _require(table, ("user_id", "product_id"), name)
    if not table.num_rows and not empty_ok:
        raise DataError(f"{name}: the frame is empty, so there is no user to judge")
    pairs = RelevantPairs(*_coded(table, "user_id", "product_id", name))
    if not repeats_ok:
        refuse_repeated(pairs, f"{name}: the same user_id and product_id twice")
    return pairs


def read_amounts(frame: Any, column: str, name: str) -> NDArray[np.float64] | None:
    """Read a column of money, NaN where it is null: float64 (rows,); None without the column.

    Raises:
        DataError: It does not hold finite numbers.
    """
    table, _ = read_frame(frame, name, copy=False)
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
    table, _ = read_frame(frame, name, copy=False)
    _require(table, ("user_id", "product_id", "event"), name)
    pairs = read_relevant(table, name, empty_ok=True, repeats_ok=True)
    encoded = table["event"].combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    by_kind = {}
    for code, kind in enumerate(encoded.dictionary.to_pylist()):
        rows = codes == code
        by_kind[str(kind)] = replace(pairs, users=pairs.users[rows], products=pairs.products[rows])
    return by_kind


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
    table, kind = read_frame(frame, name, copy=False)
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
    given = Pairs(user_ids, product_ids, users, products)
    if order is not None:
        users, products = users[order], products[order]
    lists = RankedLists(user_ids, product_ids, users, products)
    if lists.may_repeat:
        refuse_repeated(given, f"{name}: the same user_id and product_id twice")
    if by_score and scores is not None:
        scores = scores if order is None else scores[order]
        again = np.lexsort((lists.places, -scores, users))
        lists = RankedLists(user_ids, product_ids, users, products[again])
    return lists, kind


def _order(
    users: NDArray[np.int64], ranks: NDArray[np.int64], count: int, name: str
) -> NDArray[np.int64] | None:
    """Return the rows in the order of user and then of rank; None where they have it already.

    Raises:
        DataError: A rank that occurs twice for a user.
    """
    deepest = int(ranks.max(initial=0))
    roomy = count * deepest <= _ROOMY * len(users)
    cells = users * deepest + ranks if count * deepest < _WIDEST else None
    if cells is not None and (cells[1:] > cells[:-1]).all():
        return None
    if cells is not None and roomy:
        table = np.full(count * deepest + 1, -1, np.int64)
        table[cells] = np.arange(len(users))
        if np.count_nonzero(table >= 0) == len(users):
            return table[table >= 0]
    refuse(repeated(users, ranks), f"{name}: the same rank twice for a user")
    return np.lexsort((ranks, users))


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
        found = _dense(array, as_seen=column == users) or _encoded(array)
        vocabularies.append(found[0])
        codes.append(found[1])
    return vocabularies[0], vocabularies[1], codes[0], codes[1]


def _encoded(array: pa.Array) -> tuple[Vocabulary, NDArray[np.int64]]:
    """Number ids as they first occur."""
    encoded = array.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Vocabulary(encoded.dictionary), codes


def _dense(array: pa.Array, as_seen: bool) -> tuple[Vocabulary, NDArray[np.int64]] | None:
    """Number whole numbers by a table of all from 0 to the most; None: it would be too large.

    Args:
        array: Ids.
        as_seen: Whether to number them as they first occur, or by size.
    """
    if array.type != pa.int64() or not len(array):
        return None
    values: NDArray[np.int64] = array.to_numpy()
    most = int(values.max())
    if most >= _ROOMY * len(values) or values.min() < 0:
        return None
    there = np.zeros(most + 1, bool)
    there[values] = True
    ids = np.flatnonzero(there)
    if as_seen and not (values[1:] >= values[:-1]).all():
        first = np.empty(most + 1, np.int64)
        first[values[::-1]] = np.arange(len(values) - 1, -1, -1)
        ids = ids[np.argsort(first[ids], kind="stable")]
    elif len(ids) == most + 1:
        return Vocabulary(pa.array(ids)), values
    number = np.empty(most + 1, np.int64)
    number[ids] = np.arange(len(ids))
    return Vocabulary(pa.array(ids)), number[values]


def _ranks(table: pa.Table, name: str) -> NDArray[np.int64]:
    column = readable(table["rank"].combine_chunks(), f"{name}.rank")
    if not table.num_rows:
        return np.empty(0, dtype=np.int64)
    try:
        if not (is_number(column.type) or pa.types.is_null(column.type)):
            raise pa.ArrowInvalid
        ranks = column if column.type == pa.int64() else column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(
            f"{name}.rank: must hold whole numbers, not {in_words(column.type)}"
        ) from None
    if ranks.null_count:
        refuse(ranks.is_null().to_numpy(zero_copy_only=False), f"{name}.rank: no rank")
    values: NDArray[np.int64] = ranks.to_numpy(zero_copy_only=False)
    if values.min() < 1:
        refuse(values < 1, f"{name}.rank: must be 1 or more")
    return values


def _scores(table: pa.Table, name: str) -> NDArray[np.float64] | None:
    if "score" not in table.column_names:
        return None
    column = readable(table["score"].combine_chunks(), f"{name}.score")
    if column.null_count:
        refuse(column.is_null().to_numpy(zero_copy_only=False), f"{name}.score: no score")
    if not len(column):
        return np.zeros(0)
    if not is_number(column.type):
        raise DataError(f"{name}.score: must hold numbers, not {in_words(column.type)}")
    return doubles(column, f"{name}.score")
