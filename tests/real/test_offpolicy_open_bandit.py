"""Off-policy estimators on the Open Bandit sample, against the values of obp."""

import numpy as np
import pytest

import suitably as st
from suitably.evaluation.offpolicy import (
    Rounds,
    clipped_ips,
    dm,
    dr,
    dros,
    effective_size,
    ips,
    sndr,
    snips,
    switch,
)

# A policy that ignores the position; the model is (clicks + 1) / (impressions + 100) per item.
PUBLISHED = {
    ("random", "linear"): (
        *(0.0036123457, 0.0036123457, 0.0036314444, 0.0064888991),
        *(0.0036800184, 0.0036651676, 0.0052887646, 0.0049910453),
        7515.6,
    ),
    ("bts", "uniform"): (
        *(0.0023596395, 0.0017397433, 0.0023337139, 0.0078868064),
        *(0.0022677095, 0.0023294471, 0.0076822043, 0.0073684827),
        340.4,
    ),
}


@pytest.mark.parametrize(("log", "target"), sorted(PUBLISHED))
def test_published_values(shared_data, log, target):
    bandit = st.data.open_bandit(shared_data, policy=log)
    items = bandit.n_actions
    weights = np.arange(1.0, items + 1) if target == "linear" else np.ones(items)
    chances = weights / weights.sum()
    shown = np.bincount(bandit.actions, minlength=items)
    clicks = np.bincount(bandit.actions, bandit.rewards, minlength=items)
    model = (clicks + 1) / (shown + 100)
    rounds = Rounds(
        chances[bandit.actions] / bandit.propensities,
        bandit.rewards,
        np.full(len(bandit), chances @ model),
        model[bandit.actions],
    )
    found = [
        *(ips(rounds).mean(), clipped_ips(rounds, 2).mean(), snips(rounds).mean()),
        *(dm(rounds).mean(), dr(rounds).mean(), sndr(rounds).mean()),
        *(switch(rounds, 1.5).mean(), dros(rounds, 2).mean()),
    ]
    *expected, size = PUBLISHED[log, target]
    assert found == pytest.approx(expected, abs=6e-11)
    assert effective_size(rounds.weights) == pytest.approx(size, abs=0.05)
