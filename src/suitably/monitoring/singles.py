"""Single answers: what is kept of answers to one user each until they are put together.

An answer holds on to what drew it up, perhaps with a mask of all users; what waits here does not,
and is read while it is still at hand.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from suitably.monitoring.answers import Answers, Kind, kind_of
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations

__all__ = ["STRANGER", "Single", "kept", "together"]

Single = tuple[Kind, ListGenerator, int, int, bool, bool | None, int, bytes, bytes]
"""Kind, what drew it up, the user's position, the list's length, whether the fallback stood in,
whether the user has opted out (None: was not asked), a number for who is unknown, and the list's
products and scores as they lie in memory."""

STRANGER: Final = 6


def kept(day: int, recs: Recommendations) -> Single:
    """Return what is kept of an answer to a single user."""
    generator, lists, rows = recs.generator, recs.lists, recs.rows
    kind, row, out = kind_of(day, recs), rows.item(), None
    if generator.opt_out is not None or generator.withheld is not None:
        if generator.opt_out is not None:
            out = row >= 0 and bool(generator.opted_out(rows)[0])
        generator = replace(generator, opt_out=None, withheld=None)
    stranger = hash(recs.user_ids[0].as_py()) if row < 0 else 0
    return (
        *(kind, generator, row, lists.lengths.item(), recs.stood_in.item(), out, stranger),
        *(lists.products.tobytes(), lists.scores.tobytes()),
    )


def together(some: Sequence[Single]) -> Answers:
    """Put answers of a kind below each other."""
    kinds, generators, rows, lengths, stood_in, out, _, products, scores = zip(*some, strict=True)
    first: ListGenerator = generators[0]
    shape = len(some), kinds[0][1]
    lists = Lists(
        np.frombuffer(b"".join(products), np.int32).reshape(shape),
        np.frombuffer(b"".join(scores), np.float32).reshape(shape),
        np.array(lengths, np.int32),
    )
    asked = any(one is not None for one in out)
    return Answers(
        *(first.state, first.snapshot, first.narrowed, first.k, first.exclude_owned),
        *(np.array(rows, np.int64), lists, np.array(stood_in, bool)),
        np.array(out, bool) if asked else None,  # None is not
    )
