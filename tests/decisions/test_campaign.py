"""Campaigns: against brute force, under limits, and from parameters that are none."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from support.campaign_worlds import CHANNELS, MARGINS, chances_of, fitted, universe_of

PIPELINE = fitted()
CHANCES = chances_of(PIPELINE)


def campaign(**changed):
    given = {"propensity": CHANCES, **changed}
    channels = given.pop("channels", CHANNELS)
    return st.decisions.Campaign(given.pop("pipeline", PIPELINE), channels, **given)


def every_offer(pipeline=PIPELINE, chances=CHANCES, channels=CHANNELS):
    """Return every offer that may be made, with its net, without the library."""
    pairs = universe_of(pipeline).merge(chances, on=["user_id", "product_id"])
    pairs = pairs.merge(channels, how="cross")
    pairs["value"] = pairs.product_id.map(MARGINS)
    pairs["probability"] = np.minimum(1, pairs.probability * pairs.response)
    pairs["net"] = pairs.probability * pairs.value - pairs.cost
    return pairs


def best_of_each(offers):
    best = offers.sort_values("net").groupby("user_id").tail(1)
    return best[best.net > 0].set_index("user_id").sort_index()


def test_without_limits_everybody_gets_the_best_offer():
    plan = campaign().plan()
    frame = plan.to_frame()
    assert list(frame) == [
        "user_id",
        "product_id",
        "channel",
        "probability",
        "value",
        "cost",
        "net",
    ]
    wanted = best_of_each(every_offer())
    found = frame.set_index("user_id").sort_index()
    assert found.index.tolist() == wanted.index.tolist()
    for name in ("product_id", "channel"):
        assert found[name].tolist() == wanted[name].tolist()
    for name in ("probability", "value", "cost", "net"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
    assert plan.bound == pytest.approx(wanted.net.sum())
    assert plan.gap == pytest.approx(0, abs=1e-9)
    assert plan.prices().empty


def test_several_offers_of_different_products_to_one_user():
    frame = campaign(per_user=2).plan().to_frame()
    assert frame.groupby("user_id").size().max() == 2
    assert not frame.duplicated(["user_id", "product_id"]).any()
    offers = every_offer().sort_values("net").groupby(["user_id", "product_id"]).tail(1)
    wanted = offers[offers.net > 0].sort_values("net").groupby("user_id").tail(2)
    assert frame.net.sum() == pytest.approx(wanted.net.sum())


def test_a_budget_is_kept_and_earns():
    free = campaign().plan()
    cost = free.to_frame().cost.sum()
    plan = campaign(budget=cost / 4).plan()
    assert plan.to_frame().cost.sum() <= cost / 4
    assert 0 < plan.net < free.net
    price = plan.prices().set_index("constraint")
    assert price.loc["budget", "limit"] == cost / 4
    assert price.loc["budget", "used"] == pytest.approx(plan.to_frame().cost.sum())
    assert price.loc["budget", "price"] > 0
    assert 0 <= plan.gap < 0.05
    richer = campaign(budget=cost / 4 + 6).plan()
    assert richer.bound - plan.bound <= 6 * price.loc["budget", "price"] + 1e-6


def test_capacities_and_quotas_are_kept():
    limits = pd.DataFrame(
        {
            "product_id": ["p0", "p5", None],
            "channel": [None, "letter", "call"],
            "at_least": [4, None, None],
            "at_most": [None, 0, 20],
        }
    )
    channels = CHANNELS.assign(capacity=[10, None])
    plan = campaign(channels=channels, limits=limits).plan()
    frame = plan.to_frame()
    assert (frame.channel == "letter").sum() <= 10
    assert (frame.product_id == "p0").sum() >= 4
    assert (frame.channel == "call").sum() <= 20
    assert not ((frame.product_id == "p5") & (frame.channel == "letter")).any()
    names = ["capacity of letter", "p0: at least", "p5 by letter: at most", "call: at most"]
    prices = plan.prices().set_index("constraint")
    assert prices.index.tolist() == names
    assert prices.loc["p0: at least", "price"] <= 0 <= prices.loc["capacity of letter", "price"]
    assert prices.loc["p0: at least", "used"] == (frame.product_id == "p0").sum()


def test_nothing_may_be_spent_or_sent():
    assert campaign(budget=0).plan().to_frame().empty
    plan = campaign(channels=CHANNELS.assign(capacity=0)).plan()
    assert plan.to_frame().empty
    assert plan.net == plan.bound == plan.gap == 0
    assert list(plan.to_frame()) == list(campaign().plan().to_frame())


def test_nobody_is_asked_and_nobody_is_known():
    assert campaign().plan([]).to_frame().empty
    plan = campaign().plan(["nobody"])
    assert plan.to_frame().empty
    (verdict,) = plan.why_not("nobody", "p0", "call")
    assert (verdict.rule, verdict.verdict) == ("campaign:unknown-user", "fail")


def test_only_those_asked_are_planned():
    some = [*PIPELINE.user_ids[5:12]]
    frame = campaign().plan([*some, "nobody"]).to_frame()
    whole = campaign().plan().to_frame()
    pd.testing.assert_frame_equal(frame, whole[whole.user_id.isin(some)].reset_index(drop=True))


class Stub:
    """A model that says what a frame says."""

    def __init__(self):
        self.asked = []

    def predict(self, user_ids=None, k=None, as_of=None):
        self.asked.append((len(user_ids), k, as_of))
        return CHANCES[CHANCES.user_id.isin(user_ids)]


def test_a_model_is_asked_for_all_pairs():
    stub = Stub()
    frame = campaign(propensity=stub).plan(as_of="2026-04-02").to_frame()
    assert stub.asked == [(60, None, "2026-04-02")]
    pd.testing.assert_frame_equal(frame, campaign().plan().to_frame())


def test_a_pair_without_a_probability_gets_no_offer():
    chances = CHANCES[CHANCES.product_id != "p3"]
    plan = campaign(propensity=chances, per_user=9).plan()
    assert "p3" not in {*plan.to_frame().product_id}
    pairs = universe_of(PIPELINE)
    user = pairs[pairs.product_id == "p3"].user_id.iloc[0]
    assert plan.why_not(user, "p3", "call")[-1].rule == "campaign:no-probability"


@pytest.mark.parametrize("kind", [pl.DataFrame, lambda d: pa.Table.from_pandas(d)])
def test_any_frame_of_channels_and_chances(kind):
    found = campaign(channels=kind(CHANNELS), propensity=kind(CHANCES)).plan().to_frame()
    pd.testing.assert_frame_equal(found, campaign().plan().to_frame())


def test_a_contact_policy_judges_users_and_offers_beside_the_pipelines():
    policy = st.Policy.from_toml(
        '[policy]\nid = "quiet"\nversion = "1"\n[[rules]]\nid = "calls"\n'
        'applies = "product.channel == \'call\'"\nrequire = "not user.vulnerable"\n'
        '[[rules]]\nid = "cap"\nrequire = "user.contacts_7d < 3 and product.cost < 100"\n'
    )
    plan = campaign(contact_policy=policy).plan()
    users = PIPELINE.candidates().user_fields.to_pandas().assign(user_id=PIPELINE.user_ids)
    offers = every_offer().merge(users, on="user_id")
    open_to = ~(offers.vulnerable & (offers.channel == "call")) & (offers.contacts_7d < 3)
    wanted = best_of_each(offers[open_to])
    found = plan.to_frame().set_index("user_id").sort_index()
    assert found.index.tolist() == wanted.index.tolist()
    np.testing.assert_allclose(found.net, wanted.net)
    user = users[users.vulnerable & (users.level == 3)].user_id.iloc[0]
    verdicts = {v.rule: v.verdict for v in plan.why_not(user, "p0", "call")}
    assert verdicts["level"] == "pass"
    assert verdicts["calls"] == "fail"


def test_a_contact_policy_that_does_not_fit():
    with pytest.raises(st.PolicyError, match=r"user\.marketing"):
        campaign(contact_policy="contact").plan()


def test_only_who_has_agreed_to_marketing_is_planned():
    agreed = PIPELINE.user_ids[:20]
    consent = st.governance.Consent(
        pd.DataFrame(
            {
                "user_id": [*PIPELINE.user_ids, *agreed],
                "purpose": ["personalisation"] * 60 + ["marketing"] * 20,
                "granted_at": pd.Timestamp("2026-03-01"),
                "withdrawn_at": [pd.NaT] * 79 + [pd.Timestamp("2026-03-15")],
            }
        )
    )
    plan = campaign(pipeline=fitted(consent), holdout=0.3).plan()
    planned, held = {*plan.to_frame().user_id}, {*plan.holdout().user_id}
    assert planned
    assert held
    assert planned | held <= {*agreed[:19]}
    assert not planned & held
    rules = [v.rule for v in plan.why_not(agreed[19], "p0", "call")]
    assert "campaign:no-consent" in rules


def test_who_is_held_out_depends_on_salt_and_id_alone():
    plan = campaign(holdout=0.25, salt="a").plan()
    held = {*plan.holdout().user_id}
    assert 5 <= len(held) <= 28  # of 60 at a quarter
    assert not held & {*plan.to_frame().user_id}
    again = campaign(holdout=0.25, salt="a", budget=9.0, seed=5).plan([*PIPELINE.user_ids[30:]])
    assert {*again.holdout().user_id} == held & {*PIPELINE.user_ids[30:]}
    assert {*campaign(holdout=0.25, salt="b").plan().holdout().user_id} != held
    assert held <= {*campaign(holdout=0.5, salt="a").plan().holdout().user_id}
    verdicts = plan.why_not(sorted(held)[0], "p0", "call")
    assert verdicts[-1].rule == "campaign:held-out"
    everybody = campaign(holdout=1).plan()
    assert everybody.to_frame().empty
    assert len(everybody.holdout()) == 60


def test_why_an_offer_is_not_made_ends_with_what_it_lost_to():
    free = campaign().plan()
    frame = free.to_frame()
    first = frame.iloc[0]
    made = free.why_not(first.user_id, first.product_id, first.channel)
    assert [v.verdict for v in made] == ["pass"]
    other = "call" if first.channel == "letter" else "letter"
    offers = every_offer().set_index(["user_id", "product_id", "channel"]).net
    lost = free.why_not(first.user_id, first.product_id, other)[-1]
    gain = offers[first.user_id, first.product_id, other] > 0
    assert lost.rule == ("campaign:better-offer" if gain else "campaign:no-gain")
    dear = campaign(budget=6.0).plan()
    made = {*map(tuple, dear.to_frame()[["user_id", "product_id", "channel"]].to_numpy())}
    assert len(made) < len(frame)
    lost = frame[[tuple(row) not in made for row in frame.iloc[:, :3].to_numpy()]].iloc[0]
    priced = dear.why_not(lost.user_id, lost.product_id, lost.channel)[-1]
    assert priced.rule == "campaign:priced-out"
    assert "budget" in priced.text["en"]
    assert "budget" in priced.to_dict()["text"]["zh"]
    price = dear.prices().price[0]
    assert priced.inputs["budget"] == pytest.approx(price * lost.cost)
    assert priced.inputs["net"] == pytest.approx(lost.net)


def test_a_plan_stays_what_it_was_whatever_the_pipeline_learns():
    pipeline = fitted()
    plan = campaign(pipeline=pipeline).plan()
    row = plan.to_frame().iloc[0]
    news = {"user_id": [row.user_id], "product_id": [row.product_id]}
    pipeline.update(pd.DataFrame({**news, "timestamp": [pd.Timestamp("2026-05-01")]}))
    verdicts = plan.why_not(row.user_id, row.product_id, row.channel)
    assert [v.verdict for v in verdicts] == ["pass"]
    with pytest.raises(st.DataError, match="is before"):
        campaign(pipeline=pipeline).plan(as_of="2026-04-02")


def test_the_same_user_twice_and_ids_of_another_type():
    with pytest.raises(st.DataError, match="the same id twice"):
        campaign().plan(["u01", "u01"])
    with pytest.raises(st.DataError, match="use one type of id"):
        campaign().plan([1])


def test_whole_numbers_polars_and_no_dates():
    users = pl.DataFrame({"user_id": [1, 2, 3]})
    products = pl.DataFrame({"product_id": [10, 20], "margin": [5.0, 9.0]})
    log = pl.DataFrame({"user_id": [1, 2], "product_id": [10, 20]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(users, products, log))
    chances = pl.DataFrame(
        {"user_id": [1, 2, 3], "product_id": [20, 10, 10], "probability": [0.5, 0.5, 0.5]}
    )
    plan = campaign(
        pipeline=pipeline, propensity=chances, channels=CHANNELS.assign(cost=0.1)
    ).plan()
    assert isinstance(plan.to_frame(), pl.DataFrame)
    assert plan.to_frame()["user_id"].to_list() == [1, 2, 3]
    assert plan.holdout().schema == {"user_id": pl.Int64}
    assert plan.as_of is None
    assert [v.rule for v in plan.why_not(2, 20, "call")] == ["pipeline:owned"]


def test_rules_come_first_where_an_offer_is_barred():
    users = PIPELINE.candidates().user_fields.to_pandas().assign(user_id=PIPELINE.user_ids)
    barred = users[users.level == 1].user_id.iloc[0]
    verdicts = campaign().plan().why_not(barred, "p5", "call")
    assert verdicts[0].rule == "level"
    assert verdicts[0].verdict == "fail"
    with pytest.raises(st.DataError, match="not in the catalogue"):
        campaign().plan().why_not(barred, "p9", "call")
    with pytest.raises(st.DataError, match="channel 'fax' is not known"):
        campaign().plan().why_not(barred, "p5", "fax")


def test_minimums_that_no_plan_meets_are_named():
    limits = pd.DataFrame(
        {"product_id": ["p4", "p0"], "at_least": [60, 1], "at_most": [None, None]}
    )
    with pytest.raises(st.DataError, match=r"p4 \(at least 60\)") as caught:
        campaign(limits=limits).plan()
    assert "p0" not in str(caught.value)


def test_minimums_against_a_budget_and_a_capacity():
    limits = pd.DataFrame({"product_id": ["p0"], "channel": ["call"], "at_least": [2]})
    with pytest.raises(st.DataError, match=r"p0 by call \(at least 2\); the budget \(6\)"):
        campaign(limits=limits, budget=6).plan()
    shut = CHANNELS.assign(capacity=[None, 0])
    with pytest.raises(st.DataError, match=r"capacity of call \(at most 0\); p0 by call"):
        campaign(limits=limits, channels=shut).plan()


def test_blocks_do_not_matter(monkeypatch):
    given = {"budget": 60.0, "per_user": 2, "contact_policy": st.Policy.unrestricted()}
    whole = campaign(**given).plan()
    monkeypatch.setattr("suitably.pipeline.generate._FEW", 0)
    monkeypatch.setattr("suitably.pipeline.generate._USERS", 7)
    small = campaign(**given).plan()
    pd.testing.assert_frame_equal(small.to_frame(), whole.to_frame())
    pd.testing.assert_frame_equal(small.prices(), whole.prices())
    assert small.bound == whole.bound


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"propensity": None}, "one of propensity and uplift"),
        ({"uplift": CHANCES}, "propensity or uplift, not both"),
        ({"budget": -1}, "budget=-1"),
        ({"budget": float("nan")}, "budget=nan"),
        ({"budget": "100"}, "budget='100'"),
        ({"budget": True}, "budget=True"),
        ({"per_user": 0}, "per_user=0"),
        ({"per_user": 1.5}, "per_user=1.5"),
        ({"holdout": 1.5}, "holdout=1.5"),
        ({"holdout": -0.1}, "holdout=-0.1"),
        ({"salt": 3}, "salt=3"),
        ({"value": None}, "value=None"),
    ],
)
def test_parameters_that_are_none(changed, said):
    with pytest.raises(ValueError, match=said):
        campaign(**changed).plan()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"product_id": ["p9"], "at_most": [1]}, "row 0: 'p9' is not known"),
        ({"channel": ["cal"], "at_most": [1]}, "row 0: 'cal' is not known; did you mean call"),
        ({"channel": ["call"]}, "row 0 has neither at_least nor at_most"),
        ({"channel": ["call"], "at_least": [3], "at_most": [2]}, "at_least 3 is above at_most 2"),
        ({"channel": ["call"], "at_most": [-1]}, "row 0: -1 is no whole number"),
        ({"channel": ["call"], "at_most": [1.5]}, "row 0: 1.5 is no whole number"),
        ({"channel": ["call"], "at_least": [np.inf]}, "row 0 is infinite"),
        ({"channel": ["call", "call"], "at_most": [1, 2]}, "rows 0 and 1 are about the same"),
        ({"at_most": [1]}, "neither product_id nor channel"),
        ({"chanel": ["call"], "channel": ["call"], "at_most": [1]}, "unknown columns.*chanel"),
    ],
)
def test_limits_that_are_none(limits, said):
    with pytest.raises(st.DataError, match=said):
        campaign(limits=pd.DataFrame(limits)).plan()


@pytest.mark.parametrize(
    ("chances", "said"),
    [
        (CHANCES.drop(columns="probability"), "no column 'probability'"),
        (CHANCES.assign(probability=1.5), "row 0: 1.5 is no probability"),
        (CHANCES.assign(probability=np.nan), "row 0: nan is no probability"),
        (pd.concat([CHANCES, CHANCES[:1]]), "rows 0 and 360 are of the same pair"),
        (CHANCES.assign(user_id=range(360)), "use one type of id"),
    ],
)
def test_chances_that_are_none(chances, said):
    with pytest.raises(st.DataError, match=said):
        campaign(propensity=chances).plan()


def test_values_with_gaps_and_columns_that_are_not_there():
    with pytest.raises(st.DataError, match="no column 'margins'; did you mean margin"):
        campaign(value="margins").plan()
    bank = st.data.simulate_bank(users=20, products=10, seed=1)
    products = bank.products.assign(margin=[1.0] * 9 + [None])
    data = st.Dataset(bank.users, products, bank.interactions)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    with pytest.raises(st.DataError, match="1 of 10 products have no value"):
        campaign(pipeline=pipeline.fit(data)).plan()


def test_pages_and_files(tmp_path):
    plan = campaign(budget=40, holdout=0.2, contact_policy=st.Policy.unrestricted()).plan()
    plan.to_html(tmp_path / "plan.html")
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "capacity" not in page
    assert "budget" in page
    assert not any(user in page for user in PIPELINE.user_ids)
    shown = repr(plan) + repr(campaign())
    assert not any(user in shown for user in PIPELINE.user_ids)
    plan.export(tmp_path / "plan.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "plan.parquet"), plan.to_frame())
    plan.export(tmp_path / "plan.csv")
    read = pd.read_csv(tmp_path / "plan.csv")
    assert read.user_id.tolist() == plan.to_frame().user_id.tolist()
    with pytest.raises(ValueError, match="parquet, csv"):
        plan.export(tmp_path / "plan.xlsx")
    summary = plan.to_dict()
    assert summary["offers"] == len(plan)
    assert summary["prices"][0]["constraint"] == "budget"
