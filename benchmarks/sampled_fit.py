"""What a fit that begins with a tenth of the customers costs in quality, beside one on all.

`python -m benchmarks.sampled_fit --rankers ALS EASE` looks at some. nDCG@10 of what customers buy
later: from everybody; with products learned of from the sample alone; with products learned of from
everybody by sums, as `engines.spark.fit` does. Needs FAR-Trans for its table.
"""

import argparse
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import suitably as st
from suitably.data import Dataset
from suitably.engines.everybody import Teacher, summed_weightings, write_weighed
from suitably.evaluation import evaluate
from suitably.model.groups import model_of_group, without_anybody
from suitably.pipeline.pipeline import Pipeline

RANKERS = ("ALS", "IALS", "EASE", "ItemKNN", "Spectral", "BPR", "Blend")
SPLITS, BANK_AT, SHARE = (8, 20, 32, 44, 56), "2024-07-01", 0.1
NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Case:
    """Data, a moment, what is bought later, and what may be listed; None: everything."""

    data: Any
    at: Any
    relevant: pd.DataFrame
    candidates: Any = None


def far_trans() -> list[Case]:
    bank = st.data.far_trans()
    splits = [bank.split(k) for k in SPLITS]
    return [Case(bank, split.at, split.relevant, split.candidates) for split in splits]


def bank() -> list[Case]:
    """Return the simulated bank twice, for two samples: what was bought first after the cut."""
    world = st.data.simulate_bank(users=10_000, products=300, seed=0)
    view = world.view("2025-12-31")
    bought, cut = view.acquisitions, np.datetime64(BANK_AT)
    pairs = bought.users.astype(np.int64) * len(view.products) + bought.products
    early = bought.times < cut
    new = np.setdiff1d(pairs[~early], pairs[early])
    users, products = np.divmod(new, len(view.products))
    known = np.isin(users, bought.users[early])
    columns = {"user_id": view.user_ids[users], "product_id": view.product_ids[products]}
    return [Case(world, BANK_AT, pd.DataFrame(columns)[known])] * 2


def figures(case: Case, ranker: Any, seed: int) -> list[float]:
    free = Pipeline(policy=st.Policy.unrestricted(), ranker=ranker, fallback=None)
    data = case.data
    drawn = data.user_ids[np.random.default_rng(seed).random(len(data.user_ids)) < SHARE]
    rows = [frame[frame["user_id"].isin(drawn)] for frame in (data.users, data.interactions)]
    sample = free.clone().fit(Dataset(rows[0], data.products, rows[1]), case.at)._fitted()
    view, nobody = data.view(case.at), without_anybody(sample)
    with tempfile.TemporaryDirectory(prefix="suitably-") as name:
        group, weightings = Path(name, "all"), summed_weightings(nobody)
        write_weighed([nobody.interactions[one].of_view(view) for one in weightings], group)
        teach = Teacher([[group]], weightings, Path(name, "sums"), (), lambda task: [task.sums(0)])
        taught, _ = teach(sample)
        models = [model_of_group(one, view, NOBODY) for one in (nobody, taught)]
    whole = free.clone().fit(data, case.at)
    return [_ndcg(one, case) for one in (whole, *map(Pipeline._from_model, models))]


def _ndcg(pipeline: Any, case: Case) -> float:
    users = case.relevant["user_id"].unique()
    lists = pipeline.recommend(users, k=10, product_ids=case.candidates).to_frame()
    return float(evaluate(lists, case.relevant, ["ndcg@10"])["ndcg@10"].mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampled_fit", description=__doc__)
    parser.add_argument("--rankers", nargs="+", default=list(RANKERS), choices=list(RANKERS))
    parser.add_argument("--tables", nargs="+", default=["bank", "far"], choices=["bank", "far"])
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for table in given.tables:
        cases = bank() if table == "bank" else far_trans()
        for name in given.rankers:
            ranker = getattr(st.ranking, name)()
            found = np.mean([figures(case, ranker, at) for at, case in enumerate(cases)], axis=0)
            alone, summed = 100 * found[1:] / found[0]
            print(f"{table} {name}: nDCG@10 {found[0]:.4f} from everybody; products from a tenth "
                  f"{alone:.1f} %, from everybody by sums {summed:.1f} %", flush=True)  # fmt: skip
