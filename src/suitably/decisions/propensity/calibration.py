"""Reliability: purchases expected and observed, in bins of equal expected purchases."""

from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logit

from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.profiles.churn.calibrated_logistic import fit_logistic
from suitably.report import Block, Facts, LinePlot, Report, Table
from suitably.typing import FrameKind
from suitably.utils.extras import PYPLOT, import_extra

__all__ = ["Calibration", "ReliabilityBin"]

_TITLE = "Calibration of propensities"
_TINY = 1e-12


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs of like probabilities.

    Attributes:
        bin: Number, from 1: the lowest probabilities.
        pairs: How many pairs.
        expected: Sum of their probabilities.
        observed: How many were bought.
        ratio: Observed over expected.
        low: Low end of the ratio's exact interval for a Poisson count.
        high: High end.
    """

    bin: int
    pairs: int
    expected: float
    observed: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """How probabilities of purchase compare with the purchases that came.

    Attributes:
        bins: By probability, each with as many expected purchases as the others, as far as pairs of
            equal probability stay together.
        pairs: How many pairs.
        expected: Sum of all probabilities.
        observed: How many pairs were bought.
        slope: Of a logistic regression of purchases on the logit of the probability; 1 where
            probabilities spread as they should, less where they spread too far. NaN without
            purchases.
        intercept: Of the same regression.
        alpha: One less the intervals' confidence. They take purchases for independent; those of one
            customer are not quite.

    Source:
        Slope and intercept: D. R. Cox, Two further applications of a model for binary regression,
        Biometrika 45 (1958). Interval of a Poisson count: F. Garwood, Biometrika 28 (1936).

    Example:
        >>> chances = np.repeat([0.1, 0.3], 100)
        >>> bought = np.arange(200) % 10 < np.repeat([1, 3], 100)
        >>> found = Calibration.of(chances, bought, bins=2)
        >>> [(one.pairs, round(one.expected), one.observed) for one in found.bins]
        [(100, 10, 10), (100, 30, 30)]
        >>> round(found.slope, 6)
        1.0
    """

    bins: tuple[ReliabilityBin, ...]
    pairs: int
    expected: float
    observed: int
    slope: float
    intercept: float
    alpha: float = 0.05
    kind: FrameKind = field(default="pandas", repr=False)

    @staticmethod
    def of(
        probabilities: NDArray[np.float64],
        bought: NDArray[np.bool_],
        bins: int = 10,
        alpha: float = 0.05,
        kind: FrameKind = "pandas",
    ) -> "Calibration":
        """Compare probabilities with what was bought.

        Args:
            probabilities: float64 (pairs,), from 0 to 1.
            bought: bool (pairs,).
            bins: How many bins at most.
            alpha: One less the intervals' confidence.
            kind: Of the frame that `to_frame` returns.

        Raises:
            DataError: Not a single purchase is expected.
        """
        expected = float(probabilities.sum())
        if not expected > 0:
            raise DataError("calibration: no purchase is expected of any pair")
        values, place = np.unique(probabilities, return_inverse=True)
        sizes = np.bincount(place)
        hits = np.bincount(place, bought, len(values))
        sums = values * sizes
        middle = np.cumsum(sums) - sums / 2
        number = np.minimum((middle / sums.sum() * bins).astype(np.int64), bins - 1)
        found: list[ReliabilityBin] = []
        for each in np.unique(number):
            inside = number == each
            share = float(sums[inside].sum())
            count = round(float(hits[inside].sum()))
            low, high = (end / share for end in _poisson(count, alpha)) if share else (0.0, np.inf)
            ratio = count / share if share else np.nan
            pairs = int(sizes[inside].sum())
            found.append(ReliabilityBin(len(found) + 1, pairs, share, count, ratio, low, high))
        intercept, slope = _slope(probabilities, bought)
        observed = int(np.count_nonzero(bought))
        total = (len(probabilities), expected, observed, slope, intercept)
        return Calibration(tuple(found), *total, alpha, kind)

    @property
    def ratio(self) -> float:
        """Observed over expected purchases of all pairs."""
        return self.observed / self.expected

    def to_frame(self) -> Any:
        """Return a row for each bin: the attributes of `ReliabilityBin`."""
        rows = [asdict(one) for one in self.bins]
        return write_frame(pa.Table.from_pylist(rows), self.kind)

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {
            **{name: getattr(self, name) for name in ("pairs", "expected", "observed", "ratio")},
            "slope": self.slope,
            "intercept": self.intercept,
            "alpha": self.alpha,
            "bins": [asdict(one) for one in self.bins],
        }

    def sections(self, title: str = _TITLE) -> list[tuple[str, list[Block]]]:
        """Return what a page shows of it: titles, each with its blocks."""
        names = [str(one.bin) for one in self.bins]
        lines = {
            "expected": [one.expected / one.pairs for one in self.bins],
            "bought": [one.observed / one.pairs for one in self.bins],
        }
        heads = ("bin", "pairs", "expected", "bought", "ratio", "from", "to")
        rows = [tuple(asdict(one).values()) for one in self.bins]
        said = {
            "pairs": self.pairs,
            "purchases expected": self.expected,
            "bought": self.observed,
            "bought over expected": self.ratio,
            "slope": self.slope,
            "intercept": self.intercept,
        }
        caption = (
            f"Bins of equal expected purchases, the least likely pairs first; "
            f"{100 * (1 - self.alpha):g} % intervals of the ratio."
        )
        plot = LinePlot(names, lines, "share of pairs bought")
        return [(title, [Facts(said), plot, Table(heads, rows, caption)])]

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write it as one self-contained page, without ids of users.

        Returns:
            Where it was written.
        """
        return Report(_TITLE, "Purchases expected and observed").add_result(self, "All").write(path)

    def plot(self, ax: Any = None) -> Any:
        """Draw the share bought against the share expected, both logarithmic, with intervals.

        Args:
            ax: Matplotlib's Axes to draw on; None: new ones.

        Returns:
            The Axes.

        Raises:
            ImportError: The extra `viz` is not installed.
        """
        if ax is None:
            _, ax = import_extra(*PYPLOT).subplots(figsize=(5, 5), layout="constrained")
        across = np.array([one.expected / one.pairs for one in self.bins])
        up, low, high = (
            across * [getattr(one, name) for one in self.bins] for name in ("ratio", "low", "high")
        )
        ax.plot(across, across, color="#9ba5af", linewidth=1, zorder=0)
        drawn = up > 0  # a logarithm has no zero
        ends = np.array([up - low, high - up])[:, drawn]
        ax.errorbar(across[drawn], up[drawn], yerr=ends, fmt="o", color="#0b6e4f", capsize=2)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("share expected to be bought")
        ax.set_ylabel("share bought")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        return ax

    def _repr_html_(self) -> str:
        return "".join(block.html() for _, blocks in self.sections() for block in blocks)


def _poisson(count: int, alpha: float) -> tuple[float, float]:
    """Return Garwood's exact interval of the mean of a Poisson count."""
    low = float(stats.chi2.ppf(alpha / 2, 2 * count)) / 2 if count else 0.0
    return low, float(stats.chi2.isf(alpha / 2, 2 * count + 2)) / 2


def _slope(probabilities: NDArray[np.float64], bought: NDArray[np.bool_]) -> tuple[float, float]:
    if bought.all() or not bought.any() or np.ptp(probabilities) == 0:
        return float("nan"), float("nan")
    logits = logit(np.clip(probabilities, _TINY, 1.0 - _TINY))
    intercept, slope = fit_logistic(logits[:, None], bought, penalty=0.0)
    return float(intercept), float(slope)
