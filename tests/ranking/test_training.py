"""What is handed to a foreign trainer, and what is taken from it."""

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_info

import suitably
from suitably.ranking.solvers.implicit_training import trained


class Trainer:
    """Keeps what it is given, and learns what it is told to."""

    def __init__(self, number=1.0):
        self.user_factors = np.full((2, 3), number, np.float32)
        self.item_factors = np.ones((2, 3), np.float32)

    def fit(self, matrix, show_progress):
        Trainer.given, Trainer.shown = matrix, show_progress
        Trainer.threads = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


def test_stored_zeros_are_not_purchases():
    weights = sparse.csr_array(np.array([[2.0, 1.0], [0.5, 3.0]]))
    weights.data[1] = 0
    trained("it", Trainer, weights)
    assert Trainer.given.nnz == 3
    assert Trainer.given.dtype == np.float32
    assert Trainer.given.has_sorted_indices
    assert weights.nnz == 4
    assert Trainer.shown is False
    assert Trainer.threads == {1}


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(number):
    with pytest.raises(suitably.DataError, match="it: 6 of 6"):
        trained("it", lambda: Trainer(number), sparse.csr_array(np.eye(2)))
