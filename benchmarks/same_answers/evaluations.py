"""Is it better: metrics, splits, the A/B decision, and a small search."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, END, bank, far, house, rules

R = st.ranking
METRICS = [
    f"{name}@{k}"
    for name in ("dcg", "ndcg", "recall", "precision", "hit_rate", "map", "mrr")
    for k in (1, 5, 10, 50)
]


def _pipeline(ranker: Any, policy: Any = "shelves", **options: Any) -> Any:
    return st.Pipeline(policy=rules(policy), ranker=ranker, **options)


def metrics(answers: Answers) -> None:
    split = st.evaluation.TimeSplit(at=CUT, horizon_days=180).on(bank())
    _ask_split(answers.at("split"), split)
    recs = _pipeline(R.EASE()).fit(bank(), CUT).recommend(k=20).to_frame()
    shuffled = recs.sample(frac=1, random_state=0).reset_index(drop=True)
    for convention in ("trec", "rectools", "lenskit", st.metrics.Convention("own", order="score")):
        name = convention if isinstance(convention, str) else convention.name
        answers.ask(
            f"all/{name}",
            lambda convention=convention: st.evaluation.evaluate(
                shuffled, split.relevant, [*METRICS, "coverage"], convention
            ),
        )
    for kind, turn in {"polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}.items():
        answers.ask(
            f"kind/{kind}",
            lambda turn=turn: st.evaluation.evaluate(
                turn(recs), turn(split.relevant), ["ndcg@10", "recall@20"]
            ),
        )
    found = st.evaluation.evaluate(recs, split.relevant, ["ndcg@10", "dcg@10"])
    for name, missing in (("plain", np.zeros(len(found), bool)), ("omitted", found.index < 9)):
        one, other = found["ndcg@10"].where(~missing).to_numpy(), found["dcg@10"].to_numpy()
        people = np.arange(len(found)) // 2
        answers.ask(
            f"paired/{name}",
            lambda one=one, other=other, people=people: _difference(
                st.evaluation.paired_difference(one, other, people, missing="omit")
            ),
        )


def _ask_split(answers: Answers, split: Any) -> None:
    answers.ask("cut", lambda: [split.at, split.end, split.candidates])
    answers.ask("relevant", lambda: split.relevant)


def _difference(found: Any) -> dict[str, float]:
    names = ("n", "omitted", "control", "treatment", "difference", "low", "high", "t", "p_value")
    return {name: getattr(found, name) for name in names}


def _ask_result(answers: Answers, run: Callable[[], Any]) -> None:
    result = answers.made("run", run)
    if result is None:
        return
    answers.ask("decision", lambda: [result.decision, result.reason, result.primary])
    answers.ask("frame", result.to_frame)
    answers.ask("per-user", result.per_user)
    answers.ask("guardrails", lambda: [(one.verdict, one.text) for one in result.guardrails])
    answers.ask("repr", lambda: repr(result))

    def page() -> str:
        with TemporaryDirectory() as folder:
            return result.to_html(Path(folder) / "page.html").read_text(encoding="utf-8")

    answers.ask("html", page)


class Halves:
    """A metric of one's own: how much of the upper half of the list is relevant."""

    label, k, higher_is_better = "halves", 10, True

    def per_user(self, hits: Any, convention: Any) -> Any:
        return hits.top(5).mean(axis=1)


def abtests(answers: Answers) -> None:
    half = st.evaluation.TimeSplit(at=CUT, horizon_days=180)
    year = [st.evaluation.TimeSplit(at=f"2023-{m}-01", horizon_days=90) for m in ("03", "06", "09")]
    fitted = _pipeline(R.EASE()).fit(bank(), CUT)
    guarded = ["coverage>=0.5", "coverage", "recall@10>=0.01"]
    worse = _pipeline(R.Popularity(), rerankers=[st.reranking.Caps(most=1)])
    free = _pipeline(R.Popularity(half_life_days=30), "unrestricted")
    tests: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
        "better": (_pipeline(R.Popularity()), fitted, half, {"segments": "risk_level"}),
        "worse": (fitted, worse, half, {"guardrails": guarded, "metrics": METRICS}),
        "violating": (fitted, free, half, {"policy": house(), "relevant": "suitable"}),
        "several": (
            _pipeline(R.ItemKNN()),
            _pipeline(R.ALS(factors=8, iterations=4)),
            year,
            {"primary": "ndcg@5", "segments": "client_category", "alpha": 0.1},
        ),
        "lenskit": (fitted, free, half, {"policy": "cn-csrc-amac", "convention": "lenskit",
                                         "metrics": ["catalogue_coverage", "mrr@10"]}),
        "own-metric": (fitted, worse, half, {"metrics": ["dcg@10", Halves()]}),
        "nobody": (fitted, worse, st.evaluation.TimeSplit(END, 30), {}),
    }  # fmt: skip
    for name, (control, treatment, split, options) in tests.items():
        _ask_result(
            answers.at(name),
            lambda a=control, b=treatment, split=split, options=options: st.ABTest(
                a, b, **options
            ).run(bank(), split),
        )
    recent, plain = R.Popularity(half_life_days=30), R.Popularity()
    test = st.ABTest(_pipeline(plain, "far-trans"), _pipeline(recent, "far-trans"))
    splits = [far().split(40), far().split(12)]
    for place, split in enumerate(splits):
        _ask_split(answers.at(f"far-split-{place}"), split)
    _ask_result(answers.at("far"), lambda: test.run(far(), splits))


def tuning(answers: Answers) -> None:
    space = {"ranker.half_life_days": (10.0, 500.0, "log"), "rerankers.0.weight": [0.0, 0.4]}
    start = _pipeline(R.EASE(), rerankers=[st.reranking.Diversity()])
    found = answers.made(
        "run",
        lambda: st.evaluation.tune(
            start, bank(), space, 4, "ndcg@10", as_of=CUT, horizon_days=120, progress=False
        ),
    )
    if found is not None:
        trials: pd.DataFrame = found.trials
        answers.ask("trials", lambda: trials.drop(columns="seconds"))
        answers.ask("params", lambda: [found.params, found.value])
        answers.ask("lists", lambda: found.pipeline.recommend().to_frame())


SCENARIOS = {
    "evaluation/metrics": metrics,
    "evaluation/abtests": abtests,
    "evaluation/tune": tuning,
}
