"""Precomputed scores: what another system has learned, as vectors or as scores of pairs."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.arrow_columns import is_list, plain_lists
from suitably.data.frames import read_frame
from suitably.data.values import Unreadable, in_words, is_number, nearest_doubles
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.ranking.base import UserRows
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import Factors, FitContext, Scorer, Scores, State
from suitably.ranking.similarity import cosines

__all__ = ["Precomputed"]

Rows = NDArray[np.int64]
_NO_ROW = np.int32(-1)


class Precomputed(UserRows):
    """Rank by what another system has learned: vectors of users and products, or scores of pairs.

    With vectors, the score of a pair is their product, summed in float64 in their order; with
    scores, it is the score given. A product without a vector, and a pair without a score, has no
    score here either; a user without a vector, or without any score, is left to the fallback. Ids
    that the data does not have are ignored.

    What is new to the data after the fit has neither vectors nor scores until the next fit. Frames
    are the caller's: a copy of what concerns the data's users and products is saved, they
    themselves are not, so that a loaded one ranks but cannot be fitted again without them.

    A test that fits on the past is honest only if the frames were learned from no more than that
    past: the library cannot know. That goes for the weights that a `Blend` learns too; give them.

    Args:
        users: A frame with a row per user: `id`, and `vector`, a list or array of numbers.
        products: The same for products, with vectors of the same length.
        scores: A frame with a row per pair: `user_id`, `product_id` and `score`; instead of
            vectors.

    Attributes:
        known_: bool (products,), which have a vector, or a score for anybody.
        product_vectors_: float32 or float64 (products, length), zeros without a vector.
        user_vectors_: float32 or float64 (users with a vector, length).
        scores_: CSR float32 (users with a score, products).

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> towers = {
        ...     "users": pd.DataFrame({"id": ["ann", "bob"], "vector": [[1.0, 0.5], [0.0, 2.0]]}),
        ...     "products": pd.DataFrame({"id": ["etf", "bond"], "vector": [[3.0, 1.0], [1, 1]]}),
        ... }
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Precomputed(**towers))
        >>> lists = pipeline.fit(st.Dataset(None, None, log)).recommend().to_frame()
        >>> lists[["user_id", "product_id", "score"]].values.tolist()
        [['ann', 'etf', 3.5], ['bob', 'bond', 2.0]]
    """

    kept_by_clone: ClassVar[tuple[str, ...]] = ("users", "products", "scores")
    learned_elsewhere: ClassVar[bool] = True
    known_: NDArray[np.bool_]
    product_vectors_: NDArray[Any]
    user_vectors_: NDArray[Any]
    scores_: sparse.csr_array
    _places: NDArray[np.int32]  # of users by row, among those with a vector or a score

    def __init__(self, users: Any = None, products: Any = None, scores: Any = None) -> None:
        self.users = users
        self.products = products
        self.scores = scores

    def __repr__(self) -> str:
        """Return which frames there are; they hold the ids of users."""
        given = [f"{n}=…" for n, v in self.get_params(deep=False).items() if v is not None]
        return f"{type(self).__name__}({', '.join(given)})"

    def fit(self, context: FitContext) -> Self:
        """Match the frames with the data's users and products by id.

        Raises:
            DataError: A frame without its columns, ids of another type or twice, vectors of
                different lengths, a number that is missing or infinite, or nothing that the data
                has.
            ValueError: Neither vectors of both users and products nor scores, or all of them.
        """
        self._check_params()
        people, shelf = context.data.users.ids, context.data.products.ids
        if self.scores is not None:
            self._take_scores(people, shelf)
        else:
            self._take_vectors(people, shelf)
        self._user_ids = people
        return self

    def can_score_rows(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which users by row have a vector, or a score of any product: bool (rows,)."""
        self._check_fitted()
        return np.asarray(self._at(rows) >= 0)

    def score_rows(self, rows: Rows) -> Scorer:
        """Return the vectors of users by row and of products, or the scores given."""
        self._check_fitted()
        places = self._at(rows)
        have = places >= 0
        if hasattr(self, "product_vectors_"):
            vectors = np.zeros((len(rows), self.user_vectors_.shape[1]), self.user_vectors_.dtype)
            vectors[have] = self.user_vectors_[places[have]]
            return Factors(vectors, self.product_vectors_, self.known_)
        block = np.zeros((len(rows), len(self.known_)), np.float32)
        pairs = np.zeros(block.shape, bool)
        lines = self.scores_[places[have]]
        cells = np.repeat(np.flatnonzero(have), np.diff(lines.indptr)), lines.indices
        block[cells], pairs[cells] = lines.data, True
        return Scores(block, self.known_, pairs)

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return None: what a score is made of is known where it was learned, not here."""

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return the cosine of every product's vector with one's: float32 (products,).

        NaN for products without a vector, and for all of them where scores were given.
        """
        self._check_fitted()
        if not hasattr(self, "product_vectors_"):
            return np.full(len(self.known_), np.nan, np.float32)
        return cosines(self.product_vectors_, product)

    def fold_in(self, context: FitContext) -> Self:
        """Return one that goes on as it is, over users that may have grown at their end."""
        self._check_fitted()
        return self._over(context.data.users.ids)

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return one without what is held of the other users, and without frames: bool (users,)."""
        self._check_fitted()
        made = copy.copy(self)
        made.users = made.products = made.scores = None
        places = self._at(np.flatnonzero(kept))
        having = places[places >= 0]
        made._places = np.where(places >= 0, np.cumsum(places >= 0) - 1, -1).astype(np.int32)
        if hasattr(self, "product_vectors_"):
            made.user_vectors_ = self.user_vectors_[having]
        else:
            made.scores_ = sparse.csr_array(self.scores_[having])
        return made

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return none: it goes by no interactions."""
        return {}

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return a ranker of a model's users.

        Raises:
            ValueError: It holds something of more users than there are.
        """
        if len(self._places) > len(users):
            raise ValueError(f"Precomputed: {len(self._places)} users of {len(users)}")
        return self._over(users)

    def state(self) -> State:
        """Return what was matched; without the frames, which hold ids."""
        self._check_fitted()
        held: State = {**dict.fromkeys(self.get_params(deep=False)), "known_": self.known_}
        held["places_"] = self._places
        if hasattr(self, "product_vectors_"):
            return held | {n: getattr(self, n) for n in ("product_vectors_", "user_vectors_")}
        lines = self.scores_
        return held | {"data": lines.data, "indices": lines.indices, "indptr": lines.indptr}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return one that has matched what a state says; `attach` makes it score.

        Raises:
            ValueError: The parts do not fit each other.
        """
        made = cls()
        made.known_, made._places = state["known_"], state["places_"]
        if "indptr" in state:
            parts = (state["data"], state["indices"], state["indptr"])
            shape = (len(state["indptr"]) - 1, len(made.known_))
            made.scores_ = sparse.csr_array(parts, shape=shape)
            made.scores_.check_format(full_check=True)
            having = len(state["indptr"]) - 1
        else:
            made.product_vectors_ = state["product_vectors_"]
            made.user_vectors_ = state["user_vectors_"]
            having, width = made.user_vectors_.shape
            if made.product_vectors_.shape != (len(made.known_), width):
                raise ValueError("Precomputed: vectors of users and products do not fit")
        places = made._places[made._places >= 0]
        if not np.array_equal(places, np.arange(having)):
            raise ValueError("Precomputed: users and what is held of them do not fit")
        return made

    def _check_params(self) -> None:
        vectors = [self.users is not None, self.products is not None]
        if self.scores is None and all(vectors):
            return
        if self.scores is not None and not any(vectors):
            return
        raise ValueError(
            f"{self!r}: must be given users and products, or else scores; one that was loaded has "
            f"none of them, and cannot be fitted again"
        )

    def _take_vectors(self, people: Vocabulary, shelf: Vocabulary) -> None:
        codes, vectors = _vectors(self.users, "users", people)
        places, others = _vectors(self.products, "products", shelf)
        if vectors.shape[1] != others.shape[1]:
            raise DataError(
                f"Precomputed: vectors of users have {vectors.shape[1]} numbers, those of products "
                f"{others.shape[1]}"
            )
        self.known_ = np.zeros(len(shelf), bool)
        self.known_[places] = True
        self.product_vectors_ = np.zeros((len(shelf), others.shape[1]), others.dtype)
        self.product_vectors_[places] = others
        self._places, order = _placed(codes, len(people))
        self.user_vectors_ = vectors[order]

    def _take_scores(self, people: Vocabulary, shelf: Vocabulary) -> None:
        table = _read(self.scores, "scores", ("user_id", "product_id", "score"))
        users = _codes(table["user_id"], "scores: user_id", people)
        products = _codes(table["product_id"], "scores: product_id", shelf)
        numbers = _numbers(table["score"].combine_chunks(), "scores: score")
        with np.errstate(over="ignore"):
            narrow = numbers.astype(np.float32)
        if not np.isfinite(narrow).all():
            raise DataError("Precomputed(scores=…): a score is beyond the range of float32")
        inside = (users >= 0) & (products >= 0)
        _refuse_none(inside, "scores", "pairs")
        users, products = users[inside], products[inside]
        cells = users.astype(np.int64) * len(shelf) + products
        _refuse_twice(cells, "scores", "pair")
        self.known_ = np.zeros(len(shelf), bool)
        self.known_[products] = True
        distinct = np.unique(users)
        self._places, _ = _placed(distinct, len(people))
        pairs = (narrow[inside], (self._places[users], products))
        self.scores_ = sparse.csr_array(pairs, shape=(len(distinct), len(shelf)))
        self.scores_.sort_indices()

    def _at(self, rows: Rows) -> NDArray[np.int32]:
        """Return where what is held of users is; −1 for strangers and those without anything."""
        inside = (rows >= 0) & (rows < len(self._places))
        found = np.full(len(rows), _NO_ROW)
        found[inside] = self._places[rows[inside]]
        return found

    def _over(self, users: Vocabulary) -> Self:
        made = copy.copy(self)
        made._user_ids = users
        return made


def _read(frame: Any, name: str, columns: tuple[str, ...]) -> pa.Table:
    table, _ = read_frame(frame, f"Precomputed({name}=…)", copy=False)
    for column in columns:
        if column not in table.column_names:
            raise DataError(
                f"Precomputed({name}=…): no column {column!r}; it has {table.column_names}"
            )
    return table


def _codes(column: pa.ChunkedArray, where: str, vocabulary: Vocabulary) -> NDArray[np.int32]:
    """Return the positions of ids, −1 for those that the data does not have."""
    ids = vocabulary.read(column, f"Precomputed: {where}")
    if ids.null_count:
        raise DataError(f"Precomputed: {where}: {ids.null_count} of {len(ids)} are missing")
    return vocabulary.codes(ids)


def _vectors(
    frame: Any, name: str, vocabulary: Vocabulary
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the positions of ids that the data has, and their vectors."""
    where = f"Precomputed({name}=…)"
    table = _read(frame, name, ("id", "vector"))
    ids = vocabulary.read(table["id"], f"{where}: id")
    if pc.count_distinct(ids, "all").as_py() < len(ids):
        again = next(row for row in pc.value_counts(ids).to_pylist() if row["counts"] > 1)
        raise DataError(f"{where}: id {again['values']!r} is there {again['counts']} times")
    codes = _codes(table["id"], f"{name}: id", vocabulary)
    matrix = _matrix(plain_lists(table["vector"].combine_chunks()), f"{name}: vector")
    inside = codes >= 0
    _refuse_none(inside, name, name)
    return codes[inside], matrix[inside]


def _matrix(column: pa.Array, where: str) -> NDArray[Any]:
    """Return vectors as an array, as narrow as holds them exactly."""
    if isinstance(column.type, Unreadable):
        raise DataError(f"Precomputed: {where}: must be lists of numbers: {column.type.problem}")
    if not is_list(column.type):
        raise DataError(
            f"Precomputed: {where}: must be lists of numbers, not {in_words(column.type)}"
        )
    if column.null_count:
        raise DataError(f"Precomputed: {where}: {column.null_count} of {len(column)} are missing")
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    if len(lengths) and (lengths != lengths[0]).any():
        row = int(np.flatnonzero(lengths != lengths[0])[0])
        raise DataError(
            f"Precomputed: {where}: row {row} has {lengths[row]} numbers, row 0 {lengths[0]}"
        )
    width = int(lengths[0]) if len(lengths) else 0
    if not width:
        raise DataError(f"Precomputed: {where}: no vector has any number")
    wide = _numbers(column.flatten(), where).reshape(len(column), width)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def _numbers(values: pa.Array, where: str) -> NDArray[np.float64]:
    if not is_number(values.type):
        raise DataError(f"Precomputed: {where}: must be numbers, not {in_words(values.type)}")
    numbers = nearest_doubles(values)
    bad = int(len(numbers) - np.isfinite(numbers).sum())
    if bad:
        raise DataError(
            f"Precomputed: {where}: {bad} of {len(numbers)} numbers are missing, NaN or infinite"
        )
    return numbers


def _placed(codes: NDArray[np.integer], users: int) -> tuple[NDArray[np.int32], Rows]:
    """Return each user's place among those that there is something of, and these in that order."""
    there = np.zeros(users, bool)
    there[codes] = True
    places = np.where(there, np.cumsum(there) - 1, -1).astype(np.int32)
    return places, np.argsort(codes, kind="stable")


def _refuse_none(inside: NDArray[np.bool_], name: str, what: str) -> None:
    if not inside.any():
        raise DataError(
            f"Precomputed({name}=…): none of its {len(inside)} {what} is in the data: are the ids "
            f"the same?"
        )


def _refuse_twice(cells: Rows, name: str, what: str) -> None:
    again = len(cells) - len(np.unique(cells))
    if again:
        raise DataError(f"Precomputed({name}=…): {again} times a {what} is there again")
