"""Single answers: what is kept of answers to one user each until they are put together.

An answer holds on to what drew it up, perhaps with a mask of all users; what waits here does not,
and is read while it is still at hand.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np

from suitably.monitoring.answers import Answers, Kind, kind_of
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations

__all__ = ["STRANGER", "Single", "kept", "together"]

Single = tuple[Kind, ListGenerator, int, bool, bool | None, int, list[int], list[float]]
"""Kind, what drew it up, the user's position, whether the fallback stood in, whether the user has
opted out (None: was not asked), a number for who is unknown, and the list's products and scores."""

STRANGER: Final = 5


def kept(day: int, recs: Recommendations) -> Single:
    """Return what is kept of an answer to a single user."""
    generator, rows, drawn = recs.generator, recs.rows, recs.single
    kind, row, out = kind_of(day, recs), rows.item(), None
    if generator.opt_out is not None or generator.withheld is not None:
        if generator.opt_out is not None:
            out = row >= 0 and bool(generator.opted_out(rows)[0])
        generator = replace(generator, opt_out=None, withheld=None)
    if drawn is not None:
        return kind, generator, row, drawn.stood_in, out, 0, drawn.products, drawn.scores
    stranger = hash(recs.user_ids[0].as_py()) if row < 0 else 0
    lists, length = recs.lists, recs.lists.lengths.item()
    return (
        *(kind, generator, row, recs.stood_in.item(), out, stranger),
        *(lists.products[0, :length].tolist(), lists.scores[0, :length].tolist()),
    )


def together(some: Sequence[Single]) -> Answers:
    """Put answers of a kind below each other."""
    kinds, generators, rows, stood_in, out, _, products, scores = zip(*some, strict=True)
    first: ListGenerator = generators[0]
    lists = Lists.empty(len(some), kinds[0][1])
    lists.lengths[:] = [len(one) for one in products]
    filled = lists.filled
    lists.products[filled] = list(chain.from_iterable(products))
    lists.scores[filled] = list(chain.from_iterable(scores))
    asked = any(one is not None for one in out)
    return Answers(
        *(first.state, first.snapshot, first.narrowed, first.k, first.exclude_owned),
        *(np.array(rows, np.int64), lists, np.array(stood_in, bool)),
        np.array(out, bool) if asked else None,  # None is not
    )
