"""Defaults against tuned parameters on long-tailed worlds: quality, and what the choice costs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.long_tail import AS_OF, purchases
from benchmarks.runner import Row, seconds
from benchmarks.sizes import dataset
from suitably.ranking import ALS, BPR, IALS, Blend, FitContext, LogisticMF
from suitably.ranking.hold_out import HoldOut
from suitably.ranking.inner_split import random_split
from suitably.utils.params import clone

__all__ = ["long_tailed", "run"]

# Users, products, mean products of a user, power of popularity, strength of shelves.
WORLDS = {
    "3,000 × 2,000, dense as films": (3_000, 2_000, 90, 0.9, 1.5),
    "7,000 × 4,000": (7_000, 4_000, 32, 0.8, 2.2),
    "10,000 × 10,000, sparse as shopping": (10_000, 10_000, 18, 0.7, 3.5),
}
JUDGED, TASTES, LIKED, BLOCK = 2_000, 48, 6, 500
# As many users as products, and purchases of each, of which a fifth came later.
COSTS = {3_000: 25, 5_000: 20, 10_000: 20, 40_000: 20}
LONGEST = 10_000  # for `LogisticMF`


def run() -> list[Row]:
    rows = []
    for name, shape in WORLDS.items():
        data = st.Dataset(None, None, long_tailed(*shape))
        view = data.view()
        eligibility: Any = None
        context = FitContext(view, view.user_fields.select([]), eligibility, None, seed=99)
        split = random_split(context, JUDGED)
        assert split is not None
        # The choice hides others than the judge did.
        held = HoldOut(replace(split, past=replace(split.past, seed=0)))
        rows += [_compared(name, held, ranker) for ranker in (ALS(), IALS(), BPR(), LogisticMF())]
    return rows + [row for size in COSTS for row in _costs(size)]


def _costs(size: int) -> list[Row]:
    """Measure what choosing takes by processor time, beside the fit with what was chosen."""
    view = dataset(purchases(size, size, size * COSTS[size])).view(AS_OF)
    eligibility: Any = None
    context = FitContext(view, view.user_fields.select([]), eligibility, view.as_of, seed=0)
    rows = []
    rankers = [ALS(), IALS(), Blend(), *([LogisticMF()] if size <= LONGEST else [])]
    if size == min(COSTS):
        for ranker in rankers:
            clone(ranker).fit(context)  # loads what is compiled
    for ranker in rankers:
        took = _processor_seconds(ranker, context)
        learned = [key for key in _learned(ranker) if key != "rankers"]
        chosen = {key: getattr(ranker, f"{key}_") for key in learned}
        fit = _processor_seconds(clone(ranker).set_params(**chosen), context)
        label = f"choice of {type(ranker).__name__}, {size:,} x {size:,}"
        note = f"peer: the fit with what was chosen ({_shown(chosen)}); wanted 1"
        rows.append(Row(label, fit, took - fit, "s", (took - fit) / fit, note))
    return rows


def _processor_seconds(ranker: Any, context: FitContext) -> float:
    start = time.process_time()
    ranker.fit(context)
    return time.process_time() - start


def _compared(name: str, held: HoldOut, ranker: Any) -> Row:
    past = held.split.past
    took = seconds(lambda: ranker.fit(past))
    chosen = {key: getattr(ranker, f"{key}_") for key in _learned(ranker)}
    given = clone(ranker).set_params(**chosen)
    alone = seconds(lambda: given.fit(past))
    ours, tuned, best = held.ndcg(ranker).mean(), 0.0, {}
    for values in _grid(ranker):
        found = held.ndcg(clone(given).set_params(**values).fit(past)).mean()
        if found > tuned:
            tuned, best = found, values
    tuned = max(tuned, ours)
    note = (
        f"peer: the best of a grid ({_shown(best)}); chosen: {_shown(chosen)}; "
        f"the choice took {took / alone - 1:.1f} times the fit's {alone:.1f} s"
    )
    label = f"default {type(ranker).__name__}, {name}"
    return Row(label, float(tuned), float(ours), "nDCG@20", float(ours / tuned), note)


def _learned(ranker: Any) -> Sequence[str]:
    return [key for key, value in ranker.get_params().items() if value is None and
            hasattr(ranker, f"{key}_")]  # fmt: skip


def _grid(ranker: Any) -> Iterator[dict[str, Any]]:
    """Yield values around those that were chosen, in steps of about two."""
    factors, penalty = ranker.factors_, ranker.regularization_
    yield {"factors": factors // 2}
    yield {"factors": 2 * factors}
    for times in (0.25, 0.5, 2.0):
        yield {"regularization": penalty * times}
    if isinstance(ranker, IALS):
        for weight in (0.25, 4.0):
            for times in (0.5, 1.0, 2.0):
                # Penalties grow with the weight that they hold back.
                yield {
                    "unobserved_weight": ranker.unobserved_weight_ * weight,
                    "regularization": penalty * times / weight,
                }
    if isinstance(ranker, BPR):
        yield {"learning_rate": ranker.learning_rate_ * 2}
        yield {"learning_rate": ranker.learning_rate_ / 2}
        yield {"iterations": ranker.iterations_ * 2}


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {np.round(value, 4)}" for key, value in values.items())


def long_tailed(
    users: int, products: int, mean: float, power: float, strength: float, seed: int = 0
) -> pd.DataFrame:
    """Draw purchases by popularity, latent tastes and a few shelves that each user likes.

    The logit of a product is that of its popularity, which falls with its rank by a power, plus a
    product of tastes, plus a constant on the shelves that a user likes.
    """
    rng = np.random.default_rng(seed)
    shelves = max(30, products // 25)
    popularity = rng.permutation(-power * np.log(np.arange(products) + 11.0))
    scale = np.arange(1, TASTES + 1) ** -0.5
    scale /= np.linalg.norm(scale)
    centres = rng.standard_normal((shelves, TASTES)) * scale
    shelf = rng.integers(0, shelves, products)
    kinds = 0.8 * centres[shelf] + 0.6 * scale * rng.standard_normal((products, TASTES))
    lengths = np.exp(rng.normal(np.log(mean) - 0.32, 0.8, users))
    lengths = np.clip(np.round(lengths), 5, products // 4).astype(int)
    bought = []
    for start in range(0, users, BLOCK):
        size = min(BLOCK, users - start)
        taste = rng.standard_normal((size, TASTES))
        likes = taste @ centres.T + rng.gumbel(size=(size, shelves))
        liked = np.zeros((size, shelves))
        np.put_along_axis(liked, np.argsort(-likes, axis=1)[:, :LIKED], strength, axis=1)
        logits = popularity + 1.5 * taste @ kinds.T + liked[:, shelf]
        order = np.argsort(-logits - rng.gumbel(size=logits.shape), axis=1)
        bought += [order[row, :length] for row, length in enumerate(lengths[start : start + BLOCK])]
    rows = np.repeat(np.arange(users), lengths)
    return pd.DataFrame({"user_id": rows, "product_id": np.concatenate(bought)})
