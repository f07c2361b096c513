"""Sparse rows put together as they come: the matrix that all of them at once make."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from suitably.ranking.solvers.growing import joined, narrow


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [1, 3, 40])
def test_rows_in_parts_are_the_whole(step: int, dtype: Any) -> None:
    rng = np.random.default_rng(step)
    held = rng.random((40, 40)) * (rng.random((40, 40)) < 0.2)
    held[7:12] = 0
    whole = sparse.csr_array(held)
    parts = (whole[first : first + step] for first in range(0, 40, step))
    found = joined(((np.diff(one.indptr), one.indices, one.data) for one in parts), 40, dtype)
    assert found.dtype == dtype
    assert found.indices.dtype == np.int32
    for name in ("indptr", "indices"):
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    assert np.array_equal(found.data, whole.data.astype(dtype))


def test_nothing_at_all() -> None:
    assert joined([], 3, np.float64).shape == (3, 3)
    none = np.zeros(3, np.int64), np.zeros(0, np.int32), np.zeros(0)
    assert joined([none], 3, np.float64).nnz == 0


def test_rows_of_too_many_entries_keep_their_width() -> None:
    assert narrow(np.array([0, 2**31 - 1])).dtype == np.int32
    wide = np.array([0, 2**31])
    assert narrow(wide) is wide
