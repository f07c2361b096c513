"""Suitability of what was recommended: by the judging policy, by level of risk, by rejections."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.metrics.fields import MissingInputError, along, groups

__all__ = [
    "over_conservatism",
    "rejection_rate",
    "risk_excess",
    "risk_match",
    "violation_rate",
    "violation_rate_at",
]

Values = NDArray[np.float64]


def violation_rate(
    passes: NDArray[np.bool_], lengths: NDArray[np.int64], k: int | None = None
) -> Values:
    """Share of each user's list that the policy does not pass; unknown is not a pass.

    An empty list violates nothing: 0.

    Args:
        passes: bool (users, depth), whether the product at that rank passes every rule; anything
            past the end of a list is ignored.
        lengths: int64 (users,), products in each list, at most depth.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,).

    Example:
        >>> violation_rate(np.array([[True, False], [True, True]]), np.array([2, 1]))
        array([0.5, 0. ])
    """
    return _share_of_list(~passes, lengths, k)


def violation_rate_at(
    passes: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None = None,
    *,
    level: str = "",
    by: str = "risk_level",
) -> Values:
    """Share of each user's list that is of one level and that the policy does not pass.

    Over all levels these shares add up to the violation rate.

    Args:
        passes: As in `violation_rate`.
        lengths: int64 (users,), products in each list, at most depth.
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        k: How many products from the top count; None: all.
        level: The level, as the column has it.
        by: The column of levels.

    Raises:
        MissingInputError: No product is of that level.

    Example:
        >>> fields = pa.table({"risk_level": ["R1", "R5"]})
        >>> passes, products = np.array([[True, False, False]]), np.array([[0, 1, 0]])
        >>> violation_rate_at(passes, np.array([3]), products, fields, level="R5").round(4)
        array([0.3333])
    """
    group = groups(product_fields, "products", by)
    if level not in group.names:
        raise MissingInputError(f"level={level!r}: no product has it; {by!r} holds {group.names}")
    of_level = along(group.codes == group.names.index(level), products, None, False)
    return _share_of_list(~passes & of_level, lengths, k)


def rejection_rate(rejected: NDArray[np.bool_], lengths: NDArray[np.int64], k: int) -> Values:
    """Share of the first k of each list, by its length, that the user turned down in the window.

    An empty list has nothing to turn down: 0.

    Args:
        rejected: bool (users, depth), whether the user turned the product at that rank down.
        lengths: int64 (users,), products in each list, at most depth.
        k: How many products from the top count.

    Example:
        >>> rejection_rate(np.array([[True, False], [False, False]]), np.array([2, 0]), k=2)
        array([0.5, 0. ])
    """
    return _share_of_list(rejected, lengths, k)


def risk_match(
    products: NDArray[np.int64],
    lengths: NDArray[np.int64],
    user_levels: NDArray[np.int64],
    product_levels: NDArray[np.int64],
    k: int | None = None,
) -> Values:
    """Share of the first k at the user's own stated level of risk.

    With `over_conservatism` and `risk_excess` it adds up to 1.

    Args:
        products: int64 (users, depth), positions in `product_levels`; −1 for none.
        lengths: int64 (users,), products in each list, at most depth.
        user_levels: int64 (users,), ranks from 1, 0 where unknown.
        product_levels: int64 (products,), likewise.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,), NaN where the user has no level or nothing listed has one.

    Example:
        >>> products, levels = np.array([[0, 1, 2]]), np.array([1, 2, 3])
        >>> risk_match(products, np.array([3]), np.array([2]), levels).round(4)
        array([0.3333])
    """
    return _share_of_levels(products, lengths, user_levels, product_levels, k, 0)


def over_conservatism(
    products: NDArray[np.int64],
    lengths: NDArray[np.int64],
    user_levels: NDArray[np.int64],
    product_levels: NDArray[np.int64],
    k: int | None = None,
) -> Values:
    """Share of the first k below the user's stated level of risk: safe, and perhaps too safe.

    Args:
        products: int64 (users, depth), positions in `product_levels`; −1 for none.
        lengths: int64 (users,), products in each list, at most depth.
        user_levels: int64 (users,), ranks from 1, 0 where unknown.
        product_levels: int64 (products,), likewise.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,), NaN where the user has no level or nothing listed has one.

    Example:
        >>> products, levels = np.array([[0, 1, 2]]), np.array([1, 2, 3])
        >>> over_conservatism(products, np.array([3]), np.array([3]), levels).round(4)
        array([0.6667])
    """
    return _share_of_levels(products, lengths, user_levels, product_levels, k, -1)


def risk_excess(
    products: NDArray[np.int64],
    lengths: NDArray[np.int64],
    user_levels: NDArray[np.int64],
    product_levels: NDArray[np.int64],
    k: int | None = None,
) -> Values:
    """Share of the first k above the user's stated level of risk.

    Args:
        products: int64 (users, depth), positions in `product_levels`; −1 for none.
        lengths: int64 (users,), products in each list, at most depth.
        user_levels: int64 (users,), ranks from 1, 0 where unknown.
        product_levels: int64 (products,), likewise.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,), NaN where the user has no level or nothing listed has one.

    Example:
        >>> products, levels = np.array([[0, 1, 2]]), np.array([1, 2, 3])
        >>> risk_excess(products, np.array([3]), np.array([1]), levels).round(4)
        array([0.6667])
    """
    return _share_of_levels(products, lengths, user_levels, product_levels, k, 1)


def _share_of_list(marked: NDArray[np.bool_], lengths: NDArray[np.int64], k: int | None) -> Values:
    marked = marked[:, :k]
    inside = np.arange(marked.shape[1]) < lengths[:, None]
    counts = np.minimum(lengths, marked.shape[1])
    shares: Values = np.divide(
        (inside & marked).sum(axis=1), counts, out=np.zeros(len(lengths)), where=counts > 0
    )
    return shares


def _share_of_levels(
    products: NDArray[np.int64],
    lengths: NDArray[np.int64],
    user_levels: NDArray[np.int64],
    product_levels: NDArray[np.int64],
    k: int | None,
    side: int,
) -> Values:
    shown = along(product_levels, products, k, 0)
    known = (shown > 0) & (user_levels > 0)[:, None]
    known &= np.arange(shown.shape[1]) < lengths[:, None]
    counted = known & (np.sign(shown - user_levels[:, None]) == side)
    totals = known.sum(axis=1)
    shares = np.full(len(products), np.nan)
    np.divide(counted.sum(axis=1), totals, out=shares, where=totals > 0)
    return shares
