"""Lists: dropping closes the gaps, in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suitably.ranking import Lists


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    depth=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_keep(lengths: list[int], depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    products = np.full((len(lengths), 5), -1, np.int32)
    scores = np.zeros((len(lengths), 5), np.float32)
    for row, length in enumerate(lengths):
        products[row, :length] = rng.permutation(9)[:length]
        scores[row, :length] = rng.random(length)
    lists = Lists(products, scores, np.array(lengths, np.int32))
    kept = rng.random((len(lengths), 5)) < 0.5
    found = lists.keep(kept, depth)
    for row, length in enumerate(lengths):
        expected = [int(p) for p, stay in zip(products[row, :length], kept[row], strict=False)
                    if stay][:depth]  # fmt: skip
        assert found.products[row, : found.lengths[row]].tolist() == expected
        assert (found.products[row, found.lengths[row] :] == -1).all()
        assert (found.scores[row, found.lengths[row] :] == 0).all()


def test_stack_and_take() -> None:
    one = Lists(np.array([[1, 2]], np.int32), np.ones((1, 2), np.float32), np.array([2], np.int32))
    both = Lists.stack([one, Lists.empty(1, 2)])
    assert both.lengths.tolist() == [2, 0]
    assert both.take(np.array([1, 0])).products.tolist() == [[-1, -1], [1, 2]]
    assert both.filled.tolist() == [[True, True], [False, False]]
