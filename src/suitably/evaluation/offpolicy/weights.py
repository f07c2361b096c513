"""Importance weights of slates: how much more likely an arm shows what was shown than the log."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["SLATE_WEIGHTS", "SlateWeights", "importance_weights", "weights_and_above"]

SlateWeights = Literal["cascade", "standard", "independent"]
SLATE_WEIGHTS: tuple[SlateWeights, ...] = ("cascade", "standard", "independent")


def importance_weights(
    target: NDArray[np.float64], logged: NDArray[np.float64], kind: SlateWeights = "cascade"
) -> NDArray[np.float64]:
    """Weigh every rank of slates.

    Args:
        target: float64 (slates, ranks), probabilities under the policy to be evaluated; 1 past the
            end of a slate.
        logged: float64 (slates, ranks), those under the policy that logged; 1 past the end.
        kind: What a reward may depend on: with `"cascade"` the products down to its rank (RIPS),
            with `"standard"` the whole slate (SIPS), with `"independent"` its rank alone (IIPS).
            The first two take probabilities that are conditional on the ranks above, the last
            those of a product at a rank, whatever is above.

    Returns:
        float64 (slates, ranks).

    Source:
        McInerney et al., "Counterfactual Evaluation of Slate Recommendations with Sequential Reward
        Interactions", KDD 2020 (RIPS); Li et al., "Offline Evaluation of Ranking Policies with
        Click Models", KDD 2018 (IIPS).

    Example:
        >>> importance_weights(np.array([[0.8, 0.5]]), np.array([[0.4, 0.25]])).tolist()
        [[2.0, 4.0]]
    """
    return weights_and_above(target / logged, kind)[0]


def weights_and_above(
    ratios: NDArray[np.float64], kind: SlateWeights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weight of every rank, and that of the ranks above it, on which it is conditional.

    Args:
        ratios: float64 (slates, ranks), target over logged probabilities.
        kind: As for `importance_weights`; nothing is conditional on ranks that are independent.
    """
    above = np.ones_like(ratios)
    if kind == "independent":
        return ratios, above
    along: NDArray[np.float64] = np.cumprod(ratios, axis=1, dtype=np.float64)
    above[:, 1:] = along[:, :-1]
    if kind == "standard":
        return np.repeat(along[:, -1:], ratios.shape[1], axis=1), above
    if kind != "cascade":
        raise DataError(f"slates={kind!r}: must be one of {', '.join(SLATE_WEIGHTS)}")
    return along, above
