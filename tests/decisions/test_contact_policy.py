"""The built-in policy `contact`, fed by a builder and a register of consent, event by event."""

from datetime import timedelta

import numpy as np
import pandas as pd

import suitably as st

AS_OF = pd.Timestamp("2026-03-01")
KINDS = ["letter", "no-thanks", "complaint"]
CHANNELS = pd.DataFrame({"channel": ["email", "call"], "cost": [0.1, 0.2]})


def world(seed=0, count=400):
    """Return users, a log in which the past weighs on many, and who has agreed to what."""
    rng = np.random.default_rng(seed)
    ids = [f"u{place}" for place in range(count)]
    said = np.array([True, False, None], object)
    users = pd.DataFrame({"user_id": ids, "vulnerable": rng.choice(said, count, p=[0.3, 0.6, 0.1])})
    users["quiet_channels"] = [
        [["call"], ["email", "call"], [], None][place]
        for place in rng.choice(4, count, p=[0.1, 0.1, 0.4, 0.4])
    ]
    ago = rng.choice([1, 2, 3, 6, 7, 8, 20, 29, 30, 31, 60, 89, 90, 91], 600)
    log = pd.DataFrame(
        {
            "user_id": rng.choice(ids, 600),
            "product_id": None,
            "timestamp": AS_OF - pd.to_timedelta(ago, "D"),
            "event": rng.choice(KINDS, 600, p=[0.8, 0.1, 0.1]),
        }
    )
    bought = {"user_id": ["buyer"], "product_id": ["a"], "timestamp": AS_OF - timedelta(days=300)}
    log = pd.concat([log, pd.DataFrame(bought).assign(event="buy")])
    everybody = pd.concat([users, pd.DataFrame({"user_id": ["buyer"], "vulnerable": [False]})])
    return everybody, log, [user for user in ids if rng.random() < 0.8]


def allowed(user, log, agreed, channel):
    """Return whether a contact is in order, rule after rule."""
    mine = log[log.user_id == user.user_id]
    days = {kind: (AS_OF - mine[mine.event == kind].timestamp).dt.days for kind in KINDS}
    quiet = user.quiet_channels if isinstance(user.quiet_channels, list) else []
    return (
        user.user_id in agreed
        and (days["letter"] <= 7).sum() < 2
        and (days["letter"] <= 30).sum() < 4
        and not (days["letter"] < 2).any()
        and not (days["no-thanks"] < 30).any()
        and not (days["complaint"] < 90).any()
        and channel not in quiet
        and (channel != "call" or user.vulnerable is False)
    )


def test_whoever_may_be_approached_is_and_nobody_else():
    users, log, agreed = world()
    products = pd.DataFrame({"product_id": ["a"], "margin": [50.0]})
    data = st.Dataset(users, products, log, owned_events=["buy"], other_events=KINDS)
    granted = [*agreed, *users.user_id]
    purposes = ["marketing"] * len(agreed) + ["personalisation"] * len(users)
    consent = st.governance.Consent(
        pd.DataFrame({"user_id": granted, "purpose": purposes, "withdrawn_at": pd.NaT}).assign(
            granted_at=AS_OF - timedelta(days=400)
        )
    )
    pipeline = st.Pipeline(
        profiles=[
            st.profiles.Activity(
                contact_events=["letter"],
                refused_events=["no-thanks"],
                complaint_events=["complaint"],
            )
        ],
        policy=st.Policy.unrestricted(),
        ranker=st.ranking.Popularity(),
        consent=consent,
    ).fit(data, as_of=AS_OF)
    chances = users[["user_id"]].assign(product_id="a", probability=0.5)
    plans = {}
    for channel in CHANNELS.channel:
        plan = st.decisions.Campaign(
            pipeline,
            CHANNELS[CHANNELS.channel == channel],
            contact_policy="contact",
            propensity=chances,
        ).plan()
        wanted = [
            user.user_id
            for user in users.itertuples()
            if user.user_id != "buyer" and allowed(user, log, {*agreed}, channel)
        ]
        assert plan.to_frame().user_id.tolist() == wanted
        plans[channel] = wanted
    assert 20 < len(plans["call"]) < len(plans["email"]) < 300
