"""Audit records: what is kept, chained by the hash of all its columns and of the record before."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["GENESIS", "AuditRecord", "canonical_json", "chain_hash"]

GENESIS = bytes(32)
"""What stands for the record before the first."""

_DOMAIN = b"suitably audit record 1\x00"


@dataclass(frozen=True)
class AuditRecord:
    """A record of the trail.

    Attributes:
        seq: Its place, from 0.
        kind: What it is: `trail`, `catalogue`, `decisions`, `erasure`, `key`, `switch`, `hold`,
            `release` or `purge`.
        at: When it was written, in microseconds since 1970, UTC.
        body: Canonical JSON; None once it was purged.
        payload: Arrays and Arrow streams; None once it was purged.
        body_digest: SHA-256 of the body, which outlasts it.
        payload_digest: Likewise.
        root: The root over the decisions of a block; zeros in other records.
        previous: The hash of the record before.
        hash: Of all of these.
    """

    seq: int
    kind: str
    at: int
    body: bytes | None
    payload: bytes | None
    body_digest: bytes
    payload_digest: bytes
    root: bytes
    previous: bytes
    hash: bytes

    @staticmethod
    def of(
        seq: int,
        kind: str,
        at: int,
        body: dict[str, Any],
        payload: bytes,
        root: bytes,
        previous: bytes,
    ) -> "AuditRecord":
        """Chain a record to the one before."""
        written = canonical_json(body)
        digests = (hashlib.sha256(written).digest(), hashlib.sha256(payload).digest(), root)
        chained = chain_hash(seq, kind, at, *digests, previous)
        return AuditRecord(seq, kind, at, written, payload, *digests, previous, chained)

    @property
    def facts(self) -> dict[str, Any]:
        """The body as it was given; empty once it was purged."""
        found: dict[str, Any] = {} if self.body is None else json.loads(self.body)
        return found

    @property
    def is_whole(self) -> bool:
        """Whether its columns fit its hash, and what is there of body and payload their digests."""
        parts = ((self.body, self.body_digest), (self.payload, self.payload_digest))
        return all(
            part is None or hashlib.sha256(part).digest() == digest for part, digest in parts
        ) and self.hash == chain_hash(
            *(self.seq, self.kind, self.at, self.body_digest, self.payload_digest),
            *(self.root, self.previous),
        )


def chain_hash(
    seq: int,
    kind: str,
    at: int,
    body_digest: bytes,
    payload_digest: bytes,
    root: bytes,
    previous: bytes,
) -> bytes:
    """Return the hash of a record: SHA-256 over its columns, each of a length that is told."""
    name = kind.encode("utf-8", "surrogatepass")
    head = seq.to_bytes(8, "big") + at.to_bytes(8, "big", signed=True)
    parts = (head, len(name).to_bytes(4, "big"), name, body_digest, payload_digest, root, previous)
    return hashlib.sha256(_DOMAIN + b"".join(parts)).digest()


def canonical_json(facts: Any) -> bytes:
    """Return JSON of which there is one form: sorted keys, no white space, UTF-8.

    Example:
        >>> canonical_json({"b": 1, "a": "é"}).decode()
        '{"a":"é","b":1}'
    """
    text = json.dumps(
        facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8")
