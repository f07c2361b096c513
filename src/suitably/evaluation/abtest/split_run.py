"""One split of a test: both arms' lists for the same users, measured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.evaluation.abtest.arms import (
    Arm,
    PreparedArm,
    evaluate_policy,
    prepare_arms,
)
from suitably.evaluation.abtest.examples import ListExample, list_examples
from suitably.evaluation.abtest.populations import Populations, with_rejecters
from suitably.evaluation.abtest.records import SplitRecord
from suitably.evaluation.abtest.segments import segment_labels, standing_apart
from suitably.evaluation.evaluate import needed
from suitably.evaluation.known import Known
from suitably.evaluation.observe import observe
from suitably.evaluation.ranked_frames import RelevantPairs, read_lists, read_relevant
from suitably.metrics import Convention, MetricInput
from suitably.metrics.protocol import (
    MetricLike,
    is_per_user,
    is_ratio,
    measure,
    measure_ratio,
)
from suitably.suitability.policy import Policy

__all__ = ["Sample", "SplitRun", "TestSpec", "run_split"]


@dataclass(frozen=True)
class TestSpec:
    """What every split of a test has in common.

    Attributes:
        metrics: All of them, guardrails' too.
        depth: Products to ask for per user.
        policies: The judging policies.
        convention: How metrics are defined.
        relevant: `"all"` acquisitions or the `"suitable"` ones.
        segments: Fields of the users frame.
        lowest: The lowest level of risk on the judging policy's scale; None: it has none.
        prices: A frame of product_id, timestamp and price, or None.
    """

    metrics: tuple[MetricLike, ...]
    depth: int
    policies: tuple[Policy, ...]
    convention: Convention
    relevant: Literal["all", "suitable"]
    segments: tuple[str, ...]
    lowest: str | None = None
    prices: Any = None


@dataclass(frozen=True)
class Sample:
    """A metric of all arms.

    Attributes:
        metric: Its name.
        user_ids: External ids (users,).
        values: float64 (arms, users), control first; NaN where it is not defined.
        segments: object (users,) by field.
        apart: bool (users,) by the name of a group that is reported apart.
        parts: Of a ratio, float64 (arms, 2, users): numerators and denominators; None of any other
            metric.
    """

    metric: str
    user_ids: pa.Array
    values: NDArray[np.float64]
    segments: Mapping[str, NDArray[Any]]
    apart: Mapping[str, NDArray[Any]]
    parts: NDArray[np.float64] | None = None

    def of(self, rows: NDArray[np.bool_]) -> "Sample":
        """Return it for some of the users."""
        return replace(
            self,
            user_ids=self.user_ids.filter(pa.array(rows)),
            values=self.values[:, rows],
            segments={name: each[rows] for name, each in self.segments.items()},
            apart={name: each[rows] for name, each in self.apart.items()},
        )


@dataclass(frozen=True)
class SplitRun:
    """What one split gave.

    Attributes:
        record: The split as it was used.
        samples: A sample per metric per user.
        overall: The figure of each arm, control first, of metrics of all lists together; NaN
            without users.
        examples: The lists of a few users, where these were asked for.
    """

    record: SplitRecord
    samples: tuple[Sample, ...]
    overall: Mapping[str, tuple[float, ...]]
    examples: tuple[ListExample, ...] = ()

    def sample(self, metric: str) -> Sample:
        """Return the sample of one metric."""
        return next(sample for sample in self.samples if sample.metric == metric)


def run_split(
    spec: TestSpec, arms: Mapping[str, Arm], data: Dataset, split: Split, examples: bool = False
) -> SplitRun:
    """Prepare all arms for the cut, ask them for lists, and measure these.

    Args:
        spec: What all splits have in common.
        arms: By name, control first.
        data: The log, users and products.
        split: The cut and its window.
        examples: Whether to keep the lists of a few users.

    Raises:
        DataError: A split without a cut for data with timestamps, or the other way round.
        ValueError: A metric that needs what the data do not have.
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
    everyone, needs = _relevant(split, data), needed(spec.metrics)
    if not len(everyone.user_ids):
        return _nothing(data, spec, len(arms), split, everyone, len(candidates))

    users = everyone.user_ids.values
    known = np.unique(np.concatenate([candidates, everyone.product_ids.values]))  # of one type
    asked = with_rejecters(everyone, data, split, needs)
    prepared = prepare_arms(tuple(arms.values()), data, cut, users, known)
    judging = evaluate_policy(prepared, spec.policies, data, cut)
    only_suitable = spec.relevant == "suitable"
    populations = Populations.read(everyone, asked, judging, needs, only_suitable)
    evaluable = populations.evaluable
    told = Known.of_split(needs, data, view, split, candidates, judging, spec.prices)
    measured = [ArmMetrics(spec, arm, told, populations, candidates) for arm in prepared]
    labels = {field: segment_labels(view, field, asked.values) for field in spec.segments}
    apart = standing_apart(view, asked.values, spec.lowest)
    samples, overall = [], {}
    for metric in spec.metrics:
        values = [arm.values(metric) for arm in measured]
        if not is_per_user(metric):
            overall[metric.label] = tuple(float(value) for value in values)
            continue
        judged = populations.of(metric)
        rows = asked.codes(judged.values)
        sample = Sample(
            metric.label,
            judged.array,
            np.stack(values),
            segments={name: each[rows] for name, each in labels.items()},
            apart={name: each[rows] for name, each in apart.items()},
        )
        if is_ratio(metric):
            parts = np.stack([arm.parts(metric) for arm in measured])
            samples.append(replace(sample, parts=parts))
        else:
            listed = np.any([arm.seen(metric).lengths > 0 for arm in measured], axis=0)
            samples.append(sample.of(listed | ~np.isnan(sample.values).all(axis=0)))
    shown: tuple[ListExample, ...] = ()
    if examples:
        lists = {name: arm.lists for name, arm in zip(arms, measured, strict=True)}
        shown = list_examples(lists, evaluable, judging, view)
    refitted = tuple(n for n, arm in zip(arms, prepared, strict=True) if arm.refitted)
    return SplitRun(
        record=_record(data, split, everyone, evaluable, len(candidates), refitted),
        samples=tuple(samples),
        overall=overall,
        examples=shown,
    )


class ArmMetrics:
    """An arm's lists at one cut, and what metrics make of them.

    Attributes:
        lists: The arm's lists.
    """

    def __init__(
        self,
        spec: TestSpec,
        arm: PreparedArm,
        known: Known,
        populations: Populations,
        candidates: NDArray[Any],
    ) -> None:
        frame = arm.recommend(populations.asked.values, spec.depth, candidates)
        self.lists, _ = read_lists(frame, populations.everyone, spec.convention, "recommendations")
        self._spec, self._known, self._populations = spec, known, populations
        self._laid_out: dict[int, MetricInput] = {}
        # Depth costs memory, and nothing lies deeper than the catalogue and the longest list.
        self._depth = min(spec.depth, max(len(candidates), self.lists.longest, 1))

    def values(self, metric: MetricLike) -> NDArray[np.float64]:
        """Compute a metric on its users, or its one figure."""
        return measure(metric, self.seen(metric))

    def parts(self, metric: MetricLike) -> NDArray[np.float64]:
        """Compute the numerator and the denominator of a ratio: float64 (2, users)."""
        ratio = measure_ratio(metric, self.seen(metric))
        return np.vstack([ratio.numerator, ratio.denominator])

    def seen(self, metric: MetricLike) -> MetricInput:
        """Return what a metric sees, laid out once for all metrics of the same users."""
        users = self._populations.of(metric)
        if id(users) not in self._laid_out:
            alike = [one for one in self._spec.metrics if self._populations.of(one) is users]
            self._laid_out[id(users)] = observe(
                self.lists,
                users,
                self._depth,
                self._spec.convention,
                needed(alike),
                self._known,
                self._populations.relevant(users),
            )
        return self._laid_out[id(users)]


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
    if len(ids) and not same_ids(ids.type, known.array.type):
        raise DataError(
            f"{name} holds {ids.type}, but the data's ids are {known.array.type}: use one type"
        )


def _record(
    data: Dataset,
    split: Split,
    everyone: RelevantPairs,
    evaluable: RelevantPairs,
    candidates: int,
    refitted: tuple[str, ...],
) -> SplitRecord:
    users, left = len(everyone.user_ids), len(evaluable.user_ids)
    at, end, begins = (_stamped(moment, data) for moment in (split.at, split.end, split.begins))
    return SplitRecord(at, end, users, left, candidates, refitted, begins, split.note)


def _stamped(moment: Any, data: Dataset) -> Any:
    """Return a moment of a split of one's own, such as text, as a timestamp."""
    if data.events.times is None or moment is None or moment is pd.NaT:
        return moment
    return data.clock.stamp(data.clock.instant(moment, "split"))


def _nothing(
    data: Dataset, spec: TestSpec, arms: int, split: Split, nobody: RelevantPairs, candidates: int
) -> SplitRun:
    labels = {field: np.empty(0, dtype=object) for field in spec.segments}
    none, ids = np.empty((arms, 0)), nobody.user_ids.array
    parts = np.empty((arms, 2, 0))
    samples = tuple(
        Sample(m.label, ids, none, labels, {}, parts if is_ratio(m) else None)
        for m in spec.metrics
        if is_per_user(m)
    )
    nowhere = (float("nan"),) * arms
    overall = {metric.label: nowhere for metric in spec.metrics if not is_per_user(metric)}
    return SplitRun(_record(data, split, nobody, nobody, candidates, ()), samples, overall)
