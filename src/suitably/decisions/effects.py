"""Effects: what an approach changes of the probability of a purchase, as the chance of an offer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import take_rows, write_frame
from suitably.data.vocabulary import Vocabulary
from suitably.decisions.chances import BlockChances, Chances, read_pairs
from suitably.decisions.channels import Channels
from suitably.errors import DataError
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists

__all__ = ["effects"]

_ROWS = 200_000


def effects(
    source: Any,
    candidates: Candidates,
    user_ids: Vocabulary,
    product_ids: Vocabulary,
    channels: Channels,
    kind: str,
) -> Chances:
    """Return the effects of a model with `effect`, or of a frame.

    Args:
        source: An object whose `effect(frame)` gives a number per row of a frame of users' fields,
            or, where what it learned from names columns of products or channels, of pairs or
            offers; or a frame `user_id`, perhaps `product_id` and `channel`, and `effect`.
        candidates: Of all users of the plan.
        user_ids: These users.
        product_ids: The catalogue.
        channels: The channels.
        kind: The kind of frame that the model is given.

    Raises:
        DataError: A frame without its columns or with a row twice, or an effect that is no number.
    """
    if not callable(getattr(source, "effect", None)):  # a column of pandas is an attribute too
        return read_pairs(source, "uplift", "effect", user_ids, product_ids, channels.vocabulary)
    of_users = pa.table({"user_id": user_ids.decode(np.arange(len(user_ids)))})
    fields = candidates.user_fields
    for name in fields.column_names:
        if name != "user_id":
            of_users = of_users.append_column(name, fields[name])
    learned = {*_features(source)} - {*of_users.column_names}
    products = _fields_of("product_id", product_ids, candidates.product_fields)
    if learned & {*products.column_names, *channels.table.column_names}:
        several = bool(learned & {*channels.table.column_names})
        through = channels.table if several else None
        return EffectsOfPairs(source, of_users, products, through, kind)
    parts = [
        _effect(source, of_users.slice(start, _ROWS), kind)
        for start in range(0, len(user_ids), _ROWS)
    ]
    return EffectsOfUsers(np.concatenate(parts) if parts else np.zeros(0))


@dataclass(frozen=True)
class EffectsOfUsers:
    """One effect for each user, whatever the offer: float64 (users of the plan,)."""

    values: NDArray[np.float64]
    responds: bool = False

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> BlockChances:
        """Return the effect of each candidate."""

        def told(places: NDArray[np.int64], part: GeneratedLists) -> NDArray[np.float64]:
            mine = self.values[users[places]][:, None, None]
            return np.broadcast_to(mine, (*part.lists.products.shape, 1))

        return told


@dataclass(frozen=True)
class EffectsOfPairs:
    """An effect for each pair, or each offer where channels are given, asked for by block."""

    model: Any
    users: pa.Table
    products: pa.Table
    channels: pa.Table | None
    kind: str
    responds: bool = False

    def of(self, candidates: Candidates, users: NDArray[np.int64]) -> BlockChances:
        """Return the effect of each candidate."""
        several = 1 if self.channels is None else self.channels.num_rows

        def told(places: NDArray[np.int64], part: GeneratedLists) -> NDArray[np.float64]:
            listed = part.lists.products
            out = np.full((*listed.shape, several), np.nan)
            at, rank = np.nonzero(listed >= 0)
            if not len(at):
                return out
            of_user = np.repeat(users[places][at], several)
            of_product = np.repeat(listed[at, rank], several)
            of_channel = np.tile(np.arange(several), len(at))
            frame = take_rows(self.users, pa.array(of_user))
            sides = [(self.products, of_product)]
            if self.channels is not None:
                sides.append((self.channels, of_channel))
            for table, rows in sides:
                taken = table.take(pa.array(rows))
                for name in taken.column_names:
                    if name not in frame.column_names:
                        frame = frame.append_column(name, taken[name])
            out[at, rank] = _effect(self.model, frame, self.kind).reshape(-1, several)
            return out

        return told


def _fields_of(name: str, ids: Vocabulary, fields: pa.Table) -> pa.Table:
    table = pa.table({name: ids.decode(np.arange(len(ids)))})
    for column in fields.column_names:
        if column != name:
            table = table.append_column(column, fields[column])
    return table


def _features(model: Any) -> Iterable[str]:
    """Return the columns that a fitted model reads, as far as it says so."""
    for name in ("feature_names_in_", "features_", "features"):
        found = getattr(model, name, None)
        if found is not None and not isinstance(found, str):
            return [str(one) for one in found]
    return []


def _effect(model: Any, table: pa.Table, kind: str) -> NDArray[np.float64]:
    values = np.asarray(model.effect(write_frame(table, kind)), np.float64)
    if values.shape != (table.num_rows,):
        raise DataError(
            f"uplift: {type(model).__name__}.effect must give a number for each of "
            f"{table.num_rows} rows, and gave {values.shape}"
        )
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(f"uplift: effect of row {bad[0]} is {values[bad[0]]}, no number")
    return values
