"""Quality of every ranker: on FAR-Trans' published splits, against its tuned self, and by truth.

`python -m benchmarks.quality --splits 1 --rankers EASE Blend --tables far` measures two rankers on
all 69 splits; `--splits 8` takes every eighth, which is what `python -m benchmarks quality` does.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.runner import Row, table
from suitably.data.datasets.far_trans import FarTrans, far_trans
from suitably.data.simulation.bank import simulate_bank
from suitably.data.splits import Split
from suitably.data.vocabulary import Vocabulary
from suitably.demo.scenarios import simulated_bank
from suitably.evaluation import evaluate, paired_difference, tune
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    ItemKNN,
    LightFM,
    LogisticMF,
    Popularity,
    Spectral,
)
from suitably.suitability.policy import Policy
from suitably.utils.params import clone

METRIC = "ndcg@10"
PEER = "EASE λ=2000"


def _blend() -> Blend:
    """Two views of taste, and popularity of the last week and month; weights are learned."""
    fashion = [Popularity(half_life_days=days) for days in (7, 30)]
    return Blend([EASE(), ItemKNN(), *fashion])


RANKERS: dict[str, Callable[[], Any]] = {
    "Popularity": Popularity,
    "ItemKNN": ItemKNN,
    "EASE": EASE,
    "Spectral": Spectral,
    "ALS": ALS,
    "IALS": IALS,
    "BPR": BPR,
    "LogisticMF": LogisticMF,
    "LightFM": lambda: LightFM(
        user_features=("risk_level",), product_features=("category", "risk_level")
    ),
    "Blend": _blend,
    PEER: lambda: EASE(regularization=2000.0),
}
LOG = "log"
SPACES: dict[str, dict[str, Any]] = {
    "Popularity": {"half_life_days": [None, 730.0, 365.0, 180.0, 90.0, 30.0]},
    "ItemKNN": {
        "weighting": ["cosine", "tfidf", "bm25"],
        "neighbours": (10, 300, LOG),
        "shrinkage": (0.0, 200.0),
    },
    "EASE": {"regularization": (10.0, 20_000.0, LOG), "half_life_days": [None, 365.0, 730.0]},
    "Spectral": {"factors": (4, 128, LOG), "low_pass": (0.0, 2.0), "normalization": (0.0, 1.0)},
    "ALS": {
        "factors": (4, 128, LOG),
        "regularization": (1.0, 1000.0, LOG),
        "alpha": (0.5, 40.0, LOG),
    },
    "IALS": {
        "factors": (4, 128, LOG),
        "unobserved_weight": (0.003, 1.0, LOG),
        "regularization": (0.001, 1.0, LOG),
    },
    "BPR": {
        "factors": (4, 128, LOG),
        "learning_rate": (0.1, 3.0, LOG),
        "regularization": (0.1, 30.0, LOG),
    },
    "LogisticMF": {"factors": (4, 64, LOG), "regularization": (0.001, 3.0, LOG)},
    "LightFM": {"factors": (4, 64, LOG), "learning_rate": (0.005, 0.1, LOG), "epochs": (3, 40)},
}


@dataclass(frozen=True)
class SplitScore:
    """A ranker on one split.

    Attributes:
        all: Mean nDCG@10 without rules, on all buys.
        suitable: With the filter on, on suitable buys only.
        fit: Seconds of the fit.
        lists: Milliseconds of a list, one by one in a batch of all customers of the split.
        newcomers: Whether customers without history have a score.
        unsold: Whether products that nobody bought do.
        size: Megabytes of the ranker's state.
    """

    all: float
    suitable: float
    fit: float
    lists: float
    newcomers: bool
    unsold: bool
    size: float


def score_split(bank: FarTrans, split: Split, ranker: Any) -> SplitScore:
    """Fit once; what a ranker learns does not depend on the policy."""
    start = time.perf_counter()
    free = Pipeline(policy=Policy.unrestricted(), ranker=ranker, fallback=None)
    free.fit(bank, split.at)
    fitted = time.perf_counter() - start
    relevant = split.relevant
    start = time.perf_counter()
    every = _ndcg(free, split, relevant)
    listed = time.perf_counter() - start
    strict = free.under(Policy.load("far-trans"))
    passes = strict.eligibility().passes(relevant["user_id"], relevant["product_id"])
    suitable = _ndcg(strict, split, relevant[passes])
    held = free.ranker_
    view = bank.view(split.at)
    active = np.diff(view.purchases.indptr) > 0
    newcomers = held.can_score(view.user_ids[~active][:1])
    known = held.scorer(view.user_ids[active][:1]).known
    bought = np.zeros(len(view.products), bool)
    bought[view.purchases.indices] = True
    unsold = known is None or bool(known[~bought & view.listed].any())
    per_list = 1000 * listed / relevant["user_id"].nunique()
    size = _bytes(held.state()) / 1e6
    return SplitScore(every, suitable, fitted, per_list, bool(newcomers.any()), unsold, size)


def _ndcg(pipeline: Pipeline, split: Split, relevant: Any) -> float:
    users = relevant["user_id"].unique()
    recs = pipeline.recommend(users, k=10, product_ids=split.candidates)
    return float(evaluate(recs.to_frame(), relevant, [METRIC])[METRIC].mean())


def _bytes(state: dict[str, Any]) -> int:
    total = 0
    for value in state.values():
        if isinstance(value, np.ndarray):
            total += value.nbytes
        elif isinstance(value, list | tuple):
            total += sum(_bytes(part.state()) for part in value if hasattr(part, "state"))
    return total


def far(names: Sequence[str], step: int) -> list[Row]:
    """Compare with EASE λ=2000, split by split."""
    bank = far_trans()
    splits = bank.splits()[::step]
    found = {name: [score_split(bank, s, RANKERS[name]()) for s in _shown(splits, name)]
             for name in dict.fromkeys([PEER, *names])}  # fmt: skip
    rows = []
    for name in names:
        mine = found[name]
        for what, text in (("all", "all buys"), ("suitable", "filter on, suitable buys")):
            control, ours = (
                np.array([getattr(one, what) for one in several]) for several in (found[PEER], mine)
            )
            note = "the peer itself" if name == PEER else _paired(control, ours)
            title = f"{name}: FAR-Trans, {text}, {len(splits)} splits"
            ratio = float(ours.mean() / control.mean())
            rows.append(Row(title, control.mean(), ours.mean(), METRIC, ratio, note))
        seconds = float(np.median([one.fit for one in mine]))
        note = (
            f"{np.median([one.lists for one in mine]):.3f} ms a list, {mine[-1].size:.1f} MB; "
            f"new customers: {_yes(mine[-1].newcomers)}; unsold products: {_yes(mine[-1].unsold)}"
        )
        rows.append(Row(f"{name}: fit", None, seconds, "s", None, note))
    return rows


def _paired(control: NDArray[np.float64], ours: NDArray[np.float64]) -> str:
    """Compare split by split; windows overlap, so the interval is narrower than it should be."""
    result = paired_difference(control, ours)
    better, worse = int((ours > control).sum()), int((ours < control).sum())
    sign = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    return (
        f"less {PEER}: {result.difference:+.4f} [{result.low:+.4f}, {result.high:+.4f}], "
        f"better on {better} of {len(ours)}, sign test p {sign:.2g}"
    )


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def tuned(names: Sequence[str], step: int, trials: int = 20) -> list[Row]:
    """Compare defaults with parameters searched on the half year before the first split."""
    bank = far_trans()
    splits = bank.splits()
    rows = []
    for name in names:
        if name not in SPACES:
            continue
        space = {f"ranker.{path}": values for path, values in SPACES[name].items()}
        free = Policy.unrestricted()
        start = Pipeline(policy=free, ranker=RANKERS[name](), fallback=None)
        found = tune(start, bank, space, trials, METRIC, as_of=splits[0].at, horizon_days=170)
        best = found.pipeline.ranker
        plain, searched = (
            np.mean([score_split(bank, split, clone(ranker)).all for split in splits[::step]])
            for ranker in (RANKERS[name](), best)
        )
        note = f"peer: tuned, {trials} trials before the first split: {best!r}"
        title = f"{name}: defaults against tuned, FAR-Trans, {len(splits[::step])} splits"
        rows.append(Row(title, searched, plain, METRIC, float(plain / searched), note))
    return rows


def bank(names: Sequence[str], seeds: Sequence[int] = (0, 1)) -> list[Row]:
    """Return what ten suitable products are expected to sell, as a share of the best possible."""
    at = "2024-07-01"
    shares: dict[str, list[float]] = {name: [] for name in names}
    for seed in seeds:
        world = simulate_bank(users=10_000, products=300, seed=seed)
        truth = world.truth(at)
        policies = simulated_bank().policies
        for name in _shown(names, f"bank {seed}"):
            pipeline = Pipeline(policy=policies, ranker=RANKERS[name]()).fit(world, at)
            recs = pipeline.recommend(k=10).to_arrow()
            rows = Vocabulary(world.user_versions.ids.array).codes(recs["user_id"].to_numpy())
            columns = world.product_versions.ids.codes(recs["product_id"].to_numpy())
            shares[name].append(float(truth[rows, columns].sum() / _best(pipeline, world, truth)))
    return [
        Row(f"{name}: simulated bank, expected purchases", None, float(np.mean(found)),
            "share of the best suitable ten", None,
            f"seeds {', '.join(f'{share:.3f}' for share in found)}; newcomers by the fallback")
        for name, found in shares.items()
    ]  # fmt: skip


def _best(pipeline: Pipeline, world: Any, truth: NDArray[np.float32]) -> float:
    """Sum the ten most probable purchases of everybody, among what they may be offered."""
    eligibility = pipeline.eligibility()
    columns = world.product_versions.ids.codes(eligibility.product_ids)
    suitable = np.where(eligibility.mask(), truth[:, columns], 0)
    return float(np.sort(suitable, axis=1)[:, -10:].sum(dtype=np.float64))


def _shown(items: Sequence[Any], name: str) -> Sequence[Any]:
    print(f"  {name}", file=sys.stderr, flush=True)
    return items


def run(names: Sequence[str] = tuple(RANKERS), step: int = 8) -> list[Row]:
    return [*far(names, step), *tuned(names, step), *bank(names)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--splits", type=int, default=8, metavar="N", help="take every N-th")
    parser.add_argument("--rankers", nargs="+", default=list(RANKERS), choices=list(RANKERS))
    parser.add_argument("--tables", nargs="+", default=["far", "tuned", "bank"],
                        choices=["far", "tuned", "bank"])  # fmt: skip
    given = parser.parse_args()
    rows = []
    if "far" in given.tables:
        rows += far(given.rankers, given.splits)
    if "tuned" in given.tables:
        rows += tuned(given.rankers, given.splits)
    if "bank" in given.tables:
        rows += bank(given.rankers)
    print(table(rows))


if __name__ == "__main__":
    main()
