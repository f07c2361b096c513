"""Chained log: records one after another in a store, and the Merkle tree over them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from suitably.errors import ArtifactError
from suitably.governance.audit_record import GENESIS, AuditRecord
from suitably.governance.head_file import Head, read_head, write_head
from suitably.governance.merkle import MerkleFrontier, leaf_hash
from suitably.governance.store import Store, Tail
from suitably.utils.fork import ForkLock

__all__ = ["ChainedLog", "Entry"]


class Entry(NamedTuple):
    """What becomes a record: its kind, what it says, what belongs to it, and a root over that."""

    kind: str
    body: dict[str, Any]
    payload: bytes = b""
    root: bytes = GENESIS


class ChainedLog:
    """Appends to a store, whoever else does, and keeps the head.

    Args:
        store: Where the records are.
        head_file: Where the head is kept beside them; None: nowhere.
        where: What errors call it.
    """

    def __init__(self, store: Store, head_file: Path | None, where: str) -> None:
        self.where = where
        self._store, self._head_file = store, head_file
        self._lock = ForkLock()
        self._tree, self._last = MerkleFrontier(), GENESIS

    @property
    def head(self) -> Head:
        """How many records there are, and the root over them."""
        with self._lock:
            self._follow()
            return Head(self._tree.size, self._tree.root.hex())

    @property
    def kept_head(self) -> Head | None:
        """The head that is kept beside the records; None where there is none."""
        return None if self._head_file is None else read_head(self._head_file)

    @property
    def count(self) -> int:
        """How many records there are."""
        return self._store.tail().count

    def append(
        self,
        kind: str,
        body: dict[str, Any],
        payload: bytes = b"",
        emptied: Sequence[int] = (),
        expected: int | None = None,
    ) -> AuditRecord | None:
        """Append a record; None, and nothing is done, where the log is not as long as expected.

        Args:
            kind: What it is.
            body: What it says.
            payload: What belongs to it.
            emptied: Records whose body and payload are taken out with it.
            expected: How long the log must be; None: however long it is.

        Raises:
            OSError: It cannot be written; nothing was recorded.
            ArtifactError: Records were changed or taken away since it was opened.
        """
        made = self.append_all([Entry(kind, body, payload)], emptied, expected)
        return made[0] if made else None

    def append_all(
        self,
        entries: Sequence[Entry],
        emptied: Sequence[int] = (),
        expected: int | None = None,
    ) -> Sequence[AuditRecord]:
        """Append several records, all or none; see `append`."""

        def chain(tail: Tail) -> list[AuditRecord]:
            if expected not in (None, tail.count):
                raise _MovedError
            self._check_known(tail)
            now, last = time.time_ns() // 1000, tail.last
            made: list[AuditRecord] = []
            for seq, entry in enumerate(entries, tail.count):
                made.append(AuditRecord.of(seq, entry.kind, now, *entry[1:], last))
                last = made[-1].hash
            return made

        with self._lock:
            try:
                made = self._store.purge(emptied, chain)
            except _MovedError:
                return []
            self._follow(made)
            if self._head_file is not None:
                write_head(self._head_file, Head(self._tree.size, self._tree.root.hex()))
            return made

    def _check_known(self, tail: Tail) -> None:
        known = self._tree.size
        if tail.count < known or (tail.count == known and tail.last != self._last):
            raise ArtifactError(
                f"{self.where}: records that were there have been changed or taken away since; "
                f"nothing was recorded"
            )

    def _follow(self, made: Sequence[AuditRecord] = ()) -> None:
        """Let the tree take in what has come, of other processes too."""
        if made and made[0].seq == self._tree.size:
            fresh = [record.hash for record in made]
        else:
            self._check_known(self._store.tail())
            fresh = self._store.hashes(self._tree.size)
        for one in fresh:
            self._tree.add(leaf_hash(one))
            self._last = one


class _MovedError(Exception):
    """Others have appended meanwhile."""
