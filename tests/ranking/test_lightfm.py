"""LightFM: the contract with and without features, newcomers, and the scores of `lightfm`."""

import copy
import importlib
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably
from suitably.profiles import RecencyFrequencyValue
from suitably.ranking import FitContext, LightFM
from suitably.testing import RankerContract
from support.banks import AS_OF
from support.banks import seven as world
from support.frames import rows_of

USER_FEATURES = ("risk_level", "age_band")
PRODUCT_FEATURES = ("grade", "rate")
NOW = pd.Timestamp("2024-03-01")
LATER = NOW + pd.Timedelta(days=2)


@pytest.fixture(scope="module", autouse=True)
def _lightfm() -> None:
    """Training needs the extra; wherever it has a wheel, CI has it."""
    try:
        importlib.import_module("lightfm")
    except ImportError as error:
        if os.environ.get("CI") and sys.version_info >= (3, 12):
            pytest.fail(f"suitably[lightfm] is not installed: {error}")
        pytest.skip(f"suitably[lightfm] is not installed: {error}")


class TestLightFM(RankerContract):
    def make(self) -> LightFM:
        return LightFM(factors=3, epochs=4)


class TestLightFMWithFeatures(RankerContract):
    scores_unsold = True

    def make(self) -> LightFM:
        return LightFM(
            factors=3,
            epochs=4,
            user_features=("income", "risk_level"),
            product_features=("category", "min_amount"),
        )


class TestLightFMWithBPR(RankerContract):
    def make(self) -> LightFM:
        return LightFM(factors=3, epochs=4, loss="bpr")


def market(
    lenders: int = 60, loans: int = 40, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two tastes that fields tell: the cautious take grade A, the bold take grade G."""
    rng = np.random.default_rng(seed)
    bold = np.arange(lenders) % 2 == 1
    users = pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(lenders)],
            "risk_level": np.where(bold, "bold", "cautious"),
            "age_band": rng.choice(["young", "old"], lenders),
        }
    )
    risky = np.arange(loans) % 2 == 1
    products = pd.DataFrame(
        {
            "product_id": [f"p{i}" for i in range(loans)],
            "product_timestamp": NOW - pd.to_timedelta(100 - np.arange(loans), "D"),
            "grade": np.where(risky, "G", "A"),
            "rate": np.where(risky, 0.2, 0.03) + rng.random(loans) / 100,
        }
    )
    pairs = [
        (u, p)
        for u in range(lenders)
        for p in rng.permutation(loans)[:12]
        if risky[p] == bold[u] or rng.random() < 0.05
    ]
    log = pd.DataFrame(
        {
            "user_id": [f"u{u}" for u, _ in pairs],
            "product_id": [f"p{p}" for _, p in pairs],
            "timestamp": NOW - pd.to_timedelta(rng.integers(2, 30, len(pairs)), "D"),
        }
    )
    return users, products, log


def ranker(**changes: Any) -> LightFM:
    params = {"user_features": USER_FEATURES, "product_features": PRODUCT_FEATURES}
    return LightFM(**{"factors": 8, "epochs": 10, **params, **changes})


def fitted(
    frames: tuple[Any, Any, Any] | None = None, as_of: Any = NOW, **changes: Any
) -> suitably.Pipeline:
    pipeline = suitably.Pipeline(
        policy=suitably.Policy.unrestricted(), ranker=ranker(**changes), fallback=None
    )
    return pipeline.fit(suitably.Dataset(*(frames or market())), as_of=as_of)


def with_newcomers() -> tuple[Any, Any, Any]:
    """A loan of each grade, listed the day before, and a lender of each taste without history."""
    users, products, log = market()
    people = pd.DataFrame(
        {
            "user_id": ["careful", "daring"],
            "risk_level": ["cautious", "bold"],
            "age_band": ["young", "young"],
        }
    )
    loans = pd.DataFrame(
        {
            "product_id": ["safe", "wild"],
            "product_timestamp": NOW - pd.Timedelta(days=1),
            "grade": ["A", "G"],
            "rate": [0.035, 0.205],
        }
    )
    return pd.concat([users, people]), pd.concat([products, loans]), log


def order(pipeline: suitably.Pipeline, user: str, products: list[str]) -> list[str]:
    recs = pipeline.recommend([user], k=100, exclude_owned=False)
    return [row for row in recs.to_frame()["product_id"] if row in products]


def context_of(frames: tuple[Any, Any, Any], as_of: Any = NOW, seed: int = 0) -> FitContext:
    kinds = sorted(set(frames[2].get("event", [])))
    data = suitably.Dataset(*frames, owned_events=kinds or None)
    popular = suitably.Pipeline(
        policy=suitably.Policy.unrestricted(), ranker=suitably.ranking.Popularity()
    )
    view = data.view(as_of)
    eligibility = popular.fit(data, as_of=as_of).eligibility()
    profiles = pa.table({"_": pa.nulls(len(view.users))}).select([])
    return FitContext(view, profiles, eligibility, view.as_of, seed)


def test_one_day_after_launch_without_a_purchase() -> None:
    pipeline = fitted(with_newcomers())
    known = [f"u{i}" for i in range(6)]
    for user, first in zip(known, ["safe", "wild"] * 3, strict=True):
        assert order(pipeline, user, ["safe", "wild"])[0] == first
    assert order(pipeline, "careful", ["safe", "wild"]) == ["safe", "wild"]
    assert order(pipeline, "daring", ["safe", "wild"]) == ["wild", "safe"]
    top = pipeline.recommend(["careful", "daring"], k=5).to_frame().merge(with_newcomers()[1])
    grades = top.groupby("user_id")["grade"].agg(set)
    assert grades.to_dict() == {"careful": {"A"}, "daring": {"G"}}


def test_newcomers_after_the_fit_are_folded_in() -> None:
    before = ranker().fit(context_of(market()))
    ids = before._user_ids.values.copy()
    scores = before.scorer(ids)
    users, products, log = with_newcomers()
    after = before.fold_in(context_of((users, products, log.head(1)), NOW + pd.Timedelta(days=1)))

    assert before.scorer(ids).users is not scores.users
    assert np.array_equal(before.scorer(ids).users, scores.users)
    assert before.product_vectors_.shape[0] == 40
    grown = after.scorer(np.array([*ids, "careful", "daring"], object))
    assert np.array_equal(grown.users[:60], scores.users)
    assert np.array_equal(grown.products[:40], scores.products)
    assert grown.known is not None
    assert grown.known[40:].all()
    block = grown.users @ grown.products.T
    assert block[60, 40] > block[60, 41]
    assert block[61, 40] < block[61, 41]
    assert after.can_score(np.array(["careful", "daring", "stranger"], object)).tolist() == [
        True,
        True,
        False,
    ]


def test_a_pipeline_takes_newcomers_in_before_and_after_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, products, _ = with_newcomers()
    pipeline = fitted()
    pipeline.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "lightfm", None)
    for held in (pipeline, suitably.load(tmp_path / "model")):
        held.update(users=users.tail(2), products=products.tail(2))
        assert order(held, "careful", ["safe", "wild"]) == ["safe", "wild"]
        assert order(held, "daring", ["safe", "wild"]) == ["wild", "safe"]
        assert order(held, "u0", ["safe", "wild"]) == ["safe", "wild"]


def test_folding_in_twice_is_folding_in_once() -> None:
    first = ranker().fit(context_of(market()))
    users, products, log = with_newcomers()
    half = context_of((users.head(61), products.head(41), log.head(1)))
    whole = context_of((users, products, log.head(1)))
    once, twice = first.fold_in(whole), first.fold_in(half).fold_in(whole)
    assert np.array_equal(once.user_vectors_, twice.user_vectors_)
    assert np.array_equal(once.product_vectors_, twice.product_vectors_)
    assert np.array_equal(once.known_, twice.known_)


def test_a_field_that_changes_moves_its_user() -> None:
    users, products, log = market()
    before = ranker().fit(context_of((users, products, log)))
    users.loc[0, "risk_level"] = "bold"
    after = before.fold_in(context_of((users, products, log)))
    changed = (before.user_vectors_ != after.user_vectors_).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [0]


def test_a_field_of_another_kind_at_fold_in() -> None:
    users, products, log = market()
    held = ranker().fit(context_of((users, products, log)))
    numbered = products.assign(grade=1.5)
    with pytest.raises(suitably.DataError, match=r"grade: held text at the fit, holds number now"):
        held.fold_in(context_of((users, numbered, log)))
    with pytest.raises(suitably.DataError, match=r"users have no field 'age_band'"):
        held.fold_in(context_of((users.drop(columns="age_band"), products, log)))
    fewer = context_of((users.head(59), products, log[log["user_id"] != "u59"]))
    with pytest.raises(suitably.DataError, match="59 users, fewer than the 60"):
        held.fold_in(fewer)


def test_products_to_come_do_not_change_what_is_learned() -> None:
    """Nor users: neither serves as an example of what nobody wants."""
    first, second = (ranker().fit(context_of(frames)) for frames in (market(), with_newcomers()))
    assert np.array_equal(first.product_vectors_, second.product_vectors_[:40])
    assert np.array_equal(first.user_vectors_, second.user_vectors_[:60])


def test_scores_are_those_of_lightfm(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("lightfm")
    seen: list[tuple[Any, Any, Any]] = []
    train = module.LightFM.fit

    def spy(model: Any, interactions: Any, **given: Any) -> Any:
        seen.append((model, given["user_features"], given["item_features"]))
        return train(model, interactions, **given)

    monkeypatch.setattr(module.LightFM, "fit", spy)
    frames = market()
    ours = ranker(half_life_days=10, regularization=1e-5).fit(context_of(frames))
    [(model, user_features, item_features)] = seen
    users, products = np.divmod(np.arange(60 * 40), 40)
    theirs = model.predict(users, products, item_features, user_features, num_threads=1)
    scorer = ours.scorer(ours._user_ids.values)
    block = scorer.users.astype(np.float64) @ scorer.products.T
    np.testing.assert_allclose(block.ravel(), theirs, rtol=0, atol=1e-5)
    assert np.ptp(theirs) > 0.1


def test_weights_shift_what_is_learned_and_their_unit_does_not() -> None:
    users, products, log = market()
    log["event"] = np.where(np.arange(len(log)) % 3 == 0, "view", "buy")
    context = context_of((users, products, log))
    vectors = [
        ranker(event_weights=weights).fit(context).product_vectors_
        for weights in ({"view": 1, "buy": 4}, {"view": 2.5e30, "buy": 1e31}, {"view": 4, "buy": 4})
    ]
    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


def test_deterministic_by_seed() -> None:
    frames = market()
    same = [ranker().fit(context_of(frames, seed=7)).product_vectors_ for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], ranker().fit(context_of(frames)).product_vectors_)


def test_profile_fields_are_features() -> None:
    users, products, log = market()
    pipeline = suitably.Pipeline(
        profiles=[RecencyFrequencyValue()],
        policy=suitably.Policy.unrestricted(),
        ranker=ranker(user_features=("recency_days", "frequency", "risk_level")),
    )
    pipeline.fit(suitably.Dataset(users, products, log), as_of=NOW)
    names = [e.name for e in pipeline.ranker.users_.encoding.encoders]
    assert names == ["recency_days", "frequency", "risk_level"]
    assert {e.kind for e in pipeline.ranker.users_.encoding.encoders} == {"number", "text"}


def test_a_profile_comes_before_a_column_of_the_same_name() -> None:
    context = context_of(market())
    level = pa.table({"risk_level": pa.array([1.0, 2.0] * 30)})
    found = ranker().fit(replace(context, profiles=level))
    assert found.users_.encoding.encoders[0].kind == "number"


def test_a_constant_feature_is_harmless() -> None:
    users, products, log = with_newcomers()
    users["age_band"] = "same"
    pipeline = fitted((users, products, log))
    assert order(pipeline, "careful", ["safe", "wild"]) == ["safe", "wild"]


def test_a_feature_of_nulls_only() -> None:
    users, products, log = with_newcomers()
    products["grade"] = pd.Series([None] * len(products), dtype=object, index=products.index)
    pipeline = fitted((users, products, log))
    assert order(pipeline, "careful", ["safe", "wild"]) == ["safe", "wild"]  # by the rate


def test_who_has_no_value_in_any_feature_has_no_score() -> None:
    users, products, log = with_newcomers()
    users.loc[users["user_id"] == "careful", list(USER_FEATURES)] = None
    products.loc[products["product_id"] == "safe", "grade"] = "Z"  # unseen, as good as missing
    products.loc[products["product_id"] == "safe", "rate"] = None
    pipeline = fitted((users, products, log))
    reasons = rows_of(pipeline.recommend(["careful"], k=3).abstentions())
    assert reasons == [{"user_id": "careful", "returned": 0, "reason": "no-score", "count": 42}]
    assert order(pipeline, "daring", ["safe", "wild"]) == ["wild"]


def test_a_customer_with_history_but_no_fields_is_ranked_for() -> None:
    users, products, log = market()
    users.loc[0, list(USER_FEATURES)] = None
    assert len(order(fitted((users, products, log)), "u0", list(products["product_id"]))) == 40


def test_an_unknown_column() -> None:
    with pytest.raises(suitably.DataError, match=r"users have no field 'risk'; did you mean ris"):
        fitted(user_features=("risk",))
    with pytest.raises(suitably.DataError, match=r"products have no field 'product_id'; there"):
        fitted(product_features=("product_id",))


def test_dates_without_timestamps() -> None:
    users, products, log = market()
    users["since"] = NOW
    frames = (users, products.drop(columns="product_timestamp"), log.drop(columns="timestamp"))
    with pytest.raises(suitably.DataError, match="since: the data has no timestamps"):
        fitted(frames, None, user_features=("since",))
    assert fitted(frames, None).recommend(["u0"], k=3).to_frame().shape == (3, 4)


@pytest.mark.parametrize(
    "params",
    [
        {"factors": 0},
        {"epochs": 2.5},
        {"learning_rate": 0},
        {"learning_rate": np.nan},
        {"regularization": -1},
        {"loss": "logistic"},
        {"user_features": "income"},
        {"product_features": ("grade", "grade")},
        {"product_features": (1,)},
        {"half_life_days": 0},
    ],
)
def test_bad_parameters(params: dict[str, Any]) -> None:
    [name] = params
    with pytest.raises(ValueError, match=name):
        fitted(**params)


def test_diverging_training_is_refused() -> None:
    with pytest.raises(suitably.DataError, match=r"diverges|not finite"):
        fitted(learning_rate=1e30)


def test_one_list_for_everybody_is_worth_a_warning() -> None:
    users, products, _ = market()
    few = products["product_id"].head(10)  # what everybody has; nobody has a taste of their own
    log = users[["user_id"]].merge(few, how="cross").assign(timestamp=NOW - pd.Timedelta(days=5))
    once = pd.DataFrame(
        {"user_id": users["user_id"].head(40), "product_id": products["product_id"]}
    )
    log = pd.concat([log, once.assign(timestamp=NOW - pd.Timedelta(days=6))])
    with pytest.warns(suitably.SuitabilityWarning, match=r"100% of .* same ones, 10 of them among"):
        fitted((users, products, log), product_features=(), epochs=30, learning_rate=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error", suitably.SuitabilityWarning)
        fitted()


def test_saved_models_rank_without_lightfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = fitted(with_newcomers())
    pipeline.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "lightfm", None)
    loaded = suitably.load(tmp_path / "model")
    assert loaded.recommend(k=5).to_frame().equals(pipeline.recommend(k=5).to_frame())
    held = loaded.ranker_
    assert held.get_params() == ranker().get_params()
    folded = held.fold_in(context_of(with_newcomers()))
    assert np.array_equal(folded.user_vectors_, held.user_vectors_)
    with pytest.raises(ImportError, match=r"pip install 'suitably\[lightfm\]'"):
        fitted()


def test_what_is_saved_of_fields_is_what_was_learned() -> None:
    """Categories and bins, and vectors: no customer's values."""
    state = ranker().fit(context_of(market())).state()
    shapes = {name: v.shape for name, v in state.items() if isinstance(v, np.ndarray)}
    columns = {"risk_level": 4, "age_band": 4}
    assert shapes["user_shared"] == (sum(columns.values()), 9)
    assert [e["name"] for e in state["user_encoders"]] == list(columns)
    texts = [v for v in state.values() if isinstance(v, np.ndarray) and v.dtype == object]
    assert not texts, "ids of users are the model's"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.update(able=s["able"][1:]),
        lambda s: s.update(user_vectors=s["user_vectors"][:, 1:]),
        lambda s: s.update(known=s["known"][1:]),
        lambda s: s.update(able=s["able"].astype(int)),
        lambda s: s.update(product_shared=s["product_shared"][1:]),
        lambda s: s.update(product_own=s["product_own"][:, 1:]),
        lambda s: s.update(user_trained=s["user_trained"][1:]),
        lambda s: s["user_encoders"].pop(),
        lambda s: s.update(moves=s["moves"][:0], moved_rows=np.array([0])),
        lambda s: s.update(bought_users=np.array([99]), bought_products=np.array([0])),
    ],
)
def test_a_state_that_does_not_fit_itself(spoil: Any) -> None:
    state = copy.deepcopy(ranker().fit(context_of(market())).state())
    assert LightFM.from_state(state).known_.all()
    spoil(state)
    with pytest.raises(ValueError, match="fit"):
        LightFM.from_state(state)


def test_the_worlds_of_the_contract_have_features() -> None:
    """So that the contract above tests what it says."""
    data = world().dataset().view(AS_OF)
    assert {"income", "risk_level"} <= set(data.user_fields.column_names)
    assert {"category", "min_amount"} <= set(data.product_fields.column_names)


def bought(users: list[str], products: list[str], days: int = 0) -> pd.DataFrame:
    at = NOW + pd.Timedelta(hours=1, days=days)
    return pd.DataFrame({"user_id": users, "product_id": products, "timestamp": at})


def test_a_taste_that_turns_is_learned_from_purchases() -> None:
    """Without features: someone of grade A buys of grade G only, and is shown more of it."""
    _, products, log = market()
    grades = dict(zip(products["product_id"], products["grade"], strict=True))
    wild = [product for product, grade in grades.items() if grade == "G"]
    owned = set(log.loc[log["user_id"] == "u0", "product_id"])
    news = [product for product in wild if product not in owned][:8]
    pipeline = fitted(user_features=(), product_features=())
    before = pipeline.recommend(["u0", "u1"], k=10, exclude_owned=False).to_frame()
    pipeline.update(interactions=bought(["u0"] * 8, news))
    after = pipeline.recommend(["u0", "u1"], k=10, exclude_owned=False).to_frame()

    def share(frame: Any, user: str) -> float:
        listed = frame.loc[frame["user_id"] == user, "product_id"]
        return float(np.mean([grades[product] == "G" for product in listed]))

    assert share(after, "u0") > share(before, "u0")
    assert share(after, "u1") == share(before, "u1")


def test_a_newcomer_without_fields_is_ranked_for_after_a_purchase() -> None:
    _, products, _ = market()
    pipeline = fitted(user_features=())
    newcomer = pd.DataFrame({"user_id": ["new"], "risk_level": [None], "age_band": [None]})
    pipeline.update(users=newcomer)
    assert len(pipeline.recommend(["new"], k=3).to_frame()) == 0
    first = products.loc[products["grade"] == "A", "product_id"].iloc[0]
    pipeline.update(interactions=bought(["new"], [first]))
    listed = pipeline.recommend(["new"], k=5).to_frame()["product_id"]
    grades = products.set_index("product_id")["grade"]
    assert (grades[listed] == "A").mean() > 0.5


@pytest.mark.parametrize("parts", [[[0], [1], [2]], [[2], [0, 1]], [[1, 2], [0]], [[0, 2, 1]]])
def test_news_in_any_order_and_any_parts(parts: list[list[int]]) -> None:
    frames = market()
    users, products, _ = frames
    names = products["product_id"].tolist()
    news = [
        bought(["u0", "u7"], [names[3], names[9]]),
        bought(["u0"], [names[30]]),
        bought(["u7", "u9"], [names[31], names[1]]),
    ]
    before = ranker().fit(context_of(frames))
    wanted = before.fold_in(context_of((users, products, pd.concat(news)), LATER))
    found = before
    for part in parts:
        log = pd.concat([news[one] for one in part])
        found = found.fold_in(context_of((users, products, log), LATER))
    assert np.array_equal(found.user_vectors_, wanted.user_vectors_)
    moved = (before.user_vectors_ != wanted.user_vectors_).any(axis=1)
    assert np.flatnonzero(moved).tolist() == [0, 7, 9]


def test_fields_that_change_with_or_after_a_purchase() -> None:
    users, products, log = market()
    before = ranker().fit(context_of((users, products, log)))
    news = bought(["u0"], [products["product_id"].iloc[9]])
    nothing = log.head(1)
    changed, dearer = users.copy(), products.copy()
    changed.loc[0, "risk_level"] = "bold"
    dearer.loc[3, "grade"] = "G"
    wanted = before.fold_in(context_of((changed, dearer, news), LATER))
    found = before.fold_in(context_of((users, products, news), LATER))
    found = found.fold_in(context_of((changed, products, nothing), LATER))
    found = found.fold_in(context_of((changed, dearer, nothing), LATER))
    assert np.array_equal(found.user_vectors_, wanted.user_vectors_)


def test_contributions_add_up_after_a_purchase() -> None:
    pipeline = fitted()
    names = market()[1]["product_id"]
    owned = market()[2].query("user_id == 'u0'")["product_id"]
    pipeline.update(interactions=bought(["u0"], [names[~names.isin(owned)].iloc[0]]))
    held = pipeline.ranker_
    assert held.moves_.rows.tolist() == [0]
    explained = pipeline.recommend(["u0"], k=3)
    for product in explained.to_frame()["product_id"]:
        assert explained.explain("u0", product) is not None


def test_a_model_saved_before_it_learned_from_purchases() -> None:
    frames = market()
    held = ranker().fit(context_of(frames))
    state = {name: value for name, value in held.state().items() if name != "move_penalty"}
    old = LightFM.from_state(state).attach(held._user_ids, {})
    assert old.shared_interactions() == {}
    users, products, _ = frames
    news = bought(["u0"], [products["product_id"].iloc[9]])
    folded = old.fold_in(context_of((users, products, news), LATER))
    assert np.array_equal(folded.user_vectors_, held.user_vectors_)
    with pytest.raises(ValueError, match="penalty"):
        LightFM.from_state({**held.state(), "move_penalty": 0.0})


@pytest.mark.filterwarnings("ignore:LightFM")
def test_what_was_turned_down_moves_users_and_teaches_nothing_of_products(tmp_path: Path) -> None:
    """By the loss of `fold_in`, in which its sides are changed: at the fit as after it."""
    bank = suitably.data.simulate_bank(300, 40, seed=0, feedback=True)
    policy, at = suitably.Policy.unrestricted(), "2024-07-01"

    def fitted(weights: dict[str, float]) -> suitably.Pipeline:
        ranker = LightFM(factors=4, epochs=5, event_weights=weights)
        return suitably.Pipeline(policy=policy, ranker=ranker, fallback=None).fit(bank, at)

    deaf, heard = fitted({"buy": 1.0}), fitted({"buy": 1.0, "dislike": -1.0, "complaint": -2.0})
    assert np.array_equal(deaf.ranker_.product_vectors_, heard.ranker_.product_vectors_)
    (held,) = heard.ranker_.shared_interactions().values()
    able = deaf.ranker_.can_score(bank.user_ids) & (held.weights.min(axis=1).toarray() < 0)
    turned_down = (held.weights.toarray() < 0) & heard.ranker_.known_ & able[:, None]
    both = [one.ranker_.scorer(bank.user_ids) for one in (deaf, heard)]
    before, after = (one.users @ one.products.T for one in both)
    known = heard.ranker_.known_
    above = [found - found[:, known].mean(axis=1)[:, None] for found in (before, after)]
    assert (above[1] - above[0])[turned_down].mean() < 0
    heard.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    later = bank.interactions[bank.interactions["timestamp"] >= at]
    for one in (heard, loaded):
        one.update(later)
    found = [one.ranker_.scorer(bank.user_ids).users for one in (heard, loaded)]
    assert np.array_equal(*found)
