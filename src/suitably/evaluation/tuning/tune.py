"""Search for parameters by what users did in an inner window, never in a test period."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError, SuitablyError
from suitably.evaluation.evaluate import depth_of, evaluate_with, needed
from suitably.evaluation.known import Known
from suitably.evaluation.ranked_frames import read_relevant
from suitably.evaluation.splits import TimeSplit, read_splits
from suitably.evaluation.tuning.search_space import SearchSpace, replaced
from suitably.metrics import TREC, ListMetric, UserMetric, parse_metrics
from suitably.metrics.protocol import MetricLike, is_per_user, is_ratio, needs_of
from suitably.pipeline.pipeline import Pipeline
from suitably.typing import AsOf
from suitably.utils.extras import import_extra
from suitably.utils.parallel import check_jobs, run_jobs
from suitably.utils.progress import is_progress_shown

__all__ = ["Tuned", "tune"]

_STUDY = "suitably"
_JUDGED = {"passes", "suitable_hits", "user_levels", "product_levels"}
_STATES = {"COMPLETE": "complete", "FAIL": "failed"}
# Optuna's sampler draws that many blindly before it learns from what it has seen.
_BLIND = 10


@dataclass(frozen=True, repr=False)
class Tuned:
    """What a search found.

    Attributes:
        pipeline: The best pipeline, fitted on everything before `as_of`.
        params: Its parameters, by path.
        value: Its metric, the mean over users and then over splits.
        trials: A frame of the data's kind, a row per trial: trial, state (`"complete"` or
            `"failed"`), value, seconds, a column per parameter, error.

    Example:
        >>> import pandas as pd
        >>> from suitably.ranking import Popularity
        >>> from suitably.suitability.policy import Policy
        >>> trials = pd.DataFrame({"trial": [0, 1], "value": [0.2, 0.3]})
        >>> best = Pipeline(policy=Policy.unrestricted(), ranker=Popularity(half_life_days=30.0))
        >>> Tuned(best, {"ranker.half_life_days": 30.0}, 0.3, trials)
        Tuned(ranker.half_life_days=30.0: 0.3, 2 trials)
    """

    pipeline: Pipeline
    params: dict[str, Any]
    value: float
    trials: Any

    def __repr__(self) -> str:
        params = ", ".join(f"{path}={value!r}" for path, value in self.params.items())
        return f"Tuned({params}: {self.value:.4g}, {len(self.trials)} trials)"


def tune(
    pipeline: Pipeline,
    data: Dataset,
    space: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]],
    trials: int,
    metric: str | UserMetric | ListMetric,
    *,
    split: Any = None,
    as_of: AsOf | None = None,
    horizon_days: int = 180,
    seed: int = 0,
    storage: str | Path | None = None,
    progress: bool = True,
    n_jobs: int = 1,
) -> Tuned:
    """Try parameters of a pipeline and fit it with the best.

    Every trial is fitted on what lies before the cut of a split and judged by what users
    acquired in the window after it; nothing at or after `as_of` is looked at. So with `as_of` at
    the beginning of a test period, the test stays unseen.

    A trial that raises an error is recorded as failed, and the search goes on. The same seed gives
    the same trials, interrupted or not, and for any `n_jobs`: the first ten trials are drawn
    blindly and run side by side; each later one learns from all before it, so that only its splits
    do.

    Args:
        pipeline: Where the search begins; it is not changed.
        data: Users, products and interactions, with timestamps.
        space: Ranges by path of a parameter, such as `"ranker.factors"`, `"rerankers.0.weight"` or
            `"ranker.rankers.1.half_life_days"`: `(low, high)`, of integers if both are;
            `(low, high, "log")`; or a list of choices. Or a function that takes an Optuna trial
            and gives values by path.
        trials: How many there shall be, those in `storage` included.
        metric: Such as `"ndcg@10"`, or an object that is a `suitably.metrics.UserMetric` or
            `ListMetric`.
        split: A split, anything with `.on(data)` such as `TimeSplit`, or a list of these; default:
            one that ends at `as_of`.
        as_of: The end of all that is looked at; default: just after the latest timestamp.
        horizon_days: Length of the default split's window.
        seed: For what is drawn.
        storage: A file of SQLite that keeps the trials; a search goes on where it was stopped.
        progress: Whether to show a bar, where bars are shown at all.
        n_jobs: How many trials, or splits of one, run at a time, in threads; −1: as many as there
            are cores.

    Raises:
        DataError: Data without timestamps, or a split in which nobody can be judged.
        ImportError: The extra `suitably[tune]` is not installed.
        SuitablyError: Every trial failed.
        ValueError: A bad space, path, metric or number of trials or jobs; a split that ends after
            `as_of`; or a storage that holds another search.

    Example:
        >>> import pandas as pd
        >>> from suitably.ranking import Popularity
        >>> from suitably.suitability.policy import Policy
        >>> log = pd.DataFrame({"user_id": [1, 2, 3, 1, 2, 3], "product_id": list("aabbbc"),
        ...                     "timestamp": ["2024-01-05"] * 3 + ["2024-02-05"] * 3})
        >>> start = Pipeline(policy=Policy.unrestricted(), ranker=Popularity())
        >>> found = tune(start, Dataset(None, None, log), {"ranker.half_life_days": [None, 30.0]},
        ...              trials=2, metric="recall@2", horizon_days=20, progress=False)
        >>> round(found.value, 2), len(found.trials)
        (0.67, 2)
    """
    optuna = import_extra("optuna", "tune:", "optuna", "tune")
    if not isinstance(data, Dataset):
        raise DataError(f"data: expected a Dataset, got {type(data).__name__}")
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 1:
        raise ValueError(f"trials={trials!r}: must be a positive integer")
    asked = SearchSpace(space)
    asked.check(pipeline)
    check_jobs(n_jobs)
    (target,) = parse_metrics([metric])
    if not is_per_user(target) or is_ratio(target) or _JUDGED & set(needs_of(target)):
        raise ValueError(f"metric {target.label!r}: is none to search by, use one such as ndcg@10")
    search = _Search(data, target, _splits(split, data, as_of, horizon_days), n_jobs)

    def attempt(params: Mapping[str, Any]) -> _Outcome:
        return search.score(replaced(pipeline.clone(), params))

    with _quietly(optuna):
        direction = "maximize" if target.higher_is_better else "minimize"
        study, kept = optuna.create_study(direction=direction), None
        if storage is not None:
            kept = optuna.create_study(
                study_name=_STUDY,
                direction=direction,
                storage=f"sqlite:///{Path(storage)}",
                load_if_exists=True,
            )
            _recognise(kept, f"{target.label}; {asked.text}; {search.text}; seed {seed}", storage)
            study.add_trials(kept.trials)
        done = len(study.trials)
        quiet = not (progress and is_progress_shown())
        with tqdm(total=int(trials), initial=done, desc="trials", disable=quiet) as bar:
            for turns in _batches(done, int(trials)):
                drawn = [_draw(optuna, study, asked, seed + turn) for turn in turns]
                scored = run_jobs(attempt, [params for _, params in drawn], n_jobs)
                for (trial, _), outcome in zip(drawn, scored, strict=True):
                    _tell(optuna, study, trial, outcome)
                    if kept is not None:
                        # Only what is finished is kept, so an interrupted trial leaves no trace.
                        kept.add_trial(study.trials[trial.number])
                    bar.update()
                    if _complete(study):
                        bar.set_postfix({target.label: f"{study.best_value:.4f}"})
        if not _complete(study):
            first = study.trials[0].user_attrs.get("error")
            raise SuitablyError(f"tune: all {len(study.trials)} trials failed; the first: {first}")
        best = study.best_trial
        params = asked.drawn(optuna.trial.FixedTrial(best.params))
    table = _table(study.trials)
    fitted = replaced(pipeline.clone(), params).fit(data, as_of)
    return Tuned(fitted, params, float(best.value), write_frame(table, data.kind))


@dataclass(frozen=True)
class _Outcome:
    """What a trial gave: its value, or what went wrong."""

    value: float
    seconds: float
    problem: str


@dataclass(frozen=True)
class _Search:
    """What every trial is scored by."""

    data: Dataset
    metric: MetricLike
    splits: list[Split]
    n_jobs: int

    @property
    def text(self) -> str:
        windows = (f"{one.at} to {one.end}" for one in self.splits)
        return f"{self.data!r}; {', '.join(windows)}"

    def score(self, pipeline: Pipeline) -> _Outcome:
        """Fit and measure a pipeline: the mean over users, then over splits."""
        start, value = time.perf_counter(), np.nan
        try:
            means = run_jobs(lambda split: self._on(split, pipeline), self.splits, self.n_jobs)
            value = float(np.mean(list(means)))
            problem = "" if np.isfinite(value) else f"the metric is {value}"
        except Exception as error:
            # Whatever a ranker of the caller's raises for some parameters, others may do.
            problem = f"{type(error).__name__}: {error}"
        return _Outcome(value, time.perf_counter() - start, problem)

    def _on(self, split: Split, pipeline: Pipeline) -> float:
        users = read_relevant(split.relevant, "split.relevant").user_ids.values
        recs = (
            pipeline.clone()
            .fit(self.data, split.at)
            .with_audit(None)
            .recommend(users, k=depth_of([self.metric]), product_ids=split.candidates)
        )
        known = Known()
        if needed([self.metric]) - {"hits", "convention", "lengths"}:
            known = self._known(split)
        found = evaluate_with(recs.to_frame(), split.relevant, [self.metric], TREC, known)
        return float(np.nanmean(found[self.metric.label].to_numpy()))

    def _known(self, split: Split) -> Known:
        view = self.data.view(split.at)
        candidates = view.product_ids[view.listed]
        if split.candidates is not None:
            candidates = Vocabulary(id_array(split.candidates, "split.candidates")).values
        return Known.of_split(needed([self.metric]), self.data, view, split, candidates)


def _batches(done: int, trials: int) -> Iterator[range]:
    """Yield the trials that are left: those drawn blindly at once, the others one by one."""
    blind = min(trials, _BLIND)
    if done < blind:
        yield range(done, blind)
    yield from (range(turn, turn + 1) for turn in range(max(done, blind), trials))


def _draw(optuna: Any, study: Any, space: SearchSpace, seed: int) -> tuple[Any, dict[str, Any]]:
    """Begin a trial and draw its parameters.

    Its sampler's seed goes by its number: a search that goes on draws what it would have drawn.
    """
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=_BLIND, seed=seed)
    trial = study.ask()
    return trial, space.drawn(trial)


def _tell(optuna: Any, study: Any, trial: Any, outcome: _Outcome) -> None:
    trial.set_user_attr("seconds", outcome.seconds)
    if outcome.problem:
        trial.set_user_attr("error", outcome.problem)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, outcome.value)


def _splits(split: Any, data: Dataset, as_of: Any, horizon_days: int) -> list[Split]:
    end = data.moment(as_of)
    if end is None:
        raise DataError("tune: the interactions have no timestamps, so nothing comes after a cut")
    if split is None:
        at = end - np.timedelta64(TimeSplit(None, horizon_days).horizon_days, "D")
        split = TimeSplit(data.clock.stamp(at), horizon_days)
    made = read_splits(split, data)
    for one in made:
        if as_of is not None and data.clock.instant(one.end, "split.end") > end:
            raise ValueError(f"split: ends at {one.end}, after as_of={as_of}")
        if not len(data.events.before(data.moment(one.at))):
            raise DataError(f"tune: nothing lies before {one.at}; choose a shorter horizon_days")
        if one.relevant is None or not len(one.relevant):
            raise DataError(f"tune: nobody acquired anything from {one.at} to {one.end}")
    return made


def _recognise(study: Any, text: str, storage: Any) -> None:
    """Refuse to go on with a search that was for something else."""
    held = study.user_attrs.get("search")
    if held is None:
        study.set_user_attr("search", text)
    elif held != text:
        raise ValueError(
            f"storage={str(storage)!r}: holds another search ({held}); this one is {text}"
        )


def _complete(study: Any) -> bool:
    return any(trial.state.name == "COMPLETE" for trial in study.trials)


def _table(trials: list[Any]) -> pa.Table:
    paths = list(dict.fromkeys(path for trial in trials for path in trial.params))
    columns = {
        "trial": pa.array(np.arange(len(trials)), pa.int64()),
        "state": pa.array([_STATES[trial.state.name] for trial in trials], pa.string()),
        "value": pa.array([trial.value for trial in trials], pa.float64()),
        "seconds": pa.array([trial.user_attrs.get("seconds") for trial in trials], pa.float64()),
    }
    columns |= {path: _column([trial.params.get(path) for trial in trials]) for path in paths}
    errors = [trial.user_attrs.get("error") for trial in trials]
    return pa.table({**columns, "error": pa.array(errors, pa.string())})


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError):
        return pa.array([None if value is None else str(value) for value in values])


@contextmanager
def _quietly(optuna: Any) -> Iterator[None]:
    """Keep Optuna's line per trial off the terminal: there is a bar."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
