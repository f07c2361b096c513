"""What rerankers cost, against the ranking of the same customers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pyarrow as pa

import suitably
from benchmarks.runner import Row, paired
from suitably.ranking import Factors, FitContext, Lists
from suitably.reranking import (
    Calibration,
    Caps,
    ConcentrationLimit,
    Determinantal,
    Diversity,
    RerankContext,
    Reranker,
    kernels,
)
from suitably.utils.parallel import cores

USERS, PRODUCTS, FACTORS, OWNED, K = 200_000, 5_000, 64, 10, 10
LEVELS, SHARES = 5, [0.3, 0.3, 0.2, 0.1, 0.1]
POLICY = """
[policy]
id = "levels"
version = "1"
[[rules]]
id = "level"
require = "product.level <= user.level"
"""
RERANKERS: list[Any] = [
    Diversity(),
    Determinantal(),
    Determinantal(by=["category", "issuer"], near="min_amount"),
    Caps(),
    Calibration(),
    ConcentrationLimit(),
    ConcentrationLimit(exposure="exposure", amount="min_amount"),
]


class Drawn:
    """A ranker with factors from a generator: what they say does not matter to the time."""

    def fit(self, context: FitContext) -> Self:
        rng = np.random.default_rng(context.seed)
        self._users = rng.normal(size=(len(context.data.user_ids), FACTORS)).astype(np.float32)
        shape = (len(context.data.product_ids), FACTORS)
        self._products = rng.normal(size=shape).astype(np.float32)
        return self

    def scorer(self, user_ids: Any) -> Factors:
        return Factors(self._users[user_ids], self._products)

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


class Recorder:
    """Keeps what a reranker is given, block by block."""

    def __init__(self) -> None:
        self.blocks: list[tuple[Lists, RerankContext]] = []

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        self.blocks.append((lists.copy(), context))
        return lists.keep(lists.filled, k)


def run() -> list[Row]:
    recorder = Recorder()
    pipeline = suitably.Pipeline(
        policy=suitably.Policy.from_toml(POLICY), ranker=Drawn(), rerankers=[recorder]
    ).fit(_data())
    pipeline.recommend(k=K)
    blocks = recorder.blocks
    plain = _with(pipeline, [])
    rank = _recommend(plain)
    here = f"{USERS:,} users"
    share = "the reranker on all blocks, over Pipeline.recommend without it; share wanted below"
    rows = [
        paired(
            f"{_name(reranker)}: alone, {here}",
            lambda reranker=reranker: _apply(reranker, blocks),
            rank,
            f"{share} .2" if isinstance(reranker, Diversity) else share.split(";")[0],
        )
        for reranker in RERANKERS
    ]
    rows.insert(1, _without_numba(blocks, rank, here))
    through = _recommend(_with(pipeline, [Diversity()]))
    note = "recommend with it, five times as deep a list included, over recommend without"
    rows.append(paired(f"Diversity: whole pipeline, {here}", through, rank, note))
    return rows


def _without_numba(blocks: list[Any], rank: Callable[[], Any], here: str) -> Row:
    compiled = kernels._compiled
    kernels._compiled = lambda: None  # type: ignore[assignment]
    try:
        return paired(
            f"Diversity: alone, NumPy, {here}",
            lambda: _apply(Diversity(), blocks),
            rank,
            "the reranker without numba, over Pipeline.recommend as it is installed",
        )
    finally:
        kernels._compiled = compiled


def _apply(reranker: Reranker, blocks: list[tuple[Lists, RerankContext]]) -> None:
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(lambda block: reranker.rerank(*block, K), blocks):
            pass


def _with(pipeline: suitably.Pipeline, rerankers: list[Any]) -> suitably.Pipeline:
    """Give a pipeline that holds the same, with other rerankers."""
    return pipeline.under(pipeline.policy, rerankers)


def _recommend(pipeline: suitably.Pipeline) -> Callable[[], Any]:
    return lambda: pipeline.recommend(k=K)


def _name(reranker: Any) -> str:
    text = repr(reranker)
    return text if reranker.get_params() != type(reranker)().get_params() else text.split("(")[0]


def _data() -> suitably.Dataset:
    rng = np.random.default_rng(0)
    start = np.arange(USERS + 1, dtype=np.int32) * 8
    issuers = np.char.add("issuer ", rng.integers(0, 300, USERS * 8).astype(str))
    exposure = pa.MapArray.from_arrays(start, pa.array(issuers), rng.lognormal(8, 1, USERS * 8))
    users = pa.table(
        {
            "user_id": np.arange(USERS),
            "level": rng.choice(LEVELS, USERS, p=SHARES),
            "exposure": exposure,
        }
    )
    products = pa.table(
        {
            "product_id": np.arange(PRODUCTS),
            "level": rng.integers(0, LEVELS, PRODUCTS),
            "category": np.char.add("category ", rng.integers(0, 12, PRODUCTS).astype(str)),
            "issuer": np.char.add("issuer ", rng.integers(0, 300, PRODUCTS).astype(str)),
            "min_amount": rng.lognormal(7, 1, PRODUCTS),
        }
    )
    log = pa.table(
        {
            "user_id": np.repeat(np.arange(USERS), OWNED),
            "product_id": rng.integers(0, PRODUCTS, USERS * OWNED),
        }
    )
    return suitably.Dataset(users, products, log)
