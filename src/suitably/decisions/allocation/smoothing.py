"""What users take at given prices, smoothed, so that demand is a continuous function of prices."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.kernels import compiled
from suitably.decisions.allocation.shortlists import ShortLists
from suitably.utils.parallel import parallel

__all__ = ["demand", "shares"]

_CELLS = 2**17  # offers in lists at a time; sums are taken block by block, whatever the threads
_STEPS = 20


def demand(
    lists: ShortLists, prices: NDArray[np.float64], smoothing: float, per_user: int
) -> tuple[float, NDArray[np.float64]]:
    """Return what users gain at prices, and how many of each offer they ask for.

    A user takes the offers of greatest net less price, of a product one and `per_user` in all. The
    smoothed gain is that of shares of offers, less a term quadratic in them (Nesterov 2005; as in
    Basu et al. 2020, "ECLIPSE"): first among the channels of a product, then among the products.
    It is convex in the prices, and its derivatives are the shares, negated.

    Args:
        lists: What users choose among.
        prices: float64 (offers,).
        smoothing: In units of net; positive.
        per_user: The most offers that one user gets.

    Returns:
        The sum of gains, and float64 (offers,).
    """

    def work(part: slice) -> tuple[float, NDArray[np.float64]]:
        several, nothing = np.zeros(len(prices)), np.zeros((0, 0, 0))
        gains = _respond(lists, part, prices, smoothing, per_user, several, nothing)
        return float(gains.sum()), several

    total, counts = 0.0, np.zeros(len(prices))
    for gain, several in parallel(work, _blocks(lists)):
        total += gain
        counts += several
    return total, counts


def shares(
    lists: ShortLists, prices: NDArray[np.float64], smoothing: float, per_user: int
) -> NDArray[np.float64]:
    """Return the shares of offers that users take: float64 (products, channels, users)."""
    found = np.zeros(lists.nets.shape)

    def work(part: slice) -> None:
        several, taken = np.zeros(len(prices)), np.zeros(lists.nets[:, :, part].shape)
        _respond(lists, part, prices, smoothing, per_user, several, taken)
        found[:, :, part] = taken

    for _ in parallel(work, _blocks(lists)):
        pass
    return found


def _blocks(lists: ShortLists) -> list[slice]:
    depth, width, users = lists.nets.shape
    step = max(16, _CELLS // max(1, depth * width))
    return [slice(start, start + step) for start in range(0, users, step)]


def _respond(
    lists: ShortLists,
    part: slice,
    prices: NDArray[np.float64],
    smoothing: float,
    per_user: int,
    counts: NDArray[np.float64],
    taken: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the gains of some users; add what they take to counts, and write it where asked."""
    kernel = compiled()
    respond = _respond_numpy if kernel is None else kernel.respond
    offers, nets = lists.offers[:, :, part], lists.nets[:, :, part]
    gains: NDArray[np.float64] = respond(
        offers, nets, prices, smoothing, per_user, _STEPS, counts, taken
    )
    return gains


def _respond_numpy(
    offers: NDArray[np.int32],
    nets: NDArray[np.float64],
    prices: NDArray[np.float64],
    smoothing: float,
    per_user: int,
    steps: int,
    counts: NDArray[np.float64],
    taken: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return gains with NumPy; the compiled loop gives the same to the last bit."""
    worth = np.where(offers >= 0, nets - prices[offers], -np.inf)
    weights, tops = _channels(worth, smoothing)
    total = _sum(np.clip(tops / smoothing, 0.0, 1.0))
    threshold = np.zeros(len(total))
    full = np.flatnonzero(total > per_user)
    if len(full):
        threshold[full] = _threshold(tops[:, full], per_user, smoothing, steps)
    left = tops - threshold
    gains = per_user * threshold
    parts = np.clip(left / smoothing, 0.0, 1.0)
    for one, share in zip(left, parts, strict=True):
        gain = np.where(share < 1.0, 0.5 * smoothing * share * share, one - 0.5 * smoothing)
        gains = gains + gain
    weights = weights * parts[:, None]
    # User by user, as the compiled loop adds them.
    by_user = (offers.transpose(2, 0, 1).ravel() + 1, weights.transpose(2, 0, 1).ravel())
    counts += np.bincount(*by_user, minlength=len(prices) + 1)[1:]
    if taken.shape[2]:
        taken[:] = weights
    return gains


def _channels(
    worth: NDArray[np.float64], smoothing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of channels within products, and the worth of the products."""
    best = worth.max(axis=1, initial=-np.inf)
    if worth.shape[1] == 1:
        return (worth > -np.inf).astype(np.float64), best
    limit = np.where(best > -np.inf, best, 0.0) - smoothing
    for _ in range(worth.shape[1]):
        total, count = np.zeros(best.shape), np.zeros(best.shape)
        for one in worth.swapaxes(0, 1):
            above = one > limit
            total = total + np.where(above, one, 0.0)
            count = count + above
        limit = np.where(count > 0, (total - smoothing) / np.maximum(count, 1.0), limit)
    weights = np.zeros(worth.shape)
    tops, squares = np.zeros(best.shape), np.zeros(best.shape)
    for channel, one in enumerate(worth.swapaxes(0, 1)):
        above = one > limit
        weight = (np.where(above, one, limit) - limit) / smoothing
        weight = np.where(above, weight, 0.0)
        tops = tops + np.where(above, one, 0.0) * weight
        squares = squares + weight * weight
        weights[:, channel] = weight
    tops = np.where(best > -np.inf, tops - 0.5 * smoothing * (squares - 1.0), -np.inf)
    return weights, tops


def _threshold(
    tops: NDArray[np.float64], per_user: int, smoothing: float, steps: int
) -> NDArray[np.float64]:
    """Return where shares of products add up to no more than allowed: Newton, safeguarded."""
    last = np.sort(tops, axis=0)[len(tops) - per_user]
    low, high = np.maximum(0.0, last - smoothing), np.maximum(0.0, last)
    at: NDArray[np.float64] = low
    done = np.zeros(len(at), bool)
    for _ in range(steps):
        parts = np.clip((tops - at) / smoothing, 0.0, 1.0)
        total, slope = _sum(parts), ((parts > 0) & (parts < 1)).sum(axis=0)
        done = done | (np.abs(total - per_user) <= 1e-12)
        low, high = np.where(total > per_user, at, low), np.where(total > per_user, high, at)
        middle = 0.5 * (low + high)
        step = (total - per_user) * smoothing / np.maximum(slope, 1)
        new = np.where(slope > 0, at + step, middle)
        new = np.where((low < new) & (new < high), new, middle)
        at = np.where(done, at, new)
    return at


def _sum(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum rows in order."""
    total: NDArray[np.float64] = np.zeros(rows.shape[1])
    for row in rows:
        total = total + row
    return total
