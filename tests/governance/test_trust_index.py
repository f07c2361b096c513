"""Weights of indicators against published values, and the index that is made of them."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import suitably as st

SAATY = [[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]]


def test_published_judgements() -> None:
    found = st.governance.ahp_weights(SAATY)
    np.testing.assert_allclose(found, [0.6370, 0.2583, 0.1047], atol=5e-5)
    assert found.largest_eigenvalue == pytest.approx(3.03851, abs=5e-6)
    assert found.consistency_index == pytest.approx(0.019256, abs=5e-7)
    assert found.consistency_ratio == pytest.approx(0.0332, abs=5e-5)
    assert sum(found) == pytest.approx(1)


def test_published_entropies() -> None:
    found = st.governance.entropy_weights([[0.8, 0.2], [0.6, 0.9], [0.7, 0.4]])
    np.testing.assert_allclose(found.entropies, [0.993787, 0.844354], atol=5e-7)
    np.testing.assert_allclose(found, [0.0384, 0.9616], atol=5e-5)


@pytest.mark.parametrize("size", [1, 2, 5, 15])
def test_judgements_that_agree_give_back_their_weights(size: int) -> None:
    weights = np.arange(1, size + 1) / np.arange(1, size + 1).sum()
    found = st.governance.ahp_weights(weights[:, None] / weights[None, :])
    np.testing.assert_allclose(found.weights, weights, rtol=1e-9)
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]], "consistency ratio is .* judge the pairs"),
        ([[1, 2], [2, 1]], "reciprocal"),
        ([[1, -2], [-0.5, 1]], "must be positive"),
        ([[2, 2], [0.5, 2]], "reciprocal"),
        ([[1, 2, 3], [0.5, 1, 2]], "must be square"),
        (np.ones((16, 16)), "1 to 15 indicators"),
        ([[1, np.nan], [1, 1]], "finite"),
        ([[1, "x"], [1, 1]], "rows of numbers"),
        ([1, 2], "rows of finite"),
        ([], "rows of finite"),
    ],
)
def test_bad_judgements_are_refused(matrix: Any, message: str) -> None:
    with pytest.raises(st.DataError, match=message):
        st.governance.ahp_weights(matrix)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, 0.5]], "two objects or more"),
        ([[0.5, -0.1], [0.5, 0.2]], "must be 0 or more"),
        ([[0.5, 0.0], [0.4, 0.0]], "above 0 for some"),
        ([[0.5, 0.2], [0.5, 0.2]], "alike in every indicator"),
        ([[0.5, np.inf], [0.4, 1.0]], "finite"),
    ],
)
def test_bad_scores_are_refused(matrix: Any, message: str) -> None:
    with pytest.raises(st.DataError, match=message):
        st.governance.entropy_weights(matrix)


def _quarters() -> dict[str, Any]:
    return {
        "period": ["a", "b", "c"],
        "identity": [0.9, 0.9, 0.9],
        "transaction_safety": [0.99, 0.98, 0.97],
        "disclosure": [0.5, 0.6, 0.9],
        "service": [0.7, 0.2, 0.4],
        "risk_control": [0.8, 0.8, 0.9],
    }


def test_index_mixes_judgement_and_entropy() -> None:
    quarters = pl.DataFrame(_quarters())
    judgements = np.ones((5, 5))
    half = st.governance.TrustIndex(judgements, entropy_share=0.5).fit(quarters)
    scores = quarters.drop("period").to_numpy()
    weights = 0.5 / 5 + 0.5 * st.governance.entropy_weights(scores).weights
    np.testing.assert_allclose(half.weights_, weights)
    found = half.score(quarters)
    assert found.columns == ["period", "trust_index"]
    np.testing.assert_allclose(found["trust_index"], 100 * scores @ weights)
    assert half.weights_[0] == pytest.approx(0.1)  # alike in all periods: judged, and no less


def test_entropy_alone_is_refused_for_safety() -> None:
    quarters = pd.DataFrame(_quarters())
    for index in (
        st.governance.TrustIndex(),
        st.governance.TrustIndex(np.ones((5, 5)), entropy_share=1),
    ):
        with pytest.raises(ValueError, match="entropy alone cannot weigh identity"):
            index.fit(quarters)
    alone = st.governance.TrustIndex(indicators=["disclosure", "service"], safety=[])
    assert alone.fit(quarters).weights_.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"service": [0.7, 1.2, 0.4]}, r"service: 1 of 3 rows .*rows \[1\]"),
        ({"service": [0.7, None, 0.4]}, "service: 1 of 3 rows"),
        ({"service": list("abc")}, "service: must hold numbers"),
    ],
)
def test_bad_indicators_are_refused(changes: dict[str, Any], message: str) -> None:
    index = st.governance.TrustIndex(np.ones((5, 5))).fit(pd.DataFrame(_quarters()))
    with pytest.raises(st.DataError, match=message):
        index.score(pd.DataFrame({**_quarters(), **changes}))
    with pytest.raises(st.DataError, match="no column 'service'"):
        index.score(pd.DataFrame(_quarters()).drop(columns="service"))
    with pytest.raises(st.NotFittedError):
        st.governance.TrustIndex(np.ones((5, 5))).score(pd.DataFrame(_quarters()))
    with pytest.raises(st.DataError, match="of 2 indicators, not of 5"):
        st.governance.TrustIndex(np.ones((2, 2))).fit(pd.DataFrame(_quarters()))
