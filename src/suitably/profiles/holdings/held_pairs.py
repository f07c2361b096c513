"""What of each product is held: pieces and money net of disposals, by user and product."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import View
from suitably.profiles.grouped_sums import GroupedSums, money_parts
from suitably.profiles.holdings.money_held import followed, money_sums, net, positive
from suitably.profiles.trades import Trades
from suitably.utils.runs import run_starts

__all__ = ["held_pairs", "joined", "pair_sums"]

_NEVER = np.datetime64("NaT", "us")
_UNDATED = np.datetime64(0, "us")


def pair_sums(view: View, trades: Trades, beside: Mapping[str, NDArray[Any]]) -> GroupedSums:
    """Return a state by user, product and direction, with the instant of the last such event.

    Instants are kept only where the data can have disposals, which are what they are judged by.
    """
    keys: dict[str, NDArray[Any]] = {
        "users": trades.users,
        "products": trades.products,
        "disposed": trades.disposed,
    }
    if view.kinds.disposed and trades.times is not None:
        keys["times"] = trades.times
    sizes = trades.quantities
    pieces = np.full(len(trades), np.nan) if sizes is None else np.abs(sizes)
    unmeasured = np.isnan(pieces).astype(np.int64)
    sums = {**money_sums(trades), **money_parts("pieces", pieces), "unmeasured": unmeasured}
    return _latest(GroupedSums.of(len(view.users), keys, sums, beside=beside))


def joined(a: GroupedSums, b: GroupedSums) -> GroupedSums:
    """Join a state with a later one, of disjoint events."""
    return _latest(followed(a, b))


def held_pairs(state: GroupedSums, prices: NDArray[np.float64] | None) -> GroupedSums:
    """Return what is held: sums of `money`, of amounts `missing`, and of `products`, a row a pair.

    Pieces decide what is held where every row of the pair says how many; else money, where every
    row has an amount; else the later of acquisition and disposal, at one instant the disposal. An
    amount is missing where one of the rows has none, and where what is still held has brought in
    as much as it cost, so that amounts do not say what it is worth.

    Args:
        state: As `pair_sums` gave it.
        prices: float64 (products,), of one piece, NaN where it is not known; None: what is held
            counts by its amounts. Where pieces are not known, it does so in any case.
    """
    pairs = net(state)
    paid = positive(pairs, "money")
    measured, known = pairs.sums["unmeasured"] == 0, pairs.sums["missing"] == 0
    since = np.where(known, paid, _acquired_since(state))
    held = np.where(measured, positive(pairs, "pieces"), since)
    money = {name: pairs.sums[name] for name in ("money.whole", "money.billionths")}
    missing = ~(known & paid)
    if prices is not None:
        price = prices[pairs.keys["products"]]
        worth = money_parts("money", np.where(held & measured, pairs.money("pieces") * price, 0.0))
        money = {name: np.where(measured, worth[name], sums) for name, sums in money.items()}
        missing = np.where(measured, np.isnan(price), missing)
    sums = {**money, "missing": missing.astype(np.int64), "products": np.ones(len(held), np.int64)}
    return replace(pairs, sums=sums).take(held)


def _latest(state: GroupedSums) -> GroupedSums:
    """Keep the last instant of each user, product and direction: of any parts it is the same."""
    if "times" not in state.keys:
        return state
    starts = run_starts(state.users, state.keys["products"], state.keys["disposed"])
    last = np.append(starts[1:], len(state.users))[: len(starts)] - 1
    summed = state.by("products", "disposed")
    return replace(summed, keys={**summed.keys, "times": state.keys["times"][last]})


def _acquired_since(state: GroupedSums) -> NDArray[np.bool_]:
    """Return which pairs were acquired after they were last disposed of: bool (pairs,)."""
    users, products, disposed = (state.keys[n] for n in ("users", "products", "disposed"))
    starts = run_starts(users, products)
    new = np.zeros(len(users), np.int64)
    new[starts] = 1
    place = np.cumsum(new) - 1
    times = state.keys.get("times", np.full(len(users), _UNDATED))
    gained, lost = np.full((2, len(starts)), _NEVER)
    gained[place[~disposed]] = times[~disposed]
    lost[place[disposed]] = times[disposed]
    since: NDArray[np.bool_] = ~np.isnat(gained) & (np.isnat(lost) | (lost < gained))
    return since
