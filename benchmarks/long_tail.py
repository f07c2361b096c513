"""Purchases with a long tail: few products that many buy, tastes, and what came later."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

AS_OF = pd.Timestamp("2024-01-01")
_DAYS = 730
_LATER = 0.2
_TASTES, _LOYALTY = 3, 0.7
_MOST = 200


@dataclass(frozen=True)
class Purchases:
    """A log before `AS_OF`, and what the same users bought afterwards.

    Attributes:
        users: int64 (events,).
        products: int64 (events,).
        times: datetime64 (events,), before `AS_OF`.
        later_users: int64 (later,).
        later_products: int64 (later,), nothing that its user had before.
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    times: NDArray[np.datetime64]
    later_users: NDArray[np.int64]
    later_products: NDArray[np.int64]


def purchases(users: int, products: int, events: int, seed: int = 0) -> Purchases:
    """Draw purchases of which a fifth came later.

    A product's popularity is by Zipf's law, and each belongs to one of about √products tastes. A
    user has three; seven purchases in ten are of one of them, the others of anything. Users buy
    between 5 and 200 products, most of them few.
    """
    rng = np.random.default_rng(seed)
    weights = 1 / (10 + np.arange(products)) ** 0.9
    rng.shuffle(weights)
    tastes = rng.integers(0, max(2, round(products**0.5)), products)
    by_taste = np.argsort(tastes, kind="stable")
    ends = np.searchsorted(tastes[by_taste], np.arange(tastes.max() + 2))
    inside = np.concatenate([[0], np.cumsum(weights[by_taste])])
    overall = np.cumsum(weights)
    lengths = np.clip(rng.lognormal(0, 0.9, users), 0, None)
    lengths = np.clip(lengths * events / lengths.sum(), 5, _MOST).astype(np.int64)
    who = np.repeat(np.arange(users), lengths)
    mine = rng.integers(0, len(ends) - 1, (users, _TASTES))[who, rng.integers(0, _TASTES, len(who))]
    low, high = inside[ends[mine]], inside[ends[mine + 1]]
    at = np.searchsorted(inside, low + (high - low) * rng.random(len(who)), side="right") - 1
    what = by_taste[np.minimum(at, products - 1)]
    anything = (rng.random(len(who)) > _LOYALTY) | (low == high)
    drawn = np.searchsorted(overall, rng.random(int(anything.sum())) * overall[-1])
    what[anything] = np.minimum(drawn, products - 1)
    pairs = np.unique(who * products + what)
    later = rng.random(len(pairs)) < _LATER
    seconds = rng.integers(0, _DAYS * 86_400, int((~later).sum()))
    return Purchases(
        pairs[~later] // products,
        pairs[~later] % products,
        AS_OF.to_datetime64().astype("datetime64[s]") - 1 - seconds,
        pairs[later] // products,
        pairs[later] % products,
    )
