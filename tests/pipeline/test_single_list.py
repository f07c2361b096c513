"""A user alone gets the list that they get among others, whatever is asked and of whom.

Alone, lists are drawn up by what was prepared for one kind of question; among others, block by
block. The two share rules, scores and the last check, and nothing else.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import suitably as st
from suitably.pipeline import single_list
from suitably.ranking import similarity_ranker
from suitably.ranking.topk import engine, single
from suitably.ranking.topk.engine import top_k
from suitably.utils import bitset
from support.rankers import Cheapest

LATER = "2024-09-01"
RANKERS = [
    st.ranking.ALS(factors=8),
    st.ranking.EASE(),
    st.ranking.ItemKNN(),
    st.ranking.Spectral(),
    st.ranking.Popularity(by="risk_level"),
    st.ranking.Blend([st.ranking.ALS(factors=4), st.ranking.EASE()]),
    st.ranking.Explore(st.ranking.ALS(factors=4)),
    Cheapest(),
]
ASKED: list[dict[str, Any]] = [
    {},
    {"k": 3, "exclude_owned": False},
    {"k": 100, "as_of": LATER},
    {"product_ids": [f"p{n:04}" for n in range(1, 40, 2)]},
    {"amount": 50_000, "k": 4},
]


@pytest.fixture(scope="module")
def bank() -> st.Dataset:
    """Of whose customers some have turned something down, and some have no history."""
    made = st.data.simulate_bank(users=80, products=45, seed=3)
    log = made.interactions
    events = np.where(np.arange(len(log)) % 9 == 4, "no", "buy")
    return st.Dataset(made.users, made.products, log.assign(event=events), rejected_events=["no"])


def fitted(bank: st.Dataset, ranker: Any, **options: Any) -> st.Pipeline:
    given = {"policy": "cn-csrc-amac", "ranker": ranker, **options}
    return st.Pipeline(**given).fit(bank, as_of="2024-06-01")


def assert_alone_as_among_others(pipeline: st.Pipeline, **asked: Any) -> None:
    together = pipeline.recommend(**asked)
    said, users = together.to_dict()["users"], pipeline.user_ids.tolist()
    frame = together.to_frame()
    why = together.abstentions()
    for place, user in enumerate(users):
        alone = pipeline.recommend([user], **asked)
        assert alone.to_dict()["users"] == [said[place]]
        mine = frame[frame["user_id"] == user].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.to_frame(), mine)
        short = why[why["user_id"] == user].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.abstentions(), short)
        assert alone.candidates.tolist() == [together.candidates[place]]
        assert alone.stood_in.tolist() == [together.stood_in[place]]
        assert alone.counted == (int(alone.stood_in[0]), int(not alone.lists.lengths[0]))


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda ranker: type(ranker).__name__)
@pytest.mark.parametrize("prepared", [False, True])
def test_whatever_ranks_and_is_asked(bank: st.Dataset, ranker: Any, prepared: bool) -> None:
    pipeline = fitted(bank, ranker)
    if prepared:
        pipeline.prepare()
    for asked in ASKED:
        assert_alone_as_among_others(pipeline, **asked)


def test_without_what_is_compiled(bank: st.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "compiled_singles", lambda: None)
    for ranker in RANKERS[:2]:
        assert_alone_as_among_others(fitted(bank, ranker))


def test_where_scipy_adds_otherwise(bank: st.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_ranker, "adds_in_turn", lambda: False)
    assert_alone_as_among_others(fitted(bank, st.ranking.EASE()))


@pytest.mark.parametrize(
    "options",
    [
        {"fallback": None},
        {"rerankers": [st.reranking.Diversity("issuer")]},
        {"policy": st.Policy.unrestricted()},
    ],
    ids=str,
)
def test_whatever_the_pipeline_is_made_of(bank: st.Dataset, options: dict[str, Any]) -> None:
    assert_alone_as_among_others(fitted(bank, st.ranking.EASE(), **options))


def test_with_consent_of_some(bank: st.Dataset) -> None:
    pipeline = fitted(bank, st.ranking.ALS(factors=4))
    some = pipeline.user_ids[::2]
    rows = {"user_id": some, "purpose": "personalisation", "granted_at": "2020-01-01"}
    register = st.governance.Consent(pd.DataFrame({**rows, "withdrawn_at": None}))
    assert_alone_as_among_others(pipeline.with_consent(register))


def test_with_something_off(bank: st.Dataset) -> None:
    pipeline = fitted(bank, st.ranking.ALS(factors=4))
    kinds = {
        "users": pipeline.user_ids[:3].tolist(),
        "products": pipeline.product_ids[::4].tolist(),
    }
    for state in (
        *(st.serving.SwitchState(**{name: frozenset(ids)}) for name, ids in kinds.items()),
        st.serving.SwitchState(policies=frozenset([pipeline.policies[0].id])),
        st.serving.SwitchState(everything=True),
    ):
        assert_alone_as_among_others(pipeline.switched(state))
    assert_alone_as_among_others(pipeline)


def test_after_news_and_once_somebody_is_forgotten(bank: st.Dataset) -> None:
    pipeline = fitted(bank, st.ranking.EASE())
    before = pipeline.recommend([pipeline.user_ids[0]])
    products = pipeline.product_ids
    news = bank.interactions.head(6).assign(
        user_id=["new", *pipeline.user_ids[:5]],
        product_id=[products[0], *products[1:4], "fresh", products[5]],
        timestamp=pd.Timestamp("2024-06-05"),
        event="buy",
    )
    shelf = bank.products.head(1).assign(product_id="fresh")
    people = bank.users.head(1).assign(user_id="new")
    pipeline.update(news, people, shelf)
    assert_alone_as_among_others(pipeline)
    assert pipeline.recommend(["new"]).rows.tolist() == [80]
    pipeline.forget("new")
    assert_alone_as_among_others(pipeline)
    assert pipeline.recommend(["new"]).rows.tolist() == [-1]
    assert before.as_of < pipeline.recommend(k=1).as_of


def test_what_was_prepared_is_of_one_kind_of_question(bank: st.Dataset) -> None:
    """An answer of another kind is not taken for it, and what cannot be asked is refused still."""
    pipeline = fitted(bank, st.ranking.ALS(factors=4))
    user = [pipeline.user_ids[0]]
    first = pipeline.recommend(user, k=1)
    for k in (True, 1.0):
        with pytest.raises(ValueError, match="positive integer"):
            pipeline.recommend(user, k=k)
    assert first.generator is pipeline.recommend(user, k=1).generator
    assert first.generator is not pipeline.recommend(user, k=1, exclude_owned=False).generator
    assert first.generator is not pipeline.recommend(user, k=1, as_of=LATER).generator
    greedy = pipeline.under(st.Policy.unrestricted())
    assert greedy.recommend(user, k=1).generator is not first.generator


def test_the_last_check_drops_what_nothing_allows(
    bank: st.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = fitted(bank, st.ranking.ALS(factors=4))
    lists = pipeline.recommend()
    place = int(np.argmin(lists.candidates))
    user = pipeline.user_ids[place]
    barred = np.flatnonzero(~pipeline.eligibility().mask([user])[0])[:2].tolist()
    monkeypatch.setattr(single_list, "best_of_one", lambda *_: (barred, [2.0, 1.0]))
    with pytest.warns(st.SuitabilityWarning, match="dropped"):
        alone = pipeline.recommend([user], k=2)
    assert alone.lists.lengths.tolist() == [0]
    assert alone.to_dict()["users"][0]["reasons"]["final-check"] == 2


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_best_of_one_is_top_k(
    compiled: bool, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties, single products, zeros of either sign, and all sizes up to a few words."""
    if compiled and engine.compiled() is None:
        pytest.skip("numba is not installed")
    if not compiled:
        monkeypatch.setattr(single, "compiled_singles", lambda: None)
    draw = np.random.default_rng(0)
    for products in (1, 2, 3, 7, 64, 65, 130):
        vectors = draw.integers(-2, 3, (products, 9)).astype(kind)
        user = (draw.integers(-2, 3, (1, 9)) * draw.choice([0.1, 1.0, -0.0], 9)).astype(kind)
        laid_out = single.by_factor(vectors)
        factors = st.ranking.Factors(user, vectors, by_factor=laid_out)
        scores = st.ranking.Scores((user @ vectors.T).astype(np.float32))
        for share in (0.02, 0.3, 1.0):
            allowed = bitset.pack(draw.random((1, products)) < share)
            for scorer in (factors, scores):
                for k in (1, 5, products):
                    expected = top_k(scorer, allowed, k)
                    length = expected.lengths[0]
                    asked = bitset.number(allowed[0]), allowed.shape[1] * 8
                    codes, values = single.best_of_one(scorer, *asked, k)
                    assert codes == expected.products[0, :length].tolist()
                    wanted = expected.scores[0, :length]
                    assert np.array(values, np.float32).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("compiled", [False, True])
def test_scores_that_are_not_finite(
    bad: float, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(single, "compiled_singles", lambda: None)
    block = np.array([[1.0, bad, 2.0]], np.float32)
    vectors = np.ascontiguousarray(block.T)
    factors = st.ranking.Factors(
        np.ones((1, 1), np.float32), vectors, by_factor=single.by_factor(vectors)
    )
    for scorer in (st.ranking.Scores(block), factors):
        assert single.best_of_one(scorer, 0b101, 8, 3) == ([2, 0], [2.0, 1.0])
        with pytest.raises(st.DataError, match="not all finite"):
            single.best_of_one(scorer, 0b111, 8, 3)


def test_sums_of_one_user_are_those_of_scipy() -> None:
    if not similarity_ranker.adds_in_turn():
        pytest.skip("SciPy fuses the operations here, and is asked itself")
    draw = np.random.default_rng(1)
    for length, width in ((0, 5), (1, 1), (9, 1), (3, 8), (40, 129)):
        table = draw.standard_normal((length, width)).astype(np.float32)
        weights = draw.standard_normal(length).astype(np.float32)
        line = (weights, np.arange(length), np.array([0, length]))
        expected = sparse.csr_array(line, shape=(1, length)) @ table
        found = similarity_ranker.sum_in_turn(weights, table)
        assert found.tobytes() == expected[0].tobytes()
