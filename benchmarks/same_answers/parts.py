"""Profiles in the pipeline and alone, and parts of the caller's own."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, LATER, SOON, bank, far, rules, visits
from benchmarks.same_answers.questions import ask_eligibility, ask_pipeline

F = st.profiles
BUILDERS: dict[str, tuple[Callable[[], Any], Callable[[], Any], Any]] = {
    "rfv": (F.RecencyFrequencyValue, bank, CUT),
    "rfv-later": (lambda: F.RecencyFrequencyValue(high_value=50_000.0), bank, LATER),
    "rfv-events": (lambda: F.RecencyFrequencyValue(events=["view", "ask"]), visits, CUT),
    "rfv-far": (lambda: F.RecencyFrequencyValue(active_days=30, frequent=2), far, "2020-12-18"),
    "appetite": (F.RiskAppetite, bank, CUT),
    "appetite-for-ever": (lambda: F.RiskAppetite(valid_months=None), bank, CUT),
    "appetite-undated": (lambda: F.RiskAppetite(date=None, valid_months=None), bank, CUT),
    "appetite-far": (lambda: F.RiskAppetite(valid_months=24), far, "2020-12-18"),
}
RULES = """
[policy]
id = "segments"
version = "1"
[[rules]]
id = "loyal"
applies = "product.complex"
require = "user.rfv_segment in ['loyal', 'occasional'] and user.recency_days < 400"
[[rules]]
id = "review"
require = "not user.risk_review or product.risk_level == 'R1' or user.monetary > 20000"
"""


def profiles(answers: Answers) -> None:
    for name, (make, data, as_of) in BUILDERS.items():
        builder = answers.at(name).made("fit", lambda make=make, data=data, as_of=as_of:
                                        make().fit(data(), as_of))  # fmt: skip
        if builder is None:
            continue
        here = answers.at(name)
        here.ask("fields", lambda builder=builder, data=data: builder.transform(data()))
        here.ask("repr", lambda builder=builder: repr(builder))
        here.ask("provenance", lambda b=builder: [str(b.provenance(field)) for field in b.fields])
    here = answers.at("pipeline")
    pipeline = st.Pipeline(
        profiles=[F.RecencyFrequencyValue(), F.RiskAppetite()],
        policy=[st.Policy.from_toml(RULES), "cn-csrc-amac"],
        ranker=st.ranking.Popularity(by="rfv_segment"),
    )
    policed = st.Policy.from_toml(RULES), st.Policy.load("cn-csrc-amac")
    here.ask("prints", lambda: [policy.fingerprint for policy in policed])
    pipeline.policy = list(policed)
    if here.made("fit", lambda: pipeline.fit(bank(), CUT)):
        ask_pipeline(here, pipeline, SOON)
        row = {"rfv_segment": "loyal", "recency_days": 30.0, "risk_review": False}
        ask_eligibility(here.at("eligibility"), pipeline.eligibility(), row)
        ask_eligibility(here.at("eligibility-later"), pipeline.eligibility(LATER), row)


class ByName:
    """A ranker that goes by external ids alone, so that it notices another order or meaning."""

    def __init__(self, salt: str = "") -> None:
        self.salt = salt

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.salt!r})"

    def fit(self, context: Any) -> Self:
        self.products_ = [str(product) for product in context.data.product_ids]
        return self

    def scorer(self, user_ids: Any) -> Any:
        block = [
            [crc32(f"{self.salt}{user}{product}".encode()) % 1000 for product in self.products_]
            for user in user_ids
        ]
        known = np.array([not product.endswith("9") for product in self.products_])
        shape = (len(user_ids), len(self.products_))
        return st.ranking.Scores(np.array(block, np.float32).reshape(shape), known)

    def can_score(self, user_ids: Any) -> Any:
        return np.array([not str(user).endswith("7") for user in user_ids], bool)

    def fold_in(self, context: Any) -> "ByName":
        return ByName(self.salt).fit(context)

    def state(self) -> dict[str, Any]:
        return {"salt": self.salt, "products": np.array(self.products_, str)}

    @classmethod
    def from_state(cls, state: Any) -> "ByName":
        made = cls(str(state["salt"]))
        made.products_ = [str(product) for product in state["products"]]
        return made


class Latent(ByName):
    """The same as factors, of which the engine makes the scores."""

    def scorer(self, user_ids: Any) -> Any:
        people, products = (
            np.array([[crc32(f"{one}{axis}".encode()) % 100 / 100 for axis in range(4)]
                      for one in ids], np.float32).reshape(len(ids), 4)
            for ids in (list(user_ids), self.products_)
        )  # fmt: skip
        return st.ranking.Factors(people, products)


class Reversed:
    """Puts the end of a list first."""

    def rerank(self, lists: Any, context: Any, k: int) -> Any:
        order = np.maximum(lists.lengths[:, None] - 1 - np.arange(lists.products.shape[1]), 0)
        past = np.arange(lists.products.shape[1]) >= lists.lengths[:, None]
        products = np.where(past, -1, np.take_along_axis(lists.products, order, axis=1))
        scores = np.where(past, 0, np.take_along_axis(lists.scores, order, axis=1))
        return st.ranking.Lists(
            products[:, :k].astype(np.int32),
            scores[:, :k].astype(np.float32),
            np.minimum(lists.lengths, k).astype(np.int32),
        )


class Bought(F.RecencyFrequencyValue):
    """A builder of one's own, one of whose fields is imputed and so missing to rules."""

    fields = ("times_bought", "ever_bought")

    def finalise(self, state: Any, as_of: Any) -> pa.Table:
        times = super().finalise(state, as_of)["frequency"]
        return pa.table({"times_bought": times, "ever_bought": pc.greater(times, 0)})

    def provenance(self, field: str) -> Any:
        return "imputed" if field == "times_bought" else "observed"


BOUGHT = """
[policy]
id = "bought"
version = "1"
[[rules]]
id = "ever"
require = "user.ever_bought or not product.complex"
[[rules]]
id = "times"
applies = "product.regime == 'private'"
require = "user.times_bought > 2"
[[rules]]
id = "missing"
require = "missing(user.times_bought)"
"""


def custom_builder(answers: Answers) -> None:
    log = bank().interactions.astype({"user_id": str, "product_id": str})
    before = log["timestamp"] < CUT
    data = st.Dataset(bank().users, bank().products, log[before])
    policy = st.Policy.from_toml(BOUGHT)
    pipeline = st.Pipeline([Bought()], policy, st.ranking.Popularity(by="ever_bought"))
    answers.ask("alone", lambda: Bought().fit(data).transform(data))
    if not answers.made("fit", lambda: pipeline.fit(data)):
        return
    ask_pipeline(answers, pipeline)
    ask_eligibility(answers.at("eligibility"), pipeline.eligibility(), {"ever_bought": True})
    answers.ask("update", lambda: pipeline.update(log[~before]).as_of_)
    ask_pipeline(answers.at("updated"), pipeline)
    with TemporaryDirectory() as folder:
        pipeline.save(Path(folder) / "model")
        loaded = answers.made("load", lambda: st.load(Path(folder) / "model", trusted=[Bought]))
    if loaded is not None:
        ask_pipeline(answers.at("loaded"), loaded)


def custom(answers: Answers) -> None:
    log = bank().interactions.astype({"user_id": str, "product_id": str})
    for name, ranker in {"scores": ByName("x"), "factors": Latent()}.items():
        for policy in ("unrestricted", "shelves"):
            here = answers.at(f"{name}/{policy}")
            pipeline = st.Pipeline(policy=rules(policy), ranker=ranker, fallback=ByName("y"))
            if not here.made("fit", lambda pipeline=pipeline: pipeline.fit(bank(), CUT)):
                continue
            ask_pipeline(here, pipeline, SOON)
            with TemporaryDirectory() as folder:
                path = Path(folder) / "model"
                pipeline.save(path)
                loaded = here.made(
                    "load", lambda path=path: st.load(path, trusted=[ByName, Latent])
                )
            if loaded is not None:
                ask_pipeline(here.at("loaded"), loaded, SOON)
        here = answers.at(f"{name}/frameless")
        bare = st.Pipeline(policy=rules("unrestricted"), ranker=ranker, fallback=ByName("y"))
        early = st.Dataset(None, None, log[log["timestamp"] < "2022-01-01"])
        if here.made("fit", lambda bare=bare, early=early: bare.fit(early)):
            ask_pipeline(here, bare)
            late = log[log["timestamp"] >= "2022-01-01"]
            if here.made("update", lambda bare=bare, late=late: bare.update(late)):
                ask_pipeline(here.at("updated"), bare)
    here = answers.at("reranker")
    turned = st.Pipeline(policy=rules("house"), ranker=ByName(), rerankers=[Reversed()])
    if here.made("fit", lambda: turned.fit(bank(), CUT)):
        ask_pipeline(here, turned)


SCENARIOS = {"profiles": profiles, "custom": custom, "custom-builder": custom_builder}
