"""Offers: a product through a channel, which rules judge as they judge products."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.frames import read_frame, write_frame
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.decisions.channels import Channels
from suitably.errors import DataError
from suitably.typing import IntoFrame

__all__ = ["offer_table", "offers"]

_OFFER, _PRODUCT = "offer_id", "product_id"
_JOINT = "/"


def offers(products: IntoFrame, channels: IntoFrame) -> Any:
    """Return every product through every channel: a row per offer.

    Args:
        products: A frame with a row per product: `product_id`, and whatever rules read.
        channels: A frame with a row per channel: `channel`, `cost` (of one contact, 0 or more),
            perhaps `capacity` (the most contacts, a whole number; missing: no limit) and `response`
            (a factor on the probability of a purchase; missing: 1), and whatever rules read.

    Returns:
        A frame of the products' kind: `offer_id` (text: the product's id and the channel, with a
        slash between), `product_id`, `channel`, `cost`, and the other columns of both; in the order
        of products, then of channels.

    Raises:
        DataError: A column is missing, an id or a channel there twice, a channel without cost, a
            cost or response below 0, a capacity that is no whole number from 0 up, a column that
            both frames have, or two offers of one id.

    Example:
        >>> import pandas as pd
        >>> products = pd.DataFrame({"product_id": ["bond", "etf"], "margin": [20.0, 35.0]})
        >>> channels = pd.DataFrame({"channel": ["letter", "call"], "cost": [1.5, 9.0]})
        >>> offers(products, channels)
              offer_id product_id channel  cost  margin
        0  bond/letter       bond  letter   1.5    20.0
        1    bond/call       bond    call   9.0    20.0
        2   etf/letter        etf  letter   1.5    35.0
        3     etf/call        etf    call   9.0    35.0
    """
    table, kind = read_frame(products, "products")
    if _PRODUCT not in table.column_names:
        raise DataError(f"products: no column {_PRODUCT!r}; it has {table.column_names}")
    ids = id_array(table[_PRODUCT], f"products.{_PRODUCT}")
    if ids.null_count:
        row = ids.is_null().to_pylist().index(True)
        raise DataError(f"products.{_PRODUCT}: row {row} has no id")
    if len(ids.unique()) < len(ids):
        first = Vocabulary(ids.unique()).codes(ids)
        row = int(np.flatnonzero(np.bincount(first)[first] > 1)[1])
        raise DataError(
            f"products.{_PRODUCT}: {ids[row].as_py()!r} is there twice (row {row}): one row of each"
        )
    return write_frame(
        offer_table(ids, table.drop_columns([_PRODUCT]), Channels.read(channels)), kind
    )


def offer_table(product_ids: pa.Array, fields: pa.Table, channels: Channels) -> pa.Table:
    """Return the offers of products by id and fields, row after row, in the columns of `offers`.

    Raises:
        DataError: A column that both sides have, or two offers of one id.
    """
    both = [*channels.table.column_names, _OFFER, _PRODUCT]
    for name in fields.column_names:
        if name in both:
            what = "channels have" if name in channels.table.column_names else "every offer has"
            raise DataError(
                f"products: a column {name!r}, and {what} one too: rename one, a rule could not "
                f"tell them apart"
            )
    for name in (_OFFER, _PRODUCT):
        if name in channels.table.column_names:
            raise DataError(f"channels: a column {name!r}, which every offer has: rename it")
    products, several = len(product_ids), len(channels)
    of_product = pa.array(np.repeat(np.arange(products), several))
    of_channel = pa.array(np.tile(np.arange(several), products))
    named = product_ids.cast(pa.string()).take(of_product)
    offer_ids = pc.binary_join_element_wise(named, channels.names.take(of_channel), _JOINT)
    if len(offer_ids.unique()) < len(offer_ids):
        raise DataError(
            f"offers: two have the same id, since {_JOINT!r} stands in ids of products and in "
            f"names of channels: rename one"
        )
    columns = {
        _OFFER: offer_ids,
        _PRODUCT: product_ids.take(of_product),
        "channel": channels.names.take(of_channel),
        "cost": pa.array(channels.cost).take(of_channel),
    }
    columns |= {name: fields[name].take(of_product) for name in fields.column_names}
    for name in channels.table.column_names:
        if name not in columns:
            columns[name] = channels.table[name].take(of_channel)
    return pa.table(columns)
