"""Audit records in a SQLite file: embedded, durable, append-only."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from suitably.errors import ArtifactError
from suitably.governance.audit_record import GENESIS, AuditRecord
from suitably.governance.store import Chained, Tail
from suitably.utils.fork import ForkLock

__all__ = ["SQLiteStore"]

_APPLICATION = 0x53756974  # "Suit"
_SCHEMA = 1
_WAIT_S, _PAUSE_S = 30.0, 0.01
_PAGE = 16_384  # a block is some 700 kB: a quarter less time than in pages of 4 kB
_COLUMNS = "seq, kind, at, body_digest, payload_digest, root, previous, hash, body, payload"
# What is long stands last: to reach what stands behind it, SQLite goes through all of its pages.
_TABLE = """CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    payload_digest BLOB NOT NULL,
    root BLOB NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    body BLOB,
    payload BLOB
)"""
_KEEP = """CREATE TRIGGER keep BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'audit records are never deleted'); END"""
_FIXED = """CREATE TRIGGER fixed BEFORE UPDATE ON records
WHEN new.body IS NOT NULL OR new.payload IS NOT NULL OR new.seq IS NOT old.seq
    OR new.kind IS NOT old.kind OR new.at IS NOT old.at OR new.previous IS NOT old.previous
    OR new.body_digest IS NOT old.body_digest OR new.payload_digest IS NOT old.payload_digest
    OR new.root IS NOT old.root OR new.hash IS NOT old.hash
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END"""
_STATEMENTS = (_TABLE, _KEEP, _FIXED)
_MAY_BE_NONE = bytes | None
_TYPES: tuple[Any, ...] = (int, str, int, *[bytes] * 5, _MAY_BE_NONE, _MAY_BE_NONE)

_Made = TypeVar("_Made")


class SQLiteStore:
    """A store in a file of its own, with a write-ahead log that is synced at every commit.

    Several threads and processes may use it at once, each through a store of its own or a shared
    one; after a fork a connection is opened anew.

    Args:
        path: The file; made where it is absent.
        read_only: Whether nothing is to be written, not even a file.

    Raises:
        ArtifactError: Something else is there, or records of another schema.
        OSError: It cannot be made or opened.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._lock = ForkLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._guarded(lambda connection: None)

    def append(self, chain: Chained) -> Sequence[AuditRecord]:
        """See `Store`."""
        return self.purge((), chain)

    def purge(self, seqs: Sequence[int], chain: Chained) -> Sequence[AuditRecord]:
        """See `Store`."""

        def write(connection: sqlite3.Connection) -> Sequence[AuditRecord]:
            connection.execute("BEGIN IMMEDIATE")
            try:
                made = chain(_tail(connection))
                rows = [_row(record) for record in made]
                connection.executemany(f"INSERT INTO records VALUES ({_marks(10)})", rows)
                emptied = [(seq,) for seq in seqs]
                update = "UPDATE records SET body = NULL, payload = NULL WHERE seq = ?"
                connection.executemany(update, emptied)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            return made

        made = self._guarded(write)
        if len(seqs):  # what was purged is not to linger in pages that are free, or in the log
            self._guarded(_rewritten)
        return made

    def tail(self) -> Tail:
        """See `Store`."""
        return self._guarded(_tail)

    def hashes(self, start: int = 0) -> list[bytes]:
        """See `Store`."""
        query = "SELECT hash FROM records WHERE seq >= ? ORDER BY seq"
        return [_octets(one) for (one,) in self._rows(query, start)]

    def records(
        self, start: int = 0, stop: int | None = None, kinds: Sequence[str] = ()
    ) -> Iterator[AuditRecord]:
        """See `Store`; pages of them, so that nobody has to wait for a reader."""
        last, end = start - 1, 2**63 - 1 if stop is None else stop
        query = f"SELECT {_COLUMNS} FROM records WHERE seq > ? AND seq < ?{_among(kinds)}"
        while found := self._rows(f"{query} ORDER BY seq LIMIT 16", last, end, *kinds):
            yield from map(_record, found)
            last = found[-1][0]

    def backwards(self, kinds: Sequence[str] = ()) -> Iterator[AuditRecord]:
        """See `Store`."""
        last: Any = 2**63 - 1
        query = f"SELECT {_COLUMNS} FROM records WHERE seq < ?{_among(kinds)}"
        while found := self._rows(f"{query} ORDER BY seq DESC LIMIT 16", last, *kinds):
            yield from map(_record, found)
            last = found[-1][0]

    def _rows(self, query: str, *values: Any) -> list[Any]:
        return self._guarded(lambda connection: connection.execute(query, values).fetchall())

    def faults(self) -> list[str]:
        """See `Store`."""
        return self._guarded(_faults)

    def close(self) -> None:
        """See `Store`."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _guarded(self, call: Callable[[sqlite3.Connection], _Made]) -> _Made:
        """Call with a connection of this process; whatever SQLite says is told as our own error."""
        with self._lock:
            try:
                if self._connection is None or self._process != os.getpid():
                    self._connection, self._process = self._open(), os.getpid()
                return call(self._connection)
            except sqlite3.OperationalError as error:
                raise OSError(f"{self.path}: {error}; nothing was recorded") from error
            except sqlite3.DatabaseError as error:
                raise ArtifactError(
                    f"{self.path}: is damaged, or no audit trail: {error}"
                ) from None

    def _open(self) -> sqlite3.Connection:
        place = self.path.absolute().as_uri()
        if not self._read_only:
            return _opened(f"{place}?mode=rwc", self.path)
        try:
            return _opened(f"{place}?mode=ro", self.path)
        except sqlite3.OperationalError:  # a write-ahead log cannot be read on a read-only disk
            return _opened(f"{place}?mode=ro&immutable=1", self.path)


def _opened(place: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        place, timeout=_WAIT_S, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        # What is no text any more where it should be bytes is read, and found out by its type.
        connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
        connection.execute("PRAGMA trusted_schema = OFF")
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the table in a new file; refuse another kind of file."""
    empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if empty and not _said(connection, "application_id"):
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _STATEMENTS:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    if _said(connection, "application_id") != _APPLICATION:
        raise ArtifactError(f"{path}: is a database of something else, and no audit trail")
    schema = _said(connection, "user_version")
    if schema != _SCHEMA:
        raise ArtifactError(
            f"{path}: an audit trail of schema {schema}, and this version reads {_SCHEMA}"
        )
    connection.execute("PRAGMA synchronous = FULL")
    # What is purged is overwritten at once, should the process end before the file is made anew.
    connection.execute("PRAGMA secure_delete = ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn to a write-ahead log, in turn with others who open a new file at the same moment.

    For this alone SQLite does not wait by itself: it is refused at once while another one does it.
    """
    end = monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > end:
                raise
        sleep(_PAUSE_S)


def _said(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _tail(connection: sqlite3.Connection) -> Tail:
    query = "SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1"
    found = connection.execute(query).fetchone()
    return Tail(0, GENESIS) if found is None else Tail(int(found[0]) + 1, _octets(found[1]))


def _rewritten(connection: sqlite3.Connection) -> None:
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _faults(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    there = {sql for _, name, sql in found}
    faults = [f"{kind} {name!r} is not the trail's own" for kind, name, sql in found
              if sql not in _STATEMENTS]  # fmt: skip
    faults += ["a table or trigger of the trail is gone"] * any(s not in there for s in _STATEMENTS)
    sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return faults if sound == "ok" else [*faults, f"the file is damaged: {sound}"]


def _row(record: AuditRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in _COLUMNS.split(", "))


def _record(row: tuple[Any, ...]) -> AuditRecord:
    """Read a row; a value of another type than the column's is no record of ours."""
    for value, name, kind in zip(row, _COLUMNS.split(", "), _TYPES, strict=True):
        if not isinstance(value, kind):
            raise ArtifactError(f"record {row[0]}: {name} has been changed to another type")
    return AuditRecord(**dict(zip(_COLUMNS.split(", "), row, strict=True)))


def _octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _among(kinds: Sequence[str]) -> str:
    return f" AND kind IN ({_marks(len(kinds))})" if kinds else ""


def _marks(count: int) -> str:
    return ", ".join("?" * count)
