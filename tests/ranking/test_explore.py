"""Explore: drawn lists are eligible, repeatable, and carry the probability that they had."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably.ranking import ALS, EASE, Blend, Explore, Popularity
from suitably.ranking.protocol import DrawingRanker, Scores
from suitably.reranking import Diversity
from suitably.testing import RankerContract
from support.banks import FREE
from support.banks import seven as world


class TestExplore(RankerContract):
    """It scores as its ranker does; it is the lists that are drawn."""

    scores_unknown_users = True

    def make(self) -> Explore:
        return Explore(Popularity(), temperature=0.5, top=3)

    def bad(self) -> list[Any]:
        return [Explore(Popularity(), temperature=0), Explore(Popularity(), top=0)]


class TestExploreOfABlend(RankerContract):
    def make(self) -> Explore:
        return Explore(Blend([EASE(), ALS(factors=2, iterations=2, regularization=0.1)], [1, 1]))


def pipeline(ranker: Any = None, **given: Any) -> st.Pipeline:
    ranker = Explore(Popularity(), temperature=1.0, top=4) if ranker is None else ranker
    made = {"policy": st.Policy.unrestricted(), "ranker": ranker, "fallback": None, **given}
    return st.Pipeline(**made)


def twin(values: dict[str, float], listed: list[str], temperature: float, top: int) -> list[float]:
    """Return what the propensities of a list must be, product by product."""
    pool = dict(sorted(values.items(), key=lambda item: -item[1])[:top])
    spread = float(np.std(list(pool.values()))) or 1.0
    weights = {one: np.exp(value / spread / temperature) for one, value in pool.items()}
    found = []
    for one in listed:
        found.append(weights[one] / sum(weights.values()))
        del weights[one]
    return found


@pytest.fixture(scope="module")
def bank() -> st.Dataset:
    return st.data.simulate_bank(users=600, products=40, seed=3)


def test_propensities_against_a_twin(bank: st.Dataset) -> None:
    fitted = pipeline(policy="cn-csrc-amac").fit(bank)
    greedy = pipeline(Popularity(), policy="cn-csrc-amac").fit(bank)
    every = greedy.recommend(k=40).to_frame()
    drawn = fitted.recommend(k=3).to_frame()
    assert drawn["propensity"].dtype == np.float64
    assert len(drawn) > 200
    values = {user: dict(zip(part["product_id"], part["score"], strict=True))
              for user, part in every.groupby("user_id")}  # fmt: skip
    for user, part in drawn.groupby("user_id"):
        expected = twin(values[user], part["product_id"].tolist(), 1.0, 4)
        assert part["propensity"].tolist() == pytest.approx(expected, abs=1e-9)
        assert part["score"].tolist() == [values[user][one] for one in part["product_id"]]


@pytest.mark.parametrize("temperature", [1e-308, 5e-324, 1e-6])
def test_the_coldest_draw_is_the_ranker_s_list(temperature: float, bank: st.Dataset) -> None:
    fitted = pipeline(Explore(EASE(), temperature=temperature)).fit(bank)
    greedy = pipeline(EASE()).fit(bank).recommend(k=5).to_frame()
    drawn = fitted.recommend(k=5).to_frame()
    assert (drawn["propensity"] > 0).all()
    assert drawn["score"].tolist() == greedy["score"].tolist()


def test_only_what_the_greedy_pipeline_could_list(bank: st.Dataset) -> None:
    """Eligible, not owned, within what the caller narrows to, among the top of the user."""
    some = bank.product_ids[::2]
    greedy = pipeline(Popularity(), policy="cn-csrc-amac").fit(bank)
    allowed = greedy.recommend(k=4, product_ids=some).to_frame()
    pairs = set(zip(allowed["user_id"], allowed["product_id"], strict=True))
    for seed in range(5):
        fitted = pipeline(policy="cn-csrc-amac", seed=seed).fit(bank)
        drawn = fitted.recommend(k=2, product_ids=some).to_frame()
        assert set(zip(drawn["user_id"], drawn["product_id"], strict=True)) <= pairs
        eligible = fitted.eligibility().mask()
        users = pd.Index(fitted.user_ids).get_indexer(drawn["user_id"])
        products = pd.Index(fitted.product_ids).get_indexer(drawn["product_id"])
        assert eligible[users, products].all()


def test_the_draw_depends_on_seed_user_and_day_alone(bank: st.Dataset) -> None:
    fitted = pipeline().fit(bank)
    everybody = fitted.recommend(k=3).to_frame()
    user = everybody["user_id"].iloc[-1]
    alone = fitted.recommend([user], k=3).to_frame()
    whole = everybody[everybody["user_id"] == user].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, whole)
    # A list that is shorter begins alike.
    short = fitted.recommend([user], k=2).to_frame()
    pd.testing.assert_frame_equal(short, whole.head(2))
    day = fitted.as_of_.normalize() + pd.Timedelta(days=1)  # type: ignore[union-attr]
    morning, evening, tomorrow = (
        fitted.recommend(k=3, as_of=day + pd.Timedelta(hours=hours)).to_frame()
        for hours in (1, 23, 24)
    )
    pd.testing.assert_frame_equal(morning, evening)
    assert (morning["product_id"] != tomorrow["product_id"]).any()
    other = pipeline(seed=1).fit(bank).recommend(k=3).to_frame()
    assert (other["product_id"] != everybody["product_id"]).any()


def test_every_path_draws_the_same(bank: st.Dataset, tmp_path: Any) -> None:
    fitted = pipeline(Explore(EASE(), top=6), fallback="popularity").fit(bank)
    expected = fitted.recommend(k=3)
    frame = expected.to_frame()
    fitted.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.recommend(k=3).to_frame(), frame)
    asked = [pa.record_batch({"user_id": pa.array(bank.user_ids[at : at + 100])})
             for at in range(0, len(bank.user_ids), 100)]  # fmt: skip
    batches = pa.Table.from_batches(loaded.apply_arrow(asked, k=3))
    names = ["user_id", "product_id", "rank", "score", "propensity"]
    assert batches.schema.names == names
    assert batches.schema.field("propensity").type == pa.float64()
    pd.testing.assert_frame_equal(batches.to_pandas(), frame[names])
    listed = [one for user in expected.to_dict()["users"] for one in user["products"]]
    assert [one["propensity"] for one in listed] == frame["propensity"].tolist()
    files = st.engines.files.recommend
    pd.DataFrame({"user_id": bank.user_ids}).to_parquet(tmp_path / "users.parquet")
    files(tmp_path / "model", tmp_path / "users.parquet", tmp_path / "lists.parquet", k=3)
    written = pd.read_parquet(tmp_path / "lists.parquet")
    assert written["propensity"].tolist() == frame["propensity"].tolist()


def test_a_list_that_the_fallback_ranked_is_certain(bank: st.Dataset) -> None:
    fitted = pipeline(Explore(EASE(), top=6), fallback="popularity").fit(bank)
    recs = fitted.recommend(k=3)
    frame = recs.to_frame()
    able = fitted.ranker_.can_score(fitted.user_ids)
    stood_in = frame["user_id"].isin(fitted.user_ids[~able])
    assert stood_in.any()
    assert (frame.loc[stood_in, "propensity"] == 1).all()
    assert (frame.loc[~stood_in, "propensity"] < 1).any()
    user = frame.loc[stood_in, "user_id"].iloc[0]
    assert recs.explain(user, frame.loc[frame["user_id"] == user, "product_id"].iloc[0]).stood_in


def test_a_long_list_may_be_drawn_from_as_many_products() -> None:
    bank = world().but(policies=(FREE,))
    fitted = bank.pipeline(Explore(Popularity(), top=1), fallback=None)
    frame = fitted.fit(bank.dataset(), bank.as_of).recommend(["u6"], k=4).to_frame()
    assert len(frame) == 4


def test_equal_scores_are_equally_likely() -> None:
    class Same:
        def fit(self, context: Any) -> Any:
            self.products_ = len(context.data.product_ids)
            return self

        def scorer(self, user_ids: Any) -> Scores:
            return Scores(np.full((len(user_ids), self.products_), 0.1))

        def can_score(self, user_ids: Any) -> Any:
            return np.ones(len(user_ids), bool)

    bank = world().but(policies=(FREE,))
    fitted = bank.pipeline(Explore(Same())).fit(bank.dataset(), bank.as_of)
    frame = fitted.recommend(["u6"], k=6).to_arrow()
    assert frame["propensity"].to_pylist() == pytest.approx(
        [1 / n for n in range(len(frame), 0, -1)]
    )


def test_step_by_step_has_propensities_too(bank: st.Dataset) -> None:
    """Every step draws among the top of what is left, by scores standardised over these."""
    users = bank.user_ids[:20]
    fitted = pipeline(Explore(Popularity(), top=4)).fit(bank)
    frame = fitted.recommend(users, k=3, stepwise=True).to_frame()
    every = pipeline(Popularity()).fit(bank).recommend(users, k=40).to_frame()
    assert frame.groupby("user_id").size().eq(3).all()
    for user, part in frame.groupby("user_id"):
        mine = every[every["user_id"] == user]
        left = dict(zip(mine["product_id"], mine["score"], strict=True))
        for product, found in zip(part["product_id"], part["propensity"], strict=True):
            assert found == pytest.approx(twin(left, [product], 1.0, 4)[0], abs=1e-9)
            del left[product]


def test_after_an_update() -> None:
    """New users are drawn for, and the others by their own streams as before."""
    log = pd.DataFrame({"user_id": ["a", "b", "b"], "product_id": ["x", "y", "z"]})
    log["timestamp"] = pd.Timestamp("2024-03-01 09:00")
    fitted = pipeline().fit(st.Dataset(None, None, log))
    before = fitted.recommend(["a"], k=3).to_frame()
    news = pd.DataFrame({"user_id": ["new"], "product_id": ["x"]})
    fitted.update(interactions=news.assign(timestamp=pd.Timestamp("2024-03-01 10:00")))
    frame = fitted.recommend(["new", "a"], k=3).to_frame()
    assert set(frame["user_id"]) == {"new", "a"}
    again = frame[frame["user_id"] == "a"]
    assert again["propensity"].tolist() == before["propensity"].tolist()


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frames(kind: str) -> None:
    log = {"user_id": ["a", "b", "c"], "product_id": ["x", "y", "y"]}
    given = pl.DataFrame(log) if kind == "polars" else pa.table(log)
    frame = pipeline().fit(st.Dataset(None, None, given)).recommend(k=2).to_frame()
    assert "propensity" in (frame.columns if kind == "polars" else frame.column_names)


def test_zero_rows_keep_the_column() -> None:
    bank = world().but(policies=(FREE,))
    fitted = bank.pipeline(Explore(Popularity())).fit(bank.dataset(), bank.as_of)
    assert fitted.recommend([], k=2).to_arrow().schema.field("propensity").type == pa.float64()
    reasons = fitted.recommend(["nobody"], k=2).abstentions()["reason"].to_pylist()
    assert reasons == ["unknown-user"]


class TestDrawsLast:
    def test_with_rerankers(self, bank: st.Dataset) -> None:
        with pytest.raises(ValueError, match="Explore draws last"):
            pipeline(rerankers=[Diversity(by="category")]).fit(bank)

    def test_with_rerankers_later(self, bank: st.Dataset) -> None:
        fitted = pipeline().fit(bank)
        with pytest.raises(ValueError, match="Explore draws last"):
            fitted.under(st.Policy.unrestricted(), rerankers=[Diversity(by="category")])

    @pytest.mark.parametrize("ranker", [Blend([Explore(), EASE()]), Explore(Explore())])
    def test_inside_another(self, ranker: Any, bank: st.Dataset) -> None:
        with pytest.raises(ValueError, match="draws last"):
            pipeline(ranker).fit(bank)

    def test_as_a_fallback(self, bank: st.Dataset) -> None:
        with pytest.raises(ValueError, match="draws nothing"):
            pipeline(EASE(), fallback=Explore()).fit(bank)

    @pytest.mark.parametrize("ranker", ["popularity", Popularity, object()])
    def test_what_is_no_ranker(self, ranker: Any, bank: st.Dataset) -> None:
        with pytest.raises(ValueError, match="must be one, such as"):
            pipeline(Explore(ranker)).fit(bank)


def test_products_alike_are_those_of_its_ranker(bank: st.Dataset) -> None:
    one, other = pipeline(Explore(EASE())).fit(bank), pipeline(EASE()).fit(bank)
    product = bank.product_ids[0]
    expected = other.similar_products(product, k=5)
    pd.testing.assert_frame_equal(one.similar_products(product, k=5), expected)
    with pytest.raises(ValueError, match="Popularity has neither"):
        pipeline().fit(bank).similar_products(product)


def test_it_is_told_apart() -> None:
    assert isinstance(Explore(), DrawingRanker)
    assert not isinstance(Popularity(), DrawingRanker)
