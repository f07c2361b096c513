"""A customer's own decision out of its record, with the proof that it is on record."""

from typing import Any

import pyarrow as pa

from suitably.governance.audit_record import AuditRecord
from suitably.governance.catalogues import Catalogues
from suitably.governance.decision_rows import DecisionRows
from suitably.governance.merkle import (
    inclusion_path,
    leaf_hash,
    sided_path,
)
from suitably.governance.receipt import Proof, receipt_of
from suitably.governance.store import Store

__all__ = ["receipt_on_record"]


def receipt_on_record(
    store: Store, catalogues: Catalogues, record: AuditRecord, row: int
) -> dict[str, Any]:
    """Return the receipt of a decision.

    Args:
        store: Where the records are.
        catalogues: The catalogues that they name.
        record: The decision's.
        row: Its row in it.
    """
    facts = record.facts
    ids, digests = catalogues.named(facts["header"]["catalogue"])
    rows = DecisionRows.unpacked(facts["header"], facts["arrays"], record.payload or b"", digests)
    length = int(rows.arrays["lengths"][row])
    codes = rows.arrays["products"][row, :length]
    hashes = [leaf_hash(one) for one in store.hashes()]
    proof = Proof(
        row=row,
        row_path=tuple(inclusion_path(rows.leaves, row)),
        seq=record.seq,
        at=record.at,
        body=record.body_digest,
        payload=record.payload_digest,
        previous=record.previous,
        path=tuple(sided_path(hashes, record.seq)),
    )
    return receipt_of(rows, ids.take(pa.array(codes)).to_pylist(), proof)
