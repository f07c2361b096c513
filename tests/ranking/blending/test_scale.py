"""The common scale: by hand, against NumPy's asinh, and the compiled loop to the last bit."""

from typing import Any

import numpy as np
import pytest

from suitably.ranking.blending import scale
from suitably.ranking.blending.scale import add_on_scale, asinh, on_scale

compiled = pytest.mark.skipif(scale._compiled() is None, reason="numba is not installed")


def test_by_hand() -> None:
    lines = np.array([[1.0, -1.0, 4.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    scaled, means = on_scale(lines, np.array([True, True, True, False]))
    low, mid, high = np.arcsinh([-5.0, 5.0, 20.0])  # ten times, by the mean size of 2
    assert scaled[0] == pytest.approx([mid, low, high, 0])
    assert means == pytest.approx([(low + mid + high) / 3, 0])
    assert scaled[1].tolist() == [0, 0, 0, 0]
    nothing, _ = on_scale(lines, np.zeros(4, bool))
    assert not nothing.any()


def test_asinh_is_that_of_numpy() -> None:
    sizes = np.logspace(-30, 15, 20_001, dtype=np.float32)
    for y in (sizes, -sizes, np.float32([0.0, -0.0])):
        wanted = np.arcsinh(y.astype(np.float64))
        assert (
            np.abs(asinh(y) - wanted) == pytest.approx(0, abs=0)
            or (
                np.abs(asinh(y) - wanted) <= 3 * np.spacing(np.abs(wanted).astype(np.float32))
            ).all()
        )
    assert (np.diff(asinh(np.linspace(-20, 20, 4001, dtype=np.float32))) >= 0).all()
    with np.errstate(invalid="ignore", over="ignore"):
        assert np.isnan(asinh(np.float32([np.inf, -np.inf, np.nan]))).all()


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("products", [1, 5, 63, 64, 65, 513, 1200])
def test_compiled_or_not_and_in_any_block(
    dtype: Any, products: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(products)
    lines = (rng.standard_normal((9, products)) ** 5).astype(dtype)
    known = rng.random(products) < 0.8
    lines[:, ~known] = 0
    users, starts = np.array([3, 0, 2]), np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 3])
    shares = rng.random(3).astype(np.float32)
    answers = []
    for loop in (scale._compiled(), None):
        monkeypatch.setattr(scale, "_compiled", lambda loop=loop: loop)
        found, means = on_scale(lines, known)
        total = np.ones((4, products + 2), np.float32)
        again = add_on_scale(lines, known, starts, users, shares, total)
        assert (again == means).all()
        assert (total[0, :products] == 1 + shares[1] * found[8]).all()
        answers += [(found, means, total)]
        for part in (slice(0, 1), slice(3, 8)):
            alone, mean = on_scale(lines[part], known)
            assert (alone == found[part]).all()
            assert (mean == means[part]).all()
        # Products to come, of which nothing is known, change nothing.
        longer, _ = on_scale(np.pad(lines, [(0, 0), (0, 70)]), np.pad(known, (0, 70)))
        assert (longer[:, :products] == found).all()
    for one, other in zip(*answers, strict=True):
        assert (one == other).all()
