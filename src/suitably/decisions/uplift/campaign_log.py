"""Reading a campaign: who was approached, with which probability, and what came of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.data.frames import read_frame
from suitably.data.values import in_words, readable
from suitably.decisions.numbers import check_known, check_values, numbers_of
from suitably.errors import DataError
from suitably.utils.suggest import nearest

__all__ = ["CampaignLog"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CampaignLog:
    """A row per customer of a campaign.

    Attributes:
        table: All columns of the frame.
        approached: bool (n,).
        outcome: float64 (n,), finite.
        binary: Whether every outcome is 0 or 1.
        probability: float64 (n,), of being approached; None: not known.
    """

    table: pa.Table
    approached: NDArray[np.bool_]
    outcome: Floats
    binary: bool
    probability: Floats | None

    @staticmethod
    def read(
        frame: Any,
        treatment: str,
        outcome: str,
        probability: float | str | None,
        treated_at: str | None,
        outcome_at: str | None,
    ) -> "CampaignLog":
        """Read and check a frame.

        Raises:
            DataError: A column that is not there or not of its kind, a value that is missing or
                impossible (its row is named), or an outcome before its treatment.
            ValueError: A number as probability that is not between 0 and 1.
        """
        table, _ = read_frame(frame, "frame", copy=False)
        if not table.num_rows:
            raise DataError("frame: not evaluable: it has no rows")
        approached = _numbers(table, treatment, "treatment")
        check_values(approached, np.isin(approached, (0.0, 1.0)), treatment, "must be 0 or 1")
        result = _numbers(table, outcome, "outcome")
        _check_order(table, treated_at, outcome_at)
        return CampaignLog(
            table,
            approached == 1,
            result,
            bool(np.isin(result, (0.0, 1.0)).all()),
            _probability(table, probability),
        )


def _probability(table: pa.Table, given: float | str | None) -> Floats | None:
    if given is None:
        return None
    if isinstance(given, str):
        found = _numbers(table, given, "probability")
        inside = (found > 0) & (found < 1)
        check_values(found, inside, given, "must be above 0 and below 1")
        return found
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise ValueError(f"probability={given!r:.60}: must be a number, a column's name or None")
    if not 0 < given < 1:
        raise ValueError(f"probability={given!r}: must be above 0 and below 1")
    return np.full(table.num_rows, float(given))


def _numbers(table: pa.Table, name: str, what: str) -> Floats:
    """Read numbers or booleans, none missing."""
    found = numbers_of(_column(table, name, what), name, booleans=True)
    check_known(found, name)
    return found


def _column(table: pa.Table, name: str, what: str) -> pa.Array:
    if name not in table.column_names:
        hint = nearest(str(name), table.column_names) if table.column_names else ""
        raise DataError(f"{what}={name!r}: the frame has no such column{hint}")
    return readable(table[name].combine_chunks(), name)


def _check_order(table: pa.Table, treated_at: str | None, outcome_at: str | None) -> None:
    """Refuse outcomes before their treatment, where both are dated."""
    if treated_at is None or outcome_at is None:
        return
    moments = []
    for name, what in ((treated_at, "treated_at"), (outcome_at, "outcome_at")):
        array = _column(table, name, what)
        if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)):
            if array.null_count < len(array):
                raise DataError(f"{name}: must be dates or times, holds {in_words(array.type)}")
            return
        moments.append((array, getattr(array.type, "tz", None)))
    (treated, one_zone), (came, other_zone) = moments
    if (one_zone is None) != (other_zone is None):
        raise DataError(f"{treated_at} and {outcome_at}: one has a time zone, the other has none")
    clock = Clock(one_zone)
    early = clock.moments(came, outcome_at) < clock.moments(treated, treated_at)
    if early.any():
        row = int(np.flatnonzero(early)[0])
        raise DataError(
            f"{outcome_at}: {int(early.sum())} outcomes are before their treatment in "
            f"{treated_at}, the first in row {row}: {came[row]} before {treated[row]}"
        )
