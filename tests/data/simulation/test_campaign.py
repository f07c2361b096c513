import numpy as np
import pandas as pd
import pytest

from suitably.data import simulate_bank
from suitably.errors import DataError

AT = "2024-07-01"


@pytest.fixture(scope="module")
def bank():
    return simulate_bank(6_000, 40, seed=2)


def test_a_campaign_is_reproducible_and_leaves_the_bank_alone(bank):
    before = bank.interactions.copy()
    one, two, other = (bank.campaign(AT, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert not one.frame["approached"].equals(other.frame["approached"])
    np.testing.assert_array_equal(one.baseline, other.baseline)
    pd.testing.assert_frame_equal(bank.interactions, before)


def test_truth_is_what_happens(bank):
    for chance in (None, 0.5):
        campaign = bank.campaign(AT, probability=chance)
        frame, effect = campaign.frame, campaign.truth()
        w, y, e = frame["approached"], frame["bought"], frame["probability"]
        each = w * y / e - ~w * y / (1 - e)
        assert abs(each.mean() - effect.mean()) < 4 * each.std() / np.sqrt(len(each))
        share = w - e
        assert abs(share.mean()) < 4 * share.std() / np.sqrt(len(each))
        untouched = (y - campaign.baseline)[~w]
        assert abs(untouched.mean()) < 4 * untouched.std() / np.sqrt(len(untouched))


def test_all_four_kinds_of_customers_are_there(bank):
    campaign = bank.campaign(AT)
    effect, baseline = campaign.truth(), campaign.baseline
    still = np.abs(effect) < 0.01
    kinds = [effect > 0.02, effect < -0.02, still & (baseline > 0.2), still & (baseline < 0.02)]
    for kind in kinds:
        assert kind.mean() > 0.01
    assert ((baseline >= 0) & (baseline <= 1) & (baseline + effect >= 0)).all()


def test_customers_are_those_who_joined_before(bank):
    early, late = bank.campaign("2021-03-01").frame, bank.campaign(AT).frame
    assert len(early) < len(late) < len(bank.user_ids)
    assert (late["customer_since"] < pd.Timestamp(AT)).all()
    assert (late["last_purchase"].dropna() < pd.Timestamp(AT)).all()
    assert late["user_id"].is_unique
    assert late["probability"].between(0.1, 0.9).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"probability": 0}, "probability"),
        ({"probability": 1.0}, "probability"),
    ],
)
def test_bad_arguments(bank, given, message):
    with pytest.raises(ValueError, match=message):
        bank.campaign(AT, **given)


def test_a_window_outside_the_model(bank):
    with pytest.raises(DataError, match="knows the truth from"):
        bank.campaign("2025-12-20")
