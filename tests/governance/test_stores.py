"""What every store of audit records does, be it a file or a database server."""

import os
import sqlite3
from collections.abc import Sequence
from multiprocessing import get_context
from threading import Thread
from typing import Any

import pytest

from suitably.governance import sqlite_store
from suitably.governance.audit_record import AuditRecord
from suitably.governance.audit_trail import open_store
from suitably.governance.store import Chained, Store, Tail


def chained(*facts: int, size: int = 3) -> Chained:
    """Return what chains a record for each fact to the end of a log."""

    def chain(tail: Tail) -> list[AuditRecord]:
        made: list[AuditRecord] = []
        for fact in facts:
            last = made[-1].hash if made else tail.last
            seq, root = tail.count + len(made), bytes(31) + b"\x01"
            made.append(
                AuditRecord.of(seq, "decisions", 7, {"fact": fact}, b"p" * size, root, last)
            )
        return made

    return chain


def facts(records: Sequence[AuditRecord]) -> list[int]:
    return [record.facts["fact"] for record in records]


def is_chained(store: Store) -> bool:
    last, seq = bytes(32), 0
    for record in store.records():
        if not record.is_whole or record.previous != last or record.seq != seq:
            return False
        last, seq = record.hash, seq + 1
    return seq == store.tail().count


def test_records_come_back_as_they_were(place: str) -> None:
    store = open_store(place)
    assert store.tail() == Tail(0, bytes(32))
    assert list(store.records()) == list(store.backwards()) == store.hashes() == []
    made = [*store.append(chained(*range(20))), *store.append(chained(20, size=2_000_000))]
    for found in (store, open_store(place), open_store(place, read_only=True)):
        assert list(found.records()) == made
        assert list(found.backwards()) == made[::-1]
        assert list(found.records(3, 5)) == made[3:5]
        assert list(found.records(18)) == made[18:]
        assert list(found.records(9, 9)) == list(found.records(21)) == []
        assert list(found.records(kinds=["trail", "decisions"])) == made
        assert list(found.backwards(["trail"])) == list(found.records(0, 9, ["key"])) == []
        assert list(found.backwards(["decisions"])) == made[::-1]
        assert found.hashes() == [one.hash for one in made]
        assert found.hashes(19) == [one.hash for one in made[19:]]
        assert found.tail() == Tail(21, made[-1].hash)
        assert found.faults() == []
    assert store.append(lambda tail: []) == []
    store.close()
    assert store.tail().count == 21  # it opens again when it is used


def test_error_while_chaining_leaves_everything_as_it_was(place: str) -> None:
    store = open_store(place)
    made = list(store.append(chained(1, 2)))

    def fails(tail: Tail) -> list[AuditRecord]:
        chained(3)(tail)
        raise KeyboardInterrupt

    for call in (lambda: store.append(fails), lambda: store.purge([0], fails)):
        with pytest.raises(KeyboardInterrupt):
            call()
        assert list(store.records()) == made
    store.append(chained(3))
    assert is_chained(store)


def test_purge_empties_records_and_says_so_at_once(place: str) -> None:
    store = open_store(place)
    before = list(store.append(chained(1, 2, 3)))
    (note,) = store.purge([0, 2], chained(4))
    after = list(store.records())
    assert [one.body is None and one.payload is None for one in after] == [True, False, True, False]
    assert [one.hash for one in after] == [*(one.hash for one in before), note.hash]
    assert is_chained(store)
    store.purge([0], chained(5))  # again: as if it were for the first time
    assert is_chained(store)
    assert store.faults() == []


def test_threads_append_in_turn(place: str) -> None:
    stores = [open_store(place), open_store(place)]
    threads = [
        Thread(target=lambda s=store, n=n: [s.append(chained(100 * n + i)) for i in range(8)])
        for n, store in enumerate([*stores, stores[0]])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = facts(list(stores[0].records()))
    assert sorted(found) == [100 * n + i for n in range(3) for i in range(8)]
    for n in range(3):  # each in its own order
        assert [fact for fact in found if fact // 100 == n] == [100 * n + i for i in range(8)]
    assert is_chained(stores[1])


def _append(place: str, first: int, count: int) -> None:
    store = open_store(place)
    for fact in range(first, first + count):
        store.append(chained(fact))


def test_processes_append_in_turn(place: str) -> None:
    context = get_context("spawn")
    jobs = [context.Process(target=_append, args=(place, 100 * n, 25)) for n in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    store = open_store(place)
    assert sorted(facts(list(store.records()))) == [
        100 * n + i for n in range(2) for i in range(25)
    ]
    assert is_chained(store)


def test_fork_opens_a_connection_of_its_own(place: str) -> None:
    store = open_store(place)
    store.append(chained(1))
    child = os.fork()
    if not child:
        try:
            store.append(chained(2))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    store.append(chained(3))
    assert facts(list(store.records())) == [1, 2, 3]
    assert is_chained(store)


def test_read_only_writes_nothing(place: str) -> None:
    open_store(place).append(chained(1))
    store = open_store(place, read_only=True)
    with pytest.raises(OSError, match="nothing was recorded"):
        store.append(chained(2))
    assert facts(list(store.records())) == [1]


class Refusing:
    """A connection that another one keeps from turning to a write-ahead log a few times."""

    def __init__(self, times: int, code: int = sqlite3.SQLITE_BUSY) -> None:
        self.left, self.code = times, code

    def execute(self, statement: str) -> None:
        if self.left:
            self.left -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.code
            raise error


def test_a_new_file_is_opened_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses this statement at once, however long it waits for others."""
    waiting: Any = Refusing(3)
    sqlite_store._write_ahead(waiting)
    assert waiting.left == 0
    full: Any = Refusing(1, sqlite3.SQLITE_FULL)
    with pytest.raises(sqlite3.OperationalError):
        sqlite_store._write_ahead(full)
    monkeypatch.setattr(sqlite_store, "_WAIT_S", -1.0)
    for_good: Any = Refusing(2)
    with pytest.raises(sqlite3.OperationalError):
        sqlite_store._write_ahead(for_good)
