"""The two pipelines of a test, prepared for a cut without changing the caller's."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.dataset import Dataset
from suitably.data.entities import Entities
from suitably.errors import PolicyError
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking.popularity import Popularity
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.policy import Policy
from suitably.suitability.verdicts import RuleVerdict
from suitably.typing import AsOf, IdsLike
from suitably.utils.params import clone

__all__ = [
    "Arm",
    "JudgingPolicy",
    "PreparedArm",
    "check_arm",
    "evaluate_policy",
    "fingerprints",
    "prepare_arm",
    "prepare_arms",
]

_LEARNED = ("profiles", "ranker", "fallback", "seed")


class JudgingPolicy(Protocol):
    """The policy that judges both arms' lists, evaluated: it says which pairs pass."""

    @property
    def policies(self) -> Sequence[PolicyDocument]:
        """The policies, of which some may say how levels of risk are ordered."""

    @property
    def users(self) -> Entities:
        """The users, with their fields, those of profiles too."""

    def passes(self, user_ids: IdsLike, product_ids: IdsLike) -> NDArray[np.bool_]:
        """JudgingPolicy pairs of external ids elementwise; what is unknown does not pass."""

    def verdicts(self, user_id: Any, product_id: Any) -> Sequence[RuleVerdict]:
        """Return what every applicable rule says of a pair."""


class Arm(Protocol):
    """What the test asks of a pipeline."""

    @property
    def is_fitted(self) -> bool:
        """Whether it can recommend."""

    @property
    def as_of_(self) -> pd.Timestamp | None:
        """The moment it was fitted as of; None: on data without timestamps."""

    @property
    def profiles(self) -> Sequence[Any]:
        """Its builders of profiles."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Its policies, read."""

    def clone(self) -> Self:
        """Return an unfitted copy."""

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Learn from what was visible."""

    def knows(self, user_ids: IdsLike, product_ids: IdsLike) -> bool:
        """Return whether all these ids are known."""

    def recommend(
        self,
        user_ids: IdsLike,
        k: int,
        as_of: AsOf | None = None,
        *,
        product_ids: IdsLike | None = None,
    ) -> Any:
        """Return recommendations with a `to_frame`."""

    def eligibility(self, as_of: AsOf | None = None, policy: Any = None) -> JudgingPolicy:
        """Evaluate a policy on its users, profiles and catalogue."""


@dataclass(frozen=True)
class PreparedArm:
    """An arm that answers as of the cut.

    Attributes:
        pipeline: The caller's own, or a refitted copy.
        refitted: Whether it is a copy.
        as_of: What to ask it as of: the cut, or None where that is its own moment.
    """

    pipeline: Arm
    refitted: bool
    as_of: pd.Timestamp | None

    def recommend(self, user_ids: NDArray[Any], k: int, candidates: NDArray[Any]) -> Any:
        """Return the frame of lists as a user would have seen them at the cut."""
        asked = unrecorded(self.pipeline).recommend(
            user_ids=user_ids, k=k, as_of=self.as_of, product_ids=candidates
        )
        return asked.to_frame()


def unrecorded(arm: Arm) -> Arm:
    """Return an arm that tells no audit log of its lists: nobody is offered them."""
    return arm.with_audit(None) if isinstance(arm, Pipeline) else arm


def check_arm(arm: Any, name: str) -> None:
    """Refuse what is no pipeline.

    Raises:
        ValueError: It is none, or its class.
    """
    there = all(hasattr(arm, part) for part in ("clone", "fit", "knows", "recommend"))
    if isinstance(arm, type) or not there:
        raise ValueError(f"{name}={arm!r:.60}: must be a pipeline, such as Pipeline(policy=…)")


def prepare_arm(
    arm: Arm, data: Dataset, cut: Instant | None, user_ids: IdsLike, product_ids: IdsLike
) -> PreparedArm:
    """Use a pipeline as it is if it was fitted no later than the cut and knows the ids.

    Otherwise a clone is refitted on the data as of the cut. A pipeline fitted earlier is asked as
    of the cut, as it would have been on that day: its ranker is what it was, while its policy
    judges anew. In data without timestamps (`cut` None) any fitted pipeline that knows the ids is
    used.

    Raises:
        DataError: The pipeline was fitted as of a moment of another time-zone awareness.
    """
    at = None if cut is None else data.clock.stamp(cut)
    if arm.is_fitted:
        fitted = None if arm.as_of_ is None else data.clock.instant(arm.as_of_, "fitted as_of")
        early = cut is None if fitted is None else cut is not None and bool(fitted <= cut)
        if early and arm.knows(user_ids, product_ids):
            return PreparedArm(arm, refitted=False, as_of=None if fitted == cut else at)
    return PreparedArm(arm.clone().fit(data, as_of=at), refitted=True, as_of=None)


def prepare_arms(
    arms: Sequence[Arm],
    data: Dataset,
    cut: Instant | None,
    user_ids: IdsLike,
    product_ids: IdsLike,
) -> list[PreparedArm]:
    """Prepare arms; those that learn the same from the same data learn it once.

    A policy and rerankers do not alter what is learned (`Pipeline.under`).
    """
    prepared: list[PreparedArm] = []
    for number, arm in enumerate(arms):
        shared = None
        for earlier, other in zip(arms[:number], prepared, strict=True):
            if other.refitted and _learn_alike(arm, earlier):
                shared = _shared(arm, other)
                break
        prepared.append(shared or prepare_arm(arm, data, cut, user_ids, product_ids))
    return prepared


def evaluate_policy(
    arms: Sequence[PreparedArm],
    policies: tuple[Policy, ...],
    data: Dataset,
    cut: Instant | None,
) -> JudgingPolicy:
    """Evaluate the judging policies once, for the lists of all arms, on facts as of the cut.

    An arm fitted as of the cut has them. Where neither is, the profiles of one are rebuilt from the
    data, so that a user re-rated since an arm was fitted is judged by the new rating. An arm
    with these policies itself comes first, then the last treatment; one whose profiles lack a field
    that a rule names passes the task on.

    Raises:
        PolicyError: Nobody has the fields that the policies name.
    """
    latest_first = list(reversed(arms))
    order = sorted(
        latest_first,
        key=lambda arm: fingerprints(arm.pipeline.policies) != fingerprints(policies),
    )

    def rebuilt() -> JudgingPolicy:
        profiles = copy.deepcopy(order[0].pipeline.profiles)
        pipeline = Pipeline(profiles=profiles, policy=policies, ranker=Popularity())
        at = None if cut is None else data.clock.stamp(cut)
        return pipeline.fit(data, as_of=at).eligibility()

    def own(arm: PreparedArm) -> Callable[[], JudgingPolicy]:
        return partial(arm.pipeline.eligibility, as_of=arm.as_of, policy=policies)

    current = [own(arm) for arm in order if arm.as_of is None]
    stale = [own(arm) for arm in order if arm.as_of is not None]
    options = [*(current or [rebuilt]), *stale]
    errors: list[PolicyError] = []
    for option in options:
        try:
            return option()
        except PolicyError as error:
            errors.append(error)
    raise errors[0]


def _learn_alike(one: Arm, other: Arm) -> bool:
    """Return whether two pipelines, once refitted, learn the same: profiles, rankers and seed."""
    if not (isinstance(one, Pipeline) and isinstance(other, Pipeline)):
        return False
    if not all(_ours(arm) for arm in (one, other)):
        return False
    parts = [
        {name: repr(arm.get_params(deep=False)[name]) for name in _LEARNED} for arm in (one, other)
    ]
    return parts[0] == parts[1]


def _ours(arm: Pipeline) -> bool:
    """Return whether all that learns is of this library, and says all its parameters when shown."""
    parts = [*arm.profiles, arm.ranker]
    parts += [arm.fallback] if not isinstance(arm.fallback, str | None) else []
    return all(
        type(part).__module__.startswith("suitably.") and not hasattr(part, "functions")
        for part in parts
    ) and not any(mark in repr(part) for part in parts for mark in ("…", "...", " at 0x"))


def _shared(arm: Arm, other: PreparedArm) -> PreparedArm | None:
    """Return what another arm has learned, under this one's policy; None: it cannot be."""
    assert isinstance(arm, Pipeline)
    assert isinstance(other.pipeline, Pipeline)
    try:
        made = other.pipeline.under(arm.policies, rerankers=clone(list(arm.rerankers)))
    except PolicyError:  # rules that ask what is held need a fit of their own
        return None
    return PreparedArm(made, refitted=True, as_of=None)


def fingerprints(policies: tuple[Policy, ...]) -> tuple[str, ...]:
    """Return what tells policies apart, whatever their order: every one must pass."""
    return tuple(sorted(policy.fingerprint for policy in policies))
