"""The inner loops of allocation, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np

from suitably.decisions.allocation.hashing import ODD

__all__ = ["rank"]

_compile = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compile
def rank(
    nets: Any,
    keys: Any,
    prices: Any,
    grid: Any,
    closed: Any,
    wanted: Any,
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
    values = np.empty((products, channels))
    tops, order = np.empty(depth + 1), np.empty(depth + 1, np.int64)
    for user in range(users):
        held = 0
        left = -np.inf
        for product in range(products):
            best = -np.inf
            for channel in range(channels):
                offer = grid[product, channel]
                value = -np.inf
                if offer >= 0 and not closed[offer]:
                    net = np.float64(nets[user, offer])
                    if net > 0 or (wanted[offer] and net > -np.inf):
                        share = np.float64(((keys[user] ^ salts[offer]) * ODD) >> np.uint64(11))
                        value = (net - prices[offer]) + noise * (share * 2.0**-53 - 0.5)
                values[product, channel] = value
                best = max(best, value)
            if best == -np.inf:
                continue
            if held == depth and not best > tops[depth - 1]:
                left = max(left, best)
                continue
            if held == depth:
                left = max(left, tops[depth - 1])
            at = min(held, depth - 1)
            while at > 0 and tops[at - 1] < best:
                tops[at], order[at] = tops[at - 1], order[at - 1]
                at -= 1
            tops[at], order[at] = best, product
            held = min(held + 1, depth)
        for place in range(held):
            product = order[place]
            for into in range(width):
                which, best = -1, -np.inf
                for channel in range(channels):
                    if values[product, channel] > best:
                        which, best = channel, values[product, channel]
                if which < 0:
                    break
                offer = grid[product, which]
                offers[place, into, user] = offer
                found[place, into, user] = nets[user, offer]
                values[product, which] = -np.inf
            for channel in range(channels):
                left = max(left, values[product, channel])
        outside[user] = left + 0.5 * noise
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
    offers: Any, nets: Any, prices: Any, smoothing: float, per_user: int, steps: int
) -> Any:
    """Give the smoothed gains of a block of users and their shares; see `smoothing`.

    Products that would earn less than nothing, however shared among channels, are passed over.
    """
    depth, width, users = offers.shape
    gains = np.empty(users)
    taken = np.zeros((depth, width, users))
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
                    taken[places[at], channel, user] = weights[at, channel] * share
        gains[user] = gain
    return gains, taken
