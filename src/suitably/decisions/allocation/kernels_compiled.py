"""The inner loops of allocation, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np

from suitably.decisions.allocation.hashing import ODD

__all__ = ["rank"]

_compile = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compile
def _worth(nets: Any, prices: Any, least: Any, worth: Any) -> None:
    """Write nets less prices; −inf where a net is too small for its offer."""
    for offer in range(len(prices)):
        net = np.float64(nets[offer])
        worth[offer] = net - prices[offer] if net > least[offer] else -np.inf


@_compile
def rank(
    nets: Any,
    keys: Any,
    prices: Any,
    grid: Any,
    least: Any,
    salts: Any,
    noise: float,
    depth: int,
    width: int,
) -> Any:
    """Rank the offers of every user of a block; see `shortlists`."""
    users = len(nets)
    products, channels = grid.shape
    offers = np.full((depth, width, users), -1, np.int32)
    found = np.full((depth, width, users), -np.inf)
    outside = np.full(users, -np.inf)
    worth = np.empty(len(prices) + 1)
    worth[-1] = -np.inf  # where the grid ends
    tops, plain, order = np.empty(depth + 1), np.empty(depth + 1), np.empty(depth + 1, np.int64)
    for user in range(users):
        _worth(nets[user], prices, least, worth[:-1])
        held = 0
        left = -np.inf
        for product in range(products):
            best = -np.inf
            for channel in range(channels):
                best = max(best, worth[grid[product, channel]])
            if best == -np.inf:
                continue
            if held == depth and best + noise <= tops[depth - 1]:
                left = max(left, best)
                continue
            share = np.float64(((keys[user] ^ salts[product]) * ODD) >> np.uint64(11)) * 2.0**-53
            top = best + noise * share
            if held == depth:
                if not top > tops[depth - 1]:
                    left = max(left, best)
                    continue
                left = max(left, plain[depth - 1])
            at = min(held, depth - 1)
            while at > 0 and tops[at - 1] < top:
                tops[at], plain[at], order[at] = tops[at - 1], plain[at - 1], order[at - 1]
                at -= 1
            tops[at], plain[at], order[at] = top, best, product
            held = min(held + 1, depth)
        for place in range(held):
            product = order[place]
            for into in range(width):
                which, best = -1, -np.inf
                for channel in range(channels):
                    if worth[grid[product, channel]] > best:
                        which, best = channel, worth[grid[product, channel]]
                if which < 0:
                    break
                offer = grid[product, which]
                offers[place, into, user] = offer
                found[place, into, user] = nets[user, offer]
                worth[offer] = -np.inf
            for channel in range(channels):
                left = max(left, worth[grid[product, channel]])
        outside[user] = left
    return offers, found, outside


@_compile
def _clip(number: float) -> float:
    return min(max(number, 0.0), 1.0)


@_compile
def _share_channels(worth: Any, best: float, smoothing: float, weights: Any) -> float:
    """Write the shares of a product's channels, and give its worth."""
    limit = best - smoothing
    for _ in range(len(worth)):
        total, count = 0.0, 0.0
        for one in worth:
            if one > limit:
                total += one
                count += 1.0
        before = limit
        if count > 0:
            limit = (total - smoothing) / count
        if limit == before:
            break
    top, squares = 0.0, 0.0
    for channel in range(len(worth)):
        weights[channel] = 0.0
        if worth[channel] > limit:
            weight = (worth[channel] - limit) / smoothing
            top += worth[channel] * weight
            squares += weight * weight
            weights[channel] = weight
    return top - 0.5 * smoothing * (squares - 1.0)


@_compile
def _threshold(tops: Any, held: int, per_user: int, smoothing: float, steps: int) -> float:
    """Find the threshold at which shares of products add up to no more than allowed."""
    low, high = 0.0, 0.0
    for at in range(held):  # the one that as many reach as are allowed
        above, reach = 0, 0
        for other in range(held):
            above += tops[other] > tops[at]
            reach += tops[other] >= tops[at]
        if above < per_user <= reach:
            high = max(0.0, tops[at])
            low = max(0.0, tops[at] - smoothing)
    level = low
    for _ in range(steps):
        total, slope = 0.0, 0.0
        for place in range(held):
            share = _clip((tops[place] - level) / smoothing)
            total += share
            slope += 0.0 < share < 1.0
        if abs(total - per_user) <= 1e-12:
            break
        if total > per_user:
            low = level
        else:
            high = level
        middle = 0.5 * (low + high)
        level = level + (total - per_user) * smoothing / slope if slope > 0 else middle
        if not low < level < high:
            level = middle
    return level


@_compile
def respond(
    offers: Any,
    nets: Any,
    prices: Any,
    smoothing: float,
    per_user: int,
    steps: int,
    counts: Any,
    taken: Any,
) -> Any:
    """Give the smoothed gains of a block of users; see `smoothing`.

    Products that would earn less than nothing, however shared among channels, are passed over.

    Args:
        offers: int32 (products, channels, users).
        nets: float64, the same shape.
        prices: float64 (offers,).
        smoothing: In units of net.
        per_user: The most offers that one user gets.
        steps: The most steps to a user's threshold.
        counts: float64 (offers,), added to.
        taken: float64 (products, channels, users), all 0, written to; no users: not wanted.
    """
    depth, width, users = offers.shape
    gains = np.empty(users)
    worth = np.empty(width)
    weights = np.empty((depth, width))
    tops, places = np.empty(depth), np.empty(depth, np.int64)
    for user in range(users):
        held, total = 0, 0.0
        for place in range(depth):
            best = -np.inf
            for channel in range(width):
                offer = offers[place, channel, user]
                worth[channel] = -np.inf
                if offer >= 0:
                    worth[channel] = nets[place, channel, user] - prices[offer]
                best = max(best, worth[channel])
            if best <= -0.5 * smoothing:
                continue
            if width == 1:
                weights[held, 0] = 1.0
                top = best
            else:
                top = _share_channels(worth, best, smoothing, weights[held])
            if top <= 0.0:
                continue
            tops[held], places[held] = top, place
            total += _clip(top / smoothing)
            held += 1
        limit = 0.0
        if total > per_user:
            limit = _threshold(tops, held, per_user, smoothing, steps)
        gain = per_user * limit
        for at in range(held):
            left = tops[at] - limit
            share = _clip(left / smoothing)
            gain += 0.5 * smoothing * share * share if share < 1.0 else left - 0.5 * smoothing
            if share > 0.0:
                for channel in range(width):
                    weight = weights[at, channel] * share
                    if weight > 0.0:
                        counts[offers[places[at], channel, user]] += weight
                        if taken.shape[2] > 0:
                            taken[places[at], channel, user] = weight
        gains[user] = gain
    return gains
