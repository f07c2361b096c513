"""What the weights of a blend are learned from: rankers fitted on inner pasts, and judged after.

All of it lies before the moment of the fit. Of up to 2,000 products there are six windows, of all
users or of as many as together have three million acquisitions. Of more, where a fit takes longer
than a glance, they are fewer, learn together from no more than the fit itself, and judge by fewer
users the fewer products there are: so they cost no more than it. All of that goes by counts, and is
the same on any machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

from suitably.errors import DataError
from suitably.ranking.blending.weights import CELLS, Judged, judge
from suitably.ranking.ease import EASE
from suitably.ranking.hold_out import acquired_products
from suitably.ranking.inner_split import InnerSplit, inner_splits, random_split, thinned
from suitably.ranking.protocol import FitContext
from suitably.utils.parallel import run_jobs
from suitably.utils.params import clone
from suitably.utils.progress import progress

__all__ = ["Windows", "has_many_products", "is_dated", "judged_in"]

_FEW_PRODUCTS = 2_000
_WINDOWS = ((_FEW_PRODUCTS, 6), (4_000, 2), (inf, 4))  # of up to how many products how many
_HIDDEN = 3
_LEARNED = 3_000_000
_NEAREST = 50
_CELLS_EACH = 28  # for each window and product


@dataclass(frozen=True)
class Windows:
    """How the past is cut into windows.

    Attributes:
        most: How many at most; None: by how many products there are.
        horizon_days: Their length.
        n_jobs: How many are learned from at a time.
    """

    most: int | None
    horizon_days: float
    n_jobs: int

    def splits(self, context: FitContext) -> list[InnerSplit]:
        """Cut the past at several moments; hide some of it, several times, where time gives none.

        Of much data every split learns from its share of the users.
        """
        many = has_many_products(context)
        windows = self._number(context)
        acquired = len(context.data.acquisitions)
        most = acquired if many else max(_LEARNED, acquired)
        past = thinned(context, most // windows)
        found = list(inner_splits(past, windows, self.horizon_days))
        if not found and not is_dated(context):
            times = min(_HIDDEN, windows) if many else _HIDDEN
            past = thinned(context, most // times)
            seeds = (replace(past, seed=past.seed + at) for at in range(times))
            found = [split for split in map(random_split, seeds) if split is not None]
        return found

    def cells(self, context: FitContext) -> int:
        """Return how many users times columns of a window are held for each member, at most."""
        if not has_many_products(context):
            return CELLS
        return min(CELLS, _CELLS_EACH * self._number(context) * acquired_products(context))

    def _number(self, context: FitContext) -> int:
        if self.most is not None:
            return self.most
        products = acquired_products(context)
        return next(number for most, number in _WINDOWS if products <= most)


def judged_in(windows: Windows, members: Sequence[Any], context: FitContext) -> Iterator[Judged]:
    """Return users of inner splits; one in which a ranker cannot learn is left out."""
    splits = windows.splits(context)
    many = has_many_products(context)
    tried = _quick_to_fit(members) if many else list(members)
    work = partial(_judged_on, tried, windows.cells(context))
    judged = run_jobs(work, splits, windows.n_jobs)
    yield from (one for one in progress(judged, "Blend", len(splits), "window") if one)


def has_many_products(context: FitContext) -> bool:
    """Return whether more than 2,000 products were acquired by anybody."""
    return acquired_products(context) > _FEW_PRODUCTS


def is_dated(context: FitContext) -> bool:
    """Return whether acquisitions have timestamps that differ."""
    times = context.data.acquisitions.times
    return context.as_of is not None and times is not None and bool((times != times[:1]).any())


def _quick_to_fit(rankers: Sequence[Any]) -> list[Any]:
    """Let `EASE` be judged by each product's nearest ones.

    The inverse of all products costs their number cubed in every window, however few purchases the
    window learns from, and would be most of the blend's own fit.
    """
    return [
        EASE(**{**ranker.get_params(), "neighbours": _NEAREST})
        if isinstance(ranker, EASE) and ranker.neighbours is None
        else ranker
        for ranker in rankers
    ]


def _judged_on(members: Sequence[Any], cells: int, split: InnerSplit) -> Judged | None:
    try:
        rankers = [clone(ranker).fit(split.past) for ranker in members]
    except DataError:
        return None
    return judge(rankers, split, cells)
