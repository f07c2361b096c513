"""Products by the key at which users' maps are asked, with rows of bits for the answers.

For all products of one key, a comparison that is monotone in one of their values holds for those
below a place among the values, or for the rest: two rows of bits for every place.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.suitability.engine.monotone import Monotone
from suitably.suitability.engine.skeleton import Columns
from suitably.suitability.engine.steps import Places
from suitably.suitability.language.functions.collections import by_name
from suitably.suitability.language.types import NUMBER, Column, MapColumn, StringPool, Values
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["KeyRows", "KeyedProducts", "by_key"]

_MOST_BYTES = 2**26


@dataclass(frozen=True)
class KeyedProducts:
    """The products by key.

    Attributes:
        keys: Codes of the keys that occur, ascending.
        members: The products that have one, key by key.
        ends: Where each key's products end among the members, with a 0 before the first.
        known: Words (1, words): the products that have a key.
        columns: What the comparison looks at of the products.
        rows: Rows of bits for every answer to an entry, where these are few enough.
    """

    keys: NDArray[np.int64]
    members: Places
    ends: Places
    known: BitRows
    columns: Columns
    rows: "KeyRows | None"


@dataclass(frozen=True)
class KeyRows:
    """The answers for the products of a key: those below a place among their values, or the rest.

    Attributes:
        spans: Each key's values, ascending.
        starts: Where each key's values begin.
        sizes: How many it has.
        table: Words (rows, words). Row 0 has no product; then there are, key by key, the products
            below every place, and those from there on.
        first: Each key's first row.
        others: Words (keys, words): the products that do not have the key.
    """

    spans: Values
    starts: Places
    sizes: Places
    table: BitRows
    first: Places
    others: BitRows


def by_key(
    key: Column, columns: Columns, shape: Monotone | None, texts: StringPool, count: int
) -> KeyedProducts | None:
    """Sort products by key; None where no key can be read.

    Args:
        key: The key of each product.
        columns: What a comparison looks at of the products beside the key.
        shape: How it is monotone in the only one of these, if it is.
        texts: The codes of the keys.
        count: How many products there are.
    """
    maps = [isinstance(getattr(one, "extra", None), MapColumn) for one in columns.values()]
    if not count or not isinstance(key, Values) or key.data.size != count or any(maps):
        return None
    named = by_name(key, texts)
    data, known = named.data.ravel(), named.known.ravel()
    places = np.full(count, -1)
    places[known], keys = pd.factorize(data[known], sort=True)
    order = np.argsort(places, kind="stable")
    members = order[count - int(known.sum()) :]
    ends = np.concatenate([[0], np.cumsum(np.bincount(places[known], minlength=len(keys)))])
    made = KeyedProducts(keys, members, ends, bitset.pack(known[None]), columns, None)
    return replace(made, rows=_tabulated(made, places, shape))


def _tabulated(keyed: KeyedProducts, key: Places, shape: Monotone | None) -> KeyRows | None:
    """Tabulate the answers; None where it follows no order, or they are too many."""
    count, width = len(key), keyed.known.shape[1]
    if shape is None and keyed.columns:
        return None
    if shape is None:  # all that have the key are alike
        data, known = np.zeros(count), key >= 0
        values = Values(NUMBER, data, known)
    else:
        column = keyed.columns[shape.slot]
        assert isinstance(column, Values)  # monotone_in has checked
        values = column
        data, known = column.data.ravel(), column.known.ravel() & (key >= 0)
        if shape.reciprocal:
            known &= data != 0  # a division by zero is unknown
            if len({*np.sign(data[known]).tolist()}) > 1:
                return None
    product = np.flatnonzero(known)
    product = product[np.lexsort((data[product], key[product]))]
    of, at = key[product], data[product]
    fresh = np.concatenate([[True], (of[1:] != of[:-1]) | (at[1:] != at[:-1])])[: len(of)]
    sizes = np.bincount(of[fresh], minlength=len(keyed.keys))
    starts = np.cumsum(sizes) - sizes
    rows = 1 + 2 * int((sizes + 1).sum())
    if (rows + len(keyed.keys)) * width * 8 > _MOST_BYTES:
        return None
    first = 1 + np.cumsum(2 * (sizes + 1)) - 2 * (sizes + 1)
    place = np.cumsum(fresh) - 1 - starts[of]
    flips = np.zeros((rows + 1, width), np.uint64)
    word, bit = product // 64, np.uint64(1) << (product % 64).astype(np.uint64)
    # A bit comes on behind the product's own place. It stays on into the other rows of the key,
    # which have what is not below a place, and goes off behind the product's place there.
    np.bitwise_xor.at(flips, (first[of] + place + 1, word), bit)
    np.bitwise_xor.at(flips, (first[of] + sizes[of] + 1 + place + 1, word), bit)
    np.bitwise_xor.accumulate(flips, axis=0, out=flips)
    others = np.full((len(keyed.keys), width), bitset.ONES)
    bitset.clear(others, key[keyed.members], keyed.members)
    points = replace(values, data=at[fresh][:, None], known=np.ones((int(fresh.sum()), 1), bool))
    return KeyRows(points, starts, sizes, flips[:-1], first, others)
