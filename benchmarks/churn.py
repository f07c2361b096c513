"""How well the probability of not coming back is calibrated, on windows that came after the fit."""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

import suitably as st
from benchmarks.runner import Row

USERS, PRODUCTS = 10_000, 300
HORIZON = 180
MOMENTS, STEP = 12, 30
BINS = 10
DAY = np.timedelta64(1, "D")
DATA = Path(os.environ.get("SUITABLY_DATA", Path(__file__).parents[2] / "shared" / "data"))

Figures = dict[str, tuple[float, float]]


def run() -> list[Row]:
    worlds = {"simulated bank": st.data.simulate_bank(USERS, PRODUCTS)}
    if (DATA / "far_trans").is_dir():
        worlds["FAR-Trans"] = st.data.far_trans(DATA / "far_trans")
    rows = []
    for world, data in worlds.items():
        found = list(figures(data))
        moments = [moment for moment, _ in found]
        for measure in ("ECE", "Brier", "AUC"):
            pairs = [each[measure] for _, each in found]
            last = pairs[0]
            ours = [our for _, our in pairs]
            note = f"as of {moments[-1]} to {moments[0]}, median {median(ours):.3f}, "
            note += f"{min(ours):.3f} to {max(ours):.3f}"
            rows += [
                Row(f"churn, {world}, last window", *last, measure, None, f"as of {moments[0]}"),
                Row(
                    f"churn, {world}, mean of {len(pairs)} windows",
                    mean(peer for peer, _ in pairs),
                    mean(ours),
                    measure,
                    None,
                    f"{note}; peer: the share of the newest window, for everybody",
                ),
            ]
    return rows


def figures(data: st.Dataset) -> Iterator[tuple[str, Figures]]:
    """Fit at moments thirty days apart, the latest first, and look at the horizon after each."""
    bought = data.view().acquisitions
    assert bought.times is not None
    end = bought.times[-1].astype("datetime64[D]") + DAY
    for moment in end - HORIZON * DAY - np.arange(MOMENTS) * STEP * DAY:
        frame = st.profiles.Churn(HORIZON).fit(data, moment).transform(data)
        chance = np.asarray(frame["p_churn"], float)
        known = ~np.isnan(chance)
        silent = silence(data, moment)[known]
        before = data.view(moment - HORIZON * DAY).acquisitions
        earlier = np.isin(np.arange(len(known)), before.users)
        share = np.full(known.sum(), silence(data, moment - HORIZON * DAY)[earlier].mean())
        measured = {}
        for name, measure in (("ECE", calibration_error), ("Brier", brier), ("AUC", auc)):
            measured[name] = (measure(share, silent), measure(chance[known], silent))
        yield str(moment), measured


def silence(data: st.Dataset, moment: np.datetime64) -> NDArray[np.bool_]:
    """Tell who acquired nothing in the horizon after a moment: bool (users,)."""
    start = moment.astype("datetime64[us]")
    after = data.kinds.acquisitions(data.events.between(start, start + HORIZON * DAY))
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
