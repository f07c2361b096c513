"""Popularity baselines: what everybody buys, and what everybody of a segment does."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.ranking.base import HistoryRanker
from suitably.ranking.contributions import AskedPair, Contributions, Standing
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import Factors, FitContext, Histories, State
from suitably.utils.params import check_positive
from suitably.utils.pieces import recoded, texts_of
from suitably.utils.suggest import nearest

__all__ = ["Popularity"]

_NO_SEGMENT = 0


class Popularity(HistoryRanker):
    """Rank products by how many users acquired them: the baseline of every comparison.

    A user counts once per product, with the weight of their strongest interaction: who turned it
    down counts it down. A product that nobody acquired has no score; one that more turned down has
    one below 0. Everybody can be scored, strangers too.

    With `by`, a user gets the popularity within their own segment. Of the C users with any
    history, C_s are of segment s; of a product's weighted users n, n_s are. The score is the
    number of users it would have if everybody were of the segment, C·(n_s + m·n/C)/(C_s + m):
    the mean of a beta posterior whose prior is worth m users of the overall taste. A user
    whose segment is missing or unseen gets n itself, and so does a segment without any history.

    Args:
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.
        by: A profile field or else a column of the users frame, of text, booleans or whole
            numbers; None: everybody is alike.
        smoothing: The m above, in users.

    Attributes:
        counts_: float64 (products,), weighted users per product.
        segments_: The names of the segments, as text.
        segment_codes_: int (users,), each user's row of `segment_counts_`.
        segment_counts_: float64 (1 + segments, products), the scores: first those of a user
            without a segment, which are `counts_`.

    Source:
        Gelman and others, "Bayesian Data Analysis", 3rd edition 2013, section 2.4, on the beta
        prior as prior observations.

    Example:
        >>> Popularity(half_life_days=30)
        Popularity(half_life_days=30)
    """

    learned: ClassVar[tuple[str, ...]] = ("segments_", "segment_counts_", "segment_codes_")
    made_of_learned: ClassVar[tuple[str, ...]] = ("_products",)
    needs_interactions: ClassVar[bool] = False
    segments_: tuple[str, ...]
    segment_counts_: NDArray[np.float64]
    segment_codes_: NDArray[np.integer]

    def __init__(
        self,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
        by: str | None = None,
        smoothing: float = 100.0,
    ) -> None:
        self.half_life_days = half_life_days
        self.event_weights = event_weights
        self.by = by
        self.smoothing = smoothing

    @property
    def counts_(self) -> NDArray[np.float64]:
        """Weighted users per product: float64 (products,)."""
        self._check_fitted()
        counts: NDArray[np.float64] = self.segment_counts_[_NO_SEGMENT]
        return counts

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return true for everybody: bool (rows,)."""
        self._check_fitted()
        return np.ones(len(rows), bool)

    def score_rows(self, rows: NDArray[np.int64]) -> Factors:
        """Return each user's segment, one-hot, and the scores of every segment."""
        self._check_fitted()
        products, known = self._products
        codes = np.full(len(rows), _NO_SEGMENT)
        codes[rows >= 0] = self.segment_codes_[rows[rows >= 0]]
        return Factors(np.eye(products.shape[1])[codes], products, known)

    @cached_property
    def _products(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The scores by product, and which have one: the same arrays for whoever keeps them."""
        return self.segment_counts_.T, self._known

    @property
    def _known(self) -> NDArray[np.bool_]:
        """Which products anybody acquired, be they counted down since: bool (products,)."""
        counted: NDArray[np.bool_] = self.counts_ > 0
        return (
            counted if self.interactions_.decisive is None else counted | self.interactions_.known
        )

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return that popularity is all there is, and a product's place by it."""
        self._check_fitted()
        row, product, known = pair.user.rows.item(), pair.product, self._products[1]
        if product >= len(known) or not known[product]:
            return None
        code = _NO_SEGMENT if row < 0 else int(self.segment_codes_[row])
        scores = self.segment_counts_[code]
        before = np.count_nonzero((scores > scores[product]) & known)
        alike = (self.by, self.segments_[code - 1]) if code != _NO_SEGMENT else ()
        standing = Standing(int(before) + 1, int(np.count_nonzero(known)), *alike)
        return Contributions(rest=float(scores[product]), standing=standing)

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return a ranker without the segments of the other users: bool (users,).

        Counts are of all users together; the next update counts those who are left.
        """
        made = super().of_users(kept)
        made.segment_codes_ = self.segment_codes_[kept]
        return made

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        self.segments_, codes = _segments(self.by, context)
        length = 1 + len(self.segments_)
        self.segment_counts_ = _scores(
            lambda: [(history, codes)], length, self.smoothing, context.as_of
        )
        self.segment_codes_ = codes.astype(np.min_scalar_type(length))

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return the state of a ranker that counts all groups of users; see `JoinedRanker`."""
        first = states[0]
        named = [np.array([*state["segments_"]], object) for state in states]
        segments, places = texts_of(named)
        length = 1 + len(segments)
        tables = [np.append(_NO_SEGMENT, place[:-1] + 1) for place in places]
        codes = [state["segment_codes_"] for state in states]
        done = histories(Weighting(first["half_life_days"], first["event_weights"]))

        def groups() -> Iterator[tuple[WeightedInteractions, NDArray[np.integer]]]:
            for history, table, code in zip(done, tables, codes, strict=True):
                yield history, table[code]

        return {
            **first,
            "segments_": tuple(segments.tolist()),
            "segment_counts_": _scores(groups, length, first["smoothing"], as_of),
            "segment_codes_": recoded(codes, tables, np.min_scalar_type(length)),
        }

    def _fold(self, changed: NDArray[np.int64], context: FitContext) -> None:
        """Count anew, by the segments as they now stand."""
        self._learn(self.interactions_, context)

    def _check_params(self) -> None:
        check_positive(self, "smoothing", zero=True)

    def _check_learned(self) -> None:
        self.segments_ = tuple(self.segments_)
        shape = (1 + len(self.segments_), self.interactions_.weights.shape[1])
        codes = self.segment_codes_
        fits = (
            self.segment_counts_.shape == shape
            and len(codes) == len(self._user_ids)
            and bool(((codes >= 0) & (codes < shape[0])).all())
        )
        if not fits:
            raise ValueError("Popularity: users, products and segments do not fit")


def _scores(
    groups: Callable[[], Iterable[tuple[WeightedInteractions, NDArray[np.integer]]]],
    length: int,
    prior: float,
    as_of: Instant | None,
) -> NDArray[np.float64]:
    """Return the scores by segment and product, one after the other added up in the users' order.

    Args:
        groups: Yields the interactions of groups of users, and the segments of these; asked twice.
        length: How many segments there are, that of users without one among them.
        prior: How many users the overall taste is worth.
        as_of: The moment.
    """
    extents = [(*history.extent, history.weights.shape[1]) for history, _ in groups()]
    least, most, widths = zip(*extents, strict=True)
    extent, products = (min(least), max(most)), widths[0]
    sums, sizes = np.zeros(length * products), np.zeros(length, np.int64)
    for history, codes in groups():
        weights = history.weights
        owners = np.repeat(codes.astype(np.int64), np.diff(weights.indptr))
        # In order, so that it does not matter where a group ends.
        np.add.at(sums, owners * products + weights.indices, history.as_of(as_of, extent))
        sizes += np.bincount(codes[history.active], minlength=length)
    inside = sums.reshape(length, products)
    overall, people = inside.sum(axis=0), sizes.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = people * (inside + prior * overall / people) / (sizes + prior)[:, None]
    scores[sizes == 0] = overall
    scores[_NO_SEGMENT] = overall
    found: NDArray[np.float64] = scores
    return found


def _segments(by: str | None, context: FitContext) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the names of the segments, and every user's: 0 without one, else its place plus 1."""
    if by is None:
        return (), np.zeros(len(context.data.users), np.int32)
    tables = (context.profiles, context.data.user_fields)
    found = next((table[by] for table in tables if by in table.column_names), None)
    if found is None:
        names = [name for table in tables for name in table.column_names]
        raise DataError(f"Popularity(by={by!r}): users have no such field{nearest(by, names)}")
    kind = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_null(kind)
    ):
        raise DataError(f"Popularity(by={by!r}): holds {kind}, which makes no segments")
    encoded = found.cast(pa.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(names, object)) if names else np.zeros(0, np.int64)
    places = np.append(np.argsort(order), -1).astype(np.int32)
    codes = places[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)] + 1
    return tuple(names[place] for place in order), codes.astype(np.int32)
