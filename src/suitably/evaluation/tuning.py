"""Search for parameters by what users did in an inner window, never in a test period."""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm.auto import tqdm

from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.splits import Split
from suitably.errors import DataError, SuitablyError
from suitably.evaluation.accuracy import depth_of, evaluate
from suitably.evaluation.lists import read_relevant
from suitably.evaluation.search_space import SearchSpace, replaced
from suitably.evaluation.splits import Splitter, TimeSplit
from suitably.metrics import Metric, UserMetric, parse_metrics
from suitably.pipeline.pipeline import Pipeline

__all__ = ["Tuned", "tune"]

_STUDY = "suitably"
_STATES = {"COMPLETE": "complete", "FAIL": "failed"}


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        pipeline: The best pipeline, fitted on everything before `as_of`.
        params: Its parameters, by path.
        value: Its metric, the mean over users and then over splits.
        trials: A frame of the data's kind, a row per trial: trial, state (`"complete"` or
            `"failed"`), value, seconds, a column per parameter, error.
    """

    pipeline: Pipeline
    params: dict[str, Any]
    value: float
    trials: Any


def tune(
    pipeline: Pipeline,
    data: Dataset,
    space: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]],
    trials: int,
    metric: str | UserMetric,
    *,
    split: Any = None,
    as_of: Any = None,
    horizon_days: int = 180,
    seed: int = 0,
    storage: str | Path | None = None,
    progress: bool = True,
) -> Tuned:
    """Try parameters of a pipeline and fit it with the best.

    Every trial is fitted on what lies before the cut of a split and judged by what users
    acquired in the window after it; nothing at or after `as_of` is looked at. So with `as_of` at
    the beginning of a test period, the test stays unseen.

    A trial that raises an error is recorded as failed, and the search goes on. The same seed gives
    the same trials, interrupted or not.

    Args:
        pipeline: Where the search begins; it is not changed.
        data: Users, products and interactions, with timestamps.
        space: Ranges by path of a parameter, such as `"ranker.factors"`, `"rerankers.0.weight"` or
            `"ranker.rankers.1.half_life_days"`: `(low, high)`, of integers if both are;
            `(low, high, "log")`; or a list of choices. Or a function that takes an Optuna trial
            and gives values by path.
        trials: How many there shall be, those in `storage` included.
        metric: Such as `"ndcg@10"`, or an object that is a `suitably.metrics.UserMetric`.
        split: A split, anything with `.on(data)` such as `TimeSplit`, or a list of these; default:
            one that ends at `as_of`.
        as_of: The end of all that is looked at; default: just after the latest timestamp.
        horizon_days: Length of the default split's window.
        seed: For what is drawn.
        storage: A file of SQLite that keeps the trials; a search goes on where it was stopped.
        progress: Whether to show a bar.

    Raises:
        DataError: Data without timestamps, or a split in which nobody can be judged.
        ImportError: The extra `suitably[tune]` is not installed.
        SuitablyError: Every trial failed.
        ValueError: A bad space, path, metric or number of trials; a split that ends after `as_of`;
            or a storage that holds another search.
    """
    optuna = _optuna()
    if not isinstance(data, Dataset):
        raise DataError(f"data: expected a Dataset, got {type(data).__name__}")
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 1:
        raise ValueError(f"trials={trials!r}: must be a positive integer")
    asked = SearchSpace(space)
    asked.check(pipeline)
    (judge,) = parse_metrics([metric])
    if judge in (Metric("violation_rate"), Metric("catalogue_coverage")):
        raise ValueError(f"metric {judge.label!r}: is none to search by, use one such as ndcg@10")
    search = _Search(pipeline, data, judge, _splits(split, data, as_of, horizon_days))
    with _quietly(optuna):
        direction = "maximize" if judge.higher_is_better else "minimize"
        study, kept = optuna.create_study(direction=direction), None
        if storage is not None:
            kept = optuna.create_study(
                study_name=_STUDY,
                direction=direction,
                storage=f"sqlite:///{Path(storage)}",
                load_if_exists=True,
            )
            _recognise(kept, f"{judge.label}; {asked.text}; {search.text}; seed {seed}", storage)
            study.add_trials(kept.trials)
        done = len(study.trials)
        with tqdm(total=int(trials), initial=done, desc="trials", disable=not progress) as bar:
            for turn in range(done, int(trials)):
                # By its number: a search that goes on draws what it would have drawn.
                study.sampler = optuna.samplers.TPESampler(seed=seed + turn)
                trial = study.ask()
                params = asked.drawn(trial)
                _run(optuna, study, trial, search, replaced(pipeline.clone(), params))
                if kept is not None:
                    # Only what is finished is kept, so an interrupted trial leaves no trace.
                    kept.add_trial(study.trials[-1])
                bar.update()
                if _complete(study):
                    bar.set_postfix({judge.label: f"{study.best_value:.4f}"})
        if not _complete(study):
            first = study.trials[0].user_attrs.get("error")
            raise SuitablyError(f"tune: all {len(study.trials)} trials failed; the first: {first}")
        best = study.best_trial
        params = asked.drawn(optuna.trial.FixedTrial(best.params))
    table = _table(study.trials)
    fitted = replaced(pipeline.clone(), params).fit(data, as_of)
    return Tuned(fitted, params, float(best.value), write_frame(table, data.kind))


@dataclass(frozen=True)
class _Search:
    """What every trial is judged by."""

    pipeline: Pipeline
    data: Dataset
    metric: UserMetric
    splits: list[Split]

    @property
    def text(self) -> str:
        windows = (f"{one.at} to {one.end}" for one in self.splits)
        return f"{self.data!r}; {', '.join(windows)}"

    def value(self, pipeline: Pipeline) -> float:
        """Fit and judge a pipeline: the mean over users, then over splits."""
        means = []
        for split in self.splits:
            users = read_relevant(split.relevant, "split.relevant").user_ids.values
            recs = pipeline.fit(self.data, split.at).recommend(
                users, k=depth_of([self.metric]), product_ids=split.candidates
            )
            found = evaluate(recs.to_frame(), split.relevant, [self.metric])
            means.append(float(np.nanmean(found[self.metric.label].to_numpy())))
        return float(np.mean(means))


def _run(optuna: Any, study: Any, trial: Any, search: _Search, pipeline: Pipeline) -> None:
    start = time.perf_counter()
    try:
        value = search.value(pipeline)
        problem = "" if np.isfinite(value) else f"the metric is {value}"
    except Exception as error:
        # Whatever a ranker of the caller's raises for some parameters, others may do.
        problem = f"{type(error).__name__}: {error}"
    trial.set_user_attr("seconds", time.perf_counter() - start)
    if problem:
        trial.set_user_attr("error", problem)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, value)


def _splits(split: Any, data: Dataset, as_of: Any, horizon_days: int) -> list[Split]:
    end = data.moment(as_of)
    if end is None:
        raise DataError("tune: the interactions have no timestamps, so nothing comes after a cut")
    if split is None:
        at = end - np.timedelta64(TimeSplit(None, horizon_days).horizon_days, "D")
        split = TimeSplit(data.clock.stamp(at), horizon_days)
    asked = list(split) if isinstance(split, list | tuple) else [split]
    if not asked:
        raise ValueError("split: the list is empty")
    made = [one.on(data) if isinstance(one, Splitter) else one for one in asked]
    for one in made:
        if not isinstance(one, Split):
            raise ValueError(f"split={one!r:.50}: must be a split, or have .on(data)")
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


def _optuna() -> Any:
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise ImportError(
            f"tune: needs the package optuna ({error}); "
            f"install it with: pip install 'suitably[tune]'"
        ) from error
