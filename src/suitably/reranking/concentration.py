"""Concentration limit: no more of an issuer than a share of what the user would hold."""

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.topk.lists import Lists
from suitably.reranking.groups import (
    Groups,
    read_groups,
    read_map,
    read_numbers,
    within_quotas,
)
from suitably.reranking.protocol import RerankContext
from suitably.utils.params import Parameterized, check_fraction, check_positive

__all__ = ["ConcentrationLimit"]

_ROUNDING = 1e-9


class ConcentrationLimit(Parameterized):
    """Drop what could take a group over a share of the user's holdings.

    The limit holds for whatever the user buys of the list, all of it or any part: nothing else
    that is listed, and may stay unbought, makes a position look smaller. The worst part for a group
    is all its listed products and nothing else, so in the list's order a product stays where

        held(g) + listed(g) + x  ≤  max(least, share * (held + listed(g) + x)),

    held(g) being what the user holds of its group g, listed(g) what of g stays ahead of it,
    x the product's own amount, and held all the user holds. What is dropped does not count.

    By number, `held` counts the products owned, repeatable ones included and those that have left
    the catalogue not, and x is 1. By money, `held(g)` is what the map `exposure` says (0 where it
    has no such group), `held` is the sum of the map, and x is the product's column `amount`.

    `least` is what a group may reach whatever its share, for a small portfolio cannot be spread: by
    number 1 unless given, so that a first product of an issuer is always possible. By money there
    is no such amount unless given, but a user whose map is empty, or sums to 0, may get one
    product of each group.

    A product whose group is missing always stays. What cannot be judged does not: by money, a
    product whose amount is missing, and every product in a group for a user whose map is.

    Args:
        by: Column of the products frame that says the group.
        share: The most a group may have, above 0 and up to 1.
        exposure: Field of the users with a map from group to money; None: by number.
        amount: Column of the products frame with the money that a purchase takes, such as
            `min_amount`.
        least: What a group may reach whatever its share, in products or in money.

    A user who holds three products of issuer A and nine of others can come to four of thirteen
    (31 %): not at a share of 30 %, but at 35 %; five of fourteen (36 %) is too much then.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> products = pd.DataFrame({"product_id": list("abcd"), "issuer": list("XXYZ")})
        >>> log = pd.DataFrame({"user_id": list("1231245"), "product_id": list("bbbccad")})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(),
        ...                        rerankers=[ConcentrationLimit(share=0.5)])
        >>> recs = pipeline.fit(st.Dataset(None, products, log)).recommend(["4"])
        >>> recs.to_frame()["product_id"].tolist()
        ['c', 'd']
    """

    def __init__(
        self,
        by: str = "issuer",
        share: float = 0.25,
        exposure: str | None = None,
        amount: str | None = None,
        least: float | None = None,
    ) -> None:
        self.by = by
        self.share = share
        self.exposure = exposure
        self.amount = amount
        self.least = least

    def check_params(self) -> None:
        """Refuse a share or `least` out of bounds, or half of `exposure` and `amount`: ValueError.

        Both or neither of the two is given.
        """
        check_fraction(self, "share", zero=False)
        check_positive(self, "least", zero=True, optional=True)
        if (self.exposure is None) != (self.amount is None):
            raise ValueError(
                "ConcentrationLimit: exposure and amount go together: give both, or neither"
            )

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Drop what is over the limit.

        Raises:
            DataError: A frame has no such column, or exposures or amounts are negative.
            ValueError: A share or `least` out of bounds, or only one of `exposure` and `amount`.
        """
        self.check_params()
        groups = read_groups(context, self.by, "ConcentrationLimit")
        kinds = groups.codes[lists.products]
        if self.exposure is None:
            room = self._by_number(context, groups)
            amounts = np.ones(kinds.shape)
        else:
            room, nothing = self._by_money(context, groups, self.exposure)
            amounts = self._amounts(context)[lists.products]
            amounts = np.where(nothing[:, None] & np.isfinite(amounts), 1, amounts)
        amounts = np.where(kinds == len(groups), 0, amounts)
        return lists.keep(within_quotas(kinds, amounts, room, k), k)

    def _by_number(self, context: RerankContext, groups: Groups) -> NDArray[np.float64]:
        held = groups.owned(context).astype(np.float64)
        return self._room(held, held.sum(axis=1), 1 if self.least is None else self.least)

    def _by_money(
        self, context: RerankContext, groups: Groups, exposure: str
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the room in each group, and who is counted in products for holding nothing yet."""
        held = read_map(context, exposure, groups, "ConcentrationLimit")
        room = self._room(held.by_group, held.totals, self.least or 0)
        nothing = held.known & (held.totals == 0) & (self.least is None)
        room[nothing, :-1] = 1
        room[~held.known, :-1] = -np.inf
        return room, nothing

    def _room(
        self, held: NDArray[np.float64], totals: NDArray[np.float64], least: float
    ) -> NDArray[np.float64]:
        """Solve the limit for listed(g) + x: float64 (users, groups + 1), no bound without one."""
        total = totals[:, None]
        if self.share < 1:
            room = np.maximum(least - held, (self.share * total - held) / (1 - self.share))
        else:
            room = np.full(held.shape, np.inf)
        room += _ROUNDING * np.maximum(total, 1)
        room[:, -1] = np.inf
        return room

    def _amounts(self, context: RerankContext) -> NDArray[np.float64]:
        """Read what each product takes: float64 (catalogue + 1,), infinite where missing."""
        amounts = read_numbers(context, str(self.amount), "ConcentrationLimit")
        if (amounts < 0).any():
            bad = int((amounts < 0).sum())
            raise DataError(f"products: {bad} values of {self.amount!r} are negative")
        return np.where(np.isnan(amounts), np.inf, amounts)
