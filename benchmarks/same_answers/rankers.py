"""Every ranker, under rules and without."""

from collections.abc import Callable
from functools import partial
from typing import Any

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, SOON, bank, far, rules, visits
from benchmarks.same_answers.questions import ask_eligibility, ask_pipeline, some

R = st.ranking


def _members() -> list[Any]:
    return [R.ALS(factors=8), R.EASE(), R.ItemKNN(), R.Popularity(half_life_days=30)]


def _nested() -> Any:
    fashion = [R.Popularity(half_life_days=days) for days in (7, 90)]
    return R.Blend([R.Blend(fashion, weights=[1, 3]), R.EASE(half_life_days=365)], windows=3)


def _hybrid(**options: Any) -> Any:
    features = {"user_features": ("risk_level", "annual_income", "knowledge_passed", "birth_date")}
    shelf = {"product_features": ("category", "risk_level", "min_amount", "target_market")}
    return R.LightFM(factors=8, epochs=4, **features, **shelf, **options)


RANKERS: dict[str, Callable[[], Any]] = {
    "Popularity": R.Popularity,
    "Popularity-by": lambda: R.Popularity(by="risk_level", smoothing=20),
    "Popularity-by-half-life": lambda: R.Popularity(by="client_category", half_life_days=90),
    "Popularity-30-days": lambda: R.Popularity(half_life_days=30),
    "ItemKNN": R.ItemKNN,
    "ItemKNN-tfidf": lambda: R.ItemKNN(weighting="tfidf", neighbours=15, shrinkage=0),
    "ItemKNN-bm25": lambda: R.ItemKNN(weighting="bm25", half_life_days=365),
    "EASE": R.EASE,
    "EASE-half-life": lambda: R.EASE(regularization=50, half_life_days=200),
    "Spectral": R.Spectral,
    "PureSVD": lambda: R.Spectral(factors=8, linear=0, normalization=0),
    "ALS": lambda: R.ALS(factors=16),
    "ALS-half-life": lambda: R.ALS(factors=8, regularization=1, half_life_days=200, iterations=5),
    "BPR": lambda: R.BPR(factors=8, iterations=40),
    "LogisticMF": lambda: R.LogisticMF(factors=8, iterations=20),
    "IALS": lambda: R.IALS(factors=16, iterations=8),
    "IALS-given": lambda: R.IALS(factors=8, unobserved_weight=0.1, regularization=0.01),
    "LightFM": lambda: R.LightFM(factors=8, epochs=4),
    "LightFM-features": _hybrid,
    "LightFM-bpr": lambda: _hybrid(loss="bpr"),
    "Blend-given": lambda: R.Blend(_members(), weights=[1, 2, 0, 1]),
    "Blend-learned": lambda: R.Blend(_members(), windows=3),
    "Blend-nested": _nested,
}
WEIGHTS = {"buy": 1.0, "ask": 0.5, "view": 0.1}
WEIGHTED: dict[str, Callable[[], Any]] = {
    name: partial(getattr(R, name), event_weights=WEIGHTS, half_life_days=300, **options)
    for name, options in {
        "Popularity": {"by": "risk_level"},
        "ItemKNN": {},
        "EASE": {},
        "Spectral": {},
        "ALS": {"factors": 8},
        "BPR": {"factors": 8, "iterations": 40},
        "LogisticMF": {"factors": 8, "iterations": 20},
        "IALS": {"factors": 8, "iterations": 8},
        "LightFM": {"factors": 8, "epochs": 3},
    }.items()
}
FAR: dict[str, Callable[[], Any]] = {
    "Popularity": lambda: R.Popularity(half_life_days=30),
    "ItemKNN": R.ItemKNN,
    "EASE": R.EASE,
    "Spectral": R.Spectral,
    "ALS": lambda: R.ALS(factors=16, iterations=4),
    "BPR": lambda: R.BPR(factors=8, iterations=10),
    "LogisticMF": lambda: R.LogisticMF(factors=8, iterations=10),
    "IALS": lambda: R.IALS(factors=16, iterations=4),
    "LightFM": lambda: R.LightFM(
        factors=8, epochs=2, user_features=("risk_level",), product_features=("category",)
    ),
    "Blend": lambda: R.Blend([R.EASE(), R.ItemKNN(), R.Popularity(half_life_days=30)], windows=2),
}


def on_bank(make: Callable[[], Any], answers: Answers) -> None:
    for name in ("unrestricted", "shelves"):
        here = answers.at(name)
        pipeline = st.Pipeline(policy=rules(name), ranker=make())
        if here.made("fit", lambda pipeline=pipeline: pipeline.fit(bank(), CUT)):
            ask_pipeline(here, pipeline, SOON)


def on_visits(make: Callable[[], Any], answers: Answers) -> None:
    pipeline = st.Pipeline(policy=rules("cn-csrc-amac"), ranker=make(), seed=3)
    if answers.made("fit", lambda: pipeline.fit(visits(), CUT)):
        ask_pipeline(answers, pipeline)


def on_far(number: int, make: Callable[[], Any], answers: Answers) -> None:
    split = far().split(number)
    pipeline = st.Pipeline(policy="far-trans", ranker=make())
    if not answers.made("fit", lambda: pipeline.fit(far(), split.at)):
        return
    users = split.relevant["user_id"].unique()
    recs = pipeline.recommend(users, product_ids=split.candidates)
    answers.ask("judged", recs.to_frame)
    metrics = ["ndcg@10", "recall@20", "coverage"]
    answers.ask("metrics", lambda: st.evaluation.evaluate(recs.to_frame(), split.relevant, metrics))
    ask_pipeline(answers, pipeline, "2021-06-01", users=3)


def on_far_freely(answers: Answers) -> None:
    pipeline = st.Pipeline(policy=rules("unrestricted"), ranker=R.EASE()).fit(
        far(), far().split(40).at
    )
    ask_pipeline(answers, pipeline, users=3)
    row = {"risk_level": "Balanced"}
    policed = st.Pipeline(policy="far-trans", ranker=R.Popularity()).fit(far(), "2020-12-18")
    ask_eligibility(answers.at("eligibility"), policed.eligibility(), row)


def fallbacks(answers: Answers) -> None:
    """Ask what strangers to the ranker get, from each kind of fallback."""
    for name, fallback in {
        "none": None,
        "recent": R.Popularity(half_life_days=90),
        "hybrid": _hybrid(),
        "default": "popularity",
    }.items():
        here = answers.at(name)
        pipeline = st.Pipeline(policy=rules("house"), ranker=R.ItemKNN(), fallback=fallback)
        if here.made("fit", lambda pipeline=pipeline: pipeline.fit(bank(), CUT)):
            ask_pipeline(here, pipeline)
            new = some(pipeline.user_ids, 400)
            recs = pipeline.recommend(new)
            told = [recs.explain(user, recs.for_user(user)["product_id"].iloc[0]).stood_in
                    for user in new if len(recs.for_user(user))]  # fmt: skip
            here.ask("stood-in", lambda told=told: told)


SCENARIOS: dict[str, Callable[[Answers], None]] = {
    **{f"bank/{name}": partial(on_bank, make) for name, make in RANKERS.items()},
    **{f"visits/{name}": partial(on_visits, make) for name, make in WEIGHTED.items()},
    "fallbacks": fallbacks,
    **{f"far/{name}": partial(on_far, 40, make) for name, make in FAR.items()},
    "far-17/ItemKNN": partial(on_far, 17, FAR["ItemKNN"]),
    "far-17/Blend": partial(on_far, 17, FAR["Blend"]),
    "far-unrestricted": on_far_freely,
}
