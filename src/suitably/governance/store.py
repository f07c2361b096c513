"""Stores of audit records: what an embedded file and a database server have in common."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from suitably.governance.audit_record import AuditRecord

__all__ = ["Chained", "Store", "Tail"]


@dataclass(frozen=True)
class Tail:
    """The end of a log.

    Attributes:
        count: How many records there are.
        last: The hash of the last one; zeros without any.
    """

    count: int
    last: bytes


Chained = Callable[[Tail], Sequence[AuditRecord]]
"""Makes the records that follow an end of the log."""


class Store(Protocol):
    """Keeps records, one after another, whoever else writes.

    Every error that means the store cannot be used is an `ArtifactError`, a full or read-only disk
    an `OSError`.
    """

    def append(self, chain: Chained) -> Sequence[AuditRecord]:
        """Add what `chain` makes of the end of the log, all or nothing.

        Nobody else appends meanwhile. Once this returns, the records outlast a crash.
        """
        ...

    def purge(self, seqs: Sequence[int], chain: Chained) -> Sequence[AuditRecord]:
        """Take body and payload out of some records, and append, all or nothing."""
        ...

    def tail(self) -> Tail:
        """Return the end of the log."""
        ...

    def hashes(self, start: int = 0) -> list[bytes]:
        """Return the hashes of records from a place on."""
        ...

    def records(
        self, start: int = 0, stop: int | None = None, kinds: Sequence[str] = ()
    ) -> Iterator[AuditRecord]:
        """Yield records from a place on, in their order, as they are kept, sound or not.

        Args:
            start: The first place.
            stop: The place before which it ends; None: the end of the log.
            kinds: Which kinds; none: all. Others are not even read.
        """
        ...

    def backwards(self, kinds: Sequence[str] = ()) -> Iterator[AuditRecord]:
        """Yield records of some kinds, the last one first."""
        ...

    def faults(self) -> list[str]:
        """Return what is wrong with the store besides its records: tables that are not its own."""
        ...

    def close(self) -> None:
        """Let go of it; it opens again when it is used."""
        ...
