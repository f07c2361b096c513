"""Campaigns with the library's own models: probabilities by block, and effects of a fitted log."""

import numpy as np
import pandas as pd
import pytest

import suitably as st

CHANNELS = pd.DataFrame({"channel": ["app", "call"], "cost": [0.1, 4.0], "response": [0.5, 1.0]})


@pytest.fixture(scope="module")
def bank():
    bank = st.data.simulate_bank(users=800, products=30, seed=2)
    products = bank.products.assign(margin=100.0 + np.arange(len(bank.products)))
    columns = st.Columns(user_timestamp="user_timestamp", product_timestamp="product_timestamp")
    return st.Dataset(bank.users, products, bank.interactions, columns=columns)


@pytest.fixture(scope="module")
def pipeline(bank):
    pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity())
    return pipeline.fit(bank, as_of="2024-06-01")


def test_a_propensity_gives_by_block_what_it_predicts(bank, pipeline):
    pytest.importorskip("sklearn")
    propensity = st.decisions.Propensity(pipeline).fit(bank, as_of="2024-06-01")
    frame = propensity.predict()
    plans = [
        st.decisions.Campaign(pipeline, CHANNELS, propensity=source, budget=20.0).plan()
        for source in (propensity, frame)
    ]
    assert len(plans[0])
    pd.testing.assert_frame_equal(*(plan.to_frame() for plan in plans))


def test_a_propensity_of_another_ranker_is_asked_for_its_own_pairs(bank, pipeline):
    """It was fitted earlier than the pipeline, on scores of a clone."""
    pytest.importorskip("sklearn")
    propensity = st.decisions.Propensity(pipeline).fit(bank, as_of="2024-03-01")
    frame = propensity.predict(as_of="2024-06-01")
    plans = [
        st.decisions.Campaign(pipeline, CHANNELS, propensity=source).plan(as_of="2024-06-01")
        for source in (propensity, frame)
    ]
    pd.testing.assert_frame_equal(*(plan.to_frame() for plan in plans))


def test_an_uplift_is_asked_for_users_or_for_offers(pipeline):
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    count = 4000
    log = pd.DataFrame(
        {
            "risk_level": rng.choice(["C1", "C2", "C3", "C4", "C5"], count),
            "channel": rng.choice(["app", "call"], count),
            "approached": rng.random(count) < 0.5,
        }
    )
    likely = 0.1 + 0.4 * (log.approached & (log.channel == "call") & (log.risk_level > "C2"))
    log["bought"] = rng.random(count) < likely
    for features in (["risk_level"], ["risk_level", "channel"]):
        uplift = st.decisions.Uplift(features=features)
        uplift.fit(log, treatment="approached", outcome="bought", probability=0.5)
        campaign = st.decisions.Campaign(pipeline, CHANNELS, uplift=uplift)
        frame = campaign.plan().to_frame()
        assert len(frame)
        users = pipeline.candidates().user_fields.to_pandas().assign(user_id=pipeline.user_ids)
        asked = frame.merge(users[["user_id", "risk_level"]], on="user_id")
        np.testing.assert_allclose(frame.probability, np.minimum(uplift.effect(asked), 1))
    assert (frame.channel == "call").any()
