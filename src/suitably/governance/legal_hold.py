"""Legal hold: decisions that are not purged, however old, until they are released."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from suitably.errors import DataError
from suitably.governance.audit_record import AuditRecord
from suitably.governance.store import Store
from suitably.utils.record import Record

__all__ = ["Hold", "holds_in_force"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Hold(Record):
    """What must not be purged.

    Attributes:
        id: The record that says so, by which it is released.
        at: Since when.
        reason: Why, as it was given.
        decision: The decision that is held, as `"record:row"`; None: all about a user.
        records: The records that it held when it began.
        subjects: The pseudonyms of the user, by the key that they are under; none of a decision.
    """

    id: int
    at: datetime
    reason: str
    decision: str | None
    records: tuple[int, ...]
    subjects: Mapping[str, str]

    @staticmethod
    def of(record: AuditRecord) -> "Hold":
        """Read it from the record."""
        facts = record.facts
        at = _EPOCH + timedelta(microseconds=record.at)
        what = (facts["decision"], tuple(facts["records"]), facts["subjects"])
        return Hold(record.seq, at, facts["reason"], *what)

    def keeps(self, seq: int, key: str, subjects: frozenset[bytes]) -> bool:
        """Return whether it keeps a record of decisions.

        Where the user's pseudonym under the key of the record is not known, since the key is newer
        than the hold, the user may be in it: it is kept.

        Args:
            seq: The record.
            key: What its pseudonyms are under.
            subjects: Whose decisions are in it.
        """
        if seq in self.records:
            return True
        if not self.subjects:
            return False
        mine = self.subjects.get(key)
        return mine is None or bytes.fromhex(mine) in subjects


def holds_in_force(store: Store, start: int = 0, stop: int | None = None) -> dict[int, Hold]:
    """Return what was held in some records and not released there, by id."""
    found: dict[int, Hold] = {}
    for record in store.records(start, stop, ("hold", "release")):
        if record.kind == "hold":
            found[record.seq] = Hold.of(record)
        else:
            found.pop(record.facts["hold"], None)
    return found


def hold_body(
    reason: str, decision: str | None, records: list[int], subjects: dict[str, str]
) -> dict[str, Any]:
    """Return what the record of a hold says.

    Raises:
        DataError: There is no reason.
    """
    if not isinstance(reason, str) or not reason.strip():
        raise DataError("hold: say why: a reason is what it will be asked for")
    return {
        "decision": decision,
        "reason": reason,
        "records": sorted(records),
        "subjects": subjects,
    }
