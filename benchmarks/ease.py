"""Fitting EASE beside the bare inversion of the same matrix, and what single precision costs."""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

import suitably as st
from benchmarks.runner import Row, in_turns
from suitably.ranking import EASE, FitContext

USERS, PRODUCTS, OWNED = 200_000, 5_000, 10
SIDE = 2_000
AS_OF = pd.Timestamp("2024-01-01")


def run() -> list[Row]:
    context, weights = workload(USERS, PRODUCTS)
    ranker = EASE().fit(context)
    common = (weights.T @ weights).toarray()
    common[np.diag_indices(len(common))] += ranker.regularization_
    peak = _peak()

    def bare(dtype: type, threads: int | None) -> None:
        with threadpool_limits(threads, user_api="blas"):
            _invert(np.asfortranarray(common, dtype))

    single, double = np.float32, np.float64
    size = f"{USERS:,} x {PRODUCTS:,}"
    floor = len(common) ** 3 / peak / 1e9
    ours, one, two, library = in_turns(
        [
            lambda: EASE().fit(context),
            lambda: bare(single, 1),
            lambda: bare(single, None),
            lambda: bare(double, None),
        ],
        3,
    )
    notes = (
        "bare potrf + potri, single precision, one thread as ours",
        "bare potrf + potri, single precision, all threads",
        "bare potrf + potri, double precision, all threads",
    )
    rows = [
        Row(f"EASE, whole fit, {size}", _mid(peer), _mid(ours), "s",
            _mid([a / b for a, b in zip(ours, peer, strict=True)]),
            f"{note}; roofline: n³ operations at one thread's matrix product", floor)
        for peer, note in zip((one, two, library), notes, strict=True)
    ]  # fmt: skip
    return [*rows, _error(ranker, common)]


def workload(users: int, products: int) -> tuple[FitContext, sparse.csr_array]:
    """Purchases with a long tail of products, as a context and as the matrix they make."""
    rng = np.random.default_rng(0)
    product = np.minimum(rng.exponential(products / 6, users * OWNED).astype(int), products - 1)
    rest = np.arange(products)
    pairs = np.unique(
        np.stack([np.append(np.repeat(np.arange(users), OWNED), rest % users),
                  np.append(product, rest)]),
        axis=1,
    )  # fmt: skip
    log = pd.DataFrame({"user_id": pairs[0], "product_id": pairs[1],
                        "timestamp": AS_OF - pd.Timedelta(days=1)})  # fmt: skip
    people = pd.DataFrame({"user_id": np.arange(users)})
    shelf = pd.DataFrame({"product_id": np.arange(products)})
    view = st.Dataset(people, shelf, log).view(AS_OF)
    eligibility = st.Policy.unrestricted().evaluate(people, shelf, AS_OF)
    matrix = sparse.csr_array((np.ones(pairs.shape[1]), tuple(pairs)), shape=(users, products))
    return FitContext(view, pa.table({}), eligibility, view.as_of, 0), matrix


def _invert(matrix: np.ndarray) -> np.ndarray:
    factorise, invert = lapack.get_lapack_funcs(("potrf", "potri"), dtype=matrix.dtype)
    factor, _ = factorise(matrix, lower=True, clean=False, overwrite_a=True)
    inverse, _ = invert(factor, lower=True, overwrite_c=True)
    return inverse


def _error(ranker: EASE, common: np.ndarray) -> Row:
    """Hold the learned weights against numpy's general inversion in double precision."""
    precise = np.linalg.inv(common)
    precise /= -precise.diagonal()
    np.fill_diagonal(precise, 0)
    error = float(np.abs(ranker.similarity_ - precise).max() / np.abs(precise).max())
    return Row("EASE, largest error of a weight", None, error, "of the largest", None,
               "against a general inversion in double precision")  # fmt: skip


def _peak() -> float:
    """Give what one thread's single-precision product does, in 10⁹ operations a second."""
    left = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    with threadpool_limits(1, user_api="blas"):
        times = in_turns([lambda: left @ left], 5)[0]
    return 2 * SIDE**3 / min(times) / 1e9


def _mid(values: list[float]) -> float:
    return float(np.median(values))
