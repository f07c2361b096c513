"""Effects in the place of probabilities: of users, of pairs and of offers."""

import numpy as np
import pandas as pd
import pytest

import suitably as st
from support.campaign_worlds import CHANNELS, MARGINS, fitted, universe_of

PIPELINE = fitted()
EFFECTS = pd.DataFrame(
    {"user_id": PIPELINE.user_ids, "effect": np.linspace(-0.1, 0.5, len(PIPELINE.user_ids))}
)


def planned(uplift, **changed):
    return st.decisions.Campaign(PIPELINE, CHANNELS, uplift=uplift, **changed).plan().to_frame()


def wanted(effect):
    offers = universe_of(PIPELINE).merge(CHANNELS, how="cross")
    offers["effect"] = [effect(row) for row in offers.itertuples()]
    offers["net"] = np.minimum(offers.effect, 1) * offers.product_id.map(MARGINS) - offers.cost
    best = offers.sort_values("net").groupby("user_id").tail(1)
    return best[best.net > 0].set_index("user_id").net.sort_index()


def agrees(frame, effect):
    pd.testing.assert_series_equal(frame.set_index("user_id").net.sort_index(), wanted(effect))


def test_a_frame_of_users():
    of = dict(EFFECTS.to_numpy())
    frame = planned(EFFECTS)
    agrees(frame, lambda row: of[row.user_id])
    assert frame.probability.tolist() == [of[user] for user in frame.user_id]


def test_a_frame_of_offers_and_of_channels():
    pairs = universe_of(PIPELINE).merge(CHANNELS[["channel"]], how="cross")
    pairs["effect"] = np.random.default_rng(0).uniform(-0.2, 1.2, len(pairs))
    of = pairs.set_index(["user_id", "product_id", "channel"]).effect
    agrees(planned(pairs), lambda row: of[row.user_id, row.product_id, row.channel])
    by_channel = EFFECTS.merge(CHANNELS[["channel"]], how="cross")
    by_channel["effect"] *= by_channel.channel.map({"call": 1.0, "letter": 0.4})
    of = by_channel.set_index(["user_id", "channel"]).effect
    agrees(planned(by_channel), lambda row: of[row.user_id, row.channel])


class Model:
    """An effect by columns of a frame."""

    def __init__(self, *features):
        self.feature_names_in_ = features

    def effect(self, frame):
        total = np.zeros(len(frame))
        for name in self.feature_names_in_:
            total += frame[name].to_numpy(float) / {"level": 10, "margin": 500, "cost": -50}[name]
        return total


def test_a_model_of_users_of_pairs_and_of_offers():
    levels = dict(
        zip(PIPELINE.user_ids, PIPELINE.candidates().user_fields["level"].to_pylist(), strict=True)
    )
    agrees(planned(Model("level")), lambda row: levels[row.user_id] / 10)
    agrees(
        planned(Model("level", "margin")),
        lambda row: levels[row.user_id] / 10 + MARGINS[row.product_id] / 500,
    )
    agrees(
        planned(Model("level", "margin", "cost")),
        lambda row: levels[row.user_id] / 10 + MARGINS[row.product_id] / 500 - row.cost / 50,
    )


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (lambda frame: np.zeros(3), "must give a number for each of 60 rows"),
        (lambda frame: np.full(len(frame), np.nan), "effect of row 0 is nan"),
    ],
)
def test_models_that_give_none(effect, said):
    model = Model()
    model.effect = effect
    with pytest.raises(st.DataError, match=said):
        planned(model)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (EFFECTS.drop(columns="effect"), "no column 'effect'"),
        (EFFECTS.assign(effect=np.inf), "row 0 is infinite"),
        (pd.concat([EFFECTS, EFFECTS[3:4]]), "rows 3 and 60 are of the same pair"),
    ],
)
def test_frames_that_are_none(frame, said):
    with pytest.raises(st.DataError, match=said):
        planned(frame)
