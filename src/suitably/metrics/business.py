"""What lists bring the firm, of what the log shows was acquired from them in the window.

Figures are attributed to a list by position: an acquisition of a product among the first k counts,
whoever would have acquired it anyway. Ratios are sums over users, one over the other.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.metrics.convention import TREC, Convention
from suitably.metrics.fields import MissingInputError, along, numbers
from suitably.metrics.metric_input import Hits
from suitably.metrics.ratio import Ratio

__all__ = [
    "cac",
    "contribution",
    "conversion",
    "expected_revenue",
    "ltv_to_cac",
    "retention",
    "revenue_per_user",
]

Values = NDArray[np.float64]
_SHOWN, _ACQUIRED = "shown", "acquired"


def expected_revenue(
    hits: Hits,
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None = None,
    convention: Convention = TREC,
    *,
    revenue: str = "revenue",
    commission: str = "commission",
    with_commission: bool = False,
) -> Values:
    """Revenue of what was relevant among the first k, each weighed by the chance of being seen.

    Σ d(r) · (revenue − commission) over the ranks that were hits, where d is the discount of the
    convention read as the chance that rank r is looked at. Commission that a product's provider
    pays for the sale is left out by default, so that a list is not better for what it is paid.

    Args:
        hits: Relevance along the lists.
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        k: How many products from the top count; None: all.
        convention: Gives the discount.
        revenue: The column of what one sale of the product earns, commission included, in money.
        commission: The column of how much of that is commission, 0 where none is.
        with_commission: Whether to leave the commission in.

    Returns:
        float64 (users,) in money, NaN where a hit has no revenue.

    Source:
        Jeunen et al., KDD 2024: DCG as an estimate of reward under a position-based model.

    Example:
        >>> hits = Hits(np.array([[True, True]]), np.array([2]), np.array([2]))
        >>> fields = pa.table({"revenue": [10.0, 8.0], "commission": [4.0, 0.0]})
        >>> expected_revenue(hits, np.array([[0, 1]]), fields, 2).round(3)
        array([11.047])
    """
    earned = numbers(product_fields, "products", revenue, "revenue")
    if not with_commission:
        earned = earned - numbers(product_fields, "products", commission, "commission")
    top = hits.top(k)
    worth = np.where(top, along(earned, products, k, np.nan), 0.0)
    return _total(worth * convention.discounts(top.shape[1]))


def revenue_per_user(
    spent: NDArray[np.float64],
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None = None,
    *,
    rate: str = "fee_rate",
) -> Ratio:
    """What users acquired in the window of the first k, times the product's fee, per user.

    Args:
        spent: float64 (users, depth), money acquired in the window of the product at that rank.
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        k: How many products from the top count; None: all.
        rate: The column of the share of the money that the firm earns.

    Returns:
        In money: numerator Σ spent · rate over the first k; denominator 1 per user.

    Example:
        >>> fields = pa.table({"fee_rate": [0.01, 0.02]})
        >>> spent = np.array([[1000.0, 0.0], [0.0, 500.0]])
        >>> revenue_per_user(spent, np.array([[0, 1], [0, 1]]), fields, 2).value
        10.0
    """
    revenue = _revenue(spent, products, product_fields, k, rate)
    return Ratio(revenue, np.ones(len(products)))


def contribution(
    spent: NDArray[np.float64],
    products: NDArray[np.int64],
    lengths: NDArray[np.int64],
    product_fields: pa.Table,
    user_fields: pa.Table,
    k: int | None = None,
    *,
    rate: str = "fee_rate",
    cost: str = "contact_cost",
) -> Ratio:
    """Revenue as in `revenue_per_user`, less what it cost to show the user a list, per user.

    Args:
        spent: float64 (users, depth), money acquired in the window of the product at that rank.
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        lengths: int64 (users,): an empty list costs nothing.
        product_fields: A row per product.
        user_fields: A row per user.
        k: How many products from the top count; None: all.
        rate: The column of the share of the money that the firm earns.
        cost: The field of users with the cost of a list, in money.

    Returns:
        In money: numerator Σ spent · rate over the first k, less the cost of a list; denominator 1
        per user.

    Example:
        >>> fields, users = pa.table({"fee_rate": [0.01]}), pa.table({"contact_cost": [2.0, 2.0]})
        >>> spent, products = np.array([[1000.0], [0.0]]), np.array([[0], [0]])
        >>> contribution(spent, products, np.array([1, 1]), fields, users, 1).value
        3.0
    """
    revenue = _revenue(spent, products, product_fields, k, rate)
    return Ratio(revenue - _costs(user_fields, cost, lengths), np.ones(len(products)))


def conversion(
    hits: Hits,
    events: Mapping[str, NDArray[np.bool_]],
    k: int | None = None,
    *,
    start: str = _SHOWN,
    stage: str = _ACQUIRED,
) -> Ratio:
    """Of the first k that reached one stage of the funnel, the share that reached another.

    Args:
        hits: Relevance along the lists.
        events: By kind of event, bool (users, depth), whether one fell on the product at that rank.
        k: How many products from the top count; None: all.
        start: The stage that counts below: `"shown"` is every product in a list, `"acquired"`
            every relevant one, else a kind of event within the window.
        stage: The stage that counts above, of what reached `start`.

    Returns:
        Numerator: products among the first k that reached both; denominator: that reached `start`.

    Raises:
        MissingInputError: There is no such kind of event.

    Example:
        >>> hits = Hits(np.array([[True, False]]), np.array([2]), np.array([1]))
        >>> conversion(hits, {"view": np.array([[True, True]])}, 2, start="view").value
        0.5
    """
    below = _reached(hits, events, k, start)
    above = below & _reached(hits, events, k, stage)
    return Ratio(above.sum(axis=1).astype(np.float64), below.sum(axis=1).astype(np.float64))


def retention(hits: Hits, newcomers: NDArray[np.bool_], k: int | None = None) -> Ratio:
    """Of users who had acquired something before the cut, the share who acquire from the list.

    Args:
        hits: Relevance along the lists.
        newcomers: bool (users,), who acquired nothing before the cut.
        k: How many products from the top count; None: all.

    Returns:
        Numerator: 1 for a user of before with a hit in the window; denominator: 1 for a user of
        before.

    Example:
        >>> ones = np.ones(3, np.int64)
        >>> hits = Hits(np.array([[True], [False], [True]]), ones, ones)
        >>> retention(hits, np.array([False, False, True]), 1).value
        0.5
    """
    stayed = ~newcomers
    return Ratio((_converted(hits, k) & stayed).astype(np.float64), stayed.astype(np.float64))


def cac(
    hits: Hits,
    newcomers: NDArray[np.bool_],
    user_fields: pa.Table,
    k: int | None = None,
    *,
    cost: str = "acquisition_cost",
) -> Ratio:
    """Customer acquisition cost: what was spent on newcomers, per newcomer won by the list.

    Args:
        hits: Relevance along the lists.
        newcomers: bool (users,), who acquired nothing before the cut.
        user_fields: A row per user.
        k: How many products from the top count; None: all.
        cost: The field of users with what it cost to reach them with a list, in money.

    Returns:
        In money: numerator the cost of newcomers with a list; denominator 1 for a newcomer with a
        hit in the window.

    Example:
        >>> hits = Hits(np.array([[True], [False]]), np.array([1, 1]), np.array([1, 1]))
        >>> users = pa.table({"acquisition_cost": [30.0, 20.0]})
        >>> cac(hits, np.array([True, True]), users, 1).value
        50.0
    """
    costs = np.where(newcomers, _costs(user_fields, cost, hits.lengths), 0.0)
    return Ratio(costs, (_converted(hits, k) & newcomers).astype(np.float64))


def ltv_to_cac(
    hits: Hits,
    newcomers: NDArray[np.bool_],
    user_fields: pa.Table,
    k: int | None = None,
    *,
    value: str = "lifetime_value",
    cost: str = "acquisition_cost",
) -> Ratio:
    """Lifetime value of the newcomers won by the list, over what was spent on newcomers.

    It is the mean lifetime value of those won over the customer acquisition cost.

    Args:
        hits: Relevance along the lists.
        newcomers: bool (users,), who acquired nothing before the cut.
        user_fields: A row per user.
        k: How many products from the top count; None: all.
        value: The field of users with their lifetime value, in money.
        cost: The field of users with what it cost to reach them with a list, in money.

    Returns:
        Numerator: the lifetime value of newcomers with a hit in the window; denominator: the cost
        of newcomers with a list.

    Example:
        >>> hits = Hits(np.array([[True], [False]]), np.array([1, 1]), np.array([1, 1]))
        >>> users = pa.table({"acquisition_cost": [30.0, 20.0], "lifetime_value": [150.0, 90.0]})
        >>> ltv_to_cac(hits, np.array([True, True]), users, 1).value
        3.0
    """
    won = _converted(hits, k) & newcomers
    worth = np.where(won, numbers(user_fields, "users", value, "value"), 0.0)
    return Ratio(worth, np.where(newcomers, _costs(user_fields, cost, hits.lengths), 0.0))


def _revenue(
    spent: NDArray[np.float64],
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None,
    rate: str,
) -> Values:
    rates = along(numbers(product_fields, "products", rate, "rate"), products, k, np.nan)
    bought = spent[:, :k]
    inside = products[:, :k] >= 0
    return _total(np.where(inside & (bought != 0), bought * rates, 0.0))


def _costs(user_fields: pa.Table, cost: str, lengths: NDArray[np.int64]) -> Values:
    return np.where(lengths > 0, numbers(user_fields, "users", cost, "cost"), 0.0)


def _converted(hits: Hits, k: int | None) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.any(hits.top(k), axis=1)
    return found


def _reached(
    hits: Hits, events: Mapping[str, NDArray[np.bool_]], k: int | None, stage: str
) -> NDArray[np.bool_]:
    top = hits.top(k)
    if stage == _SHOWN:
        return np.arange(top.shape[1]) < hits.lengths[:, None]
    if stage == _ACQUIRED:
        return top
    if stage not in events:
        raise MissingInputError(
            f"{stage!r}: no such stage; there are {', '.join([_SHOWN, _ACQUIRED, *sorted(events)])}"
        )
    return events[stage][:, :k] & (np.arange(top.shape[1]) < hits.lengths[:, None])


def _total(terms: Values) -> Values:
    if not terms.shape[1]:
        return np.zeros(len(terms))
    total: Values = np.cumsum(terms, axis=1)[:, -1]
    return total
