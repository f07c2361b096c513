"""A second sample: whether products come out alike, whoever they are learned from."""

import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa

from suitably.data.view import View
from suitably.errors import SuitabilityWarning
from suitably.model.groups import model_of_group
from suitably.model.model import Model
from suitably.pipeline.pipeline import Pipeline
from suitably.suitability.policy import Policy

__all__ = ["AGREED", "agreement", "warn_of_disagreement"]

AGREED = 0.75
"""Below this share more users are needed.

Measured on FAR-Trans and the simulated bank, where samples alone teach of products: at .75 and
above one cost about 1 % of nDCG@10 at most, at .68 to .74 up to 6 %, below .6 from 7 % up.
"""
_DEPTH, _USERS = 10, 1_000
_NOBODY = np.zeros(0, np.int64)


def agreement(one: Model, other: Model, view: View) -> float | None:
    """Return which share of users' first ten products two models of nobody rank alike.

    Policies and rerankers are left out, which would make lists alike that are not ranked so.

    Args:
        one: What was learned from one sample, see `without_anybody`.
        other: What was learned from another.
        view: Of users by whom the two are held against each other: a thousand are enough.

    Returns:
        The mean over users who have a list; None where nobody has one.
    """
    few = _some_users(view)
    first, second = (_lists(model, few) for model in (one, other))
    if not first.num_rows or not second.num_rows:
        return None
    shared = first.join(second, first.column_names, join_type="inner").num_rows
    return float(2 * shared / (first.num_rows + second.num_rows))


def warn_of_disagreement(share: float | None, users: int) -> None:
    """Warn where two samples rank differently: `SuitabilityWarning`."""
    if share is not None and share < AGREED:
        warnings.warn(
            f"engines.spark.fit: learned from {users:,} users and from as many others, only "
            f"{share:.0%} of a customer's first {_DEPTH} products are the same: give a larger "
            f"sample",
            SuitabilityWarning,
            stacklevel=4,
        )


def _lists(model: Model, view: View) -> pa.Table:
    free = replace(model.under((Policy.unrestricted(),), ()), asks_consent=False)
    pipeline = Pipeline._from_model(model_of_group(free, view, _NOBODY)).greedy()
    return pipeline.recommend(k=_DEPTH).to_arrow().select(["user_id", "product_id"])


def _some_users(view: View) -> View:
    """Return what users did who acquired something: a thousand, drawn by their ids."""
    active = np.unique(view.acquisitions.users).astype(np.int64)
    order = np.argsort(view.users.ids.hashes(active), kind="stable")
    rows = np.sort(active[order[:_USERS]])
    places = np.full(len(view.users), -1, np.int32)
    places[rows] = np.arange(len(rows))
    events = view.events.take(places[view.events.users] >= 0)
    events = replace(events, users=places[events.users])
    return replace(view, users=view.users.only(rows), events=events, doubtful=_NOBODY)
