import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from suitably.decisions import Uplift, qini
from suitably.errors import DataError, NotFittedError

pytest.importorskip("sklearn")


def campaign(n=3_000, seed=0, targeted=False):
    """Texts A gain 0.3, B nothing, C lose 0.2; the base is 0.25, higher for the old."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["A", "B", "C"], n)
    age = rng.uniform(20, 80, n)
    effect = np.select([kind == "A", kind == "B"], [0.3, 0.0], -0.2)
    base = 0.25 + 0.2 * (age > 50)
    chance = np.where(age > 50, 0.7, 0.3) if targeted else np.full(n, 0.5)
    treated = rng.random(n) < chance
    income = np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(10, 1, n))
    return pd.DataFrame(
        {
            "user_id": np.arange(n),
            "kind": kind,
            "age": age,
            "income": income,
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "chance": chance,
            "approached": treated,
            "bought": rng.random(n) < base + effect * treated,
        }
    ), effect


@pytest.fixture(scope="module")
def fitted():
    frame, effect = campaign()
    return Uplift().fit(frame, "approached", "bought", 0.5), frame, effect


@pytest.mark.parametrize("learner", ["doubly-robust", "x", "t", "s"])
def test_effects_are_found(learner):
    frame, effect = campaign()
    found = Uplift(learner).fit(frame, "approached", "bought", 0.5).effect(frame)
    assert found.dtype == np.float64
    assert found.shape == (len(frame),)
    for kind in "ABC":
        rows = frame["kind"] == kind
        # A group's effect is known to about 0.03; what is learned is drawn towards the average.
        assert found[rows].mean() == pytest.approx(effect[rows].mean(), abs=0.13)
    means = [found[frame["kind"] == kind].mean() for kind in "ABC"]
    assert means[0] - 0.05 > means[1] > means[2] + 0.05


def test_effects_order_other_customers(fitted):
    uplift, _, _ = fitted
    frame, _ = campaign(seed=1)
    found = qini(uplift.effect(frame), frame["approached"], frame["bought"], 0.5)
    assert found.low > 0


def test_what_decides_and_is_in_a_field_is_taken_out():
    frame, effect = campaign(6_000, targeted=True)
    found = Uplift().fit(frame.drop(columns="chance"), "approached", "bought").average_effect()
    naive = frame.groupby("approached")["bought"].mean().diff().iloc[-1]
    error = (found.high - found.low) / 3.92
    assert abs(found.difference - effect.mean()) < 4 * error
    assert naive - effect.mean() > 0.06 > 4 * error


def test_average_effect_of_an_experiment(fitted):
    uplift, frame, effect = fitted
    found = uplift.average_effect()
    error = (found.high - found.low) / 3.92
    assert abs(found.difference - effect.mean()) < 4 * error
    assert found.treatment - found.control == pytest.approx(found.difference)
    assert found.n == len(frame)
    assert uplift.average_effect(alpha=0.5).high < found.high
    with pytest.raises(ValueError, match="alpha"):
        uplift.average_effect(alpha=1)


def test_amounts_are_outcomes_too():
    frame, _ = campaign()
    frame = frame.assign(bought=100.0 * frame["bought"] + 5)
    found = Uplift().fit(frame, "approached", "bought", 0.5)
    difference = found.effect(frame)[frame["kind"] == "A"].mean()
    assert difference == pytest.approx(30, abs=13)


def test_features_are_all_columns_but_the_campaigns_own(fitted):
    uplift, frame, _ = fitted
    assert uplift.features_ == ("kind", "age", "income", "member", "since")
    named = Uplift(features=["age", "kind"]).fit(frame, "approached", "bought", "chance")
    assert named.features_ == ("age", "kind")
    assert "chance" not in uplift.features_  # the same for all
    default = Uplift("s").fit(frame, probability="chance")
    assert "chance" not in default.features_


def test_order_of_columns_and_kind_of_frame_do_not_matter(fitted):
    uplift, frame, _ = fitted
    expected = uplift.effect(frame)
    few = frame[list(reversed(uplift.features_))]
    np.testing.assert_array_equal(uplift.effect(few), expected)
    np.testing.assert_array_equal(uplift.effect(pl.from_pandas(frame)), expected)
    np.testing.assert_array_equal(uplift.effect(pa.Table.from_pandas(frame)), expected)


def test_rows_are_judged_alone(fitted):
    uplift, frame, _ = fitted
    some = frame.iloc[[5, 900, 17]]
    np.testing.assert_allclose(uplift.effect(some), uplift.effect(frame)[[5, 900, 17]], atol=1e-12)
    assert uplift.effect(frame.iloc[:0]).shape == (0,)


def test_the_same_seed_gives_the_same_effects(fitted):
    uplift, frame, _ = fitted
    again = Uplift().fit(frame, "approached", "bought", 0.5).effect(frame)
    np.testing.assert_array_equal(again, uplift.effect(frame))


def test_unseen_categories_and_missing_values_have_an_effect(fitted):
    uplift, frame, _ = fitted
    odd = frame.head(4).assign(kind=["A", "new", None, None], age=[np.nan, 30, 999, np.nan])
    odd["since"] = pd.NaT
    odd["member"] = pd.array([True, None, None, False], "boolean")
    assert np.isfinite(uplift.effect(odd)).all()


def test_a_field_that_is_not_there_or_of_another_kind(fitted):
    uplift, frame, _ = fitted
    with pytest.raises(DataError, match="no column 'income'; did you mean incomes"):
        uplift.effect(frame.rename(columns={"income": "incomes"}))
    with pytest.raises(DataError, match="age: held number at the fit, holds text"):
        uplift.effect(frame.assign(age="old"))
    with pytest.raises(DataError, match="since: held date at the fit, holds number"):
        uplift.effect(frame.assign(since=5.0))
    with pytest.raises(DataError, match="age: held number at the fit, holds date"):
        uplift.effect(frame.assign(age=frame["since"]))


def test_a_constant_outcome_has_no_effect():
    frame, _ = campaign(300)
    for value in (False, 7.5):
        uplift = Uplift().fit(frame.assign(bought=value), "approached", "bought", 0.5)
        np.testing.assert_array_equal(uplift.effect(frame), 0)
        found = uplift.average_effect()
        assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_without_a_field_everybody_has_the_average_effect():
    frame, _ = campaign(400)
    few = frame[["user_id", "approached", "bought"]]
    uplift = Uplift().fit(few, "approached", "bought")
    assert uplift.features_ == ()
    np.testing.assert_allclose(uplift.effect(few), uplift.average_effect().difference, atol=1e-9)


def test_groups(fitted):
    uplift, frame, _ = fitted
    groups = uplift.groups(frame, least_effect=0.05, sure_from=0.4)
    each, counted = groups.to_frame(), groups.counts()
    assert list(each) == ["user_id", "baseline", "effect", "group"]
    np.testing.assert_array_equal(each["effect"], uplift.effect(frame))
    expected = np.select(
        [each["effect"] >= 0.05, each["effect"] <= -0.05, each["baseline"] >= 0.4],
        ["persuadable", "never-disturb", "sure"],
        "lost",
    )
    np.testing.assert_array_equal(each["group"], expected)
    assert counted["group"].tolist() == ["persuadable", "sure", "lost", "never-disturb"]
    assert counted["customers"].sum() == len(frame)
    sizes = each["group"].value_counts()
    for row in counted.itertuples():
        assert row.customers == sizes.get(row.group, 0)
        assert row.share == pytest.approx(row.customers / len(frame))
    most = each["group"][frame["kind"] == "A"].value_counts().index[0]
    assert most == "persuadable"
    assert f"{sizes['persuadable']:,} persuadable" in repr(groups)


def test_groups_come_in_the_callers_kind_and_empty_ones_count(fitted):
    uplift, frame, _ = fitted
    groups = uplift.groups(pl.from_pandas(frame.drop(columns="user_id")), least_effect=2.0)
    assert groups.to_frame().columns == ["baseline", "effect", "group"]
    counted = groups.counts()
    assert counted["customers"][0] == 0
    assert counted["effect"][0] is None
    with pytest.raises(ValueError, match="least_effect"):
        uplift.groups(frame, least_effect=0)


def test_nothing_before_a_fit():
    frame, _ = campaign(20)
    for ask in (
        lambda: Uplift().effect(frame),
        lambda: Uplift().groups(frame),
        lambda: Uplift().average_effect(),
        lambda: Uplift().overlap(),
    ):
        with pytest.raises(NotFittedError):
            ask()


@pytest.mark.parametrize(
    "params",
    [{"learner": "dr"}, {"folds": 1}, {"folds": True}, {"features": "age"}],
)
def test_bad_parameters(params):
    frame, _ = campaign(100)
    with pytest.raises(ValueError, match=next(iter(params))):
        Uplift(**params).fit(frame, "approached", "bought")


def test_a_feature_that_tells_the_outcome_is_refused():
    frame, _ = campaign(100)
    with pytest.raises(ValueError, match="bought"):
        Uplift(features=["age", "bought"]).fit(frame, "approached", "bought")
