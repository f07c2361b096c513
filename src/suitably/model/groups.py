"""Models of groups of users, made of what was learned from others."""

from collections import OrderedDict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suitably.data.view import View
from suitably.model.erasure import erase
from suitably.model.model import Learnable, Model, fit_context, folded
from suitably.model.state import build_state
from suitably.utils.fork import ForkLock

__all__ = ["model_of_group", "without_anybody"]


def without_anybody(model: Model) -> Model:
    """Return a model of no users: what was learned from them all together, and the products."""
    return erase(model, np.arange(len(model.state.users)))


def model_of_group(
    base: Model, view: View, guests: NDArray[np.int64], learnable: Learnable | None = None
) -> Model:
    """Return the model of the users of a view, by what others have taught.

    It is that of an update with all that these users did, but weighed as at the fit.

    Args:
        base: A model of no users, over the same products.
        view: What was visible, of these users alone.
        guests: int64, positions of users who only tell what is true of all; they are left out.
        learnable: As for `Model.fit`.

    Raises:
        DataError: A field that clashes, or a value that cannot be used.
        PolicyError: A rule does not fit the fields.
    """
    state = build_state(view, base.state.kind, base.state.builders)
    snapshot = state.snapshot(base.policies, view.as_of)
    context = fit_context(view, snapshot, base.seed, learnable)
    for interactions in base.interactions.values():
        context.interactions.with_units_of(interactions)
    model = replace(
        base,
        state=state,
        rankers=tuple(folded(ranker, context) for ranker in base.rankers),
        snapshots=OrderedDict(),
        lock=ForkLock(),
    )
    if not len(guests):
        return model
    own = view.events.take(~np.isin(view.events.users, guests))
    model = erase(model, guests)
    return replace(model, state=replace(model.state, counted=own.digests()), lock=ForkLock())
