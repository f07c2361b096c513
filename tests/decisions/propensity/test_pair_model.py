"""What is learned of pairs: exact on its windows, rising with the score, falling with the rank."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.special import expit

from suitably.decisions.propensity.activity import ACTIVITY
from suitably.decisions.propensity.pair_model import PairModel
from suitably.decisions.propensity.score_scale import ScoreScale
from suitably.decisions.propensity.windows import Window

METHODS = pytest.mark.parametrize("isotonic", [True, False])


def a_window(seed, users=300, depth=20, level=-3.0, slope=1.0):
    """Draw lists of which a pair is bought with a known probability, whoever scored it."""
    rng = np.random.default_rng(seed)
    scores = -np.sort(-rng.gamma(1.0, 1.0, (users, depth)).astype(np.float32), axis=1)
    stood_in = rng.random(users) < 0.3
    activity = rng.random((users, ACTIVITY))
    ranks = np.broadcast_to(np.arange(1, depth + 1), scores.shape)
    eta = level + slope * scores - 0.4 * np.log(ranks) + activity[:, :1]
    bought = rng.random(eta.shape) < expit(eta)
    flat = np.repeat(stood_in, depth)
    scales = tuple(
        ScoreScale.of(scores[stood_in == who].ravel(), int((stood_in == who).sum()))
        for who in (False, True)
    )
    return Window(
        np.repeat(np.arange(users, dtype=np.int32), depth),
        ranks.ravel().astype(np.int32),
        scores.ravel(),
        flat,
        bought.ravel(),
        np.ones(bought.size),
        activity,
        scales,
    ), eta.ravel()


def told(model, window):
    return expit(model.curve(model.bound(window.scales).window(window)))


@METHODS
def test_as_many_are_expected_of_a_window_as_there_were(isotonic):
    window, _ = a_window(0)
    model = PairModel.fit([window], isotonic)
    assert told(model, window).sum() == pytest.approx(window.bought.sum(), rel=1e-9)


@METHODS
def test_what_was_drawn_is_found_again(isotonic):
    """Within what 20,000 pairs can tell: an error in logits of a few hundredths, on the whole."""
    windows = [a_window(seed, users=1_000)[0] for seed in range(3)]
    model = PairModel.fit(windows, isotonic)
    later, eta = a_window(9, users=1_000)
    found, true = told(model, later), expit(eta)
    assert np.abs(found - true).mean() < 0.1 * true.mean()
    tenths = np.array_split(np.argsort(found), 10)
    for tenth in tenths[3:]:
        assert found[tenth].sum() == pytest.approx(true[tenth].sum(), rel=0.15)


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 10_000), some.booleans(), some.sampled_from([-1.0, 0.0, 1.0]))
def test_rising_with_the_score_and_falling_with_the_rank(seed, isotonic, slope):
    """Even where those that score low are bought more: the list's order is the ranker's."""
    window, _ = a_window(seed, users=40, depth=8, slope=slope)
    scorer = PairModel.fit([window], isotonic).bound(window.scales)
    scores = np.linspace(9, -1, 50, dtype=np.float32)[:, None] * np.ones(5, np.float32)
    for stood_in in (False, True):
        activity = np.full((50, ACTIVITY), 0.5)
        found = scorer.probabilities(activity, scores, np.full(50, stood_in))
        assert ((found > 0) & (found < 1)).all()
        assert (np.diff(found, axis=0) <= 1e-15).all()
        assert (np.diff(found, axis=1) <= 1e-15).all()


@METHODS
def test_blocks_and_windows_say_the_same(isotonic):
    window, _ = a_window(4, users=50, depth=20)
    model = PairModel.fit([window], isotonic)
    scorer = model.bound(window.scales)
    block = scorer.probabilities(
        window.activity, window.scores.reshape(50, 20), window.stood_in.reshape(50, 20)[:, 0]
    )
    np.testing.assert_allclose(block.ravel(), told(model, window), rtol=1e-12)


@METHODS
def test_weights_are_copies(isotonic):
    window, _ = a_window(5, users=80)
    copies = np.where(window.bought, 1, 3)  # of what was not bought, each stands for three
    rows = np.repeat(np.arange(len(copies)), copies)
    pairs = ("users", "ranks", "scores", "stood_in", "bought")
    repeated = replace(
        window, **{n: getattr(window, n)[rows] for n in pairs}, weights=np.ones(len(rows))
    )
    weighted = replace(window, weights=copies.astype(float))
    ours, theirs = (PairModel.fit([one], isotonic) for one in (weighted, repeated))
    # The design is standardised by rows, so the ridge differs by a little.
    np.testing.assert_allclose(told(ours, window), told(theirs, window), rtol=0.02)


@METHODS
def test_the_order_of_pairs_does_not_matter(isotonic):
    window, _ = a_window(6)
    order = np.random.default_rng(1).permutation(len(window.users))
    pairs = ("users", "ranks", "scores", "stood_in", "bought", "weights")
    shuffled = replace(window, **{name: getattr(window, name)[order] for name in pairs})
    ours, theirs = (PairModel.fit([one], isotonic) for one in (window, shuffled))
    np.testing.assert_allclose(told(ours, window), told(theirs, window), rtol=1e-6)


def test_a_level_that_holds_is_forecast():
    windows = [a_window(seed, users=600)[0] for seed in range(4)]
    model = PairModel.fit(windows, True)
    assert np.abs(model.levels).max() < 0.3
    low = [a_window(seed, users=600, level=-4.0)[0] for seed in range(4, 8)]
    model = PairModel.fit([windows[0], *low], True)
    # Purchases of four windows of some 500 each: 0.2 is more than four standard errors.
    np.testing.assert_allclose(model.levels[1:], -1.0, atol=0.25)


def test_score_features_do_not_ask_what_scores_lowest():
    scores = np.random.default_rng(0).normal(size=2_000)
    scale = ScoreScale.of(scores, users=100)
    longer = ScoreScale.of(np.concatenate([scores, np.full(5_000, -50.0)]), users=100)
    best = np.sort(scores)[-400:]
    np.testing.assert_allclose(scale.at(best)[:, 2], longer.at(best)[:, 2], atol=1e-12)
    np.testing.assert_allclose(scale.at(best)[:, 0], longer.at(best)[:, 0], atol=0.05)


def test_a_scale_of_nothing_and_of_one_score():
    assert ScoreScale.of(np.zeros(0), users=0).at(np.ones(3)).tolist() == [[0.0] * 3] * 3
    one = ScoreScale.of(np.full(7, 2.5), users=7)
    assert np.isfinite(one.at(np.array([0.0, 2.5, 9.0]))).all()
