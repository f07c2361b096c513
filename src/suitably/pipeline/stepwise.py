"""Lists drawn up step by step: what stands first counts as if it were bought."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.model.positions import Positions
from suitably.pipeline.generate import GeneratedLists, ListGenerator
from suitably.suitability.amounts import numbers_of, proposed_amounts
from suitably.suitability.policy import Policy

__all__ = ["generate_stepwise"]


def generate_stepwise(
    generator: ListGenerator,
    policies: tuple[Policy, ...],
    rows: NDArray[np.int64],
    amounts: NDArray[np.float64] | None,
) -> tuple[GeneratedLists, ListGenerator]:
    """Draw up lists product by product, each judged as if those before it were bought.

    Money held and bought then includes, for every product before, what would be invested in it.
    The rules are judged anew at every step, for everybody.

    Args:
        generator: As for whole lists; its rerankers reorder the candidates of every step.
        policies: All of which bind.
        rows: Positions of the users; −1 for one who is unknown.
        amounts: What a call says would be invested, per user; None: what the users' fields say.

    Returns:
        The lists, and what would draw up the next product: it says why there is none.
    """
    depth = min(generator.k, len(generator.state.positions))
    whole = GeneratedLists.empty(len(rows), depth, generator.draws)
    proposed = proposed_amounts(generator.state.users, amounts)
    least = numbers_of(generator.state.products, "min_amount")
    active = np.flatnonzero(rows >= 0)
    for rank in range(depth):
        step = replace(generator, k=1, first=rank).generate(rows[active])
        found = step.lists.lengths > 0
        whole.stood_in[active] |= step.stood_in
        if not rank:
            whole.candidates[active] = step.candidates
        active = active[found]
        if not len(active):
            break
        codes = step.lists.products[found, 0]
        whole.lists.products[active, rank] = codes
        whole.lists.scores[active, rank] = step.lists.scores[found, 0]
        if step.lists.propensities is not None and whole.lists.propensities is not None:
            whole.lists.propensities[active, rank] = step.lists.propensities[found, 0]
        whole.lists.lengths[active] = rank + 1
        products = generator.state.positions[codes]
        money = np.fmax(proposed[rows[active]], least[products])
        generator = _bought(generator, policies, rows[active], products, codes, money, amounts)
    return whole, generator


def _bought(
    generator: ListGenerator,
    policies: tuple[Policy, ...],
    users: NDArray[np.int64],
    products: NDArray[np.int64],
    codes: NDArray[np.int32],
    money: NDArray[np.float64],
    amounts: NDArray[np.float64] | None,
) -> ListGenerator:
    """Return a generator for which users hold these products too, and are not offered them."""
    state, snapshot = generator.state, generator.snapshot
    if any(isinstance(builder, Positions) for builder in state.builders):
        held = tuple(
            builder.also_bought(kept, users, products, money, snapshot.as_of)
            if isinstance(builder, Positions)
            else kept
            for builder, kept in zip(state.builders, state.builder_states, strict=True)
        )
        state = replace(state, builder_states=held)
        snapshot = state.snapshot(policies, snapshot.as_of).proposing(amounts)
    shape = (len(state.users), len(state.positions))
    more = sparse.csr_array((np.ones(len(users), np.int8), (users, codes)), shape=shape)
    taken = more if generator.taken is None else sparse.csr_array(generator.taken + more)
    return replace(generator, state=state, snapshot=snapshot, taken=taken)
