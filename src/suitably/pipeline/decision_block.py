"""Decision block: what a pipeline decided for a block of users, as an audit trail is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.pipeline.switched_off import SwitchState
from suitably.ranking.topk.lists import Lists
from suitably.suitability.policy import Policy

__all__ = ["AuditLog", "DecisionBlock", "DecisionContext"]


@dataclass(frozen=True, eq=False)
class DecisionContext:
    """What all decisions of one call have in common.

    Attributes:
        model: The fingerprint of the fitted model, sha256 in hexadecimal digits.
        policies: All of which bind.
        as_of: The moment of the decisions; None in data without timestamps.
        users: The ids of all users of the model; the same object for every call on one model.
        products: The ids of the catalogue, likewise.
        k: The most products in a list.
        exclude_owned: Whether what users own was left out.
        stepwise: Whether each product was judged as if those before it were bought.
        narrowed: The ids that the caller narrowed the catalogue to; None: it was not.
        off: What is switched off; None: nothing is.
    """

    model: str
    policies: tuple[Policy, ...]
    as_of: pd.Timestamp | None
    users: Vocabulary
    products: Vocabulary
    k: int
    exclude_owned: bool
    stepwise: bool
    narrowed: pa.Array | None
    off: SwitchState | None = None


@dataclass(frozen=True, eq=False)
class DecisionBlock:
    """What was decided for a block of users.

    Attributes:
        context: What the decisions have in common.
        rows: int64 (users,), positions in the model's users; −1 for a user that it does not know.
        user_ids: The ids, those of unknown users included: whoever keeps a record keeps pseudonyms.
        inputs: A row per user, a column `user.x` for every field that a policy reads, as rules saw
            it: null where it was missing, imputed, or the user is unknown.
        candidates: int64 (users,), how many products could have been listed: eligible, scored, and
            neither owned nor turned down where these are left out.
        exclusions: How many pairs of the block each rule kept out; a pair that several rules keep
            out counts for each.
        lists: Codes are positions in the catalogue.
        abstentions: Why lists are shorter than k: place (int64, in the block), reason and count.
        stood_in: bool (users,), whose list the fallback ranked.
        opted_out: bool (users,), who has not consented to a personal list.
    """

    context: DecisionContext
    rows: NDArray[np.int64]
    user_ids: pa.Array
    inputs: pa.Table
    candidates: NDArray[np.int64]
    exclusions: Mapping[str, int]
    lists: Lists
    abstentions: pa.Table
    stood_in: NDArray[np.bool_]
    opted_out: NDArray[np.bool_]


@runtime_checkable
class AuditLog(Protocol):
    """What a pipeline tells its decisions to.

    To be told all blocks of a call by an iterator, which works out the next ones meanwhile, it also
    has `record_all(blocks)`. With a method `prepare(block)` besides, it is told what that made of
    each block, in the thread that worked the block out.

    To take note of users who are erased it also has `forget(user_id, as_of)`, which is called
    before: an error leaves the user where they are.
    """

    def record(self, block: DecisionBlock) -> None:
        """Keep a block; once this returns it must not be lost.

        An error ends the call to `recommend`: no list is handed out that is not on record.
        """
        ...
