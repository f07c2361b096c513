"""Purge: which records of decisions have been kept for as long as they had to be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from suitably.data.clock import Clock
from suitably.data.frames import read_frame
from suitably.data.validation import Quarantine, TableValidator
from suitably.errors import DataError
from suitably.governance.audit_record import AuditRecord
from suitably.governance.chained_log import ChainedLog
from suitably.governance.decision_rows import subjects_in
from suitably.governance.legal_hold import Hold, holds_in_force
from suitably.governance.retention import RetentionClass
from suitably.governance.store import Store
from suitably.utils.record import Record

__all__ = ["ContractEnds", "Expired", "Purge", "expired", "held_among", "purge", "purge_body"]
__all__ += ["read_now"]

_NEVER = np.datetime64("9999-12-31", "us")


@dataclass(frozen=True)
class Purge(Record):
    """What a purge has done.

    Attributes:
        record: The record that says so; None where there was nothing to purge.
        purged: The records whose content is gone.
        held: The records that had run out too, and are held.
    """

    record: int | None
    purged: tuple[int, ...]
    held: tuple[int, ...]


class Expired(NamedTuple):
    """A record of decisions that has been kept for as long as it had to be.

    Attributes:
        seq: The record.
        classes: Its retention classes, as the record has them: name, years, since.
    """

    seq: int
    classes: tuple[tuple[str, int, str], ...]


@dataclass
class ContractEnds:
    """When the contracts of users ended, for records whose years begin there.

    Args:
        pseudonyms: Gives the pseudonyms of users under a key by its name; None: it is not here.
        frame: `user_id` and `ended_at`, missing while the contract runs; None: all of them run.

    Raises:
        DataError: A column is missing, or a moment that cannot be read.
    """

    pseudonyms: Callable[[list[Any], str], list[bytes] | None]
    frame: Any = None
    _ids: list[Any] = field(init=False, default_factory=list)
    _ended: Any = field(init=False, default=())
    _found: dict[tuple[str, int], frozenset[bytes]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.frame is None:
            return
        given = read_frame(self.frame, "contracts_ended")[0]
        for name in ("user_id", "ended_at"):
            if name not in given.column_names:
                raise DataError(f"contracts_ended: no column {name!r}; it has {given.column_names}")
        ended = given["ended_at"].combine_chunks().is_valid().to_numpy(zero_copy_only=False)
        some = given.filter(pa.array(ended))
        table = TableValidator("contracts_ended", some, "raise", Quarantine())
        table.rows = np.flatnonzero(ended)
        table.ids("user_id")
        table.moments("ended_at", _NEVER)
        self._ids = table.column("user_id").to_pylist()
        self._ended = Clock.instants(table.column("ended_at"))

    def before(self, cutoff: pd.Timestamp, key: str) -> frozenset[bytes]:
        """Return the pseudonyms under a key of the users whose contracts ended by a moment."""
        limit = cutoff.tz_convert(None).to_numpy().astype("datetime64[us]")
        name = (key, int(limit.astype(np.int64)))
        if name not in self._found:
            mine = zip(self._ids, self._ended, strict=True)
            made = self.pseudonyms([one for one, ended in mine if ended <= limit], key)
            self._found[name] = frozenset(made or ())
        return self._found[name]


def purge(store: Store, log: ChainedLog, now: datetime, ends: ContractEnds) -> Purge:
    """Take the content out of records whose retention has run out and which nothing holds.

    Args:
        store: Where they are.
        log: Which keeps that they are gone.
        now: As of when.
        ends: When contracts ended.

    Raises:
        OSError: Nothing was purged.
    """
    count = log.count
    found = expired(store, now, ends)
    held: set[int] = set()
    start = 0
    while True:
        holds = holds_in_force(store, start, count)
        held |= held_among(store, (one.seq for one in found), holds)
        found = [one for one in found if one.seq not in held]
        if not found:
            return Purge(None, (), tuple(sorted(held)))
        seqs = [one.seq for one in found]
        made = log.append("purge", purge_body(now, found), emptied=seqs, expected=count)
        if made is not None:
            return Purge(made.seq, tuple(seqs), tuple(sorted(held)))
        start, count = count, log.count  # others have appended, perhaps a hold


def expired(store: Store, now: datetime, ends: ContractEnds) -> list[Expired]:
    """Return the records of decisions all of whose retention classes have run out.

    Those without a class are kept for good, and so are all that are not of decisions.
    """
    moment, found = pd.Timestamp(now), []
    for record in store.records(kinds=("decisions",)):
        if record.body is None or record.payload is None or not record.is_whole:
            continue
        classes = tuple((name, years, since) for name, years, since in record.facts["retention"])
        # Whose decisions they are is asked last, which takes longest.
        by_beginning = sorted(classes, key=lambda one: one[2] != "decision")
        if classes and all(_has_run_out(one, moment, record, ends) for one in by_beginning):
            found.append(Expired(record.seq, classes))
    return found


def _has_run_out(
    one: tuple[str, int, Any], now: pd.Timestamp, record: AuditRecord, ends: ContractEnds
) -> bool:
    cutoff = RetentionClass(*one).cutoff(now)
    if one[2] == "decision":
        return bool(pd.Timestamp(record.at, unit="us", tz=UTC) <= cutoff)
    return subjects_in(record) <= ends.before(cutoff, record.facts["header"]["key"])


def held_among(store: Store, seqs: Iterable[int], holds: Mapping[int, Hold]) -> set[int]:
    """Return which records of decisions something holds."""
    found = set()
    for seq in seqs if holds else ():
        for record in store.records(seq, seq + 1):
            key, subjects = record.facts["header"]["key"], subjects_in(record)
            if any(hold.keeps(seq, key, subjects) for hold in holds.values()):
                found.add(seq)
    return found


def purge_body(now: datetime, gone: list[Expired]) -> dict[str, Any]:
    """Return what the record of a purge says: which records, and why they could go."""
    by_classes: dict[tuple[tuple[str, int, str], ...], list[int]] = {}
    for one in gone:
        by_classes.setdefault(one.classes, []).append(one.seq)
    return {
        "now": now.isoformat(),
        "purged": [
            {"records": seqs, "retention": [list(one) for one in classes]}
            for classes, seqs in sorted(by_classes.items())
        ],
    }


def read_now(now: Any, clock: datetime) -> datetime:
    """Read the moment as of which records are purged; None: the present one.

    Raises:
        DataError: No moment, or one that is still to come.
    """
    if now is None:
        return clock
    try:
        moment = pd.Timestamp(now)
    except (TypeError, ValueError) as error:
        raise DataError(f"purge: now={now!r:.40}: {error}") from None
    if pd.isna(moment):
        raise DataError("purge: now is missing")
    moment = moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)
    if moment > clock:
        raise DataError("purge: now is still to come, and what is purged cannot be brought back")
    found: datetime = moment.to_pydatetime()
    return found
