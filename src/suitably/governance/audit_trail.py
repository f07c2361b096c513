"""Audit trail: every decision on record, chained, provable to an auditor and to the customer."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import ArtifactError, DataError
from suitably.governance.audit_key import KeyRing, key_id, key_path
from suitably.governance.audit_record import GENESIS, AuditRecord
from suitably.governance.decision_rows import DecisionRows
from suitably.governance.head_file import Head, head_path, read_head, write_head
from suitably.governance.merkle import (
    MerkleFrontier,
    inclusion_path,
    leaf_hash,
    merkle_root,
    sided_path,
)
from suitably.governance.postgres_store import PostgresStore
from suitably.governance.receipt import Proof, receipt_of
from suitably.governance.row_bytes import value_digests
from suitably.governance.sqlite_store import SQLiteStore
from suitably.governance.store import Store, Tail
from suitably.governance.subjects import Subjects, subject_of
from suitably.governance.verification import (
    Verification,
    catalogue_digests,
    catalogue_ids,
    verify_records,
)
from suitably.pipeline.decision_block import DecisionBlock, DecisionContext
from suitably.utils.fork import ForkLock
from suitably.utils.progress import logger

__all__ = ["AuditTrail", "open_store"]

_SCHEMA = 1
_CATALOGUES = 4
_log = logger(__name__)


class AuditTrail:
    """Keeps every decision of a pipeline in a log that cannot be changed without being found out.

    A record holds a block of decisions: when and as of when they were made, under which policies
    and by which model, and for every customer, under a pseudonym: the facts that the policies read,
    how many products could have been listed, the list with its scores, and why it is short; beside
    them how many pairs each rule kept out. Every record is chained to the one before by a hash of
    all its columns. Over the records there is a Merkle tree, whose root is the `head`: whoever
    keeps a head elsewhere can prove that nothing before it was changed, added or taken away.

    Recorded is what a pipeline has been told to record (`Pipeline(audit=…)`), before the lists are
    handed out: a decision that cannot be recorded is not made. Several threads and processes may
    write to one trail.

    Args:
        path: A file of SQLite, made where it is absent; or the address of a PostgreSQL database
            (`postgresql+psycopg://…`, extra `audit-postgres`).
        key: What pseudonyms are under, 16 bytes or more, as bytes or text, or a list of keys of
            which the last is the present one. None: a key that is kept in a file beside it.

    Raises:
        ArtifactError: Something else is there, a trail of another schema, or of another key.
        OSError: It cannot be opened or made.

    Source:
        Laurie, Messeri and Stradling, "Certificate Transparency Version 2.0", RFC 9162 (2021), on
        trees and proofs; Haber and Stornetta, "How to Time-Stamp a Digital Document", Journal of
        Cryptology 3 (1991), on chains.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> from tempfile import TemporaryDirectory
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> with TemporaryDirectory() as folder:
        ...     audit = AuditTrail(folder + "/decisions.sqlite")
        ...     pipeline = st.Pipeline(
        ...         policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity(), audit=audit)
        ...     _ = pipeline.fit(st.Dataset(None, None, log)).recommend(["ann"])
        ...     audit.head[0], audit.verify().ok, audit.decisions("ann")
        (3, True, ['2:0'])
    """

    def __init__(
        self, path: str | Path, key: bytes | str | Sequence[bytes | str] | None = None
    ) -> None:
        self.path = path
        keys = [key] if isinstance(key, bytes | str) else key
        self._given = keys
        self._store = open_store(path)
        beside = None if "://" in str(path) else Path(path)
        if keys is None and beside is None:
            raise ValueError("key: give one, since there is no file beside a database server")
        self._keys = KeyRing(keys, key_path(Path(path)))
        self._head = None if beside is None else head_path(beside)
        self._lock = ForkLock()
        self._tree, self._last = MerkleFrontier(), GENESIS
        self._subjects = Subjects()
        self._catalogues: OrderedDict[tuple[str, int], tuple[Vocabulary, int, NDArray[np.uint8]]]
        self._catalogues = OrderedDict()
        self._begin()

    @property
    def head(self) -> tuple[int, str]:
        """How many records there are, and the root of the tree over them in hexadecimal digits.

        Keep it where whoever can write to the trail cannot: it is the anchor of `verify`.
        """
        with self._lock:
            self._follow()
            return self._tree.size, self._tree.root.hex()

    def record(self, block: DecisionBlock) -> None:
        """Keep a block of decisions; once this returns it outlasts a crash.

        Raises:
            OSError: The disk is full or cannot be written to; nothing was recorded.
            ArtifactError: The trail was damaged, or cut short since it was opened.
        """
        context, key = block.context, self._keys.current
        subjects = self._subjects.of(context.model, context.users, block.rows, block.user_ids, key)
        catalogue, digests = self._catalogue(context)
        rows = DecisionRows.of(block, subjects, digests, key_id(key), catalogue)
        arrays, payload = rows.packed()
        body = {
            "arrays": arrays,
            "exclusions": block.exclusions,
            "header": rows.header,
            "narrowed": None if context.narrowed is None else context.narrowed.to_pylist(),
        }
        self._append("decisions", body, payload, merkle_root(rows.leaves))

    def forget(self, user_id: Any, as_of: pd.Timestamp | None) -> None:
        """Keep that a user was erased from a pipeline, under a pseudonym; see `Pipeline.forget`."""
        key = self._keys.current
        moment = None if as_of is None else as_of.isoformat()
        subject = subject_of(user_id, key).hex()
        self._append("erasure", {"as_of": moment, "key": key_id(key), "subject": subject})

    def rotate(self, key: bytes | str | None = None) -> None:
        """Put the pseudonyms of later records under another key.

        Earlier records stay under theirs; a trail that is opened with a list of keys, or by the
        file beside it, goes on finding whose they are.

        Args:
            key: The new one; None: one at random, where the trail keeps its keys in a file.

        Raises:
            ValueError: The key has been used, is too short, or is None where the caller keeps them.
        """
        with self._lock:
            self._keys.add(key)
        self._append("key", {"key": key_id(self._keys.current)})

    def decisions(self, user_id: Any) -> list[str]:
        """Return the decisions about a user, the latest first, as `"record:row"`.

        All records are looked through, so it takes a while in a long trail.
        """
        return [f"{record.seq}:{row}" for record, row in self._about(user_id)]

    def receipt(self, user_id: Any, decision: str | None = None) -> dict[str, Any]:
        """Return a customer's own decision, with a proof that it is on record under the head.

        It is JSON of at most 4 KB for a list of ten, and says nothing of other customers; whoever
        has the root of the head as it is now can check it without the trail (`check_receipt`).

        Args:
            user_id: The customer.
            decision: One of `decisions(user_id)`; None: the latest.

        Raises:
            DataError: There is no such decision about them, or it was purged.
        """
        for record, row in self._about(user_id):
            if decision in (None, f"{record.seq}:{row}"):
                return self._receipt(record, row)
        asked = "no decision about this user" if decision is None else f"no decision {decision!r}"
        raise DataError(f"receipt: {asked} is on record, or it was purged")

    def _receipt(self, record: AuditRecord, row: int) -> dict[str, Any]:
        facts = record.facts
        ids, digests = self._named(facts["header"]["catalogue"])
        rows = DecisionRows.unpacked(
            facts["header"], facts["arrays"], record.payload or b"", digests
        )
        length = int(rows.arrays["lengths"][row])
        codes = rows.arrays["products"][row, :length]
        hashes = [leaf_hash(one) for one in self._store.hashes()]
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

    def _named(self, seq: int) -> tuple[pa.Array, NDArray[np.uint8]]:
        """Return the product ids that a record names, and their digests.

        Raises:
            ArtifactError: It is not there.
        """
        for record in self._store.records(seq, seq + 1):
            return catalogue_ids(record), catalogue_digests(record)
        raise ArtifactError(f"{self._where}: record {seq}, which names the products, is missing")

    def verify(self, anchor: str | None = None) -> Verification:
        """Look for any record that was changed, added, taken away or moved.

        Args:
            anchor: The root of an earlier `head`, in hexadecimal digits.

        Returns:
            What was found; `ok` where nothing is wrong.
        """
        beside = None if self._head is None else read_head(self._head)
        return verify_records(self._store, beside, anchor)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self._store.close()

    def _begin(self) -> None:
        """Open the log with a record of its own, or check that it is one of this key."""
        if not self._store.tail().count:
            body = {"key": key_id(self._keys.current), "schema": _SCHEMA,
                    "trail": secrets.token_hex(16)}  # fmt: skip
            self._append("trail", body, only_first=True)
        first, latest = None, None
        for record in self._store.records(0, 1):
            first = record.facts
        if first is None or first.get("schema") != _SCHEMA:
            raise ArtifactError(f"{self._where}: begins with no record that this version reads")
        for record in self._store.backwards(("key", "trail")):
            latest = record.facts.get("key")
            break
        if latest != key_id(self._keys.current):
            raise ArtifactError(
                f"{self._where}: its present key is another one than that given; open it with the "
                f"key of its latest records"
            )

    def _append(
        self,
        kind: str,
        body: dict[str, Any],
        payload: bytes = b"",
        root: bytes = GENESIS,
        only_first: bool = False,
    ) -> AuditRecord | None:
        def chain(tail: Tail) -> list[AuditRecord]:
            if only_first and tail.count:
                return []  # another process was first
            self._check_known(tail)
            now = time.time_ns() // 1000
            return [AuditRecord.of(tail.count, kind, now, body, payload, root, tail.last)]

        with self._lock:
            made = self._store.append(chain)
            if not made:
                return None
            (record,) = made
            self._follow(record)
            if self._head is not None:
                write_head(self._head, Head(self._tree.size, self._tree.root.hex()))
            return record

    def _check_known(self, tail: Tail) -> None:
        known = self._tree.size
        if tail.count < known or (tail.count == known and tail.last != self._last):
            raise ArtifactError(
                f"{self._where}: records that were there have been changed or taken away since; "
                f"nothing was recorded"
            )

    def _follow(self, record: AuditRecord | None = None) -> None:
        """Let the tree take in what has come, of other processes too."""
        if record is not None and record.seq == self._tree.size:
            fresh = [record.hash]
        else:
            self._check_known(self._store.tail())
            fresh = self._store.hashes(self._tree.size)
        for one in fresh:
            self._tree.add(leaf_hash(one))
            self._last = one

    def _catalogue(self, context: DecisionContext) -> tuple[int, NDArray[np.uint8]]:
        """Return the record that names a catalogue, written once, and the digests of its ids."""
        name = (context.model, id(context.products))
        with self._lock:
            kept = self._catalogues.get(name)
        if kept is not None and kept[0] is context.products:
            return kept[1], kept[2]
        ids = context.products.decode(np.arange(len(context.products)))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, pa.schema([("product_id", ids.type)])) as writer:
            writer.write_table(pa.table({"product_id": ids}))
        body = {"model": context.model, "products": len(ids)}
        record = self._append("catalogue", body, sink.getvalue().to_pybytes())
        assert record is not None
        digests = value_digests(context.products.array)
        with self._lock:  # the ids are held too, lest others come to have their address
            self._catalogues[name] = (context.products, record.seq, digests)
            while len(self._catalogues) > _CATALOGUES:
                self._catalogues.popitem(last=False)
        return record.seq, digests

    def _about(self, user_id: Any) -> Iterator[tuple[AuditRecord, int]]:
        """Yield the records that hold decisions about a user, and the rows, the latest first."""
        subjects: dict[str, bytes] = {}
        for record in self._store.backwards(("decisions",)):
            if record.payload is None:
                continue
            facts = record.facts
            name = facts["header"]["key"]
            if name not in subjects:
                key = self._keys.of(name)
                subjects[name] = b"" if key is None else subject_of(user_id, key)
            (_, shape), *_ = facts["arrays"]
            if not subjects[name] or not shape[0]:
                continue
            held = np.frombuffer(record.payload[: shape[0] * shape[1]], np.uint8).reshape(shape)
            mine = (held == np.frombuffer(subjects[name], np.uint8)).all(axis=1)
            for row in np.flatnonzero(mine)[::-1]:
                yield record, int(row)

    @property
    def _where(self) -> str:
        return str(self.path).rsplit("@", 1)[-1]  # of an address without its password

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and send by the path; whoever opens it there needs the key."""
        return AuditTrail, (self.path, self._given)

    def __repr__(self) -> str:
        return f"AuditTrail({self._where}, {self.head[0]:,} records)"


def open_store(path: str | Path, read_only: bool = False) -> Store:
    """Open the store at a path, or at the address of a database server."""
    if "://" in str(path):
        return PostgresStore(str(path), read_only)
    place = Path(path)
    if not place.parent.is_dir():
        raise DataError(f"{place.parent}: no such folder")
    return SQLiteStore(place, read_only)
