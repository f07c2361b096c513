"""Switches on record: what was turned off or on, when, why and by whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from suitably.errors import DataError
from suitably.governance.audit_record import AuditRecord
from suitably.governance.store import Store
from suitably.utils.record import Record

__all__ = ["RecordedSwitch", "check_switch", "recorded_switches", "switch_body"]

_ACTIONS = ("off", "on")
_KINDS = ("user", "product", "policy", "everything")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RecordedSwitch(Record):
    """What was turned off or on.

    Attributes:
        seq: The record.
        at: When it was recorded, UTC: before it took effect.
        action: `"off"` or `"on"`.
        kind: `"user"`, `"product"`, `"policy"` or `"everything"`.
        id: Of the product or the policy; None else.
        subject: The user's pseudonym under the key of the record; None else.
        reason: Why.
        by: Who did.
    """

    seq: int
    at: datetime
    action: str
    kind: str
    id: Any
    subject: str | None
    reason: str
    by: str

    @staticmethod
    def of(record: AuditRecord) -> "RecordedSwitch":
        """Read it from the record."""
        facts = record.facts
        check_switch(facts)
        names = ("action", "kind", "id", "subject", "reason", "by")
        at = _EPOCH + timedelta(microseconds=record.at)
        return RecordedSwitch(record.seq, at, *(facts[name] for name in names))


def recorded_switches(store: Store) -> Iterator[RecordedSwitch]:
    """Yield the switches of a trail, the first first."""
    return (RecordedSwitch.of(record) for record in store.records(kinds=("switch",)))


def switch_body(
    action: str,
    kind: str,
    what: Any,
    subject: tuple[str, str] | None,
    reason: str,
    by: str,
) -> dict[str, Any]:
    """Return what the record of a switch says.

    Args:
        action: `"off"` or `"on"`.
        kind: What kind of thing.
        what: Its id; a user's does not go on record.
        subject: A user's pseudonym, and the key that it is under; None for anything else.
        reason: Why.
        by: Who does.

    Raises:
        DataError: It says something else.
    """
    said = {
        "action": action,
        "by": by,
        "id": None if kind == "user" else what,
        "key": None if subject is None else subject[1],
        "kind": kind,
        "reason": reason,
        "subject": None if subject is None else subject[0],
    }
    try:
        check_switch(said)
    except (LookupError, ValueError) as error:
        raise DataError(f"switch: {error}") from None
    return said


def check_switch(facts: dict[str, Any]) -> None:
    """Refuse what no record of a switch says.

    Raises:
        ValueError: It does.
        LookupError: It lacks something.
    """
    kind, subject, which = facts["kind"], facts["subject"], facts["id"]
    if facts["action"] not in _ACTIONS or kind not in _KINDS:
        raise ValueError(f"turns {facts['action']!r:.20} {kind!r:.20}, which is no switch")
    if (kind == "user") != (subject is not None) or (kind in ("product", "policy")) != (
        which is not None
    ):
        raise ValueError(f"does not say which {kind} it is about")
    if not all(isinstance(facts[name], str) and facts[name].strip() for name in ("reason", "by")):
        raise ValueError("does not say why, or who did")
