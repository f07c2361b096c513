"""Opening a trail: where it is kept, and whether it is one of these keys."""

import secrets
from pathlib import Path

from suitably.errors import ArtifactError, DataError
from suitably.governance.audit_key import KeyRing, key_id
from suitably.governance.chained_log import ChainedLog
from suitably.governance.postgres_store import PostgresStore
from suitably.governance.sqlite_store import SQLiteStore
from suitably.governance.store import Store

__all__ = ["begin", "open_store", "shown_place"]

_SCHEMA = 1


def begin(log: ChainedLog, store: Store, keys: KeyRing) -> None:
    """Open a log with a record of its own, or check that it is one of these keys.

    Raises:
        ArtifactError: Something else is there, a trail of another schema, or of another key.
    """
    if not store.tail().count:
        body = {"key": key_id(keys.current), "schema": _SCHEMA, "trail": secrets.token_hex(16)}
        log.append("trail", body, expected=0)  # unless another process was first
    first, latest = None, None
    for record in store.records(0, 1):
        first = record.facts
    if first is None or first.get("schema") != _SCHEMA:
        raise ArtifactError(f"{log.where}: begins with no record that this version reads")
    for record in store.backwards(("key", "trail")):
        latest = record.facts.get("key")
        break
    if not isinstance(latest, str) or not keys.use(latest):
        raise ArtifactError(
            f"{log.where}: its present key is another one than that given; open it "
            f"with the key of its latest records"
        )


def shown_place(path: str | Path) -> str:
    """Return how to call a trail: an address without its password."""
    return str(path).rsplit("@", 1)[-1]


def open_store(path: str | Path, read_only: bool = False) -> Store:
    """Open the store at a path, or at the address of a database server."""
    if "://" in str(path):
        return PostgresStore(str(path), read_only)
    place = Path(path)
    if not place.parent.is_dir():
        raise DataError(f"{place.parent}: no such folder")
    return SQLiteStore(place, read_only)
