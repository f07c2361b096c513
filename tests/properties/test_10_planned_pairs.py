"""No planned pair is ineligible and no limit is broken, whatever world and limits there are."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as any_

import suitably as st
from support.campaign_worlds import MARGINS, chances_of, fitted

PIPELINE = fitted()
POLICIES = [
    None,
    "\"product.channel != 'call' or not user.vulnerable\"",
    '"user.contacts_7d < product.most_contacts"',
    '"product.cost * 10 < product.margin and user.level > 1"',
]
COUNTS = any_.one_of(any_.none(), any_.integers(0, 25))


def policy_of(require):
    return (
        None
        if require is None
        else st.Policy.from_toml(
            f'[policy]\nid = "random"\nversion = "1"\n[[rules]]\nid = "rule"\nrequire = {require}\n'
        )
    )


@settings(max_examples=20, deadline=None)
@given(data=any_.data())
def test_no_planned_pair_is_ineligible_and_no_limit_is_broken(data):
    draw = data.draw
    channels = pd.DataFrame(
        {
            "channel": ["letter", "call", "app"],
            "cost": draw(
                any_.lists(any_.sampled_from([0.0, 0.1, 1.0, 3.5]), min_size=3, max_size=3)
            ),
            "capacity": pd.array(draw(any_.lists(COUNTS, min_size=3, max_size=3)), dtype="Int64"),
            "response": draw(any_.lists(any_.floats(0, 2), min_size=3, max_size=3)),
            "most_contacts": [2, 3, 1],
        }
    )
    rows = draw(
        any_.dictionaries(
            any_.tuples(
                any_.sampled_from([None, *MARGINS]), any_.sampled_from([None, "call", "app"])
            ),
            any_.tuples(any_.integers(0, 3), any_.integers(3, 20)),
            max_size=4,
        )
    )
    limits = None
    if rows:
        limits = pd.DataFrame([[*pair, *ends] for pair, ends in rows.items()])
        limits.columns = ["product_id", "channel", "at_least", "at_most"]
    budget = draw(any_.one_of(any_.none(), any_.floats(0, 80)))
    per_user = draw(any_.integers(1, 3))
    require = draw(any_.sampled_from(POLICIES))
    holdout = draw(any_.sampled_from([0.0, 0.3]))
    campaign = st.decisions.Campaign(
        PIPELINE,
        channels,
        budget=budget,
        per_user=per_user,
        limits=limits,
        contact_policy=policy_of(require),
        propensity=chances_of(PIPELINE, draw(any_.integers(0, 3))),
        holdout=holdout,
    )
    try:
        plan = campaign.plan()
    except st.DataError as error:
        if "no plan can meet these together" not in str(error):
            raise
        return
    frame = plan.to_frame()
    lists = PIPELINE.recommend(k=len(MARGINS)).to_frame()
    pairs = {*map(tuple, lists[["user_id", "product_id"]].to_numpy())}
    assert {*map(tuple, frame[["user_id", "product_id"]].to_numpy())} <= pairs
    assert not {*frame.user_id} & {*plan.holdout().user_id}
    assert not frame.duplicated(["user_id", "product_id"]).any()
    assert frame.groupby("user_id").size().max() <= per_user or frame.empty
    if budget is not None:
        assert frame.cost.sum() <= budget * (1 + 1e-9)
    for name, capacity in zip(channels.channel, channels.capacity, strict=True):
        assert pd.isna(capacity) or (frame.channel == name).sum() <= capacity
    for (product, channel), (least, most) in rows.items():
        inside = np.ones(len(frame), bool)
        if product is not None:
            inside &= (frame.product_id == product).to_numpy()
        if channel is not None:
            inside &= (frame.channel == channel).to_numpy()
        assert least <= inside.sum() <= most
    if require is not None:
        users = PIPELINE.candidates().user_fields.to_pandas().assign(user_id=PIPELINE.user_ids)
        products = pd.DataFrame({"product_id": [*MARGINS], "margin": [*MARGINS.values()]})
        offers = st.decisions.offers(products, channels)
        columns = st.Columns(product="offer_id")
        judged = policy_of(require).evaluate(users, offers, "2026-04-01", columns=columns)
        assert judged.passes(frame.user_id, frame.product_id + "/" + frame.channel).all()
    np.testing.assert_allclose(frame.net, frame.probability * frame.value - frame.cost)
    assert frame.probability.between(0, 1).all()
    assert plan.net <= plan.bound + 1e-6
