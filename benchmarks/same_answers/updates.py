"""Fresh data and saved models: the same answers after as before, each in its turn."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, LATER, bank, rules, visits
from benchmarks.same_answers.questions import ask_evidence, ask_lists, learned
from benchmarks.same_answers.rankers import RANKERS, WEIGHTED

MOMENTS = {"users": "user_timestamp", "products": "product_timestamp", "interactions": "timestamp"}
ENDS = (CUT, "2024-10-01", "2026-01-01")
BANK = ("Popularity-by-half-life", "ItemKNN-bm25", "EASE-half-life", "Spectral", "ALS", "BPR",
        "LogisticMF", "IALS", "LightFM-features", "Blend-learned", "Blend-nested")  # fmt: skip
VISITS = ("Popularity", "EASE", "ALS", "IALS")


def _frames(data: Any) -> dict[str, pd.DataFrame]:
    """Return a bank's frames, with ratings of products that changed late."""
    found = {name: getattr(data, name) for name in MOMENTS}
    found["interactions"] = found["interactions"].astype({"user_id": str, "product_id": str})
    again = found["products"].iloc[::7].assign(risk_level="R5", min_amount=1_000.0)
    again["product_timestamp"] = pd.Timestamp("2024-11-05").as_unit("us")
    again = again[~again["product_id"].duplicated()]
    found["products"] = pd.concat([found["products"], again], ignore_index=True)
    return found


def _between(frames: dict[str, pd.DataFrame], start: str | None, end: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, frame in frames.items():
        moments = frame[MOMENTS[name]]
        inside = (moments < end) & (True if start is None else moments >= start)
        found[name] = frame[inside].reset_index(drop=True)
    return found


def _ask(answers: Answers, pipeline: Any, later: bool = True) -> None:
    ask_lists(answers, pipeline)
    ask_lists(answers.at("strangers"), pipeline, k=4, user_ids=["u000003", "nobody", "u000001"])
    ask_lists(answers.at("owned"), pipeline, k=3, exclude_owned=False)
    if later:
        ask_lists(answers.at("later"), pipeline, as_of=LATER)
    ask_evidence(answers, pipeline, 5)
    answers.ask("mask", lambda: pipeline.eligibility().mask())
    answers.ask("counts", lambda: pipeline.eligibility().counts())
    answers.ask("moment", lambda: pipeline.as_of_)
    answers.ask("ids", lambda: [pipeline.user_ids, pipeline.product_ids])
    answers.ask("learned", lambda: learned(pipeline.ranker))
    people, shelf = pipeline.user_ids, pipeline.product_ids
    answers.ask("knows", lambda: [pipeline.knows(people, shelf), pipeline.knows(["nobody"], shelf)])


def _reloaded(answers: Answers, pipeline: Any, verify: str = "full") -> Any:
    def moved() -> Any:
        with TemporaryDirectory() as folder:
            pipeline.save(Path(folder) / "model")
            return st.load(Path(folder) / "model", verify=verify)

    return answers.made("load", moved)


def updated(data: Callable[[], Any], make: Callable[[], Any], answers: Answers) -> None:
    """Fit up to a cut, take in two pieces of news, save and load before and between."""
    frames = _frames(data())
    events = data().owned_events
    base = st.Dataset(**_between(frames, None, CUT), owned_events=events)
    pipeline = st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue(), st.profiles.RiskAppetite()],
        policy=rules("shelves"),
        ranker=make(),
    )
    if not answers.made("fit", lambda: pipeline.fit(base)):
        return
    _ask(answers.at("fitted"), pipeline)
    loaded = _reloaded(answers.at("saved"), pipeline)
    if loaded is not None:
        _ask(answers.at("saved"), loaded)
    for place, (start, end) in enumerate(pairwise(ENDS), 1):
        news = _between(frames, start, end)
        news = {name: frame if len(frame) else None for name, frame in news.items()}
        here = answers.at(f"news-{place}")
        if here.made("update", lambda news=news: pipeline.update(**news)):
            _ask(here, pipeline)
        there = answers.at(f"saved-news-{place}")
        if loaded is not None:
            there.made("update", lambda one=loaded, news=news: one.update(**news))
            loaded = _reloaded(there, loaded, "manifest")
        if loaded is not None:
            _ask(there, loaded)


def frameless(make: Callable[[], Any], answers: Answers) -> None:
    """Take in news where nobody but the log tells who there is."""
    log = bank().interactions.astype({"user_id": str, "product_id": str})
    pipeline = st.Pipeline(policy=rules("unrestricted"), ranker=make())
    early = st.Dataset(None, None, log[log["timestamp"] < "2022-03-01"])
    if not answers.made("fit", lambda: pipeline.fit(early)):
        return
    _ask(answers.at("fitted"), pipeline)
    if answers.made("update", lambda: pipeline.update(log[log["timestamp"] >= "2022-03-01"])):
        _ask(answers.at("updated"), pipeline)
        loaded = _reloaded(answers, pipeline)
        if loaded is not None:
            _ask(answers.at("loaded"), loaded)


def undated(answers: Answers) -> None:
    """Fit, update and save what has no timestamps, with whole numbers as ids."""
    log = bank().interactions
    plain = pd.DataFrame({side: log[side].astype(str).str[1:].astype(int)
                          for side in ("user_id", "product_id")})  # fmt: skip
    data = st.Dataset(None, None, plain[:6000])
    pipeline = st.Pipeline(policy=rules("unrestricted"), ranker=st.ranking.ItemKNN())
    if answers.made("fit", lambda: pipeline.fit(data)):
        _ask(answers.at("fitted"), pipeline, later=False)
        answers.made("update", lambda: pipeline.update(plain[6000:]))
        _ask(answers.at("updated"), pipeline, later=False)
        loaded = _reloaded(answers, pipeline)
        if loaded is not None:
            _ask(answers.at("loaded"), loaded, later=False)


SCENARIOS: dict[str, Callable[[Answers], None]] = {
    **{f"updated/{name}": partial(updated, bank, RANKERS[name]) for name in BANK},
    **{f"updated-visits/{name}": partial(updated, visits, WEIGHTED[name]) for name in VISITS},
    **{
        f"frameless/{name}": partial(frameless, RANKERS[name])
        for name in ("Popularity-30-days", "ItemKNN", "EASE", "ALS", "Blend-learned")
    },
    "undated": undated,
}
