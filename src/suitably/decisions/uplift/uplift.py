"""Uplift: what an approach changes for each customer, learned from a campaign."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.data.frames import read_frame
from suitably.decisions.uplift.campaign_log import CampaignLog
from suitably.decisions.uplift.fields import Encoded, Fields
from suitably.decisions.uplift.groups import Groups
from suitably.decisions.uplift.learners import (
    LEARNERS,
    Evidence,
    augmented,
    fit_effect,
    fit_outcomes,
)
from suitably.decisions.uplift.outcome_models import CrossFitted, Model, require_sklearn
from suitably.decisions.uplift.overlap import Overlap, clipped, overlap_of
from suitably.decisions.uplift.propensity_scores import estimated_probability
from suitably.errors import DataError, NotFittedError
from suitably.evaluation.statistics.protocol import Estimate
from suitably.typing import IntoFrame
from suitably.utils.params import Parameterized, check_choice

__all__ = ["Uplift"]

Floats = NDArray[np.float64]


class Uplift(Parameterized):
    """Effect of an approach on each customer, learned from a campaign with a control group.

    Customers who buy after an approach might have bought without one; others are driven away. The
    effect is the difference of a customer's expected outcome with and without an approach. It is
    learned from customers of whom some were approached and some were not, by chance or by rules
    that the fields explain: what decided and is in no field (a clerk's hunch) stays in the effect.

    Args:
        learner: `"doubly-robust"`: several models, averaged and sized by a pseudo-outcome that is
            right where either the probabilities or the model of the outcome are, cross-fitted;
            `"x"`, `"t"` and `"s"`: X-learner, two models, a single one, boosted.
        folds: Of cross-fitting.
        features: Columns to learn from; None: all but those named at the fit, and `user_id`.
        seed: Of the folds and models; the same seed gives the same effects.

    Attributes:
        features_: Names of the columns used: those that had more than one value.

    Source:
        Kennedy, "Towards Optimal Doubly Robust Estimation of Heterogeneous Causal Effects",
        Electronic Journal of Statistics 17 (2023).

    Example:
        >>> import suitably as st
        >>> campaign = st.data.simulate_bank(users=2_000, products=20).campaign("2024-07-01")
        >>> uplift = Uplift().fit(campaign.frame, "approached", "bought", "probability")
        >>> uplift.effect(campaign.frame).shape == (len(campaign.frame),)
        True
    """

    features_: tuple[str, ...]

    def __init__(
        self,
        learner: str = "doubly-robust",
        folds: int = 2,
        features: list[str] | tuple[str, ...] | None = None,
        seed: int = 0,
    ) -> None:
        self.learner = learner
        self.folds = folds
        self.features = features
        self.seed = seed

    def fit(
        self,
        frame: IntoFrame,
        treatment: str = "approached",
        outcome: str = "bought",
        probability: float | str | None = None,
        treated_at: str | None = None,
        outcome_at: str | None = None,
    ) -> Self:
        """Learn from a campaign.

        Args:
            frame: A row per customer: fields as they were before the campaign (numbers, booleans,
                texts, dates, lists; missing values are a value of their own), who was approached,
                and the outcome.
            treatment: Column of booleans or 0 and 1: who was approached.
            outcome: Column of booleans or numbers, none missing.
            probability: Of being approached: a number, the same for all; a column's name; None:
                estimated from the fields by logistic regression, cross-fitted.
            treated_at: Column that dates the approach, to be checked against `outcome_at`.
            outcome_at: Column that dates the outcome.

        Raises:
            DataError: A column that is not there (the nearest name is said), a value that is
                missing or impossible (its row is said), outcomes before their treatment; or `not
                evaluable`: one group only, groups that do not overlap, or too few customers.
            ImportError: The extra `suitably[decisions]` is not installed.
            ValueError: A bad parameter, or a number as probability that is not between 0 and 1.
        """
        self._check()
        require_sklearn()
        log = CampaignLog.read(frame, treatment, outcome, probability, treated_at, outcome_at)
        named = [treatment, outcome, probability, treated_at, outcome_at]
        names = self._feature_names(log.table.column_names, named)
        if log.approached.all() or not log.approached.any():
            overlap_of(log.approached, np.full(len(log.outcome), 0.5), False).check()
        fields = Fields.learn(log.table, names)
        encoded = fields.encode(log.table)
        folds = _folds(log.approached, self.folds, self.seed)
        estimated = log.probability is None
        chance = log.probability
        if chance is None:
            chance = estimated_probability(encoded, log.approached, folds)
        overlap = overlap_of(log.approached, chance, estimated)
        overlap.check()
        evidence = Evidence(
            encoded,
            log.approached,
            log.outcome,
            log.binary,
            clipped(chance) if estimated else chance,
            folds,
            self.seed,
        )
        outcomes = fit_outcomes(evidence)
        effect = fit_effect(self.learner, evidence, outcomes)
        self._states = augmented(evidence, outcomes)
        self._overlap, self._fields = overlap, fields
        self._outcomes: CrossFitted = outcomes
        self._effect: Model = effect
        self._scale = 1.0 if log.binary else float(log.outcome.std())
        self.features_ = fields.names
        return self

    def effect(self, frame: IntoFrame) -> Floats:
        """Return what an approach adds to each customer's expected outcome.

        Args:
            frame: A row per customer with the columns `features_`, in any order; others are
                ignored.

        Returns:
            float64 (rows,), in units of the outcome: of a boolean one, a change of probability.

        Raises:
            NotFittedError: Before `fit`.
            DataError: A field is missing, or holds another kind of value than at the fit.
        """
        encoded, _, _ = self._encode(frame)
        return self._effect(encoded)

    def average_effect(self, alpha: float = 0.05) -> Estimate:
        """Return the average effect on the customers of the fit, with its interval.

        Args:
            alpha: One less the coverage.

        Returns:
            `control` and `treatment` are the average outcomes had nobody and had everybody been
            approached, `difference` the effect (augmented inverse probability weighting).

        Raises:
            NotFittedError: Before `fit`.
            ValueError: `alpha` is not between 0 and 1.

        Source:
            Robins, Rotnitzky and Zhao, "Estimation of Regression Coefficients When Some Regressors
            Are Not Always Observed", JASA 89 (1994).
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha={alpha!r}: must be between 0 and 1")
        states = self._fitted("_states")
        n = len(states)
        each = states[:, 1] - states[:, 0]
        difference, error = float(each.mean()), float(each.std(ddof=1) / np.sqrt(n))
        half = float(stats.norm.ppf(1 - alpha / 2)) * error
        p_value = float(2 * stats.norm.sf(abs(difference) / error)) if error else float("nan")
        return Estimate(
            n,
            0,
            float(states[:, 0].mean()),
            float(states[:, 1].mean()),
            difference,
            low=difference - half,
            high=difference + half,
            p_value=p_value,
            method="augmented inverse probability weighting",
        )

    def overlap(self) -> Overlap:
        """Return how alike those approached and not approached were.

        Raises:
            NotFittedError: Before `fit`.
        """
        found: Overlap = self._fitted("_overlap")
        return found

    def groups(
        self, frame: IntoFrame, least_effect: float | None = None, sure_from: float | None = None
    ) -> Groups:
        """Return who is persuadable, sure, lost, and better left alone.

        Args:
            frame: As for `effect`.
            least_effect: From which effect on an approach makes a difference, in units of the
                outcome; None: 0.01 of a boolean outcome, 0.01 standard deviations of another.
            sure_from: From which outcome without an approach a customer whom an approach does not
                change is sure, not lost; None: the average without approach at the fit.

        Raises:
            NotFittedError: Before `fit`.
            DataError: As for `effect`.
            ValueError: `least_effect` is not above 0.
        """
        least = 0.01 * self._fitted("_scale") if least_effect is None else least_effect
        if least_effect is not None and not least_effect > 0:
            raise ValueError(f"least_effect={least_effect!r}: must be above 0")
        encoded, table, kind = self._encode(frame)
        baseline = self._outcomes.predict(encoded)[:, 0]
        sure = float(self._states[:, 0].mean()) if sure_from is None else float(sure_from)
        ids = table["user_id"] if "user_id" in table.column_names else None
        return Groups(ids, baseline, self._effect(encoded), float(least), sure, kind)

    def _encode(self, frame: Any) -> tuple[Encoded, Any, str]:
        fields: Fields = self._fitted("_fields")
        table, kind = read_frame(frame, "frame", copy=False)
        return fields.encode(table), table, kind

    def _fitted(self, name: str) -> Any:
        if not hasattr(self, "_effect"):
            raise NotFittedError("Uplift: call fit first")
        return getattr(self, name)

    def _check(self) -> None:
        check_choice(self, "learner", LEARNERS)
        if isinstance(self.folds, bool) or not isinstance(self.folds, int) or self.folds < 2:
            raise ValueError(f"Uplift(folds={self.folds!r}): must be an integer of 2 or more")
        if isinstance(self.features, str):
            raise ValueError(f"Uplift(features={self.features!r}): must be a list of columns")

    def _feature_names(self, columns: list[str], named: list[Any]) -> list[str]:
        if self.features is None:
            return [name for name in columns if name not in (*named, "user_id")]
        names = list(dict.fromkeys(self.features))
        told = [name for name in names if name in named]
        if told:
            raise ValueError(f"Uplift(features=...): {told} says what happened in the campaign")
        return names


def _folds(approached: NDArray[np.bool_], count: int, seed: int) -> NDArray[np.int64]:
    """Deal the rows of both groups to folds, as evenly as can be: int64 (n,).

    Raises:
        DataError: A group has fewer rows than there are folds.
    """
    folds = np.empty(len(approached), np.int64)
    rng = np.random.default_rng(seed)
    for group, name in ((approached, "approached"), (~approached, "not approached")):
        size = int(group.sum())
        if size < count:
            raise DataError(
                f"not evaluable: {size} customers were {name}, fewer than the {count} folds"
            )
        folds[group] = rng.permutation(size) % count
    return folds
