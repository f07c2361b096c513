"""One split of a test: both arms' lists for the same users, measured."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError
from suitably.evaluation.accuracy import measure
from suitably.evaluation.arms import Arm, Judge, Ready, find_judge, make_ready
from suitably.evaluation.lists import RankedLists, RelevantPairs, read_lists, read_relevant
from suitably.evaluation.result import SplitRecord
from suitably.evaluation.segments import segment_labels
from suitably.metrics import (
    Convention,
    Metric,
    UserMetric,
    catalogue_coverage,
    coverage,
    violation_rate,
)
from suitably.suitability.policy import Policy

__all__ = ["Plan", "Sample", "Trial", "run_trial"]

_NOTHING = np.empty(0, dtype=np.float64)


@dataclass(frozen=True)
class Plan:
    """What every split of a test has in common.

    Attributes:
        metrics: All of them, guardrails' too.
        depth: Products to ask for per user.
        policies: The judging policies.
        convention: How metrics are defined.
        relevant: `"all"` acquisitions or the `"suitable"` ones.
        segments: A field of the users frame, or None.
    """

    metrics: tuple[UserMetric, ...]
    depth: int
    policies: tuple[Policy, ...]
    convention: Convention
    relevant: Literal["all", "suitable"]
    segments: str | None


@dataclass(frozen=True)
class Sample:
    """A metric of both arms.

    Attributes:
        metric: Its name.
        user_ids: External ids (users,).
        control: float64 (users,), NaN where it is not defined.
        treatment: Likewise.
        segments: object (users,), empty without segments.
    """

    metric: str
    user_ids: pa.Array
    control: NDArray[np.float64]
    treatment: NDArray[np.float64]
    segments: NDArray[Any]


@dataclass(frozen=True)
class Trial:
    """What one split gave.

    Attributes:
        record: The split as it was used.
        samples: A sample per metric per user.
        catalogue: Share of the candidates that each arm showed, control first; NaN without users.
    """

    record: SplitRecord
    samples: tuple[Sample, ...]
    catalogue: tuple[float, float]

    def sample(self, metric: str) -> Sample:
        """Return the sample of one metric."""
        return next(sample for sample in self.samples if sample.metric == metric)


def run_trial(plan: Plan, control: Arm, treatment: Arm, data: Dataset, split: Split) -> Trial:
    """Make both arms ready for the cut, ask them for lists, and measure these.

    Raises:
        DataError: A split without a cut for data with timestamps, or the other way round.
    """
    dated = data.events.times is not None
    if dated and split.at in (None, pd.NaT):
        raise DataError("split.at: is missing, so nothing says what the pipelines may know")
    cut = data.moment(split.at) if dated or split.at is not None else None
    view = data.view(split.at)
    candidates = view.product_ids[view.listed]
    if split.candidates is not None:
        given = id_array(split.candidates, "split.candidates")
        _check_kind(given, data.product_versions.ids, "split.candidates")
        candidates = Vocabulary(given).values
    everyone = _relevant(split, data)
    if not len(everyone.user_ids):
        return _nothing(plan, split, everyone, len(candidates))

    users = everyone.user_ids.values
    known = np.unique(np.concatenate([candidates, everyone.product_ids.values]))  # of one type
    arms = [make_ready(arm, data, cut, users, known) for arm in (control, treatment)]
    judge = find_judge(arms[0], arms[1], plan.policies, data, cut)
    evaluable = everyone
    if plan.relevant == "suitable":
        pairs = users[everyone.users], everyone.product_ids.values[everyone.products]
        evaluable = everyone.where(judge.passes(*pairs))
    measured = [_Measured(plan, arm, judge, everyone, evaluable, candidates) for arm in arms]

    labels = np.empty(0, dtype=object)
    if plan.segments is not None:
        labels = segment_labels(view, plan.segments, users)
    rows = everyone.user_ids.codes(evaluable.user_ids.values)
    samples = []
    for metric in plan.metrics:
        if metric == Metric("catalogue_coverage"):
            continue
        ours, theirs = (arm.values(metric) for arm in measured)
        judged = everyone if _is_of_lists(metric) else evaluable
        segments = labels if judged is everyone or not len(labels) else labels[rows]
        samples.append(Sample(metric.label, judged.user_ids.array, ours, theirs, segments))
    names = ("control", "treatment")
    refitted = tuple(name for name, arm in zip(names, arms, strict=True) if arm.refitted)
    return Trial(
        record=_record(split, everyone, evaluable, len(candidates), refitted),
        samples=tuple(samples),
        catalogue=(measured[0].catalogue, measured[1].catalogue),
    )


class _Measured:
    """An arm's lists at one cut."""

    def __init__(
        self,
        plan: Plan,
        arm: Ready,
        judge: Judge,
        everyone: RelevantPairs,
        evaluable: RelevantPairs,
        candidates: NDArray[Any],
    ) -> None:
        frame = arm.recommend(everyone.user_ids.values, plan.depth, candidates)
        lists, _ = read_lists(frame, everyone, plan.convention, "recommendations")
        self._convention = plan.convention
        self._hits = lists.hits(evaluable, plan.depth)
        self._lengths = lists.lengths(everyone.user_ids)
        self._passes = _passes(lists, everyone, judge, plan.depth)
        shown = Vocabulary(pa.array(candidates)).codes(lists.product_ids.values)
        self.catalogue = catalogue_coverage(shown.astype(np.int64), max(len(candidates), 1))

    def values(self, metric: UserMetric) -> NDArray[np.float64]:
        """Compute a metric on its users."""
        if metric == Metric("coverage"):
            return coverage(self._lengths)
        if metric == Metric("violation_rate"):
            return violation_rate(self._passes, self._lengths)
        return measure(metric, self._hits, self._convention)


def _passes(
    lists: RankedLists, everyone: RelevantPairs, judge: Judge, depth: int
) -> NDArray[np.bool_]:
    users = lists.user_ids.values[lists.users]
    flags = judge.passes(users, lists.product_ids.values[lists.products])
    return lists.grid(everyone.user_ids, np.asarray(flags, dtype=bool), depth)


def _is_of_lists(metric: UserMetric) -> bool:
    return metric in (Metric("coverage"), Metric("violation_rate"))


def _relevant(split: Split, data: Dataset) -> RelevantPairs:
    users, products = data.user_versions.ids, data.product_versions.ids
    pairs = None
    if split.relevant is not None:
        pairs = read_relevant(split.relevant, "split.relevant", empty_ok=True)
    if pairs is None or not len(pairs.user_ids):
        none = np.empty(0, dtype=np.int64)
        return RelevantPairs(
            Vocabulary(users.array[:0]), Vocabulary(products.array[:0]), none, none
        )
    _check_kind(pairs.user_ids.array, users, "split.relevant.user_id")
    _check_kind(pairs.product_ids.array, products, "split.relevant.product_id")
    return pairs


def _check_kind(ids: pa.Array, known: Vocabulary, name: str) -> None:
    if len(ids) and ids.type != known.array.type:
        raise DataError(
            f"{name} holds {ids.type}, but the data's ids are {known.array.type}: use one type"
        )


def _record(
    split: Split,
    everyone: RelevantPairs,
    evaluable: RelevantPairs,
    candidates: int,
    refitted: tuple[str, ...],
) -> SplitRecord:
    users, left = len(everyone.user_ids), len(evaluable.user_ids)
    return SplitRecord(split.at, split.end, users, left, candidates, refitted)


def _nothing(plan: Plan, split: Split, nobody: RelevantPairs, candidates: int) -> Trial:
    empty = np.empty(0, dtype=object)
    samples = tuple(
        Sample(metric.label, nobody.user_ids.array, _NOTHING, _NOTHING, empty)
        for metric in plan.metrics
    )
    nan = float("nan")
    return Trial(_record(split, nobody, nobody, candidates, ()), samples, (nan, nan))
