"""Off-policy evaluation end to end: on logs of every slate there is, estimates are exact."""

import itertools
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.evaluation import OffPolicy, TimeSplit
from suitably.evaluation.offpolicy.evidence import interval
from suitably.ranking import Explore, Popularity

PRODUCTS = ["a", "b", "c", "d"]
SPLIT = TimeSplit("2024-01-10", 30)
START, SHOWN = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-15")


def reward(slate, place):
    """Depends on the products down to the place, as a cascade does."""
    return 10.0 * (slate[place] == "b") + 3.0 * ("a" in slate[: place + 1]) + place


def pipeline(ranker, policy=None):
    return st.Pipeline(policy=policy or st.Policy.unrestricted(), ranker=ranker, fallback=None)


def history():
    """The buyers of the past make a, b, c and d less popular in turn; they are not judged."""
    bought = [(f"p{n}", product) for at, product in enumerate(PRODUCTS) for n in range(at, 4)]
    frame = pd.DataFrame(bought, columns=["user_id", "product_id"]).assign(timestamp=START)
    last = frame.head(1).assign(timestamp=pd.Timestamp("2024-06-01"))  # all windows are over
    return pd.concat([frame, last]).assign(value=1.0)


def all_slates(users, depth):
    """Log every ordered slate once per user, as a uniform draw would on average."""
    rows = []
    for user in users:
        for number, slate in enumerate(itertools.permutations(PRODUCTS, depth)):
            rows += [
                (
                    user,
                    product,
                    f"{user}-{number}",
                    place + 1,
                    1 / (4 - place),
                    reward(slate, place),
                )
                for place, product in enumerate(slate)
            ]
    names = ["user_id", "product_id", "slate", "position", "propensity", "value"]
    return pd.DataFrame(rows, columns=names).assign(timestamp=SHOWN)


def dataset(log, users=("u1", "u2", "u3", "u4", "u5")):
    everybody = pd.DataFrame({"user_id": [*users, "p0", "p1", "p2", "p3"]})
    return st.Dataset(everybody, None, pd.concat([history(), log], ignore_index=True))


def value(weights, depth):
    """Enumerate what an arm earns per slate: its slates' probabilities times their rewards."""
    total = 0.0
    for slate in itertools.permutations(PRODUCTS, depth):
        left, chance = sum(weights.values()), 1.0
        for product in slate:
            chance *= weights[product] / left if left else 0.0
            left -= weights[product]
        total += chance * sum(reward(slate, place) for place in range(depth))
    return total


def explored(temperature):
    """Weights of the popularity of 4, 3, 2 and 1 buyers."""
    scores = np.array([1.0, 2.0, 3.0, 4.0])[::-1]
    return dict(zip(PRODUCTS, np.exp(scores / scores.std() / temperature), strict=True))


USERS = [f"u{n}" for n in range(1, 6)]


@pytest.mark.parametrize("estimator", ["ips", "dr"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_unbiased_estimators_are_exact_on_all_slates(estimator, depth):
    data = dataset(all_slates(USERS, depth))
    arms = [pipeline(Explore(Popularity(), temperature=heat)) for heat in (1.0, 0.5)]
    found = OffPolicy(*arms, estimators=[estimator], min_effective_n=0).run(data, SPLIT)
    row = found.to_frame().iloc[0]
    expected = [value(explored(heat), depth) for heat in (1.0, 0.5)]
    assert [row["control"], row["treatment"]] == pytest.approx(expected)
    assert row["difference"] == pytest.approx(expected[1] - expected[0])


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr", "sndr", "beta_ips"])
def test_a_list_that_is_not_drawn(estimator):
    """Popularity shows a, then b: worth 3, and 10 + 3 + 1 at the second place."""
    data = dataset(all_slates(USERS, 2))
    arms = pipeline(Explore(Popularity(), temperature=1e6)), pipeline(Popularity())
    found = OffPolicy(*arms, estimators=[estimator], min_effective_n=0).run(data, SPLIT)
    row = found.to_frame().iloc[0]
    even = value(dict.fromkeys(PRODUCTS, 1.0), 2)
    assert row["control"] == pytest.approx(even, abs=1e-4)
    assert row["treatment"] == pytest.approx(17.0)


def test_standard_weights_are_exact_too():
    data = dataset(all_slates(USERS, 2))
    arms = [pipeline(Explore(Popularity(), temperature=heat)) for heat in (1.0, 0.5)]
    test = OffPolicy(*arms, estimators=["ips", "dr"], slates="standard", min_effective_n=0)
    frame = test.run(data, SPLIT).to_frame()
    for name in ("control", "treatment"):
        heat = {"control": 1.0, "treatment": 0.5}[name]
        assert frame[name].tolist() == pytest.approx([value(explored(heat), 2)] * 2)


def test_positions_whatever_stands_above():
    """Each row on its own, with the propensity of a product at a position: a quarter of all."""
    log = all_slates(USERS, 2).drop(columns="slate").assign(propensity=0.25)
    test = OffPolicy(
        pipeline(Popularity()),
        pipeline(Popularity(half_life_days=30)),
        estimators=["ips"],
        slates="independent",
        min_effective_n=0,
    )
    row = test.run(dataset(log), SPLIT).to_frame().iloc[0]
    rewards = log.groupby(["position", "product_id"])["value"].mean()
    assert row["control"] == pytest.approx((rewards[1, "a"] + rewards[2, "b"]) / 2)
    assert row["difference"] == 0


def many(users, seed=0, good="a"):
    """A log of single products, drawn evenly: one of them earns more."""
    rng = np.random.default_rng(seed)
    names = [f"u{n}" for n in range(users)]
    shown = np.array(PRODUCTS)[rng.integers(0, 4, users)]
    earned = (rng.random(users) < np.where(shown == good, 0.6, 0.2)).astype(float)
    log = pd.DataFrame({"user_id": names, "product_id": shown, "propensity": 0.25, "value": earned})
    return dataset(log.assign(timestamp=SHOWN), names)


class TestDecision:
    """Popularity shows a to everybody; a draw at a high temperature anything."""

    def arms(self):
        return pipeline(Explore(Popularity(), temperature=50.0)), pipeline(Popularity())

    def test_ship(self):
        result = OffPolicy(*self.arms()).run(many(4000), SPLIT)
        assert result.decision == "ship"
        assert "changes the mean reward per slate by +0.3" in result.reason

    def test_do_not_ship(self):
        assert OffPolicy(*self.arms()[::-1]).run(many(4000), SPLIT).decision == "do not ship"

    def test_inconclusive_where_both_show_the_same(self):
        control, _ = self.arms()
        result = OffPolicy(control, control).run(many(4000), SPLIT)
        assert result.decision == "inconclusive"
        assert "both arms would show the same" in result.reason
        assert np.isnan(result.rows[0].low)

    def test_too_little_that_the_arm_would_show(self):
        result = OffPolicy(*self.arms()).run(many(60), SPLIT)
        assert result.decision == "not evaluable"
        assert "worth" in result.reason

    def test_no_impression_in_the_window(self):
        result = OffPolicy(*self.arms()).run(many(60), TimeSplit("2024-03-01", 30))
        assert result.decision == "not evaluable"
        assert result.reason == "No impression lies in the window."
        assert result.to_frame()["difference"].isna().all()

    def test_products_that_the_log_never_showed(self):
        data = many(4000)
        log = data.interactions
        log = log[(log["product_id"] != "a") | log["propensity"].isna()]
        log = log.assign(propensity=log["propensity"].where(log["propensity"].isna(), 1 / 3))
        control = pipeline(Explore(Popularity(), temperature=50.0))
        warmer = pipeline(Explore(Popularity(), temperature=2.0))
        found = OffPolicy(control, warmer).run(st.Dataset(data.users, None, log), SPLIT)
        assert found.decision == "not evaluable"
        assert "what the log could not" in found.reason

    def test_wrong_propensities(self):
        data = many(4000)
        log = data.interactions
        log = log.assign(propensity=log["propensity"] * 2)
        found = OffPolicy(*self.arms()).run(st.Dataset(data.users, None, log), SPLIT)
        assert found.decision == "not evaluable"
        assert "its draws" in found.reason


EVERY = ("snips", "ips", "clipped_ips", "dm", "dr", "sndr", "switch", "dros", "beta_ips")


def rewarded(data, values):
    log = data.interactions
    values = np.where(log["propensity"].isna(), log["value"], values)
    return st.Dataset(data.users, None, log.assign(value=values))


class TestWithoutSpread:
    """Differences that rounding alone makes are none, and no spread is no certainty."""

    def arms(self):
        ranker = Popularity()
        return [pipeline(Explore(ranker, temperature=heat)) for heat in (50.0, 5.0)]

    @pytest.mark.parametrize("estimator", EVERY)
    def test_nothing_came_of_anything(self, estimator):
        test = OffPolicy(*self.arms(), estimators=[estimator])
        found = test.run(rewarded(many(1000), 0.0), SPLIT)
        assert found.rows[0].difference == 0
        assert np.isnan([found.rows[0].low, found.rows[0].high]).all()
        assert found.decision == "inconclusive"
        assert "nothing that was shown earned anything" in found.reason

    @pytest.mark.parametrize("estimator", ["snips", "dm", "dr", "sndr", "switch", "beta_ips"])
    @pytest.mark.parametrize("worth", [1.0, 0.1])
    def test_the_same_came_of_everything(self, estimator, worth):
        test = OffPolicy(*self.arms(), estimators=[estimator])
        found = test.run(rewarded(many(1000), worth), SPLIT)
        assert found.rows[0].difference == 0
        assert np.isnan([found.rows[0].low, found.rows[0].high]).all()
        assert found.decision == "inconclusive"
        assert "all users' differences are the same" in found.reason

    def test_no_interval_without_width(self):
        """0.1 + 0.2 is not 0.3."""
        mean, low, high = interval(np.array([0.1 + 0.2, 0.3, 0.3]), np.ones(3), 0.05)
        assert mean == pytest.approx(0.3)
        assert np.isnan([low, high]).all()

    @pytest.mark.parametrize("users", [1, 2, 3, 5])
    def test_few_users(self, users):
        log = all_slates(USERS[:users], 2)
        log["value"] += np.random.default_rng(0).random(len(log))
        test = OffPolicy(*self.arms(), min_effective_n=0)
        found = test.run(dataset(log), SPLIT)
        assert found.decision == "not evaluable"
        assert "too few for any test" in found.reason

    def test_an_arm_that_logged_is_worth_what_the_log_earned(self):
        """Its weights are 1 but for rounding, of which no control variate is to be made."""
        ranker = Explore(Popularity(), temperature=2.0)
        users = [f"u{n}" for n in range(200)]
        plain = dataset(all_slates(USERS, 1), users)
        lists = pipeline(ranker).fit(plain, SPLIT.at).recommend(users, k=3).to_frame()
        log = lists.assign(slate=lists["user_id"], position=lists["rank"], timestamp=SHOWN)
        log["value"] = np.random.default_rng(0).random(len(log))
        test = OffPolicy(pipeline(ranker), pipeline(Popularity()), estimators=["beta_ips", "ips"])
        found = test.run(dataset(log.drop(columns=["rank", "score"]), users), SPLIT)
        expected = log.groupby("slate")["value"].sum().mean()
        assert [row.control for row in found.rows] == pytest.approx([expected] * 2, rel=1e-12)


@pytest.mark.parametrize("temperature", [0.01, 0.001, 1e-6])
def test_a_draw_that_hardly_strays_is_the_list(temperature):
    """Weights below the least that a number can hold are still those of an order."""
    cold, greedy = pipeline(Explore(Popularity(), temperature=temperature)), pipeline(Popularity())
    test = OffPolicy(cold, greedy, estimators=["ips"], min_effective_n=0)
    row = test.run(dataset(all_slates(USERS, 3)), SPLIT).rows[0]
    assert row.treatment > 10
    assert row.control == pytest.approx(row.treatment)


def test_the_default_reward_is_the_column_of_amounts_whatever_it_is_called():
    log = pd.concat([history(), all_slates(USERS, 1)]).rename(columns={"value": "earned"})
    everybody = pd.DataFrame({"user_id": [*USERS, "p0", "p1", "p2", "p3"]})
    data = st.Dataset(everybody, None, log, columns=st.Columns(value="earned"))
    test = OffPolicy(*TestWithoutSpread().arms(), min_effective_n=0)
    found = test.run(data, SPLIT).to_frame()
    expected = test.run(dataset(all_slates(USERS, 1)), SPLIT).to_frame()
    pd.testing.assert_frame_equal(found, expected)


def test_several_windows_count_together():
    """The same user in two windows is one user."""
    early = all_slates(USERS, 1)
    late = early.assign(timestamp=SHOWN + pd.Timedelta(days=60), slate=early["slate"] + "late")
    data = dataset(pd.concat([early, late]))
    arms = [pipeline(Explore(Popularity(), temperature=heat)) for heat in (1.0, 0.5)]
    test = OffPolicy(*arms, estimators=["ips"], min_effective_n=0)
    both = test.run(data, [SPLIT, TimeSplit("2024-03-01", 60)])
    assert both.facts["users"] == 5
    assert both.facts["slates"] == 40
    assert both.rows[0].difference == pytest.approx(test.run(data, SPLIT).rows[0].difference)


def test_nothing_of_the_window_reaches_the_pipelines():
    """What was bought after the cut would turn the popularity around."""
    late = [(f"p{n}", "d", SHOWN, 1.0) for n in range(4)] * 5
    late = pd.DataFrame(late, columns=["user_id", "product_id", "timestamp", "value"])
    clean = dataset(all_slates(USERS, 2))
    poisoned = dataset(pd.concat([all_slates(USERS, 2), late]))
    arms = pipeline(Explore(Popularity(), temperature=1.0)), pipeline(Popularity())
    test = OffPolicy(*arms, estimators=["ips"], min_effective_n=0)
    found, expected = (test.run(data, SPLIT).to_frame() for data in (poisoned, clean))
    pd.testing.assert_frame_equal(found, expected)


def test_the_result_is_shown_and_written(tmp_path):
    result = OffPolicy(*TestDecision().arms(), estimators=["snips", "dr"]).run(many(4000), SPLIT)
    names = ["estimator", "control", "treatment", "difference", "low", "high", "p_value"]
    frame = result.to_frame()
    assert frame.columns.tolist() == [*names, "effective_n"]
    assert frame["estimator"].tolist() == ["snips", "dr"]
    assert frame["effective_n"].between(900, 1100).all()
    page = result.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Off-policy evaluation" in page
    assert result.reason.split(" (")[0] in page
    assert "u17" not in page
    assert result.to_dict()["rows"][1]["estimator"] == "dr"
    assert "Off-policy" in result._repr_html_() or "ship" in result._repr_html_()


class TestBadInput:
    def run(self, log, **given):
        arms = pipeline(Explore(Popularity())), pipeline(Popularity())
        return OffPolicy(*arms, min_effective_n=0, **given).run(dataset(log), SPLIT)

    def test_a_log_without_propensities(self):
        with pytest.raises(st.DataError, match=r"no column 'propensity' \(Columns.propensity\)"):
            self.run(all_slates(USERS, 1).drop(columns="propensity"))

    def test_a_reward_that_is_not_there(self):
        with pytest.raises(st.DataError, match="no column 'margin'"):
            self.run(all_slates(USERS, 1), reward="margin")

    def test_another_column_of_rewards(self):
        log = all_slates(USERS, 2)
        log["clicked"] = log["value"] > 5
        assert self.run(log, reward="clicked").rows[0].treatment > 0

    def test_rewards_that_are_decimals(self):
        log = all_slates(USERS, 2)
        log["margin"] = [Decimal(str(one)) for one in log["value"]]
        found, expected = self.run(log, reward="margin"), self.run(log)
        pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())

    @pytest.mark.parametrize("worth", [np.inf, 2**60])
    def test_a_reward_that_no_double_holds(self, worth):
        log = all_slates(USERS, 1)
        log["margin"] = pd.array([worth] * len(log), object)
        with pytest.raises(st.DataError, match="margin"):
            OffPolicy(pipeline(Popularity()), pipeline(Popularity()), reward="margin").run(
                dataset(log), SPLIT
            )

    @pytest.mark.parametrize("arm", [None, "popularity", Popularity(), st.Pipeline])
    def test_what_is_no_pipeline(self, arm):
        with pytest.raises(ValueError, match="must be a pipeline, such as"):
            OffPolicy(pipeline(Popularity()), arm)

    @pytest.mark.parametrize("given", [{"alpha": "x"}, {"limit": np.nan}, {"estimators": None}])
    def test_arguments_of_another_type(self, given):
        with pytest.raises(ValueError, match=next(iter(given))):
            OffPolicy(pipeline(Popularity()), pipeline(Popularity()), **given)

    def test_a_reward_that_is_missing(self):
        log = all_slates(USERS, 1).assign(margin=1.0)
        log.loc[3, "margin"] = np.nan
        with pytest.raises(st.DataError, match="1 of 20 impressions have none; write 0"):
            self.run(log, reward="margin")

    def test_a_reward_that_is_text(self):
        with pytest.raises(st.DataError, match="must hold numbers, not string"):
            self.run(all_slates(USERS, 1).assign(margin="much"), reward="margin")

    def test_slates_without_order(self):
        with pytest.raises(st.DataError, match=r"need Columns.position"):
            self.run(all_slates(USERS, 2).drop(columns="position"))
        with pytest.raises(st.DataError, match="share their position"):
            self.run(all_slates(USERS, 2).assign(position=1))

    def test_positions_without_slates(self):
        with pytest.raises(st.DataError, match='pass slates="independent"'):
            self.run(all_slates(USERS, 2).drop(columns="slate"))

    def test_a_draw_below_the_first_rank_on_its_own(self):
        with pytest.raises(st.DataError, match=r"an arm draws its lists \(Explore\)"):
            self.run(all_slates(USERS, 2), slates="independent")

    def test_a_slate_of_several_users(self):
        with pytest.raises(st.DataError, match="a slate has rows of several users"):
            self.run(all_slates(USERS, 2).assign(slate=1, position=range(120)))

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"estimators": ["snip"]}, "there is no 'snip'.*snips"),
            ({"estimators": []}, "must be a list of names"),
            ({"estimators": "snips"}, "must be a list of names"),
            ({"slates": "none"}, "must be one of"),
            ({"alpha": 1}, "alpha=1"),
            ({"reward": None}, "must be the name of a column"),
            ({"limit": 0}, "limit=0.*above 0"),
        ],
    )
    def test_arguments(self, given, message):
        with pytest.raises(ValueError, match=message):
            OffPolicy(pipeline(Popularity()), pipeline(Popularity()), **given)

    def test_what_is_no_dataset(self):
        with pytest.raises(st.DataError, match="expected a Dataset"):
            OffPolicy(pipeline(Popularity()), pipeline(Popularity())).run([], SPLIT)


class OnlyFor:
    """Rank as popularity does, but know nothing of some users, who then get no list."""

    def __init__(self, users=()):
        self.users = users

    def fit(self, context):
        self.ranker_ = Popularity().fit(context)
        return self

    def scorer(self, user_ids):
        return self.ranker_.scorer(user_ids)

    def can_score(self, user_ids):
        return np.isin(user_ids, self.users)


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr", "sndr", "beta_ips"])
@pytest.mark.parametrize("explores", [True, False])
def test_users_without_a_list_earn_nothing(estimator, explores):
    """Two of five users have a list: the mean over all slates is two fifths of theirs."""
    data = dataset(all_slates(USERS, 1))
    full, some = Popularity(), OnlyFor(USERS[:2])
    if explores:
        full, some = Explore(full, temperature=0.5), Explore(some, temperature=0.5)
    arms = pipeline(full), pipeline(some)
    row = OffPolicy(*arms, estimators=[estimator], min_effective_n=0).run(data, SPLIT).rows[0]
    expected = value(explored(0.5), 1) if explores else reward(("a",), 0)
    assert row.control == pytest.approx(expected)
    assert row.treatment == pytest.approx(0.4 * expected)
    assert row.difference == pytest.approx(-0.6 * expected)
