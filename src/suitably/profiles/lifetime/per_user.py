"""A parameter that is one number for everybody, or a column of the users frame."""

from typing import Any

import numpy as np

from suitably.data import View
from suitably.errors import DataError
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.user_columns import user_numbers
from suitably.utils.params import check_fraction, check_positive

__all__ = ["check_per_user", "columns_among", "per_user"]


def check_per_user(owner: Any, *names: str, share: bool = False) -> None:
    """Refuse parameters that are neither the name of a column nor a number from 0 up.

    Args:
        owner: Whose parameters.
        names: Which.
        share: Whether they may not be above 1.

    Raises:
        ValueError: One of them is something else.
    """
    for name in names:
        if not isinstance(getattr(owner, name), str):
            if share:
                check_fraction(owner, name)
            else:
                check_positive(owner, name, zero=True)


def columns_among(*given: float | str) -> tuple[str, ...]:
    """Return which parameters are names of columns, each once."""
    return tuple(dict.fromkeys(one for one in given if isinstance(one, str)))


def per_user(view: View, given: float | str, most: float = np.inf) -> Floats:
    """Return a number per user: float64 (users,), NaN where the column has none.

    Raises:
        DataError: There is no such column, or it holds something else than numbers from 0 to
            `most`.
    """
    if not isinstance(given, str):
        return np.full(len(view.users), float(given))
    numbers = user_numbers(view, given, "lifetime value")
    off = np.flatnonzero((numbers < 0) | (numbers > most))
    if len(off):
        wanted = "0 or more" if most == np.inf else f"from 0 to {most:g}"
        raise DataError(
            f"users.{given}: {len(off)} values are not {wanted} (row {off[0]}: {numbers[off[0]]:g})"
        )
    return numbers
