"""Lazy greedy choice: the cheapest move first, its cost looked at again when its turn comes."""

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Move", "lazily"]

Move = tuple[float, int, int, int]  # cost, user, place given up (−1: none), place taken (−1: none)


def lazily(
    costs: NDArray[np.float64],
    places: NDArray[np.int64],
    users: NDArray[np.int64],
    ties: NDArray[np.uint64],
    evaluate: Callable[[int, int], Move | None],
    apply: Callable[[Move], bool],
    wanted: int,
) -> bool:
    """Make the cheapest moves until enough are made (Minoux 1978); say whether that was so.

    Args:
        costs: float64 (candidates,), at most what each candidate's best move costs.
        places: int64 (candidates,).
        users: int64 (candidates,).
        ties: uint64 (candidates,), which of two equal ones comes first.
        evaluate: Is given a place and a user, and tells the best move there now.
        apply: Makes a move, and tells whether that was the last one needed.
        wanted: About how many moves will be needed: others than the cheapest few of the candidates
            are looked at only if these do not suffice.
    """
    left = np.arange(len(costs))
    while len(left):
        several = min(len(left), 4 * wanted + 256)
        if several < len(left):
            limit = np.partition(costs[left], several - 1)[several - 1]
            now, left = left[costs[left] <= limit], left[costs[left] > limit]
        else:
            now, left = left, left[:0]
        parts = (costs[now], ties[now], users[now], places[now])
        heap = list(zip(*(part.tolist() for part in parts), strict=True))
        heapq.heapify(heap)
        while heap:
            cost, tie, user, place = heapq.heappop(heap)
            move = evaluate(place, user)
            if move is None:
                continue
            if heap and move[0] > max(cost, heap[0][0]):
                heapq.heappush(heap, (move[0], tie, user, place))
                continue
            if apply(move):
                return True
    return False
