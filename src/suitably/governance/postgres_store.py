"""Audit records in a PostgreSQL database: many writers on many machines, append-only."""

import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from suitably.errors import ArtifactError, DataError
from suitably.governance.audit_record import GENESIS, AuditRecord
from suitably.governance.store import Chained, Tail
from suitably.utils.fork import ForkLock

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Row

__all__ = ["PostgresStore"]

_SCHEMA = 1
_ABOUT = f"suitably audit trail, schema {_SCHEMA}"
_WAIT = f"SELECT pg_advisory_xact_lock({0x5375697461626C79})"  # "Suitably"
_COLUMNS = "seq, kind, at, body, payload, body_digest, payload_digest, root, previous, hash"
_SELECT = f"SELECT {_COLUMNS} FROM suitably_audit.records"
_NAMES = tuple(_COLUMNS.split(", "))
_KINDS = {
    "seq": "bigint", "kind": "text", "at": "bigint", "body": "bytea", "payload": "bytea",
    "body_digest": "bytea", "payload_digest": "bytea", "root": "bytea", "previous": "bytea",
    "hash": "bytea",
}  # fmt: skip
_MAY_BE_NONE = ("body", "payload")
_KEEP = """
BEGIN
    IF TG_OP = 'UPDATE' AND new.body IS NULL AND new.payload IS NULL
        AND (new.seq, new.kind, new.at, new.body_digest, new.payload_digest, new.root,
             new.previous, new.hash)
          = (old.seq, old.kind, old.at, old.body_digest, old.payload_digest, old.root,
             old.previous, old.hash)
    THEN RETURN new; END IF;
    RAISE EXCEPTION 'audit records are never changed or deleted';
END"""
_STATEMENTS = (
    "CREATE SCHEMA suitably_audit",
    "CREATE TABLE suitably_audit.records ("
    + ", ".join(
        f"{name} {kind}{'' if name in _MAY_BE_NONE else ' NOT NULL'}"
        for name, kind in _KINDS.items()
    )
    + ", PRIMARY KEY (seq))",
    f"CREATE FUNCTION suitably_audit.keep() RETURNS trigger LANGUAGE plpgsql AS $${_KEEP}$$",
    "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON suitably_audit.records "
    "FOR EACH ROW EXECUTE FUNCTION suitably_audit.keep()",
    "CREATE TRIGGER keep_all BEFORE TRUNCATE ON suitably_audit.records "
    "FOR EACH STATEMENT EXECUTE FUNCTION suitably_audit.keep()",
    f"COMMENT ON SCHEMA suitably_audit IS '{_ABOUT}'",
)
_THERE = """SELECT obj_description(oid, 'pg_namespace')
FROM pg_namespace WHERE nspname = 'suitably_audit'"""
_OBJECTS = """
SELECT CASE relkind WHEN 'i' THEN 'index' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence'
    ELSE 'table' END AS kind, relname AS name, '' AS definition
FROM pg_class WHERE relnamespace = 'suitably_audit'::regnamespace AND relkind <> 'c'
UNION ALL SELECT 'function', proname, prosrc
FROM pg_proc WHERE pronamespace = 'suitably_audit'::regnamespace
UNION ALL SELECT 'rule', rulename, ''
FROM pg_rules WHERE schemaname = 'suitably_audit'
UNION ALL SELECT 'trigger', tgname, tgtype || ' ' || tgenabled::text || ' ' || tgfoid::regproc
FROM pg_trigger WHERE tgrelid = to_regclass('suitably_audit.records')
UNION ALL SELECT 'column', attname, format_type(atttypid, atttypmod) || ' ' || attnotnull::text
FROM pg_attribute
WHERE attrelid = to_regclass('suitably_audit.records') AND attnum > 0 AND NOT attisdropped"""
_OWN = {
    ("table", "records", ""),
    ("index", "records_pkey", ""),
    ("function", "keep", _KEEP),
    ("trigger", "keep", "27 O suitably_audit.keep"),  # row, before, delete, update; enabled
    ("trigger", "keep_all", "34 O suitably_audit.keep"),  # before, truncate; enabled
    *(
        ("column", name, f"{kind} {'false' if name in _MAY_BE_NONE else 'true'}")
        for name, kind in _KINDS.items()
    ),
}

_Made = TypeVar("_Made")


class PostgresStore:
    """A store in a schema of its own, `suitably_audit`, in a PostgreSQL database.

    Writers wait for each other by an advisory lock, on whatever machines they are; a commit is
    waited for until it is in the server's log, whatever the server does for others.

    Args:
        address: As SQLAlchemy has it: `postgresql+psycopg://user:password@host/database`.
        read_only: Whether nothing is to be written, not even the schema.

    Raises:
        ArtifactError: Something else is in that schema, or records of another one.
        DataError: It is no such address.
        OSError: The database cannot be reached or written to.
    """

    def __init__(self, address: str, read_only: bool = False) -> None:
        try:
            from sqlalchemy.engine import make_url
            from sqlalchemy.exc import ArgumentError

            import_module("psycopg")
        except ImportError:
            raise ImportError("PostgreSQL needs the extra suitably[audit-postgres]") from None
        try:
            self._url = make_url(address)
        except ArgumentError:
            raise DataError("audit: an address that cannot be read") from None
        if self._url.drivername != "postgresql+psycopg":
            raise DataError(
                f"audit: an address of {self._url.drivername}, and only postgresql+psycopg is known"
            )
        self._read_only = read_only
        self._lock = ForkLock()
        self._engine: Engine | None = None
        self._process = 0
        self._guarded(self._prepare)

    def append(self, chain: Chained) -> Sequence[AuditRecord]:
        """See `Store`."""
        return self.purge((), chain)

    def purge(self, seqs: Sequence[int], chain: Chained) -> Sequence[AuditRecord]:
        """See `Store`."""
        marks = ", ".join(f"%({name})s" for name in _NAMES)
        insert = f"INSERT INTO suitably_audit.records ({_COLUMNS}) VALUES ({marks})"
        update = (
            "UPDATE suitably_audit.records SET body = NULL, payload = NULL "
            "WHERE seq = ANY(%(seqs)s)"
        )

        def write(connection: "Connection") -> Sequence[AuditRecord]:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            connection.exec_driver_sql(_WAIT)
            made = chain(_tail(connection))
            if made:
                connection.exec_driver_sql(insert, [_row(record) for record in made])
            if len(seqs):
                connection.exec_driver_sql(update, {"seqs": list(map(int, seqs))})
            return made

        made = self._guarded(write)
        if len(seqs):  # what was purged is not to linger in pages that are free
            self._guarded(_rewritten, alone=True)
        return made

    def tail(self) -> Tail:
        """See `Store`."""
        return self._guarded(_tail)

    def hashes(self, start: int = 0) -> list[bytes]:
        """See `Store`."""
        query = "SELECT hash FROM suitably_audit.records WHERE seq >= %(start)s ORDER BY seq"
        asked = {"start": start}
        found = self._guarded(lambda connection: list(connection.exec_driver_sql(query, asked)))
        return [bytes(row.hash or b"") for row in found]

    def records(
        self, start: int = 0, stop: int | None = None, kinds: Sequence[str] = ()
    ) -> Iterator[AuditRecord]:
        """See `Store`."""
        asked = {"last": start - 1, "end": 2**63 - 1 if stop is None else stop}
        query = f"{_SELECT} WHERE seq > %(last)s AND seq < %(end)s"
        while found := self._rows(query, "", asked, kinds):
            yield from map(_record, found)
            asked["last"] = found[-1].seq

    def backwards(self, kinds: Sequence[str] = ()) -> Iterator[AuditRecord]:
        """See `Store`."""
        asked = {"last": 2**63 - 1}
        while found := self._rows(f"{_SELECT} WHERE seq < %(last)s", "DESC", asked, kinds):
            yield from map(_record, found)
            asked["last"] = found[-1].seq

    def faults(self) -> list[str]:
        """See `Store`."""
        return self._guarded(_faults)

    def close(self) -> None:
        """See `Store`."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose(close=self._process == os.getpid())
            self._engine = None

    def _rows(
        self, query: str, order: str, asked: dict[str, int], kinds: Sequence[str]
    ) -> "list[Row[Any]]":
        some = " AND kind = ANY(%(kinds)s)" if kinds else ""
        query = f"{query}{some} ORDER BY seq {order} LIMIT 16"
        values = {**asked, "kinds": list(kinds)}
        return self._guarded(lambda connection: list(connection.exec_driver_sql(query, values)))

    def _guarded(self, call: Callable[["Connection"], _Made], alone: bool = False) -> _Made:
        """Call within a transaction; whatever the server says is told as our own error.

        Args:
            call: What to do.
            alone: Whether it is something that cannot be part of a transaction.
        """
        from sqlalchemy.exc import SQLAlchemyError

        level = "AUTOCOMMIT" if alone else "READ COMMITTED"
        committing = False
        try:
            with self._connected().connect().execution_options(isolation_level=level) as connection:
                made = call(connection)
                committing = True
                connection.commit()
                return made
        except SQLAlchemyError as error:
            raise self._told(error, committing) from None

    def _connected(self) -> "Engine":
        with self._lock:
            if self._engine is not None and self._process != os.getpid():
                self._engine.dispose(close=False)  # the connections are the parent's
                self._engine = None
            if self._engine is None:
                self._engine, self._process = self._opened(), os.getpid()
            return self._engine

    def _opened(self) -> "Engine":
        from sqlalchemy import create_engine

        given = self._url.query.get("options", "")
        options = " ".join([given] if isinstance(given, str) else given)
        if self._read_only:
            options += " -c default_transaction_read_only=on"
        # A connection that the server has closed meanwhile is found out before it is used.
        return create_engine(
            self._url, pool_pre_ping=True, connect_args={"options": options.strip()}
        )

    def _prepare(self, connection: "Connection") -> None:
        """Make the schema where it is absent; refuse another one of that name."""
        about = connection.exec_driver_sql(_THERE).fetchone()
        if about is None and not self._read_only:
            connection.exec_driver_sql(_WAIT)
            about = connection.exec_driver_sql(_THERE).fetchone()
            if about is None:  # another process has not been faster
                for statement in _STATEMENTS:
                    connection.exec_driver_sql(statement)
                return
        if about is None:
            raise ArtifactError(f"{self._where}: there is no audit trail")
        if about[0] != _ABOUT:
            raise ArtifactError(
                f"{self._where}: holds {about[0] or 'something else'!r} in the schema "
                f"suitably_audit, and this version reads {_ABOUT!r}"
            )

    def _told(self, error: Exception, committing: bool) -> Exception:
        orig = getattr(error, "orig", None)
        state = getattr(orig, "sqlstate", None)
        said = str(orig or type(error).__name__).strip().splitlines()[0]
        if state == "42501":
            return PermissionError(f"{self._where}: {said}; nothing was recorded")
        # Without a state: no connection. Read-only; connection, resources, operator, system.
        if state is None or state in ("25006", "55P03") or state[:2] in ("08", "53", "57", "58"):
            outcome = "it is not known whether it was recorded" if committing else (
                "nothing was recorded")  # fmt: skip
            return OSError(f"{self._where}: {said}; {outcome}")
        return ArtifactError(f"{self._where}: is damaged, or no audit trail: {said}")

    @property
    def _where(self) -> "URL":
        from sqlalchemy import URL

        where = self._url
        return URL.create("postgresql", None, None, where.host, where.port, where.database)


def _tail(connection: "Connection") -> Tail:
    query = "SELECT seq, hash FROM suitably_audit.records ORDER BY seq DESC LIMIT 1"
    found = connection.exec_driver_sql(query).fetchone()
    return Tail(0, GENESIS) if found is None else Tail(found.seq + 1, bytes(found.hash or b""))


def _rewritten(connection: "Connection") -> None:
    connection.exec_driver_sql("VACUUM (FULL) suitably_audit.records")


def _faults(connection: "Connection") -> list[str]:
    there = {tuple(row) for row in connection.exec_driver_sql(_OBJECTS).fetchall()}
    own = {(kind, name) for kind, name, _ in _OWN}
    faults = [
        f"{kind} {name!r} {'has been changed' if (kind, name) in own else 'is not its own'}"
        for kind, name, _ in sorted(there - _OWN)
    ]
    gone = own - {(kind, name) for kind, name, _ in there}
    return faults + [f"{kind} {name!r} is gone" for kind, name in sorted(gone)]


def _row(record: AuditRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _NAMES}


def _record(row: "Row[Any]") -> AuditRecord:
    """Read a row; one whose columns were changed to another type is no record of ours."""
    expected = {"bigint": int, "text": str, "bytea": bytes}
    values = dict(zip(_NAMES, row, strict=True))
    for name, kind in _KINDS.items():
        may_be_none = name in _MAY_BE_NONE and values[name] is None
        if not may_be_none and not isinstance(values[name], expected[kind]):
            raise ArtifactError(f"record {row[0]}: {name} has been changed to another type")
    return AuditRecord(**values)
