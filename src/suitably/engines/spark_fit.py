"""Training beyond memory: pipelines fitted on Spark DataFrames, group of users by group."""

import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from suitably import errors
from suitably.data import Columns, Dataset
from suitably.data.clock import present_moment
from suitably.data.validation import OnError
from suitably.engines.everybody import Teacher, summed_weightings
from suitably.engines.fitted_parts import refuse_what_has_no_parts
from suitably.engines.group_task import GroupTask, Outcome, part_of_data
from suitably.engines.guests import Guests
from suitably.engines.refused import Refused
from suitably.engines.second_sample import agreement, warn_of_disagreement
from suitably.engines.spark_jobs import GROUP_ROWS, group_outcomes, part_sums
from suitably.engines.spark_profiles import KEY, joint_rows, rows_of_users, witnesses
from suitably.engines.spark_sample import UserSample, check_sample, draw, in_order
from suitably.errors import DataError, SuitabilityWarning
from suitably.model.groups import without_anybody
from suitably.model.model import Model
from suitably.persistence.components import component_classes
from suitably.persistence.groups import Base, join_groups
from suitably.persistence.model import save_model
from suitably.persistence.publishing import check_place
from suitably.pipeline.pipeline import Pipeline
from suitably.typing import AsOf
from suitably.utils.progress import logged, logger

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkFit", "fit"]

_PARTS = 64  # at most, in which users are added up; their sums are merged here, one by one
_SAMPLE = 200_000
_ROW = "suitably_row"
_ALL = 2**62
_log = logger(__name__)


@dataclass(frozen=True)
class SparkFit:
    """What became of a fit.

    Attributes:
        path: Where the model is saved.
        users: How many users it has.
        events: How many of their events count.
        sampled: How many users rankers have learned from first.
        agreement: Which share of a user's first ten products is the same if as many other users
            are learned from first, on average; None where the sample is everybody, or `check`
            false.
        from_sample: The rankers that have learned of products from the sample alone, by the names
            of their classes; none where it is everybody.
        refused: The rows set aside: table, column, reason, rows and examples.
    """

    path: Path
    users: int
    events: int
    sampled: int
    agreement: float | None
    from_sample: tuple[str, ...]
    refused: pa.Table

    def __repr__(self) -> str:
        same = "" if self.agreement is None else f", agreement {self.agreement:.2f}"
        return f"SparkFit({self.users:,} users, learned from {self.sampled:,}{same})"


def fit(
    pipeline: Pipeline,
    users: "DataFrame | None",
    products: "DataFrame | None",
    interactions: "DataFrame",
    as_of: AsOf | None,
    path: str | Path,
    sample: float | int = _SAMPLE,
    check: bool = True,
    partitions: int | None = None,
    on_error: OnError = "raise",
    sign: Any = None,
    **options: Any,
) -> SparkFit:
    """Fit a pipeline on Spark DataFrames, and save it to a folder, however many users there are.

    Builders learn what they learn from a sample of users, in this process, and rankers are fitted
    on it. Then rankers learn of products from everybody, by sums that workers add up: `EASE`,
    `ItemKNN` and `Spectral` what a fit on everything learns, `ALS` and `IALS` by sweeps that begin
    with the sample's vectors; weights of a `Blend`, and vectors of products of `BPR` and
    `LogisticMF`, stay the sample's. Then workers take all users in, a million rows at a time:
    profiles, ownership and eligibility as a fit on everything makes them, vectors from each user's
    own history as `update` finds them, counts of popularity from all. This process holds the
    sample, the products, the sums, and a part at a time of what the workers saved.

    Where the sample is everybody the model gives the lists of `Pipeline.fit` on the same frames
    with users and products in the order of their ids, bit for bit. However rows are spread, it is
    the same.

    Args:
        pipeline: Not changed. Its ranker takes users in (`fold_in`), as all of the library's do
            but `LightFM` and `Precomputed`.
        users: One row per user, or several versions; None: the users are those of the log.
        products: The products, which this process and every worker get whole; None: those of the
            log.
        interactions: One row per event.
        as_of: The moment; None in data without timestamps alone.
        path: A folder that this process and all workers reach; as for `Pipeline.save`. What
            workers save is in a folder beside it until all is joined.
        sample: Which share of users to begin with, such as 0.1, or how many; 1.0: everybody. Who
            is drawn depends on the pipeline's seed and their ids alone. A few whose events tell
            what is true of the whole log, such as which kinds there are, are always among them.
        check: Whether to begin with as many others too, to see whether products come out alike.
        partitions: Into how many parts users go; None: as many as Spark shuffles into.
        on_error: `"raise"` a `DataError` where there are bad rows, or `"quarantine"` them.
        sign: As for `Pipeline.save`.
        options: As for `Dataset`, such as `columns`, `owned_events` and `time_zone`. Instants of
            Spark name no time zone of the data.

    Returns:
        What became of it; the model is at the path, for `suitably.load` and `recommend`.

    Raises:
        DataError: Bad rows, with column, number and examples; not Spark DataFrames; no events; no
            `as_of`; or a part of the pipeline that only learns from everybody at once.
        PolicyError: As for `Pipeline.fit`.
        ValueError: Likewise, or a sample out of range.
        ArtifactError: Something else is at the path.
    """
    refuse_what_has_no_parts(pipeline, "engines.spark.fit")
    check_sample(sample)
    for frame in (users, products, interactions):
        if frame is not None and not hasattr(frame, "mapInArrow"):
            found = type(frame).__name__
            raise DataError(f"engines.spark: expected a Spark DataFrame, got {found}")
    if on_error not in ("raise", "quarantine"):
        raise DataError(f'on_error={on_error!r}: must be "raise" or "quarantine"')
    columns = options.get("columns") or Columns()
    if as_of is None and columns.timestamp in interactions.columns:
        raise DataError(
            "engines.spark: as_of must be given: no part knows the latest moment of all"
        )
    options["now"] = present_moment(options.get("now")).item()
    target = Path(path).absolute()
    check_place(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".suitably-") as folder:
        run = _Run(pipeline, users, products, interactions, as_of, on_error, columns, options)
        return run.fit(Path(folder), target, sample, check, partitions, sign)


@dataclass(frozen=True)
class _Run:
    """What is fitted on what."""

    pipeline: Pipeline
    users: "DataFrame | None"
    products: "DataFrame | None"
    interactions: "DataFrame"
    as_of: AsOf | None
    on_error: OnError
    columns: Columns
    options: dict[str, Any]

    def fit(
        self,
        folder: Path,
        target: Path,
        sample: float | int,
        check: bool,
        partitions: int | None,
        sign: Any,
    ) -> SparkFit:
        guests = self._guests()
        catalogue = None
        if self.products is not None:
            # Rows of Spark have no order; the catalogue's must not depend on how they are spread.
            catalogue = in_order(self.products, self.columns.product)
        everybody = self.interactions if self.users is None else self.users
        first, second = draw(everybody, self.columns.user, sample, self.pipeline.seed)
        data = self._sample(first, guests, catalogue)
        refused = Refused.of(data.quarantine, {"products": _ALL})
        model = self.pipeline.clone().fit(data, self.as_of)._fitted()
        parts = (*model.state.builders, *model.rankers, *model.rerankers)
        trusted = tuple(dict.fromkeys(cls for part in parts for cls in component_classes(part)))
        sampled, nobody = len(model.state.users), without_anybody(model)
        save_model(nobody, folder / "base")
        del data
        task = GroupTask(
            base=folder / "base",
            folder=folder / "groups",
            products=catalogue,
            guests=guests,
            as_of=self.as_of,
            on_error=self.on_error,
            options=self.options,
            trusted=trusted,
            consent=self.pipeline.consent,
        )
        agreed: float | None = None
        from_sample: tuple[str, ...] = ()
        if not first.is_everybody:
            teach = self._teacher(task, nobody, folder / "sums")
            nobody, from_sample = teach(model)
            del model
            if check and second is not None:
                with logged(_log, "learn from a second sample"):
                    agreed = self._agreement(nobody, teach, second, guests, catalogue)
                warn_of_disagreement(agreed, sampled)
            save_model(nobody, folder / "learned")
            task = replace(task, base=folder / "learned")
        del nobody
        outcomes = self._fitted(task, partitions)
        _raise_errors(outcomes)
        refused = Refused.all([refused, *(one.refused for one in outcomes)])
        if self.on_error == "raise":
            refused.raise_any()
        base = Base(task.base, trusted)
        paths = [Path(one.path) for one in outcomes if one.path is not None]
        with logged(_log, "join the groups"):
            join_groups(base, paths, target, sign)
        return SparkFit(
            path=target,
            users=sum(one.users for one in outcomes),
            events=sum(one.events for one in outcomes),
            sampled=sampled,
            agreement=agreed,
            from_sample=from_sample,
            refused=refused.to_table(),
        )

    def _guests(self) -> Guests:
        log, user = self.interactions, self.columns.user
        if self.users is not None and self.on_error == "quarantine":
            log = log.join(self.users.select(user).distinct(), user, "left_semi")
            log = log.select(self.interactions.columns)
        events = witnesses(log, self.columns, products=self.products is None)
        if not events.num_rows:
            raise DataError("engines.spark: the interactions have no rows")
        rows = None
        if self.users is not None:
            rows = rows_of_users(self.users, user, events)
        return Guests(rows, events, user)

    def _sample(self, sample: UserSample, guests: Guests, catalogue: pa.Table | None) -> Dataset:
        """Return the data of a sample, and of those who tell what is true of all."""
        user = self.columns.user
        also = guests.events[user].unique().to_pylist()
        people = None if self.users is None else sample.rows(self.users, user, also)
        events = sample.rows(self.interactions, user, also)
        data = part_of_data(people, catalogue, events, self.options)
        if self.on_error == "raise":
            where = "" if sample.is_everybody else "in the sample: "
            Refused.of(data.quarantine).raise_any(where)
        return data

    def _teacher(self, task: GroupTask, nobody: Model, folder: Path) -> Teacher:
        """Return what lets a model learn of products from everybody."""
        weightings = summed_weightings(nobody)
        parts = self._weighed(replace(task, weightings=weightings)) if weightings else []
        session = self.interactions.sparkSession
        return Teacher(parts, weightings, folder, task.trusted, partial(part_sums, session))

    def _agreement(
        self,
        base: Model,
        teach: Teacher,
        second: UserSample,
        guests: Guests,
        catalogue: pa.Table | None,
    ) -> float | None:
        """Return how alike the lists are by what was learned from either sample first."""
        data = self._sample(second, guests, catalogue)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SuitabilityWarning)
            other, _ = teach(self.pipeline.clone().fit(data, self.as_of)._fitted())
            return agreement(base, other, data.view(self.as_of))

    def _fitted(self, task: GroupTask, partitions: int | None) -> list[Outcome]:
        """Fit all users on the workers, in the order of their ids."""
        joint = joint_rows(self.users, self.interactions, self.columns.user, _ROW)
        spread = joint.repartitionByRange(*([] if partitions is None else [partitions]), KEY)
        ordered = spread.sortWithinPartitions(KEY, _ROW).drop(_ROW)
        with logged(_log, "fit all users on the workers"):
            return [outcome for _, outcome in group_outcomes(ordered, task, "fit")]

    def _weighed(self, task: GroupTask) -> list[list[Path]]:
        """Weigh what all users did on the workers, in parts that depend on their rows alone."""
        count = min(max(1, -(-self.interactions.count() // GROUP_ROWS)), _PARTS)
        joint = joint_rows(self.users, self.interactions, self.columns.user, _ROW)
        spread = joint.repartition(count, KEY)
        ordered = spread.sortWithinPartitions(KEY, _ROW).drop(_ROW)
        with logged(_log, "weigh what all users did on the workers"):
            found = group_outcomes(ordered, task, "weigh")
        _raise_errors([outcome for _, outcome in found])
        if self.on_error == "raise":
            Refused.all([outcome.refused for _, outcome in found]).raise_any()
        parts: list[list[Path]] = [[] for _ in range(count)]
        for part, outcome in found:
            if outcome.path is not None:
                parts[part].append(Path(outcome.path))
        return [part for part in parts if part]


def _raise_errors(outcomes: list[Outcome]) -> None:
    """Raise what a group's fit raised."""
    found = dict.fromkeys(one.error for one in outcomes if one.error is not None)
    for name, message in found:
        more = f" (and {len(found) - 1} more such messages)" if len(found) > 1 else ""
        raise getattr(errors, name, DataError)(f"{message}{more}")
