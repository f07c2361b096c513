"""Two pipelines, one log: ship, do not ship, inconclusive or not evaluable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation.abtest.arms import Arm, fingerprints
from suitably.evaluation.abtest.decision import decide
from suitably.evaluation.abtest.guardrails import Guardrail, parse_guardrails
from suitably.evaluation.abtest.records import Comparison, MetricRow
from suitably.evaluation.abtest.result import ABResult
from suitably.evaluation.abtest.segments import ALL, pool_small
from suitably.evaluation.abtest.split_run import SplitRun, TestSpec, run_split
from suitably.evaluation.evaluate import depth_of
from suitably.evaluation.splits import read_splits
from suitably.evaluation.statistics import Estimate, PairedSample, Statistic, paired_t
from suitably.evaluation.statistics.rounding import without_noise
from suitably.metrics import (
    Convention,
    ListMetric,
    UserMetric,
    find_convention,
    linearised,
    parse_metrics,
)
from suitably.metrics.protocol import MetricLike, is_per_user, range_of
from suitably.suitability.policy import Policy, read_policies
from suitably.utils.parallel import check_jobs, run_jobs
from suitably.utils.progress import progress
from suitably.utils.suggest import nearest

__all__ = ["ABTest"]

_ALWAYS = ("coverage", "violation_rate")


@dataclass(frozen=True)
class ABTest:
    """Compare two pipelines on the same users, the same splits and under the same policy.

    A pipeline fitted no later than the cut, which knows the users and products, is used as it is;
    any other is cloned and refitted as of the cut. The caller's pipelines are never changed.

    The primary metric decides: "ship" if the low end of its paired interval is above 0 and every
    guardrail holds, "do not ship" if the high end is below 0 or the treatment breaches a hard
    guardrail, "not evaluable" without an evaluable user, with too few users for an interval or with
    a missing input, otherwise "inconclusive". The other metrics are shown with unadjusted
    intervals, to read and not to decide by. Results are means over users; users of several splits
    are averaged over these first.

    Accuracy is measured on the users with a relevant product; metrics called `suitable_…` on those
    with one that passes the judging policy; rejections also on users who only rejected. Violations
    and coverage are measured on all users of the split, whatever `relevant` leaves, so that a
    choice of what is relevant cannot hide a violation. Ratios of sums over users are linearised, so
    that their intervals are the delta method's.

    Attributes:
        control: The pipeline as it is.
        treatment: The pipeline that would replace it.
        metrics: By name, such as `"ndcg@10"`, or objects that are a `suitably.metrics.UserMetric`
            or `ListMetric`; `"catalogue_coverage"` too, which has no interval. coverage,
            violation_rate, the primary metric and those of guardrails are always reported.
        guardrails: Such as `"coverage>=0.9"` (the treatment's mean keeps to a limit), `"coverage"`
            (the treatment is not significantly worse), or a `Guardrail`. A violation rate of 0 is
            always a hard one.
        primary: The metric that decides; more of it must be better.
        policy: Judges the lists of both arms: a `Policy`, its file or built-in name, or a list of
            them. Required unless both arms have the same.
        alpha: One less the coverage of the intervals.
        seed: Kept with the result; the paired t interval draws nothing at random.
        statistic: What estimates differences; None: Student's paired t.
        convention: How metrics are defined, `"trec"` by default.
        relevant: `"all"` acquisitions, or only the `"suitable"` ones, which pass the judging policy
            as of the cut; users left without one are not evaluable.
        segments: A field of the users frame to report by as well.
        min_segment: Users that a segment must have to be shown; smaller ones are pooled.
        n_jobs: How many splits run at a time, in threads; −1: as many as there are cores. The
            answers do not depend on it.
        prices: product_id, timestamp and price, for metrics of returns where the splits have none
            of their own; see `monthly_returns`.

    Raises:
        ValueError: An argument that cannot be used; no `policy` where one is required.
        PolicyError: A policy that cannot be read.

    Source:
        Jeunen et al., KDD 2024, for DCG as the default to decide by.

    Example:
        >>> import pandas as pd
        >>> from suitably import Pipeline
        >>> from suitably.evaluation import TimeSplit
        >>> from suitably.ranking import EASE, Popularity
        >>> log = pd.DataFrame({"user_id": [1, 2, 3, 1, 2, 3], "product_id": list("aabbbc"),
        ...                     "timestamp": ["2024-01-05"] * 3 + ["2024-02-05"] * 3})
        >>> control, treatment = (
        ...     Pipeline(policy=Policy.unrestricted(), ranker=ranker)
        ...     for ranker in (Popularity(), EASE()))
        >>> test = ABTest(control, treatment, metrics=["recall@2"], primary="recall@2")
        >>> result = test.run(Dataset(None, None, log), TimeSplit("2024-02-01", 30))
        >>> result.decision
        'inconclusive'
    """

    control: Arm
    treatment: Arm
    metrics: Sequence[str | UserMetric | ListMetric] = (
        "dcg@10",
        "ndcg@10",
        "recall@10",
        "hit_rate@10",
    )
    guardrails: Sequence[str | Guardrail] = ()
    primary: str = "dcg@10"
    policy: Any = None
    alpha: float = 0.05
    seed: int = 0
    convention: str | Convention = "trec"
    relevant: Literal["all", "suitable"] = "all"
    segments: str | None = None
    min_segment: int = 20
    statistic: Statistic | None = None
    n_jobs: int = 1
    prices: Any = None

    def __post_init__(self) -> None:
        """Refuse what `run` could not use."""
        if isinstance(self.alpha, bool) or not 0 < self.alpha < 1:
            raise ValueError(f"alpha={self.alpha!r}: must lie between 0 and 1")
        if self.relevant not in ("all", "suitable"):
            raise ValueError(f'relevant={self.relevant!r}: must be "all" or "suitable"')
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ValueError(f"seed={self.seed!r}: must be an integer")
        if isinstance(self.min_segment, bool) or self.min_segment < 2:
            raise ValueError(f"min_segment={self.min_segment!r}: must be 2 or more")
        if self.statistic is not None and not callable(self.statistic):
            raise ValueError(f"statistic={self.statistic!r:.50}: must be a Statistic, or None")
        check_jobs(self.n_jobs)
        find_convention(self.convention)
        self._metrics()
        self._policies()

    def _policies(self) -> tuple[Policy, ...]:
        if self.policy is not None:
            return read_policies(self.policy)
        ours, theirs = self.control.policies, self.treatment.policies
        if fingerprints(ours) != fingerprints(theirs):
            raise ValueError(
                "policy: control and treatment have different policies, so say which one judges "
                "the lists of both"
            )
        return theirs

    def _metrics(self) -> tuple[MetricLike, ...]:
        asked = list(parse_metrics(self.metrics))
        guardrails = parse_guardrails(self.guardrails)
        if self.primary not in [metric.label for metric in asked]:
            asked = [*parse_metrics([self.primary]), *asked]
        for label in (*(guardrail.metric for guardrail in guardrails), *_ALWAYS):
            if label not in [metric.label for metric in asked]:
                asked += parse_metrics([label])
        by_label = {metric.label: metric for metric in asked}
        for guardrail in guardrails:
            if guardrail.limit is None and not is_per_user(by_label[guardrail.metric]):
                raise ValueError(
                    f"guardrail {guardrail.metric!r}: has no interval, so give it a limit"
                )
        decisive = by_label[self.primary]
        if not decisive.higher_is_better or not is_per_user(decisive):
            raise ValueError(
                f"primary={self.primary!r}: must be a metric per user of which more is better"
                f"{nearest(self.primary, ['dcg@10', 'ndcg@10', 'recall@10'])}"
            )
        return tuple(asked)

    def run(self, data: Dataset, split: Any) -> ABResult:
        """Recommend with both arms at every cut, and compare.

        Args:
            data: The log, users and products.
            split: A `Split`, anything with `.on(data)` such as a `TimeSplit`, or a list of these.

        Raises:
            DataError: A split that does not fit the data, such as a time split of data without
                timestamps.
            PolicyError: The judging policy names fields that the arms do not have.
            ValueError: An empty list of splits, or something that is no split.
        """
        if not isinstance(data, Dataset):
            raise DataError(f"data: expected a Dataset, got {type(data).__name__}")
        splits = read_splits(split, data)
        metrics = self._metrics()
        spec = TestSpec(
            metrics=metrics,
            depth=depth_of(metrics),
            policies=self._policies(),
            convention=find_convention(self.convention),
            relevant=self.relevant,
            segments=self.segments,
            prices=self.prices,
        )

        def run(one: Split) -> SplitRun:
            return run_split(spec, self.control, self.treatment, data, one)

        jobs = run_jobs(run, splits, self.n_jobs)
        runs = list(progress(jobs, "splits", len(splits), "split"))
        rows = tuple(row for metric in metrics for row in self._rows(metric, runs))
        overall = {row.metric: row for row in rows if row.segment == ALL}
        outcomes = tuple(
            guardrail.check(
                overall[guardrail.metric].result, overall[guardrail.metric].higher_is_better
            )
            for guardrail in parse_guardrails(self.guardrails)
        )
        decision, reason = decide(self.primary, overall[self.primary].result, outcomes, self.alpha)
        return ABResult(
            decision=decision,
            reason=reason,
            primary=self.primary,
            rows=rows,
            guardrails=outcomes,
            comparison=self._comparison(spec, runs),
            user_table=_per_user(runs, data),
            kind=data.kind,
        )

    def _rows(self, metric: MetricLike, runs: list[SplitRun]) -> list[MetricRow]:
        label, better = metric.label, metric.higher_is_better
        if not is_per_user(metric):
            return [MetricRow(label, ALL, _overall(label, runs), better)]
        samples = [run.sample(label) for run in runs]
        control = np.concatenate([sample.control for sample in samples])
        treatment = np.concatenate([sample.treatment for sample in samples])
        ids = pa.concat_arrays([sample.user_ids for sample in samples])
        users = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)

        parts = [sample.parts for sample in samples if sample.parts is not None]
        ratios = np.concatenate(parts, axis=1) if parts else None

        def compare(rows: Any) -> Estimate:
            if ratios is not None:
                return self._estimate(PairedSample(*_linear(ratios[:, rows], users[rows])))
            values = control[rows], treatment[rows], users[rows]
            return self._estimate(PairedSample(*values, bounds=range_of(metric)))

        found = [MetricRow(label, ALL, compare(slice(None)), better)]
        if self.segments is None or not len(users):
            return found
        labels = np.concatenate([sample.segments for sample in samples])
        labels = pool_small(labels, users, self.min_segment)
        for name in sorted(set(labels) - {ALL}):
            result = compare(labels == name)
            if result.n >= self.min_segment:
                found.append(MetricRow(label, name, result, better))
        return found

    def _estimate(self, sample: PairedSample) -> Estimate:
        found = (self.statistic or paired_t)(sample, self.alpha)
        if not isinstance(found, Estimate):
            raise ValueError(f"statistic: gave a {type(found).__name__}, must give an Estimate")
        return found

    def _comparison(self, spec: TestSpec, runs: list[SplitRun]) -> Comparison:
        return Comparison(
            policies=tuple(f"{policy.id} {policy.version}".strip() for policy in spec.policies),
            fingerprints=tuple(policy.fingerprint for policy in spec.policies),
            relevant=self.relevant,
            convention=spec.convention.name,
            depth=spec.depth,
            alpha=self.alpha,
            seed=self.seed,
            splits=tuple(run.record for run in runs),
        )


def _linear(
    parts: NDArray[np.float64], users: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Sum a ratio's parts by user and linearise both arms: control, treatment and units.

    A user with a part missing in either arm stays NaN, so that the estimate counts it.
    """
    units, codes = np.unique(users, return_inverse=True)
    sums = np.stack([np.bincount(codes, part, minlength=len(units)) for part in parts])
    known = ~np.isnan(sums).any(axis=0)
    values = np.full((2, len(units)), np.nan)
    for arm in (0, 1):
        values[arm, known] = linearised(*sums[2 * arm : 2 * arm + 2, known])
    return values[0], values[1], units.astype(np.int64)


def _overall(metric: str, runs: list[SplitRun]) -> Estimate:
    """Average over splits; one figure for all lists has no variance to make an interval of."""
    control, treatment = np.array([run.overall[metric] for run in runs]).mean(axis=0)
    difference = float(without_noise(control, treatment, terms=len(runs)))
    return Estimate(len(runs), 0, float(control), float(treatment), difference)


def _per_user(runs: list[SplitRun], data: Dataset) -> pa.Table:
    schema = pa.schema(
        [
            ("user_id", data.user_versions.ids.array.type),
            ("split", pa.int64()),
            ("metric", pa.string()),
            ("control", pa.float64()),
            ("treatment", pa.float64()),
        ]
    )
    parts = [
        pa.table(
            [
                sample.user_ids,
                np.full(len(sample.user_ids), number),
                pa.repeat(sample.metric, len(sample.user_ids)),
                sample.control,
                sample.treatment,
            ],
            schema=schema,
        )
        for number, run in enumerate(runs)
        for sample in run.samples
        if len(sample.user_ids)
    ]
    return pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()
