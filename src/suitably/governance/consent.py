"""Consent: which users have granted which purpose, and not withdrawn it, as of a moment."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instants
from suitably.data.frames import read_frame
from suitably.data.validation import Quarantine, TableValidator
from suitably.data.values import in_words
from suitably.data.vocabulary import Vocabulary, id_array, same_ids
from suitably.errors import DataError
from suitably.utils.fork import ForkLock
from suitably.utils.suggest import nearest

__all__ = ["PURPOSES", "Consent"]

PURPOSES = ("personalisation", "sensitive", "marketing")
"""What a user can consent to: lists made from their behaviour, sensitive data, being approached."""

_COLUMNS = ("user_id", "purpose", "granted_at", "withdrawn_at")
_NEVER = np.datetime64("9999-12-31", "us")
_MOMENTS = 4


class Consent:
    """Who has consented to what, as of any moment.

    A user has consented to a purpose as of a moment if a row grants it before that moment, and does
    not withdraw it before then; whoever has no such row has not. Rows may lie in the future: a
    withdrawal that is dated ahead ends a consent on its day.

    Given to a pipeline, it decides who gets a personal list: see `Pipeline`. It is asked as of the
    moment of each call, so a service that must honour what came in since the fit asks as of now.

    Args:
        frame: A row per consent: `user_id`, `purpose` (one of `PURPOSES`), `granted_at`, and
            `withdrawn_at`, missing where it holds on; dates, times or ISO 8601 text. Any frame that
            narwhals reads.
        sensitive_fields: Fields of users, columns or profiles, that are sensitive: nothing is
            learned from them, and no list reordered by them, but for whoever has consented to
            `sensitive`. Rules read them all the same.

    Raises:
        DataError: A column is missing, a purpose unknown, a row without user or grant, or withdrawn
            before it was granted.
        ValueError: `sensitive_fields` are no names.

    Source:
        Regulation (EU) 2016/679, Art. 7(3): to withdraw is as easy as to give, and takes effect
        from then on.

    Example:
        >>> import pandas as pd
        >>> consent = Consent(pd.DataFrame({
        ...     "user_id": ["ann", "bob"], "purpose": "personalisation",
        ...     "granted_at": ["2024-01-01", "2024-01-01"],
        ...     "withdrawn_at": [None, "2024-06-01"]}))
        >>> consent.granted(["ann", "bob", "cat"], "personalisation", "2024-06-02").tolist()
        [True, False, False]
        >>> consent.granted(["ann", "bob", "cat"], "marketing", "2024-06-02").tolist()
        [False, False, False]
    """

    def __init__(self, frame: Any, sensitive_fields: Sequence[str] = ()) -> None:
        if isinstance(sensitive_fields, str) or not all(
            isinstance(name, str) and name for name in sensitive_fields
        ):
            raise ValueError(f"sensitive_fields={sensitive_fields!r:.60}: must be a list of names")
        self.sensitive_fields = tuple(sensitive_fields)
        table = TableValidator("consent", read_frame(frame, "consent")[0], "raise", Quarantine())
        for column in _COLUMNS:
            table.require(column)
        table.ids("user_id")
        self._purposes = _read_purposes(table)
        zones = {"granted_at": table.moments("granted_at", _NEVER)}
        self._granted = Clock.instants(table.column("granted_at"))
        self._withdrawn, zone = _read_withdrawals(table)
        if not np.isnat(self._withdrawn).all():
            zones["withdrawn_at"] = zone
        self._clock = Clock.of_columns(zones)
        table.refuse(
            "withdrawn_at", "is withdrawn before it was granted", self._withdrawn < self._granted
        )
        encoded = table.column("user_id").dictionary_encode()
        self._users = Vocabulary(encoded.dictionary, table.kinds["user_id"])
        self._codes = encoded.indices.to_numpy(zero_copy_only=False)
        self._lock = ForkLock()
        self._held: OrderedDict[tuple[str, int | None], NDArray[np.bool_]] = OrderedDict()

    def granted(self, user_ids: Any, purpose: str, as_of: Any = None) -> NDArray[np.bool_]:
        """Return who has consented to a purpose as of a moment: bool (users,).

        Args:
            user_ids: Ids, known here or not.
            purpose: One of `PURPOSES`.
            as_of: The moment: what is dated at or after it is not seen yet. None, in data without
                timestamps: all rows are seen.

        Raises:
            DataError: Ids of another type, or a moment whose time-zone awareness differs.
            ValueError: Another purpose.
        """
        if purpose not in PURPOSES:
            raise ValueError(f"purpose={purpose!r}: must be one of {', '.join(PURPOSES)}")
        ids = id_array(user_ids, "user_ids")
        if len(ids) and not same_ids(ids.type, self._users.array.type):
            raise DataError(
                f"consent: user_id holds {in_words(self._users.array.type)}, but those asked are "
                f"{in_words(ids.type)}: use one type of id"
            )
        codes = self._users.codes(ids)
        held = self._holding(purpose, None if as_of is None else self._clock.instant(as_of))
        return (codes >= 0) & held[codes]

    def _holding(self, purpose: str, moment: Any) -> NDArray[np.bool_]:
        """Return whose consent holds: bool (users of the frame + 1,), false in the last place."""
        key = (purpose, None if moment is None else int(moment.astype(np.int64)))
        with self._lock:
            found = self._held.get(key)
        if found is not None:
            return found
        rows = self._purposes == PURPOSES.index(purpose)
        ended = ~np.isnat(self._withdrawn)
        if moment is not None:
            rows &= self._granted < moment
            ended &= self._withdrawn < moment
        found = np.zeros(len(self._users) + 1, bool)
        found[self._codes[rows & ~ended]] = True
        with self._lock:
            self._held[key] = found
            while len(self._held) > _MOMENTS:
                self._held.popitem(last=False)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and send by the frame that it was made of."""
        return Consent, (self._table(), self.sensitive_fields)

    def _table(self) -> pa.Table:
        purposes = pa.array(PURPOSES).take(pa.array(self._purposes))
        zone = self._clock.zone
        moments = {"granted_at": self._granted, "withdrawn_at": self._withdrawn}
        return pa.table(
            {
                "user_id": self._users.decode(self._codes),
                "purpose": purposes,
                **{
                    name: pa.array(times, pa.timestamp("us", zone))
                    for name, times in moments.items()
                },
            }
        )

    def __repr__(self) -> str:
        counts = np.bincount(self._purposes, minlength=len(PURPOSES)).tolist()
        said = ", ".join(f"{n:,} {name}" for name, n in zip(PURPOSES, counts, strict=True) if n)
        return f"Consent({len(self._users):,} users: {said})"


def _read_purposes(table: TableValidator) -> NDArray[np.int64]:
    column = table.column("purpose")
    if not pa.types.is_string(column.type):
        raise DataError(f"consent.purpose: must hold text, not {in_words(column.type)}")
    found = pc.index_in(column, pa.array(PURPOSES))
    odd = found.is_null().to_numpy(zero_copy_only=False)
    names = [name for name in column.filter(pa.array(odd)).unique().to_pylist() if name]
    hint = nearest(names[0], PURPOSES) if names else ""
    table.refuse("purpose", f"is none of {', '.join(PURPOSES)}{hint}", odd)
    codes: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _read_withdrawals(table: TableValidator) -> tuple[Instants, str | None]:
    """Return when each consent was withdrawn, NaT where it holds on, and the time zone."""
    times = np.full(len(table.rows), np.datetime64("NaT", "us"), "datetime64[us]")
    ended = table.column("withdrawn_at").is_valid().to_numpy(zero_copy_only=False)
    if not ended.any():
        return times, None
    some = TableValidator("consent", table.table.filter(pa.array(ended)), "raise", Quarantine())
    some.rows = np.flatnonzero(ended)
    zone = some.moments("withdrawn_at", _NEVER)
    times[ended] = Clock.instants(some.column("withdrawn_at"))
    return times, zone
