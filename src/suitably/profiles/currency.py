"""Amounts in one currency: converted by rates that the caller gives, or refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.events import Events
from suitably.data.values import as_text
from suitably.errors import DataError

__all__ = ["CURRENCY", "check_rate_table", "check_rates", "in_one_currency", "one_currency"]

CURRENCY = "currency"


def in_one_currency(
    events: Events, rates: Mapping[str, float] | None
) -> tuple[NDArray[np.float64], str]:
    """Return the amounts of events, and the currency that they are in.

    An event's currency is that of the log's column `currency`. Without the column, and where it is
    empty, amounts are in the currency of the frame, whatever a product is denominated in.

    Args:
        events: Whose amounts.
        rates: What one unit of each currency is worth in the currency of the frame; None: no
            amount is to be converted.

    Returns:
        float64 (events,), NaN where an amount is missing; and the name of the currency, empty
        where it is not said, or once rates have converted the amounts.

    Raises:
        DataError: Amounts in several currencies without rates, or in one that has none.
    """
    if events.values is None or not len(events):
        return np.full(len(events), np.nan), ""
    if events.extra is None or CURRENCY not in events.extra.column_names:
        return events.values, ""
    where = f"interactions.{CURRENCY}"
    return converted(events.values, as_text(events.column(CURRENCY), where), rates, "interactions")


def converted(
    amounts: NDArray[np.float64], said: pa.Array, rates: Mapping[str, float] | None, where: str
) -> tuple[NDArray[np.float64], str]:
    """Return amounts in one currency, likewise.

    Args:
        amounts: float64 (n,), NaN where one is missing.
        said: Text (n,), what each is in; null: the currency of the frame.
        rates: As above.
        where: The table that they are in, for messages.

    Raises:
        DataError: Amounts in several currencies without rates, or in one that has none.
    """
    encoded = said.dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    used = [names[int(c)] for c in np.unique(codes[~np.isnan(amounts) & (codes >= 0)])]
    if rates is None:
        return amounts, one_currency(*used, where=where)
    lacking = sorted(set(used) - set(rates))
    if lacking:
        raise DataError(f"{where}: amounts in {', '.join(lacking)}, for which rates= has none")
    worth = np.array([float(rates.get(name, np.nan)) for name in names] + [1.0])
    return amounts * worth[codes], ""


def one_currency(*said: Any, where: str = "interactions") -> str:
    """Return the currency of amounts that are to be added: the same, or not said.

    Raises:
        DataError: There are several.
    """
    names = sorted({str(one) for one in said} - {""})
    if len(names) > 1:
        raise DataError(
            f"{where}: amounts are in several currencies ({', '.join(names)}) and cannot be "
            f"added; give the rate of each, as in rates={{{', '.join(f'{n!r}: …' for n in names)}}}"
        )
    return names[0] if names else ""


def check_rates(owner: Any) -> None:
    """Refuse the parameter `rates` where it is no table of numbers above 0.

    Raises:
        ValueError: It is something else.
    """
    check_rate_table(type(owner).__name__, owner.rates)


def check_rate_table(name: str, rates: Any) -> None:
    """Refuse rates that are no table of numbers above 0, nor None.

    Args:
        name: What they were given to, for the message.
        rates: What was given.

    Raises:
        ValueError: They are something else.
    """
    if rates is None:
        return
    if not isinstance(rates, Mapping) or not all(isinstance(key, str) for key in rates):
        raise ValueError(f"{name}(rates={rates!r:.80}): must be a table of rates by currency")
    for currency, rate in rates.items():
        number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
        if not number or not 0 < rate < np.inf:
            raise ValueError(f"{name}(rates={{{currency!r}: {rate!r}}}): must be a number above 0")
