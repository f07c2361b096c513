"""Digests: what tells answers from others of their day, so that the same ones count once."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from suitably.monitoring.answers import Answers
from suitably.monitoring.singles import STRANGER, Single
from suitably.recommendations import Recommendations
from suitably.utils.splitmix import mixed

__all__ = ["batch_digest", "single_digests"]

_DIGESTED = 2**9


def batch_digest(recs: Recommendations) -> bytes:
    """Return what tells a batch from others: who was asked, and what they got.

    Of many users some hundreds, evenly spread, and sums over all tell enough.
    """
    lists, rows = recs.lists, recs.rows
    step = 1 + len(recs) // _DIGESTED
    digest = blake2b(digest_size=8)
    digest.update(f"{recs.k} {len(recs)} {rows.sum()} {lists.lengths.sum()}".encode())
    for part in (rows, lists.lengths, lists.products):
        digest.update(part[::step].tobytes())
    return digest.digest()


def single_digests(some: Sequence[Single], answers: Answers) -> list[int]:
    """Return what tells each answer to a single user from others: numbers that nobody saves.

    Args:
        some: The answers.
        answers: The same, below each other.
    """
    found = mixed(answers.rows.astype(np.uint64))
    for products in answers.lists.products.T.astype(np.uint64):
        found = mixed(found ^ products)
    numbers: list[int] = found.tolist()
    for place in np.flatnonzero(answers.rows < 0).tolist():  # who have no position of their own
        numbers[place] = some[place][STRANGER]
    return numbers
