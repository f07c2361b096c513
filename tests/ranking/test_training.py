"""What is handed to a foreign trainer, and what is taken from it."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from threadpoolctl import threadpool_info

import suitably as st
from suitably.ranking.solvers import implicit_training
from suitably.ranking.solvers.implicit_training import trained


class Trainer:
    """Keeps what it is given, and learns what it is told to."""

    def __init__(self, number=1.0):
        self.user_factors = np.full((2, 3), number, np.float32)
        self.item_factors = np.ones((2, 3), np.float32)

    def fit(self, matrix, show_progress):
        Trainer.given, Trainer.shown = matrix, show_progress
        Trainer.threads = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def trainer(monkeypatch):
    monkeypatch.setattr(implicit_training, "_imported", lambda *_: (Trainer, ZeroDivisionError))


def test_stored_zeros_are_not_purchases():
    weights = sparse.csr_array(np.array([[2.0, 1.0], [0.5, 3.0]]))
    weights.data[1] = 0
    trained("it", ("als", "Trainer"), weights)
    assert Trainer.given.nnz == 3
    assert Trainer.given.dtype == np.float32
    assert Trainer.given.has_sorted_indices
    assert weights.nnz == 4
    assert Trainer.shown is False
    assert Trainer.threads == {1}


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(number):
    with pytest.raises(st.DataError, match="it: 6 of 6"):
        trained("it", ("als", "Trainer"), sparse.csr_array(np.eye(2)), number=number)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("libgomp.so.1: cannot open shared object file", "apt-get install libgomp1"),
        ("No module named 'implicit'", "No module"),
    ],
)
@pytest.mark.parametrize("name", ["ALS", "BPR", "LogisticMF"])
def test_a_trainer_that_cannot_be_imported_is_named_with_what_to_do(monkeypatch, name, said, hint):
    monkeypatch.undo()

    def fails(module):
        raise ImportError(said)

    monkeypatch.setattr(implicit_training, "import_module", fails)
    log = {"user_id": ["a", "a", "b"], "product_id": ["x", "y", "x"]}
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=getattr(st.ranking, name)())
    with pytest.raises(ImportError, match=f"{name} trains with implicit, which fails: .*{hint}"):
        pipeline.fit(st.Dataset(None, None, pd.DataFrame(log)))
