"""A world whose probabilities are known and do not move: what is expected later must come."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binomtest

import suitably as st
from suitably.decisions import Propensity

USERS, PRODUCTS, DAYS = 1_000, 40, 360
AS_OF = pd.Timestamp("2024-06-01")


@pytest.fixture(scope="module")
def world():
    """Daily purchases of repeatable products, by a score that a ranker knows."""
    rng = np.random.default_rng(11)
    score = rng.normal(size=(USERS, PRODUCTS)).astype(np.float32)
    horizon = expit(-4.5 + 1.2 * score)
    daily = 1 - (1 - horizon) ** (1 / 90)
    counts = rng.binomial(DAYS + 90, daily)
    users, products = np.nonzero(counts)
    often = counts[users, products]
    users, products = np.repeat(users, often), np.repeat(products, often)
    day = rng.integers(0, DAYS + 90, len(users))
    day[0] = DAYS + 90  # the log goes on after the window
    begin = AS_OF - pd.Timedelta(days=DAYS)
    ids = np.array([f"u{n:04d}" for n in range(USERS)])
    items = np.array([f"p{n:02d}" for n in range(PRODUCTS)])
    data = st.Dataset(
        pd.DataFrame({"user_id": ids}),
        pd.DataFrame({"product_id": items, "repeatable": True}),
        pd.DataFrame(
            {
                "user_id": ids[users],
                "product_id": items[products],
                "timestamp": begin + pd.to_timedelta(day, "D"),
            }
        ),
    )
    frame = pd.DataFrame(
        {
            "user_id": np.repeat(ids, PRODUCTS),
            "product_id": np.tile(items, USERS),
            "score": score.ravel(),
        }
    )
    pipeline = st.Pipeline(
        policy=st.Policy.unrestricted(), ranker=st.ranking.Precomputed(scores=frame)
    )
    true = dict(
        zip(zip(frame.user_id, frame.product_id, strict=True), horizon.ravel(), strict=True)
    )
    return data, pipeline, true


@pytest.mark.parametrize("method", ["isotonic", "logistic"])
def test_what_is_expected_comes(world, method):
    """Bins hold some 90 purchases: a ratio outside [.6, 1.5] has a chance below 1 in 10,000."""
    data, pipeline, true = world
    made = Propensity(pipeline, method=method).fit(data, AS_OF)
    found = made.calibration(data)
    for one in found.bins:
        assert 0.6 < one.ratio < 1.5
        assert binomtest(one.observed, one.pairs, one.expected / one.pairs).pvalue > 1e-4
    assert found.slope == pytest.approx(1.0, abs=0.15)
    predicted = made.predict()
    assert len(predicted) == USERS * PRODUCTS
    known = [true[pair] for pair in zip(predicted.user_id, predicted.product_id, strict=True)]
    assert predicted.probability.sum() == pytest.approx(sum(known), rel=0.1)
    assert np.corrcoef(np.log(predicted.probability), np.log(known))[0, 1] > 0.95
