"""Audit trail: every decision on record, chained, provable to an auditor and to the customer."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from suitably.errors import DataError
from suitably.governance.audit_key import KeyRing, key_id, key_path
from suitably.governance.catalogues import Catalogues
from suitably.governance.chained_log import ChainedLog, Entry
from suitably.governance.decision_index import decisions_about, find_decision
from suitably.governance.decision_rows import DecisionRows
from suitably.governance.head_file import head_path
from suitably.governance.legal_hold import Hold, hold_body, holds_in_force
from suitably.governance.merkle import (
    merkle_root,
)
from suitably.governance.opening import begin, open_store, shown_place
from suitably.governance.purge import ContractEnds, Purge, purge, read_now
from suitably.governance.receipt_on_record import receipt_on_record
from suitably.governance.replay import Replay, replay
from suitably.governance.retention import Retention, read_retention
from suitably.governance.subjects import Subjects, subject_of
from suitably.governance.switch_record import RecordedSwitch, recorded_switches, switch_body
from suitably.governance.verification import (
    Verification,
    verify_records,
)
from suitably.pipeline.decision_block import DecisionBlock
from suitably.pipeline.pipeline import Pipeline
from suitably.utils.fork import ForkLock
from suitably.utils.progress import logger

__all__ = ["AuditTrail", "open_store"]

_TOGETHER = 8
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
        retention: How long decisions are kept at least: a `RetentionClass` or the name of one in
            `RETENTION_CLASSES`, several of them, or such by policy id beside the built-in policies'
            own. None: by the built-in policies; what has no class is kept for good. See `purge`.

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
        self,
        path: str | Path,
        key: bytes | str | Sequence[bytes | str] | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.path = path
        self.retention = retention
        self._retention = read_retention(retention)
        keys = [key] if isinstance(key, bytes | str) else key
        self._given = keys
        self._store = open_store(path)
        beside = None if "://" in str(path) else Path(path)
        if keys is None and beside is None:
            raise ValueError("key: give one, since there is no file beside a database server")
        self._keys = KeyRing(keys, key_path(Path(path)))
        self._log = ChainedLog(
            self._store, None if beside is None else head_path(beside), shown_place(path)
        )
        self._lock = ForkLock()
        self._subjects = Subjects()
        self._catalogues = Catalogues(self._store, self._log)
        begin(self._log, self._store, self._keys)

    @property
    def head(self) -> tuple[int, str]:
        """How many records there are, and the root of the tree over them in hexadecimal digits.

        Keep it where whoever can write to the trail cannot: it is the anchor of `verify`.
        """
        head = self._log.head
        return head.count, head.root

    def record(self, block: DecisionBlock) -> None:
        """Keep a block of decisions; once this returns it outlasts a crash.

        Raises:
            OSError: The disk is full or cannot be written to; nothing was recorded.
            ArtifactError: The trail was damaged, or cut short since it was opened.
        """
        self._log.append_all([self.prepare(block)])

    def record_all(self, blocks: Iterable[DecisionBlock | Entry]) -> None:
        """Keep the blocks of a call, prepared or not, a record each; see `record`.

        Some are written at a time, while the next ones are prepared. Where that fails, those
        written before stay on record.
        """
        entries_of = (one if isinstance(one, Entry) else self.prepare(one) for one in blocks)
        with ThreadPoolExecutor(1) as writer:
            written: Future[Any] | None = None
            while entries := list(islice(entries_of, _TOGETHER)):
                if written is not None:
                    written.result()
                written = writer.submit(self._log.append_all, entries)
            if written is not None:
                written.result()

    def prepare(self, block: DecisionBlock) -> Entry:
        """Return what `record_all` keeps of a block, in a thread of the caller's."""
        context, key = block.context, self._keys.present()
        subjects = self._subjects.of(context.model, context.users, block.rows, block.user_ids, key)
        catalogue, digests = self._catalogues.of(context)
        rows = DecisionRows.of(block, subjects, digests, key_id(key), catalogue)
        arrays, payload = rows.packed()
        off = context.off
        body = {
            "arrays": arrays,
            "exclusions": block.exclusions,
            "header": rows.header,
            "narrowed": None if context.narrowed is None else context.narrowed.to_pylist(),
            "retention": [
                [one.name, one.years, one.since]
                for one in self._retention.of([policy.id for policy in context.policies])
            ],
            # Of users their rows tell; a list of them would say of some what others are told.
            **({} if off is None else {"off": off.shared()}),
        }
        return Entry("decisions", body, payload, merkle_root(rows.leaves))

    def forget(self, user_id: Any, as_of: pd.Timestamp | None) -> None:
        """Keep that a user was erased from a pipeline, under a pseudonym; see `Pipeline.forget`."""
        key = self._keys.present()
        moment = None if as_of is None else as_of.isoformat()
        subject = subject_of(user_id, key).hex()
        self._log.append("erasure", {"as_of": moment, "key": key_id(key), "subject": subject})

    def switch(self, action: str, kind: str, id: Any, reason: str, by: str) -> None:  # noqa: A002
        """Keep that something is turned off or on, before it takes effect; see `serving.Switches`.

        Args:
            action: `"off"` or `"on"`.
            kind: `"user"`, `"product"`, `"policy"` or `"everything"`.
            id: Which; None for everything. Of a user the pseudonym is kept, so the id must be of
                the type that the model's ids have.
            reason: Why; it stands in the trail as it is, so it should name nobody.
            by: Who does.

        Raises:
            DataError: It is no such switch.
            OSError: It cannot be written; nothing was recorded.
        """
        subject = None
        if kind == "user" and id is not None:
            key = self._keys.present()
            subject = subject_of(id, key).hex(), key_id(key)
        self._log.append("switch", switch_body(action, kind, id, subject, reason, by))

    @property
    def switches(self) -> tuple[RecordedSwitch, ...]:
        """What was turned off and on, the first first."""
        return tuple(recorded_switches(self._store))

    def rotate(self, key: bytes | str | None = None) -> None:
        """Put the pseudonyms of later records under another key.

        Other processes take it up from the file of keys; where the caller keeps the keys, they go
        on under theirs until they are opened with this one. Earlier records stay under theirs; a
        trail that is opened with a list of keys, or by the file beside it, goes on finding whose
        they are.

        Args:
            key: The new one; None: one at random, where the trail keeps its keys in a file.

        Raises:
            ValueError: The key has been used, is too short, or is None where the caller keeps them.
        """
        with self._lock:
            self._keys.add(key)
        self._log.append("key", {"key": key_id(self._keys.current)})

    def subject(self, user_id: Any) -> str:
        """Return the pseudonym that records from now on have for a user: 32 hexadecimal digits."""
        return subject_of(user_id, self._keys.present()).hex()

    def decisions(self, user_id: Any) -> list[str]:
        """Return the decisions about a user, the latest first, as `"record:row"`.

        All records are looked through, so it takes a while in a long trail.
        """
        return [
            f"{record.seq}:{row}"
            for record, row in decisions_about(self._store, self._keys, user_id)
        ]

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
        for record, row in decisions_about(self._store, self._keys, user_id):
            if decision in (None, f"{record.seq}:{row}"):
                return receipt_on_record(self._store, self._catalogues, record, row)
        asked = "no decision about this user" if decision is None else f"no decision {decision!r}"
        raise DataError(f"receipt: {asked} is on record, or it was purged")

    def replay(self, decision: str, pipeline: Pipeline) -> Replay:
        """Make a decision once more and hold it against the record bit for bit; nothing is written.

        Args:
            decision: One of `decisions(user_id)`.
            pipeline: What made it, perhaps loaded from where it was saved. Where the user had opted
                out, with a consent register that knows what was granted then.

        Raises:
            DataError: There is no such decision, or it was purged.
            ArtifactError: The pipeline is another one, or the key of the decision is not here.
        """
        return replay(self._store, self._keys, decision, pipeline)

    def hold(self, reason: str, user_id: Any = None, decision: str | None = None) -> int:
        """Keep decisions from being purged, however old, until they are released.

        A user's hold includes decisions that are still to come. After a rotation of keys nobody can
        tell which of the later records are theirs, so all of these are kept: hold anew, and release
        the old one.

        Args:
            reason: Why; it stands in the trail as it is, so it should name nobody.
            user_id: Everything about this user is held.
            decision: Or this decision, and with it the others of its record.

        Returns:
            What to release it by.

        Raises:
            DataError: Not one of the two, no reason, or no such decision.
        """
        if (user_id is None) == (decision is None):
            raise DataError("hold: give a user_id or a decision")
        if decision is None:
            records = {
                record.seq for record, _ in decisions_about(self._store, self._keys, user_id)
            }
            subjects = {key_id(key): subject_of(user_id, key).hex() for key in self._keys.all}
        else:
            records, subjects = {find_decision(self._store, decision)[0].seq}, {}
        made = self._log.append("hold", hold_body(reason, decision, sorted(records), subjects))
        assert made is not None
        return made.seq

    def release(self, hold: int, reason: str) -> None:
        """End a hold; the trail keeps that there was one.

        Raises:
            DataError: There is none that is in force, or no reason.
        """
        if hold not in holds_in_force(self._store):
            raise DataError(f"release: no hold {hold!r} is in force")
        if not isinstance(reason, str) or not reason.strip():
            raise DataError("release: say why")
        self._log.append("release", {"hold": hold, "reason": reason})

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What is held, the oldest first."""
        return tuple(holds_in_force(self._store).values())

    def purge(self, now: Any = None, contracts_ended: Any = None) -> Purge:
        """Take the content out of records of decisions whose retention has run out.

        A record goes as a whole, once all its retention classes have run out for all customers in
        it, and nothing holds it. What stays is that it was there, when, and its hashes; a record of
        the purge names it. So the trail verifies as before, and receipts that customers have go on
        proving what they say.

        Args:
            now: As of when, at the latest the present; None: the present. Times without a zone are
                UTC.
            contracts_ended: For classes whose years begin at the end of the contract: a frame of
                `user_id` and `ended_at`. Of whoever is not in it the contract runs on.

        Raises:
            DataError: A frame that cannot be used, or a moment to come.
            OSError: Nothing was purged.
        """
        moment = read_now(now, datetime.now(UTC))
        return purge(
            self._store, self._log, moment, ContractEnds(self._pseudonyms, contracts_ended)
        )

    def _pseudonyms(self, user_ids: list[Any], key: str) -> list[bytes] | None:
        known = self._keys.of(key)
        return None if known is None else [subject_of(one, known) for one in user_ids]

    def verify(self, anchor: str | None = None) -> Verification:
        """Look for any record that was changed, added, taken away or moved.

        Args:
            anchor: The root of an earlier `head`, in hexadecimal digits.

        Returns:
            What was found; `ok` where nothing is wrong.
        """
        return verify_records(self._store, self._log.kept_head, anchor)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self._store.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and send by the path; whoever opens it there needs the key."""
        keys = None if self._given is None else self._keys.all
        return AuditTrail, (self.path, keys, self.retention)

    def __repr__(self) -> str:
        return f"AuditTrail({self._log.where}, {self.head[0]:,} records)"
