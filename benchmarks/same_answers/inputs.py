"""What comes in: loaders, kinds of frame and of id, time zones, bad rows, refused calls."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, bank, far, rules
from benchmarks.same_answers.questions import ask_lists, ask_pipeline


def _ask_data(answers: Answers, data: Any) -> None:
    for name in ("users", "products", "interactions", "quarantine", "user_ids", "product_ids"):
        answers.ask(name, lambda name=name: getattr(data, name))
    answers.ask("repr", lambda: repr(data))


def loaders(answers: Answers) -> None:
    folder = Path(os.environ.get("SUITABLY_DATA", Path(__file__).parents[3] / "shared" / "data"))
    _ask_data(answers.at("bank"), bank())
    answers.ask("bank/consent", lambda: bank().consent)
    answers.ask("bank/truth", lambda: bank().truth(CUT))
    answers.ask("bank/truth-of-some", lambda: bank().truth(CUT, 30, ["u000009", "u000001"]))
    _ask_data(answers.at("far"), far())
    answers.ask("far/notes", lambda: far().notes)
    answers.ask("far/index", lambda: far().split_index)
    for number in (0, 40, 68):
        split = far().split(number)
        answers.ask(f"far/split-{number}", lambda s=split: [s.at, s.end, s.candidates, s.relevant])
    answers.ask("far/exact", lambda: far().exact_buys())
    answers.ask("far/returns", lambda: far().returns(40))
    survey = st.data.scf2019(folder / "scf2019")
    _ask_data(answers.at("scf"), survey)
    pipeline = st.Pipeline(policy=rules("unrestricted"), ranker=st.ranking.EASE()).fit(survey)
    ask_lists(answers.at("scf-lists"), pipeline, user_ids=list(survey.user_ids[:300]))
    for policy in ("random", "bts"):
        log = st.data.open_bandit(folder / "open_bandit", policy)
        names = ("timestamps", "actions", "rewards", "propensities", "positions", "context",
                 "context_names", "context_values", "affinities", "item_context",
                 "n_actions")  # fmt: skip
        for name in names:
            answers.ask(f"bandit/{policy}/{name}", lambda log=log, name=name: getattr(log, name))


def _pieces() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    log = bank().interactions.astype({"user_id": str, "product_id": str})
    people = set(bank().user_ids[:400])
    users = bank().users
    return (
        users[users["user_id"].isin(people)].reset_index(drop=True),
        bank().products,
        log[log["user_id"].isin(people)].reset_index(drop=True),
    )


def kinds(answers: Answers) -> None:
    """Ask the same of pandas, polars and Arrow frames, each answered in kind."""
    turns: dict[str, Callable[[pd.DataFrame], Any]] = {
        "pandas": lambda frame: frame,
        "polars": pl.from_pandas,
        "lazy": lambda frame: pl.from_pandas(frame).lazy(),
        "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
        "mixed": lambda frame: pl.from_pandas(frame) if "value" in frame else frame,
    }
    for name, turn in turns.items():
        here = answers.at(name)
        data = here.made("data", lambda turn=turn: st.Dataset(*map(turn, _pieces())))
        if data is None:
            continue
        _ask_data(here.at("data"), data)
        pipeline = st.Pipeline(
            profiles=[st.profiles.RecencyFrequencyValue()],
            policy=rules("cn-csrc-amac"),
            ranker=st.ranking.ItemKNN(),
        )
        if here.made("fit", lambda p=pipeline, data=data: p.fit(data, CUT)):
            ask_pipeline(here, pipeline, "2024-12-01")
            here.ask("counts", lambda p=pipeline: p.eligibility().counts())
        here.ask("relevant", lambda data=data: st.evaluation.TimeSplit(CUT, 90).on(data).relevant)


def ids(answers: Answers) -> None:
    """Ask with whole numbers as ids, columns called otherwise, and moments in a time zone."""
    users, products, log = _pieces()
    for frame in (users, log):
        frame["user_id"] = frame["user_id"].str[1:].astype(np.int64)
    products = products.assign(product_id=products["product_id"].str[1:].astype(np.int32))
    log["product_id"] = log["product_id"].str[1:].astype(np.int32)
    called = {"user_id": "customer", "product_id": "isin", "timestamp": "bought"}
    columns = st.Columns(user="customer", product="isin", timestamp="bought")
    plain = [frame.rename(columns=called) for frame in (users, products, log)]
    cases: dict[str, tuple[list[pd.DataFrame], Any]] = {"whole": (plain, CUT)}
    for zone in ("UTC", "Asia/Shanghai"):
        aware = [frame.copy() for frame in plain]
        for frame in aware:
            for name in ("user_timestamp", "product_timestamp", "bought", "questionnaire_date"):
                if name in frame:
                    frame[name] = frame[name].dt.tz_localize(zone)
        cases[zone] = (aware, pd.Timestamp(CUT, tz=zone))
    for name, (frames, as_of) in cases.items():
        here = answers.at(name)
        data = here.made("data", lambda frames=frames: st.Dataset(*frames, columns=columns))
        pipeline = st.Pipeline(policy=rules("cn-csrc-amac"), ranker=st.ranking.ALS(factors=8))
        if data is not None and here.made("fit", lambda p=pipeline, d=data, t=as_of: p.fit(d, t)):
            ask_lists(here, pipeline)
            ask_lists(here.at("some"), pipeline, user_ids=np.array([3, 10**9, 1]))
            here.ask("why-not", lambda p=pipeline: [str(one) for one in p.why_not(1, 5)])
            here.ask("mask", lambda p=pipeline: p.eligibility().mask())


def bad_rows(answers: Answers) -> None:
    users, products, log = _pieces()
    log = log[:500].copy()
    log.loc[3, "user_id"] = "stranger"
    log.loc[5, "product_id"] = None
    log.loc[8, "timestamp"] = pd.NaT
    log.loc[9, "value"] = np.inf
    log.loc[11, "timestamp"] = pd.Timestamp("2199-01-01")
    log.loc[12, "event"] = None
    now = "2025-06-01"
    for on_error in ("raise", "quarantine"):
        here = answers.at(on_error)
        data = here.made(
            "data",
            lambda on_error=on_error: st.Dataset(users, products, log, on_error=on_error, now=now),
        )
        if data is not None:
            _ask_data(here, data)
    doubled = pd.concat([users, users[:3]], ignore_index=True)
    answers.ask("twice", lambda: repr(st.Dataset(doubled, products, log[20:])))
    answers.ask("no-column", lambda: repr(st.Dataset(users, products, log.drop(columns="user_id"))))
    answers.ask("empty", lambda: repr(st.Dataset(users, products, log[:0])))


def refusals(answers: Answers) -> None:
    """Ask what cannot be answered: the error and its words are the answer."""
    data = bank()
    free, ranker = rules("unrestricted"), st.ranking.Popularity()
    pipeline = st.Pipeline(policy=free, ranker=ranker).fit(data, CUT)
    recs = pipeline.recommend(["u000001"])
    calls: dict[str, Callable[[], Any]] = {
        "unfitted": lambda: st.Pipeline(policy=free, ranker=ranker).recommend(),
        "no-policy": lambda: st.Pipeline(ranker=ranker).fit(data),
        "no-ranker": lambda: st.Pipeline(policy=free).fit(data),
        "no-dataset": lambda: st.Pipeline(policy=free, ranker=ranker).fit(data.interactions),
        "k": lambda: pipeline.recommend(k=0),
        "earlier": lambda: pipeline.recommend(as_of="2020-01-01"),
        "zone": lambda: pipeline.recommend(as_of=pd.Timestamp("2025-01-01", tz="UTC")),
        "twice": lambda: pipeline.recommend(["u000001", "u000001"]),
        "why-nobody": lambda: pipeline.why_not("nobody", "p0001"),
        "why-nothing": lambda: pipeline.why_not("u000001", "nothing"),
        "trace": lambda: pipeline.trace("nobody"),
        "explain": lambda: recs.explain("u000001", "nothing"),
        "explain-nobody": lambda: recs.explain("u000002", "p0001"),
        "policy": lambda: st.Policy.load("cn-csrc"),
        "field": lambda: st.Pipeline(
            policy=st.Policy.from_toml(
                '[policy]\nid="x"\nversion="1"\n[[rules]]\nid="a"\nrequire="user.risk_levl == 1"'
            ),
            ranker=ranker,
        ).fit(data),
        "by": lambda: st.Pipeline(policy=free, ranker=st.ranking.Popularity(by="x")).fit(data),
        "weights": lambda: st.Pipeline(
            policy=free, ranker=st.ranking.EASE(event_weights={"sell": 1.0})
        ).fit(data),
        "factors": lambda: st.Pipeline(policy=free, ranker=st.ranking.ALS(factors=0)).fit(data),
        "feature": lambda: st.Pipeline(
            policy=free, ranker=st.ranking.LightFM(user_features=("x",))
        ).fit(data),
        "metric": lambda: st.evaluation.evaluate(recs.to_frame(), recs.to_frame(), ["ncdg@10"]),
        "update-column": lambda: (
            pipeline.clone()
            .fit(data, CUT)
            .update(data.interactions.rename(columns={"value": "amount"})[:5])
        ),
        "load": lambda: st.load("nowhere"),
    }
    for name, call in calls.items():
        answers.ask(name, lambda call=call: repr(call()))


SCENARIOS = {
    "inputs/loaders": loaders,
    "inputs/kinds": kinds,
    "inputs/ids": ids,
    "inputs/bad-rows": bad_rows,
    "inputs/refusals": refusals,
}
