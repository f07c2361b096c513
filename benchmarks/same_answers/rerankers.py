"""Every reranker, alone and in a chain."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

import suitably as st
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, bank, rules
from benchmarks.same_answers.questions import ask_pipeline

P = st.reranking
CHAINS: dict[str, Callable[[], list[Any]]] = {
    "Diversity": lambda: [P.Diversity()],
    "Diversity-issuer": lambda: [P.Diversity(by="issuer", weight=0.8)],
    "Determinantal": lambda: [P.Determinantal()],
    "Determinantal-several": lambda: [
        P.Determinantal(by=["category", "issuer"], near=["min_amount", "fee_rate"], weight=0.6)
    ],
    "Caps": lambda: [P.Caps(most=1, exceptions={"issuer-05": 0, "issuer-06": 3})],
    "Calibration": lambda: [P.Calibration()],
    "Calibration-target": lambda: [P.Calibration(target="category_share", weight=0.9)],
    "ConcentrationLimit": lambda: [P.ConcentrationLimit()],
    "ConcentrationLimit-money": lambda: [
        P.ConcentrationLimit(
            exposure="exposure", amount="min_amount", share=0.4, least=10_000.0
        )
    ],
    "chain": lambda: [
        P.Calibration(),
        P.Diversity(weight=0.5),
        P.Caps(most=2),
        P.ConcentrationLimit(share=0.5),
    ],
}  # fmt: skip


def _with_maps() -> Any:
    """Return the bank whose customers also have maps of exposure and of shares."""
    users = pa.Table.from_pandas(bank().users, preserve_index=False)
    rng = np.random.default_rng(2)
    issuers = sorted(set(bank().products["issuer"]))
    kinds = sorted(set(bank().products["category"]))
    exposure, shares = [], []
    for row in range(users.num_rows):
        held = rng.choice(len(issuers), rng.integers(0, 6), replace=False)
        exposure.append([(issuers[i], float(rng.integers(1, 50)) * 1000) for i in held])
        shares.append(None if row % 7 == 0 else [(kind, float(rng.random())) for kind in kinds])
    maps = pa.map_(pa.string(), pa.float64())
    users = users.append_column("exposure", pa.array(exposure, maps))
    users = users.append_column("category_share", pa.array(shares, maps))
    log = bank().interactions.astype({"user_id": str, "product_id": str})
    tables = (pa.Table.from_pandas(one, preserve_index=False) for one in (bank().products, log))
    return st.Dataset(users, *tables)


def reranked(make: Callable[[], list[Any]], answers: Answers) -> None:
    pipeline = st.Pipeline(policy=rules("house"), ranker=st.ranking.EASE(), rerankers=make())
    if answers.made("fit", lambda: pipeline.fit(_with_maps(), CUT)):
        ask_pipeline(answers, pipeline)


SCENARIOS = {f"reranked/{name}": partial(reranked, make) for name, make in CHAINS.items()}
