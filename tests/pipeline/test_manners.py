"""A pipeline behaves as its users expect: copied, pickled, shown, logged, asked for likeness."""

import copy
import logging
import pickle
from typing import Any

import numpy as np
import pytest

import suitably as st
from support.banks import AS_OF, popular
from support.frames import rows_of
from support.rankers import Cheapest


def answers(pipeline: st.Pipeline) -> list[Any]:
    recs = pipeline.recommend(k=4)
    return [
        rows_of(recs.to_frame()),
        rows_of(recs.abstentions()),
        dict(pipeline.trace("u0").stages),
    ]


@pytest.mark.parametrize("how", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize(
    "ranker",
    [
        st.ranking.ALS(factors=3, iterations=2),
        st.ranking.Blend(
            [Cheapest(), st.ranking.EASE(), st.ranking.Popularity()], weights=[1, 1, 1]
        ),
    ],
)
def test_copies_of_a_fitted_pipeline_answer_alike(how: Any, ranker: Any) -> None:
    pipeline = popular(8).fitted(
        ranker,
        profiles=[st.profiles.RecencyFrequencyValue()],
        rerankers=[st.reranking.Diversity()],
    )
    other = how(pipeline)
    assert answers(other) == answers(pipeline)
    news = popular(8).frames()[2].slice(0, 1)
    before = answers(pipeline)
    other.update(news.set_column(2, "timestamp", [[AS_OF]]))
    assert answers(pipeline) == before, "a copy shares nothing that changes"


@pytest.mark.parametrize("how", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_of_an_unfitted_pipeline(how: Any) -> None:
    pipeline = popular().pipeline(ranker=st.ranking.ALS(factors=3))
    other = how(pipeline)
    assert not other.is_fitted
    assert other.ranker.factors == 3
    assert other.ranker is not pipeline.ranker
    assert other.policies == pipeline.policies


class Silent:
    """A ranker that cannot be saved."""

    def fit(self, context: Any) -> "Silent":
        self._products = len(context.data.product_ids)
        return self

    def scorer(self, user_ids: Any) -> st.ranking.Scores:
        return st.ranking.Scores(np.ones((len(user_ids), self._products)))

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


def test_what_cannot_be_saved_cannot_be_copied_and_says_so() -> None:
    pipeline = popular(8).fitted(Silent())
    for how in (copy.deepcopy, pickle.dumps):
        with pytest.raises(st.ArtifactError, match="Silent: cannot be saved"):
            how(pipeline)


def test_shown_without_ids() -> None:
    pipeline = popular(8).fitted()
    for shown in (repr(pipeline), pipeline._repr_html_()):
        assert "Popularity" in shown
        assert "u0" not in shown


def test_logged_without_ids(caplog: pytest.LogCaptureFixture, tmp_path: Any) -> None:
    with caplog.at_level(logging.DEBUG, "suitably"):
        pipeline = popular(8).fitted()
        pipeline.recommend(["u0"])
        pipeline.save(tmp_path / "model")
        st.load(tmp_path / "model")
    said = [record.getMessage() for record in caplog.records]
    for what in ("fit", "recommend", "save", "load"):
        assert any(message.startswith(f"{what}: ") for message in said), what
    assert not any("u0" in message for message in said)


VECTORS = [
    st.ranking.ALS(factors=2, iterations=3),
    st.ranking.IALS(factors=2),
    st.ranking.BPR(factors=2, iterations=5),
    st.ranking.LogisticMF(factors=2, iterations=5),
]
NEIGHBOURS = [st.ranking.ItemKNN(), st.ranking.EASE(), st.ranking.Spectral()]


@pytest.mark.parametrize("ranker", VECTORS, ids=lambda r: type(r).__name__)
def test_similar_by_vectors_is_the_cosine(ranker: Any) -> None:
    pipeline = popular(8).fitted(ranker)
    fitted: Any = pipeline.ranker_
    latent = fitted.product_factors_[:, : ranker.factors].astype(float)
    codes = {product: code for code, product in enumerate(pipeline.product_ids)}
    with np.errstate(invalid="ignore"):
        units = latent / np.linalg.norm(latent, axis=1, keepdims=True)
    for product in pipeline.product_ids:
        found = rows_of(pipeline.similar_products(product, k=50))
        expected = {
            other: float(units[codes[product]] @ units[codes[other]])
            for other in codes
            if other != product and fitted.known_[[codes[product], codes[other]]].all()
        }
        assert {row["product_id"]: row["score"] for row in found} == pytest.approx(
            expected, abs=1e-6
        )
        scores = [row["score"] for row in found]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("ranker", NEIGHBOURS, ids=lambda r: type(r).__name__)
def test_similar_by_neighbours_is_the_row_of_the_product(ranker: Any) -> None:
    pipeline = popular(8).fitted(ranker)
    fitted: Any = pipeline.ranker_
    known = np.flatnonzero(fitted.known_)
    matrix = fitted.similarity_
    matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    ids = pipeline.product_ids
    for row, code in enumerate(known):
        found = rows_of(pipeline.similar_products(ids[code], k=50))
        expected = {
            ids[other]: float(matrix[row, column])
            for column, other in enumerate(known)
            if other != code and matrix[row, column] > 0
        }
        assert {r["product_id"]: r["score"] for r in found} == pytest.approx(expected)


def test_similar_by_a_blend_is_the_mean_of_what_its_rankers_say() -> None:
    parts = [st.ranking.ItemKNN(), st.ranking.ALS(factors=2), st.ranking.Popularity()]
    weights = np.array([0.5, 0.3, 0.2])
    blend = popular(8).fitted(st.ranking.Blend(parts, weights=weights))
    product = blend.product_ids[0]
    expected: dict[Any, float] = {}
    for ranker, weight in zip(parts[:2], weights, strict=False):
        alone = rows_of(popular(8).fitted(ranker).similar_products(product, k=50))
        largest = max(row["score"] for row in alone)
        for row in alone:
            expected.setdefault(row["product_id"], 0.0)
            expected[row["product_id"]] += weight * row["score"] / largest
    found = {r["product_id"]: r["score"] for r in rows_of(blend.similar_products(product, k=50))}
    assert found == pytest.approx(expected, rel=1e-5)


def test_similar_products_that_cannot_be_told() -> None:
    pipeline = popular(8).fitted(st.ranking.ItemKNN())
    first = pipeline.product_ids[0]
    assert len(rows_of(pipeline.similar_products(first, k=1))) == 1
    with pytest.raises(st.DataError, match="unknown"):
        pipeline.similar_products("nowhere")
    for k in (0, -1, 1.5, True, "3"):
        with pytest.raises(ValueError, match="positive integer"):
            pipeline.similar_products(first, k=k)
    with pytest.raises(ValueError, match="Popularity has neither"):
        popular(8).fitted().similar_products(first)


def test_a_blend_learns_the_same_weights_side_by_side() -> None:
    bank = st.data.simulate_bank(users=400, products=60, seed=1)
    free = st.Policy.unrestricted()
    parts = [st.ranking.Popularity(half_life_days=30), st.ranking.ItemKNN()]
    first, second = (
        st.Pipeline(policy=free, ranker=st.ranking.Blend(parts, n_jobs=jobs)).fit(bank)
        for jobs in (1, 2)
    )
    one, two = (p.recommend(k=5).to_frame() for p in (first, second))
    assert one.equals(two)
    assert (first.ranker_.weights_ == second.ranker_.weights_).all()  # type: ignore[attr-defined]
