"""User means: rows of one user become one pair of values, and rounding noise no difference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.evaluation.statistics.protocol import PairedSample
from suitably.evaluation.statistics.rounding import noise, without_noise

__all__ = ["UserMeans", "check_alpha", "user_means"]


@dataclass(frozen=True)
class UserMeans:
    """What every user has on average over their rows: the units of paired statistics.

    Attributes:
        control: float64 (users,).
        treatment: float64 (users,).
        differences: float64 (users,), 0 where rounding alone makes one.
        rows: int64 (users,), how many rows each average is of.
        omitted: Rows left out because a value was missing.
        bounds: The least and the greatest value that the metric can have; None: not known.

    Example:
        >>> sample = PairedSample(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 3.0]),
        ...                       np.array([7, 9, 9]))
        >>> user_means(sample).differences.tolist()
        [1.0, 1.0]
    """

    control: NDArray[np.float64]
    treatment: NDArray[np.float64]
    differences: NDArray[np.float64]
    rows: NDArray[np.int64]
    omitted: int
    bounds: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The mean of the differences; of differences that are all the same, exactly theirs."""
        if not len(self):
            return float("nan")
        return float(self.differences[0] if self.all_the_same else self.differences.mean())

    @property
    def all_the_same(self) -> bool:
        """Whether rounding alone can make the differences differ."""
        if not len(self):
            return True
        reach = noise(self.control, self.treatment, terms=self.rows)
        surest = int(reach.argmin())
        differences = self.differences
        return bool((np.abs(differences - differences[surest]) <= reach + reach[surest]).all())

    @property
    def differing(self) -> int:
        """How many users have a difference."""
        return int(np.count_nonzero(self.differences))

    def __len__(self) -> int:
        return len(self.differences)


def user_means(sample: PairedSample) -> UserMeans:
    """Average per user what is known of a sample.

    Raises:
        ValueError: Shapes that differ, or infinite values.
    """
    a, b = (np.asarray(one, np.float64) for one in (sample.control, sample.treatment))
    users = np.asarray(sample.users)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"control and treatment: must be pairs, got {a.shape} and {b.shape}")
    if users.shape != a.shape:
        raise ValueError(f"clusters: must be one per pair, got {users.shape} for {a.shape}")
    if np.isinf(a).any() or np.isinf(b).any():
        raise ValueError("control and treatment: must be finite")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b, users = a[known], b[known], users[known]
    _, codes, rows = np.unique(users, return_inverse=True, return_counts=True)
    if len(rows) < len(a):
        a, b = (_means(values, codes, rows) for values in (a, b))
    return UserMeans(
        a,
        b,
        without_noise(a, b, rows if len(rows) == len(a) else 1),
        rows if len(rows) == len(a) else np.ones(len(a), np.int64),
        int((~known).sum()),
        sample.bounds,
    )


def check_alpha(alpha: float) -> None:
    """Refuse what is no level.

    Raises:
        ValueError: alpha outside (0, 1).
    """
    if isinstance(alpha, bool) or not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: must lie between 0 and 1")


def _means(
    values: NDArray[np.float64], codes: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.bincount(codes, values, minlength=len(rows)) / rows
    return means
