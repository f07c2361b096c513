"""Beyond accuracy: novelty, diversity, serendipity, calibration and concentration of lists."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.metrics.fields import along, groups, maps, mean_along
from suitably.metrics.metric_input import Hits

__all__ = [
    "CALIBRATION_RANGE",
    "calibration",
    "concentration",
    "intra_list_diversity",
    "novelty",
    "profile_calibration",
    "serendipity",
]

Values = NDArray[np.float64]
_SMOOTHING = 0.01
CALIBRATION_RANGE = (0.0, float(np.log(1 / _SMOOTHING)))


def novelty(
    products: NDArray[np.int64], owners: NDArray[np.int64], audience: int, k: int | None = None
) -> Values:
    """Mean self-information of the first k: −log₂ of the share of users who acquired the product.

    A product that nobody acquired counts as acquired by one.

    Args:
        products: int64 (users, depth), positions in `owners`; −1 for none.
        owners: int64 (products,), users who acquired the product before the cut.
        audience: How many users acquired anything before the cut.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,) in bits, NaN for an empty list.

    Source:
        Zhou et al., PNAS 107(10), 2010; Vargas and Castells, RecSys 2011, as mean inverse user
        frequency.

    Example:
        >>> novelty(np.array([[0, 1], [1, -1]]), owners=np.array([8, 2]), audience=8)
        array([1., 2.])
    """
    information = np.log2(max(audience, 1)) - np.log2(np.maximum(owners, 1))
    return mean_along(along(information.astype(np.float64), products, k, np.nan))


def intra_list_diversity(
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None = None,
    *,
    by: str = "category",
) -> Values:
    """Share of the pairs of products among the first k that are of different groups.

    Args:
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        k: How many products from the top count; None: all.
        by: The column of groups; a product without a group makes no pair.

    Returns:
        float64 (users,), NaN with fewer than two products.

    Source:
        Ziegler et al., WWW 2005, with the distance 0 within a group and 1 between groups.

    Example:
        >>> fields = pa.table({"category": ["fund", "fund", "bond"]})
        >>> intra_list_diversity(np.array([[0, 1, 2], [0, 1, -1]]), fields).round(4)
        array([0.6667, 0.    ])
    """
    group = groups(product_fields, "products", by)
    totals, alike = _repeats(along(group.codes, products, k, -1), len(group.names))
    pairs = totals * (totals - 1)
    shares = np.full(len(products), np.nan)
    np.divide(pairs - alike, pairs, out=shares, where=pairs > 0)
    return shares


def serendipity(
    hits: Hits, products: NDArray[np.int64], owners: NDArray[np.int64], k: int
) -> Values:
    """Share of k places with a product that was relevant and is not one of the k most acquired.

    The k most acquired are what anyone would have been shown; those of equal number are taken in
    the order of the catalogue.

    Args:
        hits: Relevance along the lists.
        products: int64 (users, depth), positions in `owners`; −1 for none.
        owners: int64 (products,), users who acquired the product before the cut.
        k: How many products from the top count.

    Source:
        Ge, Delgado-Battenfeld and Jannach, RecSys 2010, with popularity as the primitive model.

    Example:
        >>> hits = Hits(np.array([[True, True]]), np.array([2]), np.array([2]))
        >>> serendipity(hits, np.array([[0, 2]]), owners=np.array([9, 5, 1]), k=2)
        array([0.5])
    """
    unexpected = np.ones(len(owners), bool)
    unexpected[np.argsort(-owners, kind="stable")[:k]] = False
    shown = hits.top(k) & along(unexpected, products, k, True)
    shares: Values = shown.sum(axis=1) / k
    return shares


def calibration(
    products: NDArray[np.int64],
    product_fields: pa.Table,
    history: sparse.csr_array,
    k: int | None = None,
    *,
    by: str = "category",
) -> Values:
    """Kullback-Leibler divergence of the list's shares of groups from those of the user's history.

    KL(p, q̃) = Σ p(g) ln(p(g) / q̃(g)) with q̃ = .99 q + .01 p: p(g) is the group's share of what the
    user acquired before the cut, q(g) its share of the first k. 0 is a list like the history.

    Args:
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        history: CSR (users, products), how often each was acquired before the cut.
        k: How many products from the top count; None: all.
        by: The column of groups; a product without a group counts for none.

    Returns:
        float64 (users,) in nats, from 0 to ln 100, NaN without a history or a list.

    Source:
        Steck, RecSys 2018, equations 2 to 7, without weights of rank.

    Example:
        >>> fields = pa.table({"category": ["fund", "bond"]})
        >>> history = sparse.csr_array(np.array([[1, 1], [0, 2]]))
        >>> calibration(np.array([[0, 1], [0, -1]]), fields, history).round(4)
        array([0.    , 4.6052])
    """
    group = groups(product_fields, "products", by)
    known = np.flatnonzero(group.codes >= 0)
    members = sparse.csr_array(
        (np.ones(len(known)), (known, group.codes[known])), (len(group.codes), len(group.names))
    )
    return _divergence((history @ members).toarray(), along(group.codes, products, k, -1))


def profile_calibration(
    products: NDArray[np.int64],
    product_fields: pa.Table,
    user_fields: pa.Table,
    k: int | None = None,
    *,
    by: str = "category",
    target: str = "category_share",
) -> Values:
    """Kullback-Leibler divergence of the list's shares of groups from those in a profile field.

    As `calibration`, with p from a field of the users instead of their history.

    Args:
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        user_fields: A row per user.
        k: How many products from the top count; None: all.
        by: The column of groups.
        target: The field of users that maps groups to shares, such as that of `Preferences`.

    Returns:
        float64 (users,) in nats, from 0 to ln 100, NaN without a profile or a list.

    Source:
        Steck, RecSys 2018, equations 2 to 7, without weights of rank.

    Example:
        >>> fields = pa.table({"category": ["fund", "bond"]})
        >>> users = pa.table({"category_share": [{"fund": 0.5, "bond": 0.5}]})
        >>> profile_calibration(np.array([[0, 1]]), fields, users)
        array([0.])
    """
    group = groups(product_fields, "products", by)
    wanted = maps(user_fields, "users", target, group.names, "target")
    return _divergence(wanted, along(group.codes, products, k, -1))


def concentration(
    products: NDArray[np.int64],
    product_fields: pa.Table,
    k: int | None = None,
    *,
    by: str = "issuer",
) -> Values:
    """Sum of the squared shares of groups among the first k: 1 is a single one, 1 / n is n alike.

    Args:
        products: int64 (users, depth), rows of `product_fields`; −1 for none.
        product_fields: A row per product.
        k: How many products from the top count; None: all.
        by: The column of groups; a product without a group counts for none.

    Returns:
        float64 (users,), NaN where no product has a group.

    Source:
        Herfindahl and Hirschman's index.

    Example:
        >>> fields = pa.table({"issuer": ["X", "X", "Y"]})
        >>> concentration(np.array([[0, 1, 2], [2, -1, -1]]), fields).round(4)
        array([0.5556, 1.    ])
    """
    group = groups(product_fields, "products", by)
    totals, alike = _repeats(along(group.codes, products, k, -1), len(group.names))
    squares = np.full(len(products), np.nan)
    np.divide(alike + totals, totals**2, out=squares, where=totals > 0)
    return squares


def _repeats(codes: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count what has a group, and the ordered pairs within one: int64 (users,), both."""
    users, ranks = np.nonzero(codes >= 0)
    cells, counts = np.unique(users * max(width, 1) + codes[users, ranks], return_counts=True)
    alike = np.bincount(cells // max(width, 1), counts * (counts - 1), minlength=len(codes))
    totals = np.bincount(users, minlength=len(codes)).astype(np.int64)
    return totals, alike.astype(np.int64)


def _divergence(wanted: Values, codes: NDArray[np.int64]) -> Values:
    """Return KL of the shares along lists from wanted amounts; NaN without either."""
    users, width = wanted.shape
    rows, ranks = np.nonzero(codes >= 0)
    cells = rows * width + codes[rows, ranks]
    listed = np.bincount(cells, minlength=users * width).reshape(users, width)
    sums, lengths = wanted.sum(axis=1), listed.sum(axis=1)
    p = wanted / np.where(sums > 0, sums, 1)[:, None]
    q = listed / np.maximum(lengths, 1)[:, None]
    mixed = (1 - _SMOOTHING) * q + _SMOOTHING * p
    logs = np.log(np.where(p > 0, p, 1) / np.where(p > 0, mixed, 1))
    divergences: Values = np.maximum((p * logs).sum(axis=1), 0.0)
    return np.where((sums > 0) & (lengths > 0), divergences, np.nan)
