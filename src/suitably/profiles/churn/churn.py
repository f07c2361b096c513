"""The probability that a customer is not heard of again within a horizon."""

import warnings
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant, Instants, elapsed_days
from suitably.errors import DataError, SuitabilityWarning
from suitably.profiles.base import ParameterizedBuilder, padded
from suitably.profiles.churn.calibrated_logistic import CalibratedLogistic
from suitably.profiles.churn.contract_ends import contract_ends, ended_contracts
from suitably.profiles.churn.level_forecast import forecast_shift, level_offset
from suitably.profiles.churn.return_features import FEATURES, return_features
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.later_events import refuse_later_events
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.trades import local_days
from suitably.utils.params import check_no_text, check_positive_int

__all__ = ["Churn"]

_WINDOWS = 12
_PER_HORIZON = 3  # windows begin a third of the horizon apart
_LEARNED_FROM = 200_000  # users; of more, every second, third, …
_NEVER = np.datetime64("NaT", "us")


@dataclass(eq=False, repr=False)
class Churn(ParameterizedBuilder):
    """Estimate the probability of no further activity within a horizon.

    Without a contract a customer does not say when they leave, so it is learned at the fit what
    silence comes to, in up to twelve windows of the past, each as long as the horizon and wholly
    before `as_of`, begun a third of it apart. Who was known at the beginning of a window, by the
    days on which they had been active (`return_features`), was active in it or not. A logistic
    regression on all windows gives a score, and a rising curve fitted to the newest window turns it
    into a probability, since how many come back changes over the years. How many will in the window
    to come is in no data: it is forecast from the newest window and the mean of all, each as far as
    it would have foretold the windows of the past (`forecast_shift`), and the curve is moved there.
    Later updates move what is known of a customer, not what was learned.

    With `ends`, a customer whose contract has an end is judged by it alone. Until it comes within
    the horizon the probability is 0: giving notice early is not modelled. Within the horizon it is
    the share of contracts that came to their end without renewal, as the versions of the users show
    them; after the end, without renewal, it is 1. A customer without an end is judged by activity.

    It is a guess, and marked so: to a rule `user.p_churn` is missing. Rules that need the fact of
    silence have `recency_days`, and the end of a contract in its own column.

    Args:
        horizon_days: Length of the horizon, in whole days.
        events: Kinds of event that are activity; None: those that mean ownership.
        ends: Column of the users frame that says when a contract ends (a bare date: the first
            instant of that day), null for one without an end; None: there are no such contracts.
        min_examples: How many who came back, and how many who did not, it takes to tell customers
            apart; with fewer, everybody gets the share of all examples.

    Attributes:
        low_: float64 (features,), and the next four: the `CalibratedLogistic` that was learned.
        high_: float64 (features,).
        coefficients_: float64 (1 + features,).
        scores_: float64 (knots,).
        levels_: float64 (knots,).
        lapse_share_: Share of the ended contracts that were not renewed; NaN where none ended.

    Fields:
        p_churn: The probability; null without any activity, and where nothing could be learned.

    Warns:
        SuitabilityWarning: At the fit: too few examples, or no contract that had come to its end.

    Source:
        Isotonic calibration as in `CalibratedLogistic`.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> days = np.arange(0, 1000, 20)  # half of the customers stop after day 400
        >>> log = pd.DataFrame([(user, "a", pd.Timestamp("2022-01-01") + pd.Timedelta(days=day))
        ...                     for user in range(40) for day in days + user % 7
        ...                     if user % 2 or day < 400 + 10 * user],
        ...                    columns=["user_id", "product_id", "timestamp"])
        >>> data = Dataset(None, None, log)
        >>> found = Churn(horizon_days=90, min_examples=5).fit(data, "2024-09-20").transform(data)
        >>> found.p_churn[:4].round(2).tolist()
        [0.99, 0.04, 0.99, 0.04]
    """

    horizon_days: int = 180
    events: list[str] | tuple[str, ...] | None = None
    ends: str | None = None
    min_examples: int = 25

    state_type: ClassVar[type[GroupedSums]] = GroupedSums
    per_user: ClassVar[tuple[str, ...]] = ("ends",)
    learned: ClassVar[tuple[str, ...]] = (
        *("low_", "high_", "coefficients_", "scores_", "levels_"),
        "lapse_share_",
    )
    low_: NDArray[np.float64] = field(init=False)
    high_: NDArray[np.float64] = field(init=False)
    coefficients_: NDArray[np.float64] = field(init=False)
    scores_: NDArray[np.float64] = field(init=False)
    levels_: NDArray[np.float64] = field(init=False)
    lapse_share_: float = field(init=False)

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of the field."""
        sources = ("interactions.timestamp", *(f"users.{name}" for name in self.reads))
        within = f"{self.horizon_days} days after the moment asked"
        return {"p_churn": FieldInfo("imputed", "share", sources, within)}

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame: the end of the contract, where there are such."""
        return () if self.ends is None else (self.ends,)

    def accumulate(self, view: View) -> GroupedSums:
        """Keep the days on which each user was active, and when their contract ends.

        Raises:
            DataError: There are no timestamps, no calendar is known, a kind of event that the data
                does not have, or the column of ends is missing or of another type.
            ValueError: A parameter out of range.
        """
        self.check_params()
        chosen = view.counted(self.events)
        if chosen.times is None:
            raise DataError("Churn: the interactions have no timestamps, so nobody has been silent")
        days = local_days(chosen.times, view.clock, "Churn").astype("datetime64[us]")
        begun = view.clock.from_walls(days)
        beside = {} if self.ends is None else {"ends": contract_ends(view, self.ends, "Churn")}
        counts = {"events": np.ones(len(chosen), np.int64)}
        keys = {"users": chosen.users, "days": begun}
        return GroupedSums.of(len(view.users), keys, counts, beside=beside)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join a state with a later one; contracts end as the later one says.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return the probability as of a moment.

        Raises:
            DataError: `as_of` is not after every event in the state.
        """
        days: Instants = state.keys["days"]
        if as_of is None:
            raise DataError("Churn: without a moment nobody has been silent")
        refuse_later_events(days >= as_of, as_of)
        chances = np.full(len(state), np.nan)
        ago = elapsed_days(days, as_of)
        known, features = return_features(state.users, ago, len(state), self.horizon_days)
        chances[known] = self._model.predict(features)
        if "ends" in state.beside:
            ends = padded(state.beside["ends"], len(state), _NEVER)
            within = ends < as_of + np.timedelta64(self.horizon_days, "D")
            by_end = np.where(within, self.lapse_share_, 0.0)
            by_end[ends <= as_of] = 1.0
            chances = np.where(np.isnat(ends), chances, by_end)
        return pa.table({"p_churn": pa.array(chances, mask=np.isnan(chances))})

    def check_params(self) -> None:
        """Refuse numbers that are not positive, and `events` that is not a list: ValueError."""
        check_positive_int(self, "horizon_days", "min_examples")
        check_no_text(self, "events")

    @property
    def _step(self) -> int:
        return max(self.horizon_days // _PER_HORIZON, 1)

    @property
    def _model(self) -> CalibratedLogistic:
        return CalibratedLogistic(
            self.low_, self.high_, self.coefficients_, self.scores_, self.levels_
        )

    def _learn(self, data: Dataset, as_of: Any) -> None:
        view = data.view(as_of)
        model = self._from_activity(view, self.accumulate(view))
        self.low_, self.high_, self.coefficients_ = model.low, model.high, model.coefficients
        self.scores_, self.levels_ = model.scores, model.levels
        self.lapse_share_ = float("nan")
        if self.ends is not None:
            ended, lapsed = ended_contracts(data, view.as_of, self.ends, "Churn")
            if ended:
                self.lapse_share_ = lapsed / ended
            else:
                _warn(
                    f"no version of a user shows a contract that had come to its end by "
                    f"users.{self.ends}, so those about to end get no probability"
                )

    def _from_activity(self, view: View, state: GroupedSums) -> CalibratedLogistic:
        if "ends" in state.beside and not np.isnat(state.beside["ends"]).any():
            return CalibratedLogistic.constant(FEATURES, np.nan)  # nobody is judged by it
        windows = self._windows(view, state)
        silent = np.concatenate([silent for _, silent in windows] or [np.zeros(0, bool)])
        gone, back = int(silent.sum()), int((~silent).sum())
        if min(gone, back) < self.min_examples:
            _warn(
                f"in {len(windows)} windows of {self.horizon_days} days before as_of {back} "
                f"customers came back and {gone} did not, fewer than min_examples="
                f"{self.min_examples}: customers are not told apart"
            )
            # One more of either kind, so that few examples are no certainty.
            share = (gone + 1) / (gone + back + 2) if gone + back else np.nan
            return CalibratedLogistic.constant(FEATURES, share)
        features = np.concatenate([features for features, _ in windows])
        model = CalibratedLogistic.fit(features, silent, *windows[0])
        offsets = [level_offset(model.predict(known), gone) for known, gone in windows]
        apart = -(-self.horizon_days // self._step)
        return model.shifted(forecast_shift(np.array(offsets), apart))

    def _windows(
        self, view: View, state: GroupedSums
    ) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """Return features at the beginning of each window, and who was silent in it; newest first.

        Windows are cut by whole days of the data's calendar; the day of `as_of`, which is not over,
        is left out. Users whose contract has an end are not learned from, and of very many users
        only some, evenly spread.
        """
        assert view.as_of is not None
        users, horizon = state.users, self.horizon_days
        days = local_days(state.keys["days"], view.clock, "Churn")
        today = local_days(np.array([view.as_of]), view.clock, "Churn")[0]
        ago = (today - days).astype(np.int64)
        every = max(-(-len(state) // _LEARNED_FROM), 1)
        learned = np.arange(len(state)) % every == 0
        if "ends" in state.beside:
            learned &= np.isnat(state.beside["ends"])
        users, ago = users[learned[users]], ago[learned[users]]
        step = self._step
        oldest = int(ago.max(initial=0)) - step  # what came before a window is a step at least
        cuts = takewhile(lambda cut: cut <= oldest, (horizon + n * step for n in range(_WINDOWS)))
        return [self._window(users, ago, len(state), cut) for cut in cuts]

    def _window(
        self, users: NDArray[np.int32], ago: NDArray[np.int64], count: int, cut: int
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        before = ago > cut
        since = (ago[before] - cut).astype(np.float64)
        known, features = return_features(users[before], since, count, self.horizon_days)
        active = np.zeros(count, bool)
        active[users[(ago <= cut) & (ago > cut - self.horizon_days)]] = True
        return features, ~active[known]


def _warn(what: str) -> None:
    warnings.warn(f"Churn: {what}", SuitabilityWarning, stacklevel=5)
