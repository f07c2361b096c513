"""Open Bandit: impressions of two policies with the probability of every action."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.data.datasets.files import DatasetFiles, PathLike
from suitably.errors import DataError

__all__ = ["BanditLog", "open_bandit"]

_FILES = DatasetFiles("open_bandit", "Open Bandit", "https://research.zozo.com/data.html")
_POLICIES = ("random", "bts")
_COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")
_AFFINITY = "user-item_affinity_"


@dataclass(frozen=True)
class BanditLog:
    """What a policy showed, with which probability, and what came of it.

    Rows are impressions in the order of the log. Arrays are read-only.

    Attributes:
        policy: Who chose: `"random"` (uniform) or `"bts"` (Bernoulli Thompson sampling).
        timestamps: datetime64[us] (n,), UTC.
        actions: int64 (n,), the item shown, 0 to `n_actions` − 1.
        rewards: float64 (n,), 1 for a click, else 0.
        propensities: float64 (n,), the true probability with which the policy showed this item at
            this position, above 0 and at most 1.
        positions: int64 (n,), the place on the page, 1 (left) to 3 (right).
        context: int64 (n, features), the user's features as codes into `context_values`.
        context_names: Names of these features.
        context_values: Their values in the order of the codes, as the source hashed them; codes
            of two logs agree only where the values do.
        affinities: float64 (n, n_actions), how often the user clicked the item before.
        item_context: A row per action: item_id and its features. It belongs to this log only: the
            two policies' item features differ, and must never be joined across logs.
        n_actions: Number of items.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> shown = {"timestamp": ["2019-11-24 00:00:01+00:00"], "item_id": [1], "position": [3],
        ...          "click": [1], "propensity_score": [0.5], "user_feature_0": ["z"],
        ...          "user-item_affinity_0": [0.0], "user-item_affinity_1": [2.0]}
        >>> with TemporaryDirectory() as folder:
        ...     (Path(folder) / "random").mkdir()
        ...     pd.DataFrame(shown).to_csv(f"{folder}/random/all.csv.xz")
        ...     pd.DataFrame({"item_id": [0, 1]}).to_csv(f"{folder}/random/item_context.csv")
        ...     open_bandit(folder)
        BanditLog('random': 1 impressions, 2 actions, 1 clicks)
    """

    policy: str
    timestamps: Instants
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64]
    positions: NDArray[np.int64]
    context: NDArray[np.int64]
    context_names: tuple[str, ...]
    context_values: tuple[tuple[str, ...], ...]
    affinities: NDArray[np.float64]
    item_context: pd.DataFrame
    n_actions: int

    def __len__(self) -> int:
        return len(self.actions)

    def __repr__(self) -> str:
        return (
            f"BanditLog({self.policy!r}: {len(self):,} impressions, {self.n_actions} actions, "
            f"{int(self.rewards.sum()):,} clicks)"
        )


def open_bandit(path: PathLike | None = None, policy: str = "random") -> BanditLog:
    """Load the sample of the Open Bandit data, campaign `all`, of one logging policy.

    Two policies ran in parallel on a fashion shop, so that what one log estimates of the other
    policy can be held against that policy's own log.

    Source: Saito, Aihara, Matsutani, Narita, "Open Bandit Dataset and Pipeline", NeurIPS 2021
    Datasets and Benchmarks, arXiv:2008.07146. Licence: Apache 2.0 for the package that ships this
    sample.

    Left out: the campaigns for men's and women's fashion, the full log of 26 million impressions,
    and the row numbers of the files.

    Args:
        path: The folder of the files, or its parent; None: the environment variable SUITABLY_DATA.
        policy: `"random"` or `"bts"`.

    Raises:
        ValueError: No such policy.
        DataError: A file is missing, or its actions or probabilities make no sense.
    """
    if policy not in _POLICIES:
        raise ValueError(f'policy={policy!r}: must be "random" or "bts"')
    folder = _FILES.locate(path)
    log = _FILES.read(folder, f"{policy}/all.csv.xz")
    items = _FILES.read(folder, f"{policy}/item_context.csv")
    if "item_id" not in items:
        raise DataError(f"Open Bandit: {policy}/item_context.csv has no column 'item_id'")
    items = items.drop(columns=[c for c in items.columns if c.startswith("Unnamed")])
    items = items.sort_values("item_id", ignore_index=True)
    n_actions = len(items)
    features = [column for column in log.columns if column.startswith("user_feature_")]
    affinities = [f"{_AFFINITY}{item}" for item in range(n_actions)]
    missing = sorted({*_COLUMNS, *affinities} - set(log.columns))
    if missing or not features:
        lacking = missing or "user_feature_…"
        raise DataError(f"Open Bandit: {policy}/all.csv.xz has no column {lacking}")

    actions = log["item_id"].to_numpy(np.int64)
    propensities = log["propensity_score"].to_numpy(np.float64)
    if not np.array_equal(items["item_id"], np.arange(n_actions)):
        raise DataError(f"Open Bandit: item_id of {policy}/item_context.csv must count from 0")
    _refuse(policy, "item_id", (actions < 0) | (actions >= n_actions))
    _refuse(policy, "propensity_score", ~((propensities > 0) & (propensities <= 1)))
    _refuse(policy, "click", ~log["click"].isin([0, 1]).to_numpy())
    times = pd.to_datetime(log["timestamp"], utc=True, format="ISO8601", errors="coerce")
    _refuse(policy, "timestamp", times.isna().to_numpy())
    codes, values = zip(*(pd.factorize(log[name], sort=True) for name in features), strict=True)
    return BanditLog(
        policy=policy,
        timestamps=_fixed(times.dt.tz_localize(None).to_numpy().astype("datetime64[us]")),
        actions=_fixed(actions),
        rewards=_fixed(log["click"].to_numpy(np.float64)),
        propensities=_fixed(propensities),
        positions=_fixed(log["position"].to_numpy(np.int64)),
        context=_fixed(np.column_stack(codes).astype(np.int64)),
        context_names=tuple(features),
        context_values=tuple(tuple(str(value) for value in known) for known in values),
        affinities=_fixed(log[affinities].to_numpy(np.float64)),
        item_context=items,
        n_actions=n_actions,
    )


def _refuse(policy: str, column: str, bad: NDArray[np.bool_]) -> None:
    if bad.any():
        rows = np.flatnonzero(bad)[:3].tolist()
        raise DataError(
            f"Open Bandit: {policy}/all.csv.xz: {column}: {int(bad.sum())} of {len(bad)} rows are "
            f"out of range (rows {rows})"
        )


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    # A log is evidence: estimators share it, and none may change it for the others.
    array = np.array(array)
    array.setflags(write=False)
    return array
