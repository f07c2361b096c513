"""Off-policy evaluation: two pipelines on a log that neither wrote, with its propensities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError
from suitably.evaluation.abtest.arms import Arm, check_arm, prepare_arm
from suitably.evaluation.offpolicy.choices import Choices, choices_of
from suitably.evaluation.offpolicy.estimators import ESTIMATORS, Rounds
from suitably.evaluation.offpolicy.evidence import Evidence
from suitably.evaluation.offpolicy.result import OffPolicyResult, judge
from suitably.evaluation.offpolicy.reward_model import FOLDS, mean_rewards
from suitably.evaluation.offpolicy.slates import Slates, read_slates
from suitably.evaluation.offpolicy.weights import SLATE_WEIGHTS, SlateWeights, weights_and_above
from suitably.evaluation.splits import read_splits, warn_of_uncovered
from suitably.utils.params import check_fraction, check_positive
from suitably.utils.suggest import nearest

__all__ = ["OffPolicy"]

_BLOCK = 2**22  # cells of probabilities at a time


@dataclass(frozen=True)
class OffPolicy:
    """Estimate from a log with propensities what two pipelines would have earned.

    The log says what was shown, with what probability (`Columns.propensity`), and what came of it.
    A pipeline's value is the mean reward of a slate, all of whose products count. An impression
    counts the more, the likelier the pipeline was to show it than the policy that logged it; a
    pipeline that draws its lists (`suitably.ranking.Explore`) shows products with the probabilities
    that it would log, any other one its list and nothing else.

    The difference of the pipelines is estimated directly, so that what both would show alike
    cancels. Intervals are over users, whose rows are not independent of each other, by the
    linearised numbers of each estimator. Pipelines are prepared as by `ABTest`: those fitted no
    later than the cut are used as they are, others are cloned and refitted.

    The first estimator decides: "ship" if the low end of the difference is above 0, "do not ship"
    if the high end is below 0, else "inconclusive"; "not evaluable" where the log cannot say: no
    impression, those of fewer users than any test could tell of (six at 95 %), too few that the
    pipelines would show too (`min_effective_n`), or weights that do not average 1, since the
    pipelines show what the log never did. Whether lists are suitable is not judged here; `ABTest`
    and the pipelines' policies do that.

    Attributes:
        control: The pipeline as it is.
        treatment: The pipeline that would replace it.
        reward: A column of the interactions: that of amounts (also as `"value"`, whatever it is
            called), or any other of numbers.
        estimators: By name: `"ips"`, `"clipped_ips"`, `"snips"`, `"dm"`, `"dr"`, `"sndr"`,
            `"switch"`, `"dros"`, `"beta_ips"`; see `suitably.evaluation.offpolicy`. The first
            decides. Doubly robust ones use the mean reward per product and rank, cross-fitted.
        slates: What a reward may depend on, see `importance_weights`: `"cascade"`, `"standard"`,
            or `"independent"` where propensities are those of a product at a position, whatever
            stood above.
        limit: Of the weights, for the estimators that limit them.
        alpha: One less the coverage of the intervals.
        min_effective_n: What the weights of each arm must be worth in impressions of equal weight.

    Raises:
        ValueError: An argument that cannot be used.

    Source:
        Jeunen and Ustimenko, "Δ-OPE: Off-Policy Estimation with Pairs of Policies", RecSys 2024,
        arXiv:2405.10024.

    Example:
        Popularity has learned that x is bought most; a log of both, shown at random, tells that it
        earns more than a draw:

        >>> import pandas as pd
        >>> import suitably as st
        >>> users = pd.DataFrame({"user_id": range(803)})
        >>> past = pd.DataFrame({"user_id": [0, 1, 2], "product_id": ["x", "x", "y"], "value": 1.0,
        ...                      "timestamp": pd.Timestamp("2024-01-01")})
        >>> shown = pd.DataFrame({"user_id": range(3, 803), "product_id": ["x", "y"] * 400,
        ...                       "value": [1.0, 0.0, 0.0, 0.0] * 200, "propensity": 0.5,
        ...                       "timestamp": pd.date_range("2024-02-01", periods=800, freq="h")})
        >>> data = st.Dataset(users, None, pd.concat([past, shown]))
        >>> policy, ranker = st.Policy.unrestricted(), st.ranking.Popularity()
        >>> draw, greedy = (st.Pipeline(policy=policy, ranker=one)
        ...                 for one in (st.ranking.Explore(ranker, temperature=5.0), ranker))
        >>> result = OffPolicy(draw, greedy).run(data, st.evaluation.TimeSplit("2024-01-15", 45))
        >>> result.decision
        'ship'
    """

    control: Arm
    treatment: Arm
    reward: str = "value"
    estimators: Sequence[str] = ("snips", "dr")
    slates: SlateWeights = "cascade"
    limit: float = 10.0
    alpha: float = 0.05
    min_effective_n: float = 50.0

    def __post_init__(self) -> None:
        """Refuse what `run` could not use."""
        if not isinstance(self.estimators, list | tuple) or not self.estimators:
            raise ValueError(f"estimators={self.estimators!r:.60}: must be a list of names")
        for name in self.estimators:
            if name not in ESTIMATORS:
                raise ValueError(
                    f"estimators: there is no {name!r:.60}{nearest(str(name), list(ESTIMATORS))}"
                )
        if not isinstance(self.reward, str):
            raise ValueError(f"reward={self.reward!r:.60}: must be the name of a column")
        if self.slates not in SLATE_WEIGHTS:
            raise ValueError(f"slates={self.slates!r:.60}: must be one of {SLATE_WEIGHTS}")
        check_fraction(self, "alpha", zero=False, one=False)
        check_positive(self, "limit")
        check_positive(self, "min_effective_n", zero=True)
        check_arm(self.control, "control")
        check_arm(self.treatment, "treatment")

    def run(self, data: Dataset, split: Any) -> OffPolicyResult:
        """Estimate both pipelines' values and their difference.

        Args:
            data: Interactions with propensities, users and products.
            split: As for `ABTest.run`; impressions count that lie in a window.

        Raises:
            DataError: A log without what the estimators need, or a split that does not fit it.
            ValueError: An empty list of splits, or something that is no split.

        Warns:
            SuitabilityWarning: A window that ends after the last event.
        """
        if not isinstance(data, Dataset):
            raise DataError(f"data: expected a Dataset, got {type(data).__name__}")
        splits = read_splits(split, data)
        warn_of_uncovered(splits)
        parts = [self._evidence(data, one) for one in splits]
        return judge(
            Evidence.stack(parts),
            tuple(self.estimators),
            reward=self.reward,
            slates=self.slates,
            limit=self.limit,
            alpha=self.alpha,
            min_effective_n=self.min_effective_n,
            kind=data.kind,
            notes=tuple(one.note for one in splits if one.note),
        )

    def _evidence(self, data: Dataset, split: Split) -> Evidence:
        slates = read_slates(data, split, self.reward)
        if not len(slates):
            return Evidence.nothing()
        if self.slates != "independent" and slates.depth == 1 and slates.ranks.any():
            raise DataError(
                'interactions: rows have positions but no Columns.slate; pass slates="independent" '
                "if each propensity is that of the product at its position, whatever stood above"
            )
        users, rows = np.unique(slates.users, return_inverse=True)
        view = data.view(split.at)
        candidates = view.product_ids[view.listed]
        if split.candidates is not None:
            candidates = Vocabulary(id_array(split.candidates, "split.candidates")).values
        ids = data.user_versions.ids.values[users]
        depth = int(slates.ranks.max()) + 1
        cut = data.moment(split.at) if split.at is not None else None
        arms = [
            choices_of(prepare_arm(arm, data, cut, ids, candidates), data, users, depth, candidates)
            for arm in (self.control, self.treatment)
        ]
        model = self._model(data, slates)
        rounds, gaps = zip(*(self._rounds(arm, slates, rows, model) for arm in arms), strict=True)
        return Evidence(
            users=slates.users[slates.of_impressions],
            slates=slates.of_impressions,
            control=rounds[0],
            treatment=rounds[1],
            gaps=np.stack(gaps),
        )

    def _model(self, data: Dataset, slates: Slates) -> NDArray[np.float64]:
        filled = slates.filled
        shape = len(data.product_versions.ids), int(slates.ranks.max()) + 1
        folds = slates.users[slates.of_impressions] % FOLDS
        products, ranks, rewards = slates.products, slates.ranks, slates.rewards
        return mean_rewards(products[filled], ranks[filled], rewards[filled], folds, shape)

    def _rounds(
        self,
        arm: Choices,
        slates: Slates,
        rows: NDArray[np.int64],
        model: NDArray[np.float64],
    ) -> tuple[Rounds, NDArray[np.float64]]:
        """Return an arm's rounds, and by how much its weights miss their mean, row by row."""
        parts = [
            self._block(arm, slates, rows, model, block)
            for block in _blocks(len(slates), slates.depth * max(1, arm.products.shape[1]))
        ]
        weights, expected, gaps = (np.concatenate(part) for part in zip(*parts, strict=True))
        filled = slates.filled
        folds = slates.users[slates.of_impressions] % FOLDS
        predicted = model[folds, slates.products[filled], slates.ranks[filled]]
        rewards, ranks = slates.rewards[filled], slates.ranks[filled]
        shows = (arm.lengths[rows][:, None] > slates.ranks)[filled].astype(np.float64)
        return Rounds(weights, rewards, expected, predicted, ranks, shows), gaps

    def _block(
        self,
        arm: Choices,
        slates: Slates,
        rows: NDArray[np.int64],
        model: NDArray[np.float64],
        block: slice,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        users, shown, ranks = rows[block], slates.products[block], slates.ranks[block]
        filled = slates.filled[block]
        if self.slates == "independent":
            chances, each = arm.at(users, shown, ranks)
        else:
            chances, each = arm.given(users, shown)
        logged = slates.propensities[block]
        ratios = np.where(filled, chances, 1.0) / logged
        weights, above = weights_and_above(ratios, self.slates)
        folds = slates.users[block] % FOLDS
        pool = np.maximum(arm.products[users], 0)
        values = model[folds[:, None, None], pool[:, None, :], ranks[:, :, None]]
        expected = above * (each * values).sum(axis=2)
        gaps = above * (ratios - each.sum(axis=2))
        return weights[filled], expected[filled], gaps[filled]


def _blocks(rows: int, cells: int) -> Iterator[slice]:
    size = max(1, _BLOCK // max(1, cells))
    return (slice(start, start + size) for start in range(0, rows, size))
