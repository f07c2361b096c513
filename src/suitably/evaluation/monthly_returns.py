"""Returns of products after a cut, per month, from prices or as given."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame, write_frame
from suitably.data.values import doubles, is_number, readable
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError
from suitably.evaluation.pairs import refuse_other_ids
from suitably.typing import AsOf, IntoFrame

__all__ = ["Returns", "monthly_returns", "read_returns"]

_MONTH = 30.0


@dataclass(frozen=True)
class Returns:
    """Monthly returns of products, period by period.

    Attributes:
        products: The products.
        values: float64 (products, periods), NaN where it is not known.
    """

    products: Vocabulary
    values: NDArray[np.float64]

    def of(self, products: Vocabulary) -> NDArray[np.float64]:
        """Return those of some products, NaN for what is not known: float64 (products, periods)."""
        refuse_other_ids(products, self.products, "products")
        rows = self.products.codes(products.values)
        return np.vstack([self.values, np.full((1, self.values.shape[1]), np.nan)])[rows]


def monthly_returns(prices: IntoFrame, at: AsOf, end: AsOf) -> Any:
    """Return what every product returned in `[at, end)`, per month of 30 days, compounded.

    The window is cut into as many equal periods as it has months of 30 days, rounded, and at least
    one. A product's price at a moment is its last one at or before that moment, unless it is older
    than a period: then it is not known. A period of d days in which the price went from a to b
    returned (b / a)^(30 / d) − 1 a month.

    Args:
        prices: product_id, timestamp and price, a row per product and moment, in any order.
        at: The cut, with a time zone if the timestamps have one.
        end: The end of the window.

    Returns:
        A frame of the kind of `prices`: product_id, period (from 0) and monthly_return, a row per
        product and period in which it is known.

    Raises:
        DataError: A missing column, a null, a moment that cannot be read, a price that is not above
            0, a product with two prices at one moment, or a window without length.

    Source:
        Sanz-Cruzado, Droukas and McCreadie, FAR-Trans, arXiv:2407.08692, for the compounding.

    Example:
        >>> prices = pd.DataFrame({"product_id": ["a"] * 3, "price": [100.0, 110.0, 99.0],
        ...     "timestamp": pd.to_datetime(["2024-01-01", "2024-01-31", "2024-03-01"])})
        >>> monthly_returns(prices, "2024-01-01", "2024-03-01").round(4)
          product_id  period  monthly_return
        0          a       0             0.1
        1          a       1            -0.1
    """
    table, kind = read_frame(prices, "prices")
    _require(table, ("product_id", "timestamp", "price"), "prices")
    ids = id_array(table["product_id"], "prices.product_id")
    price = _numbers(table, "price", "prices")
    try:
        times: Any = pd.to_datetime(pd.Series(table["timestamp"].to_pandas()))
        start, stop = pd.Timestamp(at), pd.Timestamp(end)
    except (ValueError, TypeError) as error:
        raise DataError(f"prices: a moment cannot be read: {error}") from None
    if ids.null_count or times.isna().any() or not (price > 0).all():
        raise DataError("prices: every row needs a product, a timestamp and a price above 0")
    if not start < stop:
        raise DataError(f"prices: the window from {start} to {stop} has no length")
    if (times.dt.tz is None) != (start.tz is None):
        raise DataError("prices.timestamp and the cut differ in time-zone awareness")
    days = (stop - start) / pd.Timedelta(days=1)
    periods = max(1, round(days / _MONTH))
    bounds = [start + (stop - start) * step / periods for step in range(periods + 1)]
    encoded = ids.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((times.to_numpy("datetime64[us]"), codes))
    codes, price = codes[order], price[order]
    instants = times.iloc[order].reset_index(drop=True)
    if ((np.diff(codes) == 0) & (instants.diff().iloc[1:] == pd.Timedelta(0)).to_numpy()).any():
        raise DataError("prices: a product has two prices at one moment")
    at_bounds = np.full((len(encoded.dictionary), periods + 1), np.nan)
    for step, bound in enumerate(bounds):
        fresh = (instants > bound - (stop - start) / periods) & (instants <= bound)
        there = np.flatnonzero(fresh.to_numpy())
        at_bounds[codes[there], step] = price[there]  # in order of time: the last one stays
    monthly = (at_bounds[:, 1:] / at_bounds[:, :-1]) ** (_MONTH * periods / days) - 1
    rows, steps = np.nonzero(~np.isnan(monthly))
    made = pa.table(
        {
            "product_id": encoded.dictionary.take(pa.array(rows)),
            "period": steps,
            "monthly_return": monthly[rows, steps],
        }
    )
    return write_frame(made, kind)


def read_returns(frame: Any, name: str) -> Returns:
    """Read product_id, monthly_return and, where there are several periods, period (from 0).

    Raises:
        DataError: A missing column, a null id, a return below −1 or infinite, or a product with two
            returns in a period.
    """
    table, _ = read_frame(frame, name)
    _require(table, ("product_id", "monthly_return"), name)
    ids = id_array(table["product_id"], f"{name}.product_id")
    values = _numbers(table, "monthly_return", name)
    steps = np.zeros(len(ids), np.int64)
    if "period" in table.column_names:
        try:
            steps = table["period"].combine_chunks().cast(pa.int64()).to_numpy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise DataError(f"{name}.period: must hold whole numbers from 0") from None
    if ids.null_count or (steps < 0).any() or (steps > len(steps)).any():
        raise DataError(f"{name}: every row needs a product, and periods are counted from 0")
    if np.isinf(values).any() or (values < -1).any():
        raise DataError(f"{name}.monthly_return: must be finite and not below -1 (all is lost)")
    encoded = ids.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    periods = int(steps.max(initial=0)) + 1
    if len(np.unique(codes * periods + steps)) < len(codes):
        raise DataError(f"{name}: a product has two returns in one period")
    table_of = np.full((len(encoded.dictionary), periods), np.nan)
    table_of[codes, steps] = values
    return Returns(Vocabulary(encoded.dictionary), table_of)


def _require(table: pa.Table, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise DataError(f"{name}: no column {', '.join(missing)}; it has {table.column_names}")


def _numbers(table: pa.Table, column: str, name: str) -> NDArray[np.float64]:
    array = readable(table[column].combine_chunks(), f"{name}.{column}")
    if not (is_number(array.type) or not len(array)):
        raise DataError(f"{name}.{column}: must hold numbers, not {array.type}")
    return doubles(array, f"{name}.{column}") if len(array) else np.zeros(0)
