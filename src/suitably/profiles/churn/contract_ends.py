"""Contracts that end: when, and how many came to their end without being renewed."""

import numpy as np
import pyarrow as pa

from suitably.data import Clock, Dataset, View
from suitably.data.clock import Instant, Instants
from suitably.profiles.user_columns import column_of_users, moments_in

__all__ = ["contract_ends", "ended_contracts"]


def contract_ends(view: View, column: str, builder: str) -> Instants:
    """Return when each user's contract ends: datetime64[us] (users,), NaT for no end.

    Args:
        view: The view.
        column: Of the users frame: dates, each the first instant of its day, or timestamps.
        builder: Who asks, for the message.

    Raises:
        DataError: There is no such column, or it holds something else.
    """
    return _ends(view.user_fields, column, view.clock, builder)


def ended_contracts(
    data: Dataset, moment: Instant | None, column: str, builder: str
) -> tuple[int, int]:
    """Count the contracts that had come to their end by a moment, and those not renewed.

    Contracts are told from the versions of a user. One is renewed if the next version has a later
    end, or none any more; if it has an earlier one, that one counts instead. Without versions, or
    without a moment, there is only the contract that holds now, and none can be counted: of those
    that were renewed nothing is left to see.

    Returns:
        Contracts with an end at or before the moment; how many of them were not renewed.

    Raises:
        DataError: As for `contract_ends`.
    """
    versions = data.user_versions
    if versions.times is None or moment is None:
        return 0, 0
    seen = np.flatnonzero(versions.times < moment)
    users = versions.codes[seen]
    ends = _ends(versions.fields, column, data.clock, builder)[seen]
    last = np.append(users[1:] != users[:-1], np.ones(min(len(users), 1), bool))
    after = np.append(ends[1:], np.datetime64("NaT", "us"))[: len(ends)]
    renewed = ~last & (np.isnat(after) | (after > ends))
    ended = (ends <= moment) & (last | renewed)
    return int(ended.sum()), int((ended & ~renewed).sum())


def _ends(fields: pa.Table, column: str, clock: Clock, builder: str) -> Instants:
    return moments_in(column_of_users(fields, column, builder), f"users.{column}", clock)
