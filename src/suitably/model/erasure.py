"""Erasure: a fitted model as if some users had never been its customers."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suitably.errors import SuitablyError
from suitably.model.model import Model
from suitably.model.state import FittedState
from suitably.ranking.protocol import attached, without_users

__all__ = ["erase"]


def erase(model: Model, rows: NDArray[np.int64]) -> Model:
    """Return a model without some users, by position: no id, field, event, vector or text of them.

    Profiles, ownership and eligibility become those of a fit on data without them. What rankers and
    builders have learned from all users together, such as vectors of products, stays until the next
    fit; so do the digests of event ids, from which nobody can be told.

    Raises:
        SuitablyError: A builder or ranker of one's own that does not say how it forgets.
    """
    kept = np.ones(len(model.state.users), bool)
    kept[rows] = False
    state = _without(model.state, kept)
    interactions = {w: one.of_users(kept) for w, one in model.interactions.items()}
    rankers = tuple(
        attached(without_users(ranker, kept), state.users.ids, interactions)
        for ranker in model.rankers
    )
    return replace(model.under(model.policies, model.rerankers), state=state, rankers=rankers)


def _without(state: FittedState, kept: NDArray[np.bool_]) -> FittedState:
    for builder in state.builders:
        if not hasattr(builder, "of_users"):
            raise SuitablyError(
                f"{type(builder).__name__}: cannot forget a user; give it of_users(state, kept), "
                f"which returns the state of those who are kept"
            )
    places = np.flatnonzero(kept)
    states = zip(state.builders, state.builder_states, strict=True)
    return replace(
        state,
        users=state.users.only(places),
        owned=state.owned[places],
        ledger=None if state.ledger is None else state.ledger.of_users(kept),
        builder_states=tuple(builder.of_users(held, kept) for builder, held in states),
    )
