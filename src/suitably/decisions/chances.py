"""Chances: the probability of a purchase of every candidate pair, block by block."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.frames import read_frame
from suitably.data.vocabulary import Vocabulary
from suitably.decisions.numbers import numbers_from
from suitably.errors import DataError
from suitably.pipeline import Pipeline
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists
from suitably.typing import AsOf

__all__ = ["BlockChances", "Chances", "PairTable", "propensities"]

BlockChances = Callable[[NDArray[np.int64], GeneratedLists], NDArray[np.float64]]
"""Given the places and the candidates of a block: float64 (users of the block, depth, 1 or
channels), NaN where a pair has none."""


class Chances(Protocol):
    """Where chances come from."""

    @property
    def responds(self) -> bool:
        """Whether a channel's response is still to be multiplied in."""
        ...

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> BlockChances:
        """Return what tells the chances of some users' candidates.

        Args:
            candidates: Theirs, in this order.
            users: int64, their places among all users of the plan.
        """
        ...


@dataclass(frozen=True)
class OfModel:
    """Probabilities of a model that reads scores and ranks, such as `Propensity`."""

    model: Any
    responds: bool = True

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> BlockChances:
        """Return the model's own."""
        told = self.model.probabilities(candidates)
        return lambda places, part: np.asarray(told(places, part), np.float64)[:, :, None]


@dataclass(frozen=True)
class PairTable:
    """Chances of a frame: a row for each pair that has one, and perhaps for each channel of it.

    Attributes:
        table: CSR (users of the plan, products × channels): a chance, stored also where it is 0.
        products: How many products there are.
        responds: Whether a channel's response is still to be multiplied in.
    """

    table: sparse.csr_array
    products: int
    responds: bool

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> BlockChances:
        """Return what the frame says of them."""
        several = self.table.shape[1] // self.products

        def told(places: NDArray[np.int64], part: GeneratedLists) -> NDArray[np.float64]:
            rows = self.table[users[places]].tocoo()
            dense = np.full((len(places), self.products + 1, several), np.nan)
            dense.reshape(len(places), -1)[rows.row, rows.col] = rows.data
            listed = part.lists.products
            return dense[np.arange(len(places))[:, None], listed]

        return told


def propensities(
    source: Any,
    candidates: Candidates,
    user_ids: Vocabulary,
    product_ids: Vocabulary,
    as_of: AsOf | None,
    pipeline: Pipeline,
) -> Chances:
    """Return the chances of a model with `probabilities` or `predict`, or of a frame.

    A model fitted on scores of another ranker than the pipeline's cannot read these, and is asked
    for its own pairs.

    Args:
        source: The model or the frame.
        candidates: Of all users of the plan.
        user_ids: These users.
        product_ids: The catalogue.
        as_of: The moment, as the caller gave it.
        pipeline: Whose candidates they are.

    Raises:
        DataError: A frame without its columns, a probability that is none, or a pair twice.
    """
    learned_from = getattr(source, "pipeline_", None)
    same = learned_from is None or learned_from.ranker_ is pipeline.ranker_
    if same and callable(getattr(source, "probabilities", None)):
        return OfModel(source)
    frame = source
    if callable(getattr(source, "predict", None)):
        frame = source.predict(user_ids=user_ids.values.tolist(), k=None, as_of=as_of)
    return read_pairs(frame, "propensity", "probability", user_ids, product_ids, None)


def read_pairs(
    frame: Any,
    name: str,
    value: str,
    user_ids: Vocabulary,
    product_ids: Vocabulary,
    channels: Vocabulary | None,
) -> PairTable:
    """Read a frame of chances; pairs of users or products that are not there are left out.

    Args:
        frame: `user_id`, `product_id`, perhaps `channel`, and the chance.
        name: What the frame is, for messages.
        value: The column of the chance.
        user_ids: The users of the plan.
        product_ids: The catalogue.
        channels: The channels, where rows may name one, and products may be left out: a row then
            is of all products, or of all channels. None: rows are of a product each.

    Raises:
        DataError: A column is missing, a chance is missing or off its scale, or a row is there
            twice.
    """
    table, _ = read_frame(frame, name)
    for column in ("user_id", value, *(["product_id"] if channels is None else [])):
        if column not in table.column_names:
            raise DataError(f"{name}: no column {column!r}; it has {table.column_names}")
    numbers = numbers_from(table, value, name)
    bad = np.isnan(numbers)
    if channels is None:
        bad |= (numbers < 0) | (numbers > 1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{name}.{value}: row {row}: {numbers[row]} is no {value}")
    several = 1 if channels is None else len(channels)
    users = _codes(table, "user_id", user_ids, name)
    kept = users >= 0
    of, codes = np.arange(table.num_rows), np.zeros(table.num_rows, np.int64)
    for column, known in (("product_id", product_ids), ("channel", channels)):
        if known is None:
            continue
        if column in table.column_names:
            own = _codes(table, column, known, name)
            kept &= own >= 0
            codes = codes * len(known) + own[of]
        else:  # of each of them
            codes = (codes[:, None] * len(known) + np.arange(len(known))).ravel()
            of = np.repeat(of, len(known))
    of, codes = of[kept[of]], codes[kept[of]]
    width = len(product_ids) * several
    places = users[of] * width + codes
    order = np.argsort(places, kind="stable")
    twice = np.flatnonzero(places[order[1:]] == places[order[:-1]])
    if len(twice):
        first, second = of[order[twice[0]]], of[order[twice[0] + 1]]
        raise DataError(f"{name}: rows {first} and {second} are of the same pair")
    stored = (numbers[of], (users[of], codes))
    matrix = sparse.coo_array(stored, shape=(len(user_ids), width)).tocsr()
    return PairTable(matrix, len(product_ids), responds=channels is None)


def _codes(table: pa.Table, column: str, known: Vocabulary, name: str) -> NDArray[np.int64]:
    asked = known.read(table[column], f"{name}.{column}")
    if asked.null_count:
        row = asked.is_null().to_pylist().index(True)
        raise DataError(f"{name}.{column}: row {row} is missing")
    return known.codes(asked).astype(np.int64)
