"""Decisions by their names, and by whom they are about."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from suitably.errors import DataError
from suitably.governance.audit_key import KeyRing
from suitably.governance.audit_record import AuditRecord
from suitably.governance.store import Store
from suitably.governance.subjects import subject_of

__all__ = ["decisions_about", "find_decision"]

_DECISION = re.compile(r"(0|[1-9][0-9]{0,17}):(0|[1-9][0-9]{0,8})")


def decisions_about(store: Store, keys: KeyRing, user_id: Any) -> Iterator[tuple[AuditRecord, int]]:
    """Yield the records that hold decisions about a user, and the rows, the latest first."""
    subjects: dict[str, bytes] = {}
    for record in store.backwards(("decisions",)):
        if record.payload is None:
            continue
        facts = record.facts
        name = facts["header"]["key"]
        if name not in subjects:
            key = keys.of(name)
            subjects[name] = b"" if key is None else subject_of(user_id, key)
        (_, shape), *_ = facts["arrays"]
        if not subjects[name] or not shape[0]:
            continue
        held = np.frombuffer(record.payload[: shape[0] * shape[1]], np.uint8).reshape(shape)
        mine = (held == np.frombuffer(subjects[name], np.uint8)).all(axis=1)
        for row in np.flatnonzero(mine)[::-1]:
            yield record, int(row)


def find_decision(store: Store, decision: str) -> tuple[AuditRecord, int]:
    """Return the record and the row of a decision.

    Args:
        store: Where it is.
        decision: `"record:row"`.

    Raises:
        DataError: It is no such name, or there is no such decision, or it was purged.
    """
    named = _DECISION.fullmatch(decision) if isinstance(decision, str) else None
    if named is None:
        raise DataError(f"decision {decision!r:.40}: must be as 12:34, a record and a row of it")
    seq, row = map(int, named.groups())
    for record in store.records(seq, seq + 1, ("decisions",)):
        if record.body is None or record.payload is None:
            raise DataError(f"decision {decision}: its record was purged")
        (_, (rows, _)), *_ = record.facts["arrays"]
        if row < rows:
            return record, row
    raise DataError(f"decision {decision}: is not on record")
