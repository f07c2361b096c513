"""The choices that differ between evaluation tools under one name of a metric."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from suitably.utils.suggest import nearest

__all__ = ["CONVENTIONS", "LENSKIT", "RECTOOLS", "TREC", "Convention", "find_convention"]

_SUMMED = 1_000_000


@dataclass(frozen=True)
class Convention:
    """How a metric's name is to be read; two figures compare only under one convention.

    Attributes:
        name: What reports call it.
        discount: `"log2(rank+1)"` gives 1, .63, .5, .43, …; `"max(1, log2(rank))"` gives
            1, 1, .63, .5, …
        ideal: `"min(k, relevant)"` hits make a perfect nDCG, or `"k"` whatever there was to find.
        recall_over: What recall is divided by: `"relevant"` or `"min(k, relevant)"`.
        ap_over: What average precision is divided by, likewise.
        precision_over: What precision is divided by: `"k"`, so that a short list wastes places, or
            `"min(k, listed)"`.
        order: Lists are read by `"rank"`, as the user saw them, or by `"score"`, highest first.
            Equal scores are in the order of rank either way.
        without_list: A user with something to find and no list counts as `"zero"`, or is
            `"missing"` (NaN).

    Source:
        Järvelin and Kekäläinen (2002), ACM TOIS 20(4), for the two discounts.

    Example:
        >>> Convention(discount="max(1, log2(rank))").discounts(3).round(2)
        array([1.  , 1.  , 0.63])
    """

    name: str = "custom"
    discount: Literal["log2(rank+1)", "max(1, log2(rank))"] = "log2(rank+1)"
    ideal: Literal["min(k, relevant)", "k"] = "min(k, relevant)"
    recall_over: Literal["relevant", "min(k, relevant)"] = "relevant"
    ap_over: Literal["relevant", "min(k, relevant)"] = "relevant"
    precision_over: Literal["k", "min(k, listed)"] = "k"
    order: Literal["rank", "score"] = "rank"
    without_list: Literal["zero", "missing"] = "zero"

    def discounts(self, k: int) -> NDArray[np.float64]:
        """Return the weight of every rank from 1 to k: float64 (k,)."""
        ranks = np.arange(1, k + 1, dtype=np.float64)
        if self.discount == "log2(rank+1)":
            return 1.0 / np.log2(ranks + 1.0)
        return 1.0 / np.maximum(1.0, np.log2(ranks))

    def most(self, k: int) -> float:
        """Return the discounts of ranks 1 to k, summed, in memory that does not grow with k.

        Beyond the first million ranks the sum is the integral with Euler and Maclaurin's first
        corrections, which differ from it by less than rounding does.

        Example:
            >>> round(Convention().most(3), 3), round(Convention().most(10**12) / 1e10, 3)
            (2.131, 2.607)
        """
        near = min(k, _SUMMED)
        total = float(np.cumsum(self.discounts(near))[-1]) if near else 0.0
        if k > near:
            shift = 1.0 if self.discount == "log2(rank+1)" else 0.0
            first, last = near + shift, k + shift
            whole = special.expi(np.log(last)) - special.expi(np.log(first))
            ends = (1 / np.log(last) - 1 / np.log(first)) / 2
            slopes = 1 / (first * np.log(first) ** 2) - 1 / (last * np.log(last) ** 2)
            total += float(np.log(2) * (whole + ends + slopes / 12))
        return total


TREC = Convention("trec")
"""As trec_eval and the tools that follow it; the default everywhere."""
RECTOOLS = Convention("rectools", ideal="k")
"""nDCG as RecTools has it by default: the ideal list is k hits long for everybody."""
LENSKIT = Convention(
    "lenskit",
    discount="max(1, log2(rank))",
    recall_over="min(k, relevant)",
    ap_over="min(k, relevant)",
    precision_over="min(k, listed)",
)
"""nDCG, recall and precision as LensKit has them; average precision likewise."""
CONVENTIONS = {convention.name: convention for convention in (TREC, RECTOOLS, LENSKIT)}


def find_convention(convention: str | Convention) -> Convention:
    """Return a convention by name; one that is given comes back.

    Raises:
        ValueError: No preset has that name.

    Example:
        >>> find_convention("rectools").ideal
        'k'
    """
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        raise ValueError(
            f"convention={convention!r}: no such preset{nearest(str(convention), CONVENTIONS)}"
        )
    return CONVENTIONS[convention]
