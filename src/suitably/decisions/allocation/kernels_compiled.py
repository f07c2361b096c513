"""The inner loops of allocation, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np

__all__ = ["rank"]

_compile = numba.njit(nogil=True, cache=True, error_model="numpy")
_ODD = np.uint64(0x9E3779B97F4A7C15)


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
                        share = np.float64(((keys[user] ^ salts[offer]) * _ODD) >> np.uint64(11))
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
