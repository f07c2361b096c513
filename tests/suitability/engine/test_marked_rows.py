"""Rows made from the nearest that is kept, against flipping every bit from the beginning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.suitability.engine import marked_rows
from suitably.suitability.engine.marked_rows import MarkedRows
from suitably.suitability.engine.steps import NEVER
from suitably.utils import bitset


@given(
    products=st.integers(0, 130),
    sides=st.integers(1, 2),
    apart=st.integers(1, 5),
    most=st.sampled_from([1, 64, 2**20]),
    seed=st.integers(0, 10**6),
)
def test_rows_are_those_of_flipping_one_by_one(
    products: int, sides: int, apart: int, most: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    begun = rng.random(products) < 0.5
    flips = [rng.integers(0, 9, products) for _ in range(sides)]
    for one in flips:
        one[rng.random(products) < 0.2] = NEVER
    steps = rng.integers(-1, 12, 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marked_rows, "_LEAST_APART", apart)
        patch.setattr(marked_rows, "_MOST_BYTES", most)
        rows = MarkedRows(bitset.pack(begun[None]), flips, NEVER).rows(steps)
    flipped = sum((one < steps[:, None] for one in flips), start=np.zeros((40, products), int))
    np.testing.assert_array_equal(bitset.unpack(rows, products), begun ^ (flipped % 2 == 1))


def test_what_is_kept_is_bounded() -> None:
    products = 2**15
    base = np.zeros((1, bitset.words_for(products)), np.uint64)
    kept = MarkedRows(base, [np.arange(products)], NEVER)._marks
    assert kept.nbytes <= marked_rows._MOST_BYTES + base.nbytes
