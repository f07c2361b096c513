"""The FAR-Trans protocol over the published splits: our table, to be read beside the paper's.

`python -m benchmarks.far_trans_protocol` takes all 69 splits, `--step 8` every eighth. Means are
over customers, then over splits. Returns are those of the products listed, per month, compounded.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from suitably.data.datasets.far_trans import FarTrans, far_trans
from suitably.data.splits import Split
from suitably.evaluation import evaluate
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import EASE, Blend, Explore, ItemKNN, Popularity
from suitably.suitability.policy import Policy

K, METRIC = 10, "ndcg@10"
COLUMNS = ("all buys", "suitable buys", "violations", "monthly return", "coverage", "lists filled")


def _plain_blend() -> Blend:
    """Blend what was chosen in hindsight: plain EASE, whatever the inner windows say."""
    fashion = [Popularity(half_life_days=days) for days in (7, 30)]
    return Blend([EASE(), ItemKNN(), *fashion])


def _random() -> Explore:
    """Draw evenly among all products that anybody has bought."""
    return Explore(Popularity(), temperature=1e9, top=10_000)


RANKERS: dict[str, Callable[[], Any]] = {
    "random": _random,
    "popularity": Popularity,
    "EASE": EASE,
    "plain blend": _plain_blend,
    "blend": Blend,
}


def measure(bank: FarTrans, split: Split, number: int, ranker: Any) -> dict[str, list[float]]:
    """Fit once, and list with the filter off and on."""
    policy = Policy.load("far-trans")
    free = Pipeline(policy=Policy.unrestricted(), ranker=ranker, fallback=None, seed=number)
    free.fit(bank, split.at)
    strict = free.under(policy)
    eligible = strict.eligibility()
    relevant = split.relevant
    suitable = relevant[eligible.passes(relevant["user_id"], relevant["product_id"])]
    users = relevant["user_id"].unique()
    returned = bank.returns(number).set_index("product_id")["monthly_return"]
    found = {}
    for name, pipeline in (("off", free), ("on", strict)):
        lists = pipeline.recommend(users, k=K, product_ids=split.candidates).to_frame()
        barred = ~eligible.passes(lists["user_id"], lists["product_id"])
        earned = lists["product_id"].map(returned)
        found[name] = [
            _mean(lists, relevant),
            _mean(lists, suitable),
            float(pd.Series(barred).groupby(lists["user_id"]).mean().mean()) if len(lists) else 0.0,
            float(earned.groupby(lists["user_id"]).mean().mean()),
            lists["product_id"].nunique() / len(split.candidates),
            len(lists) / (K * len(users)),
        ]
    return found


def _mean(lists: Any, relevant: Any) -> float:
    if not len(relevant):
        return float("nan")
    return float(evaluate(lists, relevant, [METRIC])[METRIC].mean())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="every so many splits (default: 1)")
    parser.add_argument("--rankers", nargs="*", choices=list(RANKERS), default=list(RANKERS))
    given = parser.parse_args(arguments)
    bank = far_trans()
    numbers = list(bank.split_index.index)[:: given.step]
    print(f"| ranker | filter | {' | '.join(COLUMNS)} |")
    print(f"|---|---|{'---|' * len(COLUMNS)}")
    for name in given.rankers:
        start = time.perf_counter()
        rows = [measure(bank, bank.split(k), k, RANKERS[name]()) for k in numbers]
        for state in ("off", "on"):
            means = np.nanmean([row[state] for row in rows], axis=0)
            print(f"| {name} | {state} | {' | '.join(f'{mean:.4f}' for mean in means)} |")
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
