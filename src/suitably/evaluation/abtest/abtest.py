"""Two pipelines, one log: ship, do not ship, inconclusive or not evaluable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation.abtest.arms import Arm, check_arm, fingerprints
from suitably.evaluation.abtest.estimates import Estimates
from suitably.evaluation.abtest.guardrails import Guardrail, parse_guardrails
from suitably.evaluation.abtest.judgement import Judgement, judge_arms
from suitably.evaluation.abtest.records import TREATMENT, Comparison
from suitably.evaluation.abtest.result import ABResult
from suitably.evaluation.abtest.split_run import SplitRun, TestSpec, run_split
from suitably.evaluation.abtest.versions import library_versions
from suitably.evaluation.evaluate import depth_of
from suitably.evaluation.splits import read_splits, warn_of_uncovered
from suitably.evaluation.statistics import Statistic, default_statistic
from suitably.metrics import Convention, ListMetric, UserMetric, find_convention, parse_metrics
from suitably.metrics.protocol import MetricLike, is_per_user
from suitably.suitability.language.types import Scale
from suitably.suitability.policy import Policy, read_policies
from suitably.utils.parallel import check_jobs, run_jobs
from suitably.utils.params import check_fraction, check_positive_int
from suitably.utils.progress import progress
from suitably.utils.suggest import nearest

__all__ = ["ABTest"]

_ALWAYS = ("coverage", "violation_rate")
_PRIMARY = "dcg@10"


@dataclass(frozen=True)
class ABTest:
    """Compare two pipelines on the same users, the same splits and under the same policy.

    A pipeline fitted no later than the cut, which knows the users and products, is used as it is;
    any other is cloned and refitted as of the cut. The caller's pipelines are never changed.

    The primary metric decides: "ship" if the low end of its paired interval is above 0 and every
    guardrail holds, "do not ship" if the high end is below 0 or the treatment breaches a hard
    guardrail, "not evaluable" without an evaluable user, with too few users for an interval or with
    a missing input, otherwise "inconclusive", with how many users more it would take. The other
    metrics are shown with unadjusted intervals, to read and not to decide by. Results are means
    over users; users of several splits are averaged over these first.

    With several treatments each has a decision, and the levels of their primary intervals are
    Holm's: one good one among many by chance is not shipped. Arms that learn the same are fitted
    once.

    Accuracy is measured on the users with a relevant product; metrics called `suitable_…` on those
    with one that passes the judging policy; rejections also on users who only rejected. Violations
    and coverage are measured on all users of the split, whatever `relevant` leaves, so that a
    choice of what is relevant cannot hide a violation. Ratios of sums over users are linearised, so
    that their intervals are the delta method's.

    Attributes:
        control: The pipeline as it is.
        treatment: The pipeline that would replace it; or `treatments`.
        metrics: By name, such as `"ndcg@10"`, or objects that are a `suitably.metrics.UserMetric`
            or `ListMetric`; `"catalogue_coverage"` too, which has no interval. coverage,
            violation_rate, the primary metric and those of guardrails are always reported.
        guardrails: Such as `"coverage>=0.9"` (the treatment's mean keeps to a limit), `"coverage"`
            (the treatment is not significantly worse), `"gap(suitable_ndcg@10, gender)<=0.1"`
            (groups of users fare alike), or a `Guardrail`. A violation rate of 0 is always a hard
            one.
        primary: The metric that decides; more of it must be better. None: the first of `metrics`
            that can, or `"dcg@10"`.
        policy: Judges the lists of both arms: a `Policy`, its file or built-in name, or a list of
            them. Required unless both arms have the same.
        alpha: One less the coverage of the intervals.
        seed: Kept with the result; the default statistic draws nothing at random.
        statistic: What estimates differences; None: `default_statistic`, which is Student's paired
            t where windows do not overlap and there are users enough.
        convention: How metrics are defined, `"trec"` by default.
        relevant: `"all"` acquisitions, or only the `"suitable"` ones, which pass the judging policy
            as of the cut; users left without one are not evaluable.
        segments: A field of the users frame to report by as well, or several. No segment may lose
            significantly in the primary metric, after Holm.
        min_segment: Users that a segment must have to be shown; smaller ones are pooled.
        n_jobs: How many splits run at a time, in threads; −1: as many as there are cores. The
            answers do not depend on it.
        prices: product_id, timestamp and price, for metrics of returns where the splits have none
            of their own; see `monthly_returns`.
        treatments: Several treatments by name, in place of `treatment`; the first one's decision is
            the result's.

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
        >>> log = pd.DataFrame({"user_id": [*range(8), *range(8), 0],
        ...                     "product_id": list("aaaabbbb" + "bbbbaaaa" + "c"),
        ...                     "timestamp": ["2024-01-05"] * 8 + ["2024-02-05"] * 8
        ...                     + ["2024-04-01"]})
        >>> control, treatment = (
        ...     Pipeline(policy=Policy.unrestricted(), ranker=ranker)
        ...     for ranker in (Popularity(), EASE()))
        >>> test = ABTest(control, treatment, metrics=["recall@2"], primary="recall@2")
        >>> result = test.run(Dataset(None, None, log), TimeSplit("2024-02-01", 30))
        >>> result.decision
        'inconclusive'
    """

    control: Arm
    treatment: Arm | None = None
    metrics: Sequence[str | UserMetric | ListMetric] = (
        "dcg@10",
        "ndcg@10",
        "recall@10",
        "hit_rate@10",
    )
    guardrails: Sequence[str | Guardrail] = ()
    primary: str | None = None
    policy: Any = None
    alpha: float = 0.05
    seed: int = 0
    convention: str | Convention = "trec"
    relevant: Literal["all", "suitable"] = "all"
    segments: str | Sequence[str] | None = None
    min_segment: int = 20
    statistic: Statistic | None = None
    n_jobs: int = 1
    prices: Any = None
    treatments: Mapping[str, Arm] | None = None

    def __post_init__(self) -> None:
        """Refuse what `run` could not use."""
        check_fraction(self, "alpha", zero=False, one=False)
        if self.relevant not in ("all", "suitable"):
            raise ValueError(f'relevant={self.relevant!r}: must be "all" or "suitable"')
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ValueError(f"seed={self.seed!r}: must be an integer")
        check_positive_int(self, "min_segment")
        if self.min_segment < 2:
            raise ValueError(f"min_segment={self.min_segment!r}: must be 2 or more")
        if self.statistic is not None and not callable(self.statistic):
            raise ValueError(f"statistic={self.statistic!r:.50}: must be a Statistic, or None")
        check_jobs(self.n_jobs)
        find_convention(self.convention)
        fields = () if self.segments is None else self.segments
        if not isinstance(fields, str | Sequence):
            raise ValueError(
                f"segments={fields!r:.60}: must be a field of users, or a list of them"
            )
        for name, arm in self._arms().items():
            check_arm(arm, name)
        self._metrics()
        self._policies()

    def _arms(self) -> dict[str, Arm]:
        """Return the arms by name, control first."""
        if (self.treatment is None) == (self.treatments is None):
            raise ValueError("treatment: give one, or several by name as treatments={...}")
        if self.treatments is None:
            assert self.treatment is not None
            return {"control": self.control, TREATMENT: self.treatment}
        if not isinstance(self.treatments, Mapping) or not self.treatments:
            raise ValueError(f"treatments={self.treatments!r:.60}: must be pipelines by name")
        names = list(self.treatments)
        if not all(isinstance(name, str) and name and name != "control" for name in names):
            raise ValueError(f"treatments: {names!r:.80} are no names; control is taken")
        return {"control": self.control, **self.treatments}

    def _policies(self) -> tuple[Policy, ...]:
        if self.policy is not None:
            return read_policies(self.policy)
        first, *others = [arm.policies for arm in self._arms().values()]
        if any(fingerprints(first) != fingerprints(theirs) for theirs in others):
            raise ValueError(
                "policy: control and treatment have different policies, so say which one judges "
                "the lists of both"
            )
        return others[-1]

    def _metrics(self) -> tuple[MetricLike, ...]:
        asked = list(parse_metrics(self.metrics))
        guardrails = parse_guardrails(self.guardrails)
        primary = self._primary(asked)
        if primary not in [metric.label for metric in asked]:
            asked = [*parse_metrics([primary]), *asked]
        for label in (*(guardrail.metric for guardrail in guardrails), *_ALWAYS):
            if label not in [metric.label for metric in asked]:
                asked += parse_metrics([label])
        by_label = {metric.label: metric for metric in asked}
        for guardrail in guardrails:
            per_user = is_per_user(by_label[guardrail.metric])
            if guardrail.limit is None and not per_user:
                raise ValueError(
                    f"guardrail {guardrail.metric!r}: has no interval, so give it a limit"
                )
            if guardrail.field is not None and not per_user:
                raise ValueError(f"guardrail {guardrail.text!r}: has no value per user")
        decisive = by_label[primary]
        if not decisive.higher_is_better or not is_per_user(decisive):
            raise ValueError(
                f"primary={primary!r}: must be a metric per user of which more is better"
                f"{nearest(primary, ['dcg@10', 'ndcg@10', 'recall@10'])}"
            )
        return tuple(asked)

    def _primary(self, asked: Sequence[MetricLike]) -> str:
        if self.primary is not None:
            return self.primary
        able = [one.label for one in asked if is_per_user(one) and one.higher_is_better]
        return able[0] if able else _PRIMARY

    def _segments(self) -> tuple[str, ...]:
        """Return the fields that users are grouped by, of guardrails too."""
        given = () if self.segments is None else self.segments
        asked = (given,) if isinstance(given, str) else tuple(given)
        gaps = (one.field for one in parse_guardrails(self.guardrails) if one.field is not None)
        return tuple(dict.fromkeys([*asked, *gaps]))

    def run(self, data: Dataset, split: Any) -> ABResult:
        """Recommend with all arms at every cut, and compare.

        Args:
            data: The log, users and products.
            split: A `Split`, anything with `.on(data)` such as a `TimeSplit`, or a list of these.

        Raises:
            DataError: A split that does not fit the data, such as a time split of data without
                timestamps.
            PolicyError: The judging policy names fields that the arms do not have.
            ValueError: An empty list of splits, something that is no split, or the same twice.

        Warns:
            SuitabilityWarning: A window that ends after the last event.
        """
        if not isinstance(data, Dataset):
            raise DataError(f"data: expected a Dataset, got {type(data).__name__}")
        splits, metrics, arms = read_splits(split, data), self._metrics(), self._arms()
        warn_of_uncovered(splits)
        policies = self._policies()
        spec = TestSpec(
            metrics=metrics,
            depth=depth_of(metrics),
            policies=policies,
            convention=find_convention(self.convention),
            relevant=self.relevant,
            segments=self._segments(),
            lowest=_lowest_level(policies),
            prices=self.prices,
        )

        def run(one: Split) -> SplitRun:
            return run_split(spec, arms, data, one, examples=one is splits[-1])

        jobs = run_jobs(run, splits, self.n_jobs)
        runs = list(progress(jobs, "splits", len(splits), "split"))
        estimates = {
            metric.label: Estimates(
                metric,
                runs,
                tuple(arms)[1:],
                self.statistic or default_statistic,
                self.alpha,
                self.min_segment,
            )
            for metric in metrics
        }
        return self._result(estimates, spec, runs, data)

    def _result(
        self,
        estimates: Mapping[str, Estimates],
        spec: TestSpec,
        runs: list[SplitRun],
        data: Dataset,
    ) -> ABResult:
        primary = self._primary(spec.metrics)
        arms = tuple(self._arms())[1:]
        asked = () if self.segments is None else self.segments
        fields = (asked,) if isinstance(asked, str) else tuple(asked)
        judged: list[Judgement] = judge_arms(
            estimates, primary, parse_guardrails(self.guardrails), fields, self.alpha
        )
        comparison = self._comparison(spec, runs, arms)
        if comparison.notes and not any(run.record.users for run in runs):
            nobody = f" {' '.join(comparison.notes)}"
            judged = [replace(one, reason=one.reason + nobody) for one in judged]
        by_name = dict(zip(arms, judged, strict=True))
        places = range(len(arms))
        each = [(one, arm) for arm in places for one in estimates.values()]
        return ABResult(
            decision=judged[0].decision,
            reason=judged[0].reason,
            primary=primary,
            rows=tuple(row for one in judged for row in one.rows),
            guardrails=judged[0].outcomes,
            comparison=comparison,
            user_table=_per_user(runs, arms, data),
            kind=data.kind,
            decisions={name: one.decision for name, one in by_name.items()},
            reasons={name: one.reason for name, one in by_name.items()},
            outcomes={name: one.outcomes for name, one in by_name.items()},
            split_rows=tuple(row for one, arm in each for row in one.by_split(arm)),
            apart=tuple(row for one, arm in each for row in one.apart(arm)),
            examples=runs[-1].examples,
        )

    def _comparison(
        self, spec: TestSpec, runs: list[SplitRun], arms: tuple[str, ...]
    ) -> Comparison:
        return Comparison(
            policies=tuple(f"{policy.id} {policy.version}".strip() for policy in spec.policies),
            fingerprints=tuple(policy.fingerprint for policy in spec.policies),
            relevant=self.relevant,
            convention=spec.convention.name,
            depth=spec.depth,
            alpha=self.alpha,
            seed=self.seed,
            splits=tuple(run.record for run in runs),
            arms=arms,
            versions=library_versions(),
        )


def _lowest_level(policies: tuple[Policy, ...]) -> str | None:
    """Return the lowest level of risk of users, of the first policy that orders these."""
    for policy in policies:
        scale = policy.fields.get("user.risk_level")
        if isinstance(scale, Scale):
            return str(scale.levels[0])
    return None


def _per_user(runs: list[SplitRun], arms: tuple[str, ...], data: Dataset) -> pa.Table:
    named = [("arm", pa.string())] if len(arms) > 1 else []
    schema = pa.schema(
        [
            ("user_id", data.user_versions.ids.array.type),
            ("split", pa.int64()),
            *named,
            ("metric", pa.string()),
            ("control", pa.float64()),
            ("treatment", pa.float64()),
        ]
    )
    parts = []
    for place, arm in enumerate(arms, 1):
        for number, run in enumerate(runs):
            for sample in run.samples:
                size = len(sample.user_ids)
                columns = [
                    sample.user_ids,
                    np.full(size, number),
                    *([pa.repeat(arm, size)] if named else []),
                    pa.repeat(sample.metric, size),
                    sample.values[0],
                    sample.values[place],
                ]
                parts.append(pa.table(columns, schema=schema))
    return pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()
