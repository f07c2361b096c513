"""What callers give as a split, read: one, a maker of one or several, or a list of these."""

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np

from suitably.data.dataset import Dataset
from suitably.data.frames import read_frame
from suitably.data.splits import Split
from suitably.errors import SuitabilityWarning

__all__ = ["Splitter", "read_splits", "warn_of_uncovered"]


@runtime_checkable
class Splitter(Protocol):
    """Anything that makes a split of a dataset, or several."""

    def on(self, data: Dataset) -> Split | list[Split]:
        """Return the split of these data, or the splits."""


def read_splits(split: Any, data: Dataset) -> list[Split]:
    """Read what callers give as a split: one, anything with `.on(data)`, or a list of these.

    Raises:
        ValueError: An empty list, something that is no split, or the same split twice.
    """
    asked = list(split) if isinstance(split, list | tuple) else [split]
    if not asked:
        raise ValueError("split: the list is empty")
    made: list[Split] = []
    for one in asked:
        found = one.on(data) if isinstance(one, Splitter) else one
        made += found if isinstance(found, list) else [found]
    for one in made:
        if not isinstance(one, Split):
            raise ValueError(f"split={one!r:.50}: must be a split, or have .on(data)")
    for number, one in enumerate(made):
        for earlier, other in enumerate(made[:number]):
            if _same(one, other):
                raise ValueError(f"split: {earlier} and {number} are the same, at {one.at}")
    return made


def warn_of_uncovered(splits: list[Split]) -> None:
    """Warn of windows that end after the last event.

    Warns:
        SuitabilityWarning: For each of them; one that begins after it is merely empty.
    """
    for one in splits:
        if "ends at" in one.note:
            warnings.warn(one.note, SuitabilityWarning, stacklevel=3)


def _same(one: Split, other: Split) -> bool:
    if (one.at, one.end, one.start) != (other.at, other.end, other.start):
        return False
    if one.candidates is None or other.candidates is None:
        if one.candidates is not other.candidates:
            return False
    elif not np.array_equal(one.candidates, other.candidates):
        return False
    if one.relevant is None or other.relevant is None:
        return one.relevant is other.relevant
    ours, theirs = (read_frame(x.relevant, "split.relevant")[0] for x in (one, other))
    return bool(ours.equals(theirs))
