"""The ledger: by hand, on a simulated campaign, and where nothing can be told."""

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.evaluation.statistics import Moments, mean_difference, newcombe
from support.campaign_worlds import CHANNELS, MARGINS, chances_of, fitted

PIPELINE = fitted()
CHANCES = chances_of(PIPELINE).assign(probability=0.9)
PARTNERED = CHANNELS.assign(partner=["post", "agency"])


def planned(pipeline=PIPELINE, chances=CHANCES, **changed):
    given = {"propensity": chances, "holdout": 0.4, "salt": "ledger", **changed}
    channels = given.pop("channels", PARTNERED)
    campaign = st.decisions.Campaign(pipeline, channels, **given)
    return campaign, campaign.plan()


def log_of(rows):
    return pd.DataFrame(rows, columns=["user_id", "product_id", "timestamp"]).assign(
        timestamp=lambda frame: pd.to_datetime(frame.timestamp)
    )


def test_by_hand():
    campaign, plan = planned()
    sent, held = [*plan.to_frame().user_id], [*PIPELINE.user_ids[np.unique(plan.ghosts[0])]]
    assert {*held} <= {*plan.holdout().user_id}
    assert min(len(sent), len(held)) >= 10
    rows = [(user, "p5", "2026-04-10") for user in sent[:12]]
    rows += [(user, "p5", "2026-04-11") for user in sent[:3]]  # the same again
    rows += [(sent[0], "p0", "2026-04-20"), (held[0], "p5", "2026-04-01")]
    rows += [(sent[20], "p5", "2026-06-30"), ("stranger", "p5", "2026-04-02")]
    result = campaign.result(log_of(rows), plan, horizon_days=90)
    whole = result.to_frame("all").iloc[0]
    n, m = len(sent), len(held)
    assert (whole.users, whole.held_out, whole.purchases) == (n, m, 13)
    assert whole.rate == pytest.approx(13 / n)
    assert whole.rate_held_out == pytest.approx(1 / m)
    wanted = mean_difference(Moments(m, 1, 1), Moments(n, 13, 15))
    assert whole.incremental_purchases == pytest.approx(n * wanted.difference)
    assert whole.purchases_low == pytest.approx(n * wanted.low)
    assert whole.p_value == pytest.approx(wanted.p_value)
    value = n * (12 * MARGINS["p5"] + MARGINS["p0"]) / n - n * MARGINS["p5"] / m
    assert whole.incremental_value == pytest.approx(value)
    cost = plan.to_frame().cost.sum()
    assert whole.cost == cost
    assert whole.return_on_cost == pytest.approx(value / cost - 1)
    assert whole.cost_per_acquired == pytest.approx(cost / whole.incremental_purchases)
    assert whole.cost_low < whole.cost_per_acquired < whole.cost_high
    assert result.evaluable
    assert (result.start[:10], result.end[:10]) == ("2026-04-01", "2026-06-30")
    assert not result.short
    assert campaign.result(log_of(rows), plan, horizon_days=120).short


def test_groups_add_up_and_are_named():
    campaign, plan = planned(per_user=2)
    frame = plan.to_frame()
    rows = [(user, "p1", "2026-05-01") for user in PIPELINE.user_ids[::3]]
    result = campaign.result(log_of(rows), plan, stratum="level", partner="partner")
    lines = result.to_frame()
    assert {*lines.by} == {"all", "channel", "product", "stratum", "partner"}
    for by, column in (("channel", "channel"), ("product", "product_id")):
        found = result.to_frame(by).set_index("group")
        users = frame.groupby(column).user_id.nunique()
        assert found.users.to_dict() == users.to_dict()
        assert found.cost.to_dict() == pytest.approx(frame.groupby(column).cost.sum().to_dict())
    partners = result.to_frame("partner").set_index("group")
    channels = result.to_frame("channel").set_index("group")
    assert partners.loc["agency", "users"] == channels.loc["call", "users"]
    assert {*result.to_frame("stratum").group} <= {"1", "2", "3"}
    with pytest.raises(ValueError, match="by='day'"):
        result.to_frame("day")


def test_what_was_sent_and_answered():
    campaign, plan = planned()
    users = [*plan.to_frame().user_id][:3]
    log = log_of([(user, None, "2026-04-02") for user in users]).assign(event="mail")
    bought = log_of([(users[0], "p1", "2026-04-03")]).assign(event="buy")
    reply = log_of([(users[0], None, "2026-04-03")]).assign(event="reply")
    kinds = {"sent_events": ["mail"], "answered_events": ["reply"]}
    whole = campaign.result(pd.concat([log, bought, reply]), plan, **kinds).to_frame("all").iloc[0]
    assert (whole.sent, whole.answered, whole.purchases) == (3, 1, 1)


def shop(users):
    """Return a pipeline of many users who may all be offered everything."""
    rng = np.random.default_rng(3)
    log = pd.DataFrame(
        {
            "user_id": rng.choice(users, 2 * len(users)),
            "product_id": rng.choice([*MARGINS], 2 * len(users)),
            "timestamp": pd.Timestamp("2026-01-01"),
        }
    )
    products = pd.DataFrame({"product_id": [*MARGINS], "margin": [*MARGINS.values()]})
    data = st.Dataset(pd.DataFrame({"user_id": users}), products, log)
    ranker = st.ranking.Popularity()
    return st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker).fit(data)


def test_the_held_out_are_those_who_would_have_been_planned():
    """With a budget, ghosts are about as many of the held out as the planned are of the others."""
    pipeline = shop([f"u{place}" for place in range(3000)])
    _, plan = planned(pipeline, chances_of(pipeline, 1), budget=1200.0, holdout=0.5)
    share = len(np.unique(plan.ghosts[0])) / len(plan.holdout())
    mine = plan.to_frame().user_id.nunique() / (3000 - len(plan.holdout()))
    assert abs(share - mine) < 0.08  # some four standard errors of a share
    costs = plan.universe.costs[plan.ghosts[1]].sum()
    assert costs == pytest.approx(1200, rel=0.35)


def test_a_campaign_without_effect_that_approaches_the_likeliest_buyers():
    """Everybody buys as likely as before: the ledger says chance, all the held out would not."""
    rng = np.random.default_rng(4)
    users = np.array([f"u{place:04d}" for place in range(4000)])
    likely = rng.beta(0.3, 1.2, len(users))
    pipeline = shop(users)
    chances = pd.DataFrame({"user_id": users, "product_id": "p5", "probability": likely})
    campaign, plan = planned(pipeline, chances, budget=1500.0, holdout=0.5)
    bought = users[rng.random(len(users)) < likely]
    result = campaign.result(log_of([(user, "p5", "2026-03-01") for user in bought]), plan)
    whole = result.to_frame("all").iloc[0]
    error = (whole.purchases_high - whole.purchases_low) / 3.92
    assert abs(whole.incremental_purchases) < 4 * error
    naive = len({*plan.holdout().user_id} & {*bought}) / len(plan.holdout())
    assert whole.rate - naive > 0.2  # the planned are not like everybody


@pytest.mark.parametrize("seed", range(3))
def test_a_known_effect_is_found(seed):
    """Of two thousand users each planned one buys more often by 0.3, and nothing else differs."""
    rng = np.random.default_rng(seed)
    users = [f"u{place}" for place in range(2000)]
    products = pd.DataFrame({"product_id": ["a"], "margin": [50.0]})
    log = pd.DataFrame({"user_id": ["old"], "product_id": ["a"], "timestamp": ["2026-01-01"]})
    data = st.Dataset(pd.DataFrame({"user_id": [*users, "old"]}), products, log)
    ranker = st.ranking.Popularity()
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker)
    chances = pd.DataFrame({"user_id": users, "product_id": "a", "probability": 0.5})
    campaign, plan = planned(pipeline.fit(data, as_of="2026-02-01"), chances)
    sent = {*plan.to_frame().user_id}
    likely = np.array([0.5 if user in sent else 0.2 for user in users])
    bought = np.array(users)[rng.random(2000) < likely]
    result = campaign.result(log_of([(user, "a", "2026-03-01") for user in bought]), plan)
    whole = result.to_frame("all").iloc[0]
    error = len(sent) * np.sqrt(0.25 / len(sent) + 0.16 / len(plan.holdout()))
    assert abs(whole.incremental_purchases - 0.3 * len(sent)) < 5 * error
    assert whole.purchases_low > 0
    assert "more than without the campaign" in result.reason


def test_without_a_hold_out_nothing_is_told():
    campaign, plan = planned(holdout=0)
    user = plan.to_frame().user_id.iloc[0]
    result = campaign.result(log_of([(user, "p1", "2026-04-02")]), plan)
    assert not result.evaluable
    assert "nobody was held out" in result.reason
    whole = result.to_frame("all").iloc[0]
    assert whole.purchases == 1
    assert np.isnan(whole.incremental_purchases)
    assert not result.to_frame().evaluable.any()


def test_a_log_of_nothing():
    campaign, plan = planned()
    for log in (log_of([]), log_of([("stranger", "p1", "2026-04-02")])):
        assert "nobody bought anything" in campaign.result(log, plan).reason


def test_single_purchases_are_compared_as_shares():
    campaign, plan = planned()
    sent, ghosts = [*plan.to_frame().user_id], [*PIPELINE.user_ids[np.unique(plan.ghosts[0])]]
    rows = [(user, "p1", "2026-04-02") for user in sent[:9] + ghosts[:2]]
    whole = campaign.result(log_of(rows), plan).to_frame("all").iloc[0]
    wanted = newcombe((2, len(ghosts)), (9, len(sent)))
    assert whole.purchases_low == pytest.approx(len(sent) * wanted.low)
    assert whole.purchases_high == pytest.approx(len(sent) * wanted.high)
    assert whole.p_value == pytest.approx(wanted.p_value)
    everybody = log_of([(user, "p1", "2026-04-02") for user in PIPELINE.user_ids])
    whole = campaign.result(everybody, plan).to_frame("all").iloc[0]
    assert whole.incremental_purchases == 0
    assert whole.purchases_low < 0 < whole.purchases_high
    assert np.isnan(whole.value_low)


def test_outcomes_before_the_treatment_are_refused():
    campaign, plan = planned()
    rows = [("u00", "p1", "2026-03-31 23:59"), ("u01", "p1", "2026-04-01 00:00")]
    with pytest.raises(st.DataError, match=r"1 of 2 events are before the plan's moment"):
        campaign.result(log_of(rows), plan)
    data = st.Dataset(None, None, log_of(rows))
    assert campaign.result(data, plan).to_frame("all").purchases.iloc[0] <= 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"horizon_days": 0}, "horizon_days=0"),
        ({"horizon_days": float("nan")}, "horizon_days=nan"),
        ({"alpha": 0}, "alpha=0"),
        ({"alpha": 1}, "alpha=1"),
        ({"stratum": "levels"}, "no field 'levels'; did you mean level"),
        ({"partner": "partners"}, "no column 'partners'; did you mean partner"),
    ],
)
def test_parameters_that_are_none(changed, said):
    campaign, plan = planned()
    log = log_of([("u00", "p1", "2026-04-02")])
    with pytest.raises((ValueError, st.DataError), match=said):
        campaign.result(log, plan, **changed)
    with pytest.raises(ValueError, match="must be a plan"):
        campaign.result(log, plan.to_frame())


def test_logs_that_are_none():
    campaign, plan = planned()
    log = log_of([("u00", "p1", "2026-04-02")])
    with pytest.raises(st.DataError, match="no timestamps"):
        campaign.result(log.drop(columns="timestamp"), plan)
    with pytest.raises(st.DataError, match="time-zone"):
        campaign.result(log.assign(timestamp=log.timestamp.dt.tz_localize("UTC")), plan)
    with pytest.raises(st.DataError, match="product_id"):
        campaign.result(log.drop(columns="product_id"), plan)


def test_it_is_written_without_users(tmp_path):
    campaign, plan = planned()
    rows = [(user, "p1", "2026-05-01") for user in PIPELINE.user_ids[::2]]
    result = campaign.result(log_of(rows), plan)
    result.to_html(tmp_path / "result.html")
    page = (tmp_path / "result.html").read_text(encoding="utf-8")
    assert "By channel" in page
    assert not any(user in page + repr(result) for user in PIPELINE.user_ids)
    assert result.to_dict()["rows"][0]["by"] == "all"
