"""What would be invested: read from a call, and laid over what the users' fields say."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.entities import Entities
from suitably.data.frames import read_frame
from suitably.data.values import finite_doubles, is_number, plain, readable, whole_beyond
from suitably.errors import DataError
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.nodes import column_name

__all__ = ["numbers_of", "proposed_amounts", "read_amounts", "with_amounts"]

_FIELD = column_name(AMOUNT)


def read_amounts(amount: Any, users: Entities) -> NDArray[np.float64] | None:
    """Read the `amount=` of a call: float64 (users,), NaN where nothing is proposed; None for None.

    Args:
        amount: A number for all, in the currency of the products' amounts, or a frame with a row
            for some: the id of the user, `amount` and perhaps `currency`, which must be the user's.
        users: The users, with their fields.

    Raises:
        DataError: No number from 0 up, an unknown user or one twice, or another currency.
    """
    if amount is None:
        return None
    if isinstance(amount, bool | str):
        raise DataError(f"amount={amount!r:.40}: must be a number from 0 up, or a frame")
    if isinstance(amount, int | float | Decimal | np.number):
        try:
            number = float(amount)
            double = isinstance(amount, float | np.floating)
            exact = double or not whole_beyond(Decimal(str(amount)))
        except (OverflowError, ValueError):
            number, exact = np.nan, True
        if not exact:
            raise DataError(f"amount={amount!s:.40}: a whole number beyond 2**53 is not exact")
        if not (np.isfinite(number) and number >= 0):
            raise DataError(f"amount={amount!s:.40}: must be a number from 0 up, or a frame")
        return np.full(len(users), number)
    table, _ = read_frame(amount, "amount")
    id_column = users.id_column if users.id_column in table.column_names else "user_id"
    for name in (id_column, "amount"):
        if name not in table.column_names:
            raise DataError(f"amount: no column {name!r}; it has {table.column_names}")
    codes = users.codes_of(table[id_column], "amount").astype(np.int64)
    if (codes < 0).any() or len(np.unique(codes)) < len(codes):
        row = np.flatnonzero((codes < 0) | (np.bincount(np.maximum(codes, 0))[codes] > 1))[0]
        raise DataError(f"amount: row {row}: a user that is not known, or is there twice")
    where = "amount.amount"
    column = plain(readable(table["amount"].combine_chunks(), where))
    if not (is_number(column.type) or pa.types.is_null(column.type)):
        raise DataError(f"{where}: must hold numbers from 0 up, not {column.type}")
    values = finite_doubles(column, where)
    bad = np.flatnonzero(np.isnan(values) | (values < 0))
    if len(bad):
        raise DataError(
            f"{where}: {len(bad)} of {len(values)} rows: is no number from 0 up "
            f"(row {bad[0]}: {values[bad[0]]:g})"
        )
    if "currency" in table.column_names:
        _refuse_other_currency(table["currency"].to_pylist(), codes, users)
    amounts = np.full(len(users), np.nan)
    amounts[codes] = values
    return amounts


def with_amounts(users: Entities, amounts: NDArray[np.float64]) -> Entities:
    """Return users whose proposed amounts are those of a call, where it has one."""
    fields = users.fields
    column = pa.array(proposed_amounts(users, amounts), from_pandas=True)
    if not fields.num_columns:
        return users.with_fields(pa.table({_FIELD: column}))
    if _FIELD in fields.column_names:
        fields = fields.drop_columns([_FIELD])
    return users.with_fields(fields.append_column(_FIELD, column))


def proposed_amounts(users: Entities, amounts: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return what would be invested: what a call says, else what the users' fields say, else NaN.

    Args:
        users: The users, with their fields.
        amounts: float64 (users,), as `read_amounts` returns them.

    Returns:
        float64 (users,).
    """
    own = numbers_of(users, _FIELD)
    return own if amounts is None else np.where(np.isnan(amounts), own, amounts)


def numbers_of(entities: Entities, name: str) -> NDArray[np.float64]:
    """Return a field of numbers, float64 (ids,), NaN where missing or where there is no such field.

    Raises:
        DataError: A value that no double holds.
    """
    if name not in entities.fields.column_names:
        return np.full(len(entities), np.nan)
    where = f"{entities.side.removesuffix('s')}.{name}"
    return finite_doubles(readable(entities.fields[name].combine_chunks(), where), where)


def _refuse_other_currency(given: list[Any], codes: NDArray[np.int64], users: Entities) -> None:
    if "currency" not in users.fields.column_names:
        raise DataError("amount.currency: the users have no column 'currency' to hold it against")
    own = users.fields["currency"].take(pa.array(codes)).to_pylist()
    for row, (mine, theirs) in enumerate(zip(given, own, strict=True)):
        if mine != theirs:
            raise DataError(
                f"amount.currency: row {row}: {mine!r}, but the user's is {theirs!r}: convert it"
            )
