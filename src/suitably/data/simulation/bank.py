"""Simulated bank: a data set drawn from a seed, with its true purchase probabilities."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.dataset import Dataset
from suitably.data.simulation.campaign import SimulatedCampaign, draw_campaign
from suitably.data.simulation.customers import Customers, draw_customers
from suitably.data.simulation.feedback import DrawnFeedback, draw_aversions, draw_feedback
from suitably.data.simulation.preferences import DrawnPurchases, PreferenceModel
from suitably.data.simulation.products import Catalogue, draw_catalogue
from suitably.data.simulation.records import consent_frame, customer_frame
from suitably.data.simulation.timeline import DAY, HORIZON, START
from suitably.errors import DataError
from suitably.typing import AsOf, IdsLike

__all__ = ["SimulatedBank", "simulate_bank"]

_FEEDBACK = 101  # a stream of its own, so that without feedback nothing changes


def simulate_bank(
    users: int = 10_000, products: int = 300, seed: int = 0, feedback: bool = False
) -> "SimulatedBank":
    """Simulate a bank: customers, a catalogue, four years of purchases, and consent.

    Args:
        users: Number of customers.
        products: Number of products.
        seed: The same seed gives the same bank.
        feedback: Whether customers are averse to some kinds of product, and say so: events
            `dislike` and `complaint`, which turn a product down, and `SimulatedBank.rejects`.

    Raises:
        ValueError: A number that is not a positive integer, or `feedback` neither true nor false.

    Example:
        >>> bank = simulate_bank(users=50, products=20)
        >>> bank.truth("2024-07-01").shape
        (50, 20)
    """
    if not _is_count(seed, least=0):
        raise ValueError(f"seed={seed!r}: must be an integer of 0 or more")
    for name, count in (("users", users), ("products", products)):
        if not _is_count(count):
            raise ValueError(f"{name}={count!r}: must be a positive integer")
    if not isinstance(feedback, bool | np.bool_):
        raise ValueError(f"feedback={feedback!r}: must be True or False")
    return SimulatedBank(int(users), int(products), int(seed), bool(feedback))


class SimulatedBank(Dataset):
    """A `Dataset` of a bank that does not exist, in yuan, from 2021-01-01 to 2024-12-31.

    Nothing in it describes real people, products or markets, and no figure measured on it is
    evidence about any. Its shares are set by hand to be plausible for a retail bank: 7 % of
    customers never answered a questionnaire and about a quarter of the answers are older than 12
    months at the end; about a fifth of the purchases lie above the level that the customer had
    stated; one customer in five has bought nothing; one in five has lapsed.

    Users (versions by `user_timestamp`): a row when the records begin or the customer joins, and
    one for each later questionnaire; fields by the common vocabulary, risk levels C1 to C5 by
    scores of 0-19, 20-39, 40-59, 60-79 and 80-100. Products (versions by `product_timestamp`,
    their launch): funds, wealth products, insurance, deposits and loans with risk levels R1 to R5
    and the regime `nfra`, `csrc`, `private` or `loan` that governs them; on sale from `sale_start`
    until before `sale_end` (2099-12-31: no end); amounts in yuan whatever the currency.
    Interactions: purchases (event `buy`) with their amount as value; with feedback, customers are
    averse to one sub-category in six, hardly ever buy from it, and turn down most of what they are
    offered of it (events `dislike` and, one in ten, `complaint`).

    Attributes:
        consent: user_id, purpose, granted_at, withdrawn_at (NaT: not withdrawn).
        model: The preference model that drew the purchases.
        seed: As given.

    Example:
        >>> bank = simulate_bank(users=50, products=20, seed=1)
        >>> len(bank.user_ids), len(bank.product_ids), list(bank.consent.columns)
        (50, 20, ['user_id', 'purpose', 'granted_at', 'withdrawn_at'])
    """

    def __init__(self, users: int, products: int, seed: int, feedback: bool = False) -> None:
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
        people = draw_customers(users, streams[0])
        catalogue = draw_catalogue(products, streams[1])
        self.seed = seed
        own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_FEEDBACK,)))
        averse = draw_aversions(users, catalogue, own) if feedback else None
        self._averse = averse
        self.model: PreferenceModel = PreferenceModel(people, catalogue, averse)
        drawn = self.model.draw(streams[2])
        width = max(6, len(str(users)))
        ids = np.array([f"u{i:0{width}d}" for i in range(1, users + 1)], object)
        log = _purchases(drawn, people, catalogue, ids, streams[4])
        if averse is not None:
            said = draw_feedback(people, catalogue, self.model, averse, drawn, own)
            log = _with_feedback(log, said)
        super().__init__(
            customer_frame(people, ids, streams[3]),
            catalogue.frame,
            log,
            rejected_events=() if averse is None else ("dislike", "complaint"),
        )
        self.consent: pd.DataFrame = consent_frame(people, ids, streams[5])
        self._repeatable = catalogue.repeatable
        self._people = people

    def truth(
        self, as_of: AsOf, horizon_days: int = 180, user_ids: IdsLike | None = None
    ) -> NDArray[np.float32]:
        """Return the probability that a customer buys a product in `[as_of, as_of + horizon)`.

        It is the probability in the model that drew the purchases, given the purchases before
        `as_of`: 0 for what the customer has and cannot buy again, and for products not on sale at
        any time of the window. It knows the hidden traits, so no recommender should come close.

        Args:
            as_of: Beginning of the window, 2021-01-01 at the earliest.
            horizon_days: Length of the window, in days; it must end by 2026-01-01.
            user_ids: Whose rows, in this order; None: all, which for a large bank is much memory.

        Returns:
            float32 (users, products), rows as asked or as `user_ids`, columns as `product_ids`.

        Raises:
            ValueError: `horizon_days` is not a positive integer.
            DataError: A window outside the model's years, or an unknown id.
        """
        start, end = self._window(as_of, horizon_days)
        rows = self._rows_of(user_ids)
        truth = np.empty((len(rows), len(self.product_ids)), np.float32)
        for block, expected in self.model.expected(start, end, rows):
            truth[block] = -np.expm1(-expected)
        owned = self.view(as_of).purchases[rows].tocoo()
        once = ~self._repeatable[owned.col]
        truth[owned.row[once], owned.col[once]] = 0.0
        return truth

    def campaign(
        self,
        as_of: AsOf,
        horizon_days: int = 30,
        probability: float | None = None,
        seed: int = 0,
    ) -> SimulatedCampaign:
        """Simulate a campaign at a moment: who was approached, what came of it, and its truth.

        Nothing of it is in the bank's log, which is as it would be without.

        Args:
            as_of: When customers are approached, from 2021-01-02 on.
            horizon_days: For how many days purchases count; they must end by 2026-01-01.
            probability: Of being approached, the same for all; None: as a desk chooses that likes
                the wealthy and those who bought lately, known and between 0.1 and 0.9.
            seed: The same seed gives the same campaign.

        Raises:
            ValueError: `horizon_days` or `seed` is no such integer, or `probability` is not
                between 0 and 1.
            DataError: A window outside the model's years.
        """
        if not _is_count(seed, least=0):
            raise ValueError(f"seed={seed!r}: must be an integer of 0 or more")
        if probability is not None and not 0 < probability < 1:
            raise ValueError(f"probability={probability!r}: must be between 0 and 1")
        window = self._window(as_of, horizon_days)
        expected = np.concatenate([one.sum(axis=1) for _, one in self.model.expected(*window)])
        view = self.view(as_of)
        return draw_campaign(view, self._people, expected, self.seed, int(seed), probability)

    def rejects(self, user_ids: IdsLike | None = None) -> NDArray[np.bool_]:
        """Return which products customers are averse to: most offers of them are turned down.

        Args:
            user_ids: Whose rows, in this order; None: all.

        Returns:
            bool (users, products), rows as asked or as `user_ids`, columns as `product_ids`.

        Raises:
            DataError: A bank without feedback, or an unknown id.
        """
        if self._averse is None:
            raise DataError("rejects: the bank has no feedback; simulate_bank(feedback=True) has")
        return np.asarray(self._averse[self._rows_of(user_ids)])

    def _window(self, as_of: AsOf, horizon_days: int) -> tuple[Instant, Instant]:
        if not _is_count(horizon_days):
            raise ValueError(f"horizon_days={horizon_days!r}: must be a positive integer")
        start = self.clock.instant(as_of)
        end = start + int(horizon_days) * DAY
        if start < START or end > HORIZON:
            raise DataError(
                f"as_of={as_of!s} with horizon_days={horizon_days}: the simulated bank knows the "
                f"truth from {START.astype('datetime64[D]')} to {HORIZON.astype('datetime64[D]')}"
            )
        return start, end

    def _rows_of(self, user_ids: IdsLike | None) -> NDArray[np.int64]:
        if user_ids is None:
            return np.arange(len(self.user_ids))
        rows = self.user_versions.ids.codes(user_ids).astype(np.int64)
        if (rows < 0).any():
            bad = np.flatnonzero(rows < 0)
            raise DataError(f"user_ids: {len(bad)} unknown (rows {bad[:3].tolist()})")
        return rows


def _is_count(value: Any, least: int = 1) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= least


def _purchases(
    drawn: DrawnPurchases,
    people: Customers,
    catalogue: Catalogue,
    ids: NDArray[np.object_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return purchases with amounts: a share of what is at hand, at least the minimum."""
    share = rng.beta(1.5, 8.0, len(drawn.users))
    amount = np.maximum(people.liquid_assets[drawn.users] * share, catalogue.amount[drawn.products])
    product_ids = pd.Index(catalogue.frame["product_id"])
    return pd.DataFrame(
        {
            "user_id": pd.Categorical.from_codes(drawn.users, pd.Index(ids)),
            "product_id": pd.Categorical.from_codes(drawn.products, product_ids),
            "timestamp": drawn.times.astype("datetime64[us]"),
            "value": np.round(amount, 2),
            "event": np.full(len(amount), "buy", object),
        }
    )


def _with_feedback(log: pd.DataFrame, said: DrawnFeedback) -> pd.DataFrame:
    """Return purchases and what was turned down, in order of time."""
    named = {"user_id": said.users, "product_id": said.products}
    columns = {
        name: pd.Categorical.from_codes(codes, log[name].cat.categories)
        for name, codes in named.items()
    }
    against = pd.DataFrame(
        {
            **columns,
            "timestamp": said.times.astype("datetime64[us]"),
            "value": np.full(len(said.users), np.nan),
            "event": np.where(said.complaints, "complaint", "dislike").astype(object),
        }
    )
    both = pd.concat([log, against], ignore_index=True)
    return both.sort_values("timestamp", kind="stable", ignore_index=True)
