"""Training: how soon iALS is as good as the best of implicit's ALS, beside what it must compute."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

import suitably as st
from benchmarks.eligibility_aware import Cut, bank_cut, far_trans_cut, worth
from benchmarks.runner import Row, in_turns, seconds
from suitably.ranking import IALS, FitContext
from suitably.ranking.solvers import kernels as solver_kernels
from suitably.ranking.solvers.least_squares import multiply_adds
from suitably.utils.parallel import one_blas_thread

__all__ = ["run"]

FACTORS, ITERATIONS = 64, 15
PENALTIES = np.geomspace(0.1, 1_000, 13)
ROUNDS = 5


def run() -> list[Row]:
    far_trans, bank = st.data.far_trans(), st.data.simulate_bank(users=10_000, products=300, seed=0)
    free = [st.Policy.unrestricted()]
    split, moment = far_trans.split(40), "2024-07-01"
    cuts = (
        ("FAR-Trans, split 40", far_trans.view(split.at), far_trans_cut(far_trans, free, 40)),
        ("simulated bank", bank.view(moment), bank_cut(bank, free, moment)),
    )
    return [row for name, view, cut in cuts for row in _compare(name, view, cut)]


def _compare(name: str, view: Any, cut: Cut) -> list[Row]:
    context = FitContext(view, pa.table({}), None, view.as_of, 0)  # type: ignore[arg-type]
    active, known = np.diff(cut.bought.indptr) > 0, np.diff(cut.bought.tocsc().indptr) > 0
    core = sparse.csr_matrix(cut.bought[active][:, known], dtype=np.float32)
    best, penalty = max((_judge(_peer(core, p), cut, active, known), p) for p in PENALTIES)
    sweeps, reached = _needed(context, cut, best)
    ours, settled = IALS(factors=FACTORS, iterations=sweeps), IALS(factors=FACTORS)
    end = _reached(settled.fit(context), cut)
    contenders = {
        "implicit": partial(_peer, core, penalty),
        "numba": partial(_with, solver_kernels.with_numba, ours, context),
        "NumPy": partial(_with, solver_kernels.with_numpy, ours, context),
        "numba, until it settles": partial(_with, solver_kernels.with_numba, settled, context),
    }
    times = dict(zip(contenders, in_turns(list(contenders.values()), ROUNDS), strict=True))
    work, peak = _needed_work(core), _peak()
    short, long = (sweeps, reached), (len(settled.objective_), end)
    rows = []
    for which, (count, figure), target in (
        ("numba", short, "target 0.5"),
        ("NumPy", short, "target 4"),
        ("numba, until it settles", long, "for comparison"),
    ):
        ratio = median(a / b for a, b in zip(times[which], times["implicit"], strict=True))
        note = (
            f"{count} sweeps to {figure:.4f}; peer: implicit ALS, {FACTORS} factors, "
            f"{ITERATIONS} sweeps, best penalty {penalty:.3g}: {best:.4f}; {target}; "
            "roof: multiply-adds of the normal equations at the speed of a matrix product"
        )
        rows.append(
            Row(
                f"iALS to the best of implicit's ALS, {name}, {which}",
                median(times["implicit"]),
                median(times[which]),
                "s",
                ratio,
                note,
                work * count / peak,
            )
        )
    return rows


def _needed(context: FitContext, cut: Cut, goal: float) -> tuple[int, float]:
    """Find the fewest sweeps that reach a figure; all of them if none does."""
    found = 0.0
    for sweeps in range(1, IALS().iterations + 1):
        fitted = IALS(factors=FACTORS, iterations=sweeps).fit(context)
        found = _reached(fitted, cut)
        if found >= goal or len(fitted.objective_) < sweeps:
            break
    return sweeps, found


def _reached(fitted: IALS, cut: Cut) -> float:
    scores = fitted.user_factors_[cut.rows] @ fitted.product_factors_.T
    return _figure(scores, fitted.known_, cut)


def _peer(core: sparse.csr_matrix, penalty: float) -> Any:
    with one_blas_thread():
        model = AlternatingLeastSquares(
            FACTORS, regularization=penalty, iterations=ITERATIONS, random_state=0
        )
        model.fit(core, show_progress=False)
    return model


def _with(kernel: Callable[..., None], ours: IALS, context: FitContext) -> None:
    chosen = solver_kernels.chosen
    solver_kernels.chosen = lambda: kernel
    try:
        ours.fit(context)
    finally:
        solver_kernels.chosen = chosen


def _judge(model: Any, cut: Cut, active: Any, known: Any) -> float:
    place = np.cumsum(active) - 1
    scores = np.zeros((len(cut.rows), len(known)))
    here = active[cut.rows]
    scores[np.ix_(here, known)] = model.user_factors[place[cut.rows[here]]] @ model.item_factors.T
    return _figure(scores, known, cut)


def _figure(scores: Any, known: Any, cut: Cut) -> float:
    return worth(scores, cut.open & known, cut.gain * cut.open, cut.discounted)


def _needed_work(core: sparse.csr_matrix) -> float:
    """Count the multiply-adds of a sweep: Gram matrices, every row's equations and solution."""
    total = 0.0
    for lines in (core, core.T.tocsr()):
        lengths = np.diff(lines.indptr)
        total += float(multiply_adds(lengths, lengths < FACTORS, FACTORS).sum())
        total += lines.shape[0] * FACTORS**2 / 2
    return total


def _peak() -> float:
    """Measure multiply-adds a second, in float64, on all cores."""
    side = 2_000
    matrix = np.random.default_rng(0).normal(size=(side, side))
    return side**3 / min(seconds(lambda: matrix @ matrix) for _ in range(5))
