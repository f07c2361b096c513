"""How well the probability of not coming back is calibrated, on windows that came after the fit."""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

import suitably as st
from benchmarks.runner import Row

USERS, PRODUCTS = 10_000, 300
MOMENTS, STEP = 12, 30
HISTORY = 365  # days before a moment at least
BINS = 10
DAY = np.timedelta64(1, "D")
DATA = Path(os.environ.get("SUITABLY_DATA", Path(__file__).parents[2] / "shared" / "data"))

Figures = dict[str, tuple[float, float]]


def run() -> list[Row]:
    worlds = {"simulated bank": (st.data.simulate_bank(USERS, PRODUCTS), 180)}
    if (DATA / "far_trans").is_dir():
        far_trans = st.data.far_trans(DATA / "far_trans")
        log = far_trans.exact_buys()
        users = pd.DataFrame({"user_id": np.unique(log["user_id"])})
        worlds["FAR-Trans, first buys"] = (far_trans, 180)
        worlds["FAR-Trans, all buys to July 2019"] = (st.Dataset(users, None, log), 90)
    rows = []
    for world, (data, horizon) in worlds.items():
        found = list(figures(data, horizon))
        moments = [moment for moment, _ in found]
        name = f"churn, {world}, {horizon} days"
        for measure in ("ECE", "Brier", "AUC"):
            pairs = [each[measure] for _, each in found]
            last = pairs[0]
            ours = [our for _, our in pairs]
            note = f"as of {moments[-1]} to {moments[0]}, median {median(ours):.3f}, "
            note += f"{min(ours):.3f} to {max(ours):.3f}"
            rows += [
                Row(
                    f"{name}, last window",
                    *last,
                    measure,
                    None,
                    f"as of {moments[0]}",
                ),
                Row(
                    f"{name}, mean of {len(pairs)} windows",
                    mean(peer for peer, _ in pairs),
                    mean(ours),
                    measure,
                    None,
                    f"{note}; peer: the share of the newest window, for everybody",
                ),
            ]
    return rows


def figures(data: st.Dataset, horizon: int) -> Iterator[tuple[str, Figures]]:
    """Fit at moments thirty days apart, the latest first, and look at the horizon after each."""
    window = horizon * DAY
    bought = data.view().acquisitions
    assert bought.times is not None
    start, end = bought.times[[0, -1]].astype("datetime64[D]")
    moments = end + DAY - window - np.arange(MOMENTS) * STEP * DAY
    for moment in moments[moments - start >= HISTORY * DAY]:
        frame = st.profiles.Churn(horizon).fit(data, moment).transform(data)
        chance = np.asarray(frame["p_churn"], float)
        known = ~np.isnan(chance)
        silent = silence(data, moment, window)[known]
        before = data.view(moment - window).acquisitions
        earlier = np.isin(np.arange(len(known)), before.users)
        share = np.full(known.sum(), silence(data, moment - window, window)[earlier].mean())
        measured = {}
        for name, measure in (("ECE", calibration_error), ("Brier", brier), ("AUC", auc)):
            measured[name] = (measure(share, silent), measure(chance[known], silent))
        yield str(moment), measured


def silence(data: st.Dataset, moment: np.datetime64, window: np.timedelta64) -> NDArray[np.bool_]:
    """Tell who acquired nothing in the window after a moment: bool (users,)."""
    start = moment.astype("datetime64[us]")
    after = data.kinds.acquisitions(data.events.between(start, start + window))
    silent = np.ones(len(data.user_ids), bool)
    silent[after.users] = False
    return silent


def calibration_error(chance: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    """Average the gap between chance and share over ten bins of equal count; ties stay together."""
    ranks = np.searchsorted(np.sort(chance), chance)
    gaps = np.bincount(ranks * BINS // len(chance), chance - happened, BINS)
    return float(np.abs(gaps).sum() / len(chance))


def brier(chance: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    return float(((chance - happened) ** 2).mean())


def auc(chance: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    ones = int(happened.sum())
    ranks = rankdata(chance)[happened].sum() - ones * (ones + 1) / 2
    return float(ranks / (ones * (len(happened) - ones)))
