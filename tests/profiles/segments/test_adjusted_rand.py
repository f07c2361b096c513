"""The adjusted Rand index, against published values, a sum over pairs, and scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as any_

from suitably.profiles.segments.adjusted_rand import adjusted_rand, agreement

# Examples of scikit-learn's page of adjusted_rand_score, and one summed by hand.
PUBLISHED = [
    ([0, 0, 1, 1], [0, 0, 1, 1], 1.0),
    ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
    ([0, 0, 1, 2], [0, 0, 1, 1], 0.571428571428571),
    ([0, 0, 1, 1], [0, 0, 1, 2], 0.571428571428571),
    ([0, 0, 0, 0], [0, 1, 2, 3], 0.0),
    ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
    # Pairs: 2 together in both, of 6 and 3 in either, of 15: (2 − 1.2) / (4.5 − 1.2).
    (list("aaabbb"), list("ccddee"), 0.8 / 3.3),
]


@pytest.mark.parametrize(("one", "other", "value"), PUBLISHED)
def test_published_values(one: list, other: list, value: float) -> None:
    assert adjusted_rand(one, other) == pytest.approx(value, abs=1e-15)


def test_where_chance_leaves_no_choice() -> None:
    assert adjusted_rand([5], ["x"]) == 1.0
    assert adjusted_rand([1, 1, 1], [2, 2, 2]) == 1.0
    assert adjusted_rand([1, 2, 3], [4, 5, 6]) == 1.0


@pytest.mark.parametrize("pair", [([], []), ([1], [1, 2]), ([[1], [2]], [1, 2])])
def test_what_is_no_pair_of_partitions(pair: tuple) -> None:
    with pytest.raises(ValueError, match="adjusted_rand: needs two labels for each user"):
        adjusted_rand(*pair)


LABELS = any_.lists(any_.tuples(any_.integers(0, 3), any_.sampled_from("abc")), min_size=2,
                    max_size=14)  # fmt: skip


@given(LABELS)
def test_as_a_sum_over_pairs_of_users(labels: list) -> None:
    one, other = zip(*labels, strict=True)
    pairs = list(combinations(range(len(labels)), 2))
    mine, theirs = (sum(side[i] == side[j] for i, j in pairs) for side in (one, other))
    both = sum(one[i] == one[j] and other[i] == other[j] for i, j in pairs)
    chance = mine * theirs / len(pairs)
    found = adjusted_rand(one, other)
    if (mine + theirs) / 2 - chance:
        assert found == pytest.approx((both - chance) / ((mine + theirs) / 2 - chance), abs=1e-12)
    assert found == adjusted_rand(other, one)
    assert found == adjusted_rand(*zip(*labels[::-1], strict=True))
    assert -0.5 <= found <= 1


@given(LABELS)
def test_a_row_may_stand_for_several_users(labels: list) -> None:
    counts = np.arange(len(labels)) % 3 + 1
    one = np.array([label[0] for label in labels])
    other = np.array(["abc".index(label[1]) for label in labels])
    assert agreement(one, other, counts) == adjusted_rand(
        np.repeat(one, counts), np.repeat(other, counts)
    )


def test_many_users_overflow_nothing() -> None:
    codes = np.arange(100) % 7
    counts = np.full(100, 10**7)
    assert agreement(codes, codes, counts) == 1.0
    assert agreement(codes, np.arange(100) % 3, counts) == pytest.approx(0, abs=0.05)


def test_as_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for classes in (1, 2, 5, 40):
        one, other = rng.integers(0, classes, (2, 300))
        other[:150] = one[:150]
        expected = metrics.adjusted_rand_score(one, other)
        assert adjusted_rand(one, other) == pytest.approx(expected, abs=1e-12)
