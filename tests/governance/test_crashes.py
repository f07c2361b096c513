"""Crashes at any point: what was acknowledged is on record, and the chain verifies."""

import os
import resource
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from governance.trails import USERS, trail_pipeline
from suitably.governance import AuditTrail, RetentionClass
from suitably.governance.head_file import head_path, read_head

KEY = "a key of some length"
FIRST = pd.Timestamp("2024-02-01")
KILLS = 10


def decided(audit: AuditTrail) -> list[int]:
    """Return which decisions are on record, by the days of `as_of`."""
    moments = (one.facts["header"]["as_of"] for one in audit._store.records(kinds=("decisions",)))
    return [(pd.Timestamp(moment) - FIRST).days for moment in moments]


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Fork; return the child's id, and the pipe on which it acknowledges."""
    here, there = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(here)
            work(there)
        finally:
            os._exit(1)
    os.close(there)
    return child, here


def acknowledged(pipe: int) -> list[int]:
    """Return what a child that is gone has acknowledged."""
    with os.fdopen(pipe, "rb") as lines:
        return [int(line) for line in lines.read().split(b"\n")[:-1]]


def _line(pipe: int) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        found += os.read(pipe, 1)
    return found


def deciding(pipeline: Any, start: int) -> Callable[[int], None]:
    """Decide something as of a day after another, and acknowledge it."""

    def work(pipe: int) -> None:
        day = start
        while True:
            pipeline.recommend(USERS[:3], k=2, as_of=FIRST + pd.Timedelta(days=day))
            os.write(pipe, b"%d\n" % day)
            day += 1

    return work


def test_kill_at_any_time_loses_nothing_acknowledged(place: str) -> None:
    pipeline = trail_pipeline(AuditTrail(place, KEY))
    pipeline.recommend(USERS[:1])
    draw, known = Random(5), {0}
    for attempt in range(KILLS):
        child, pipe = in_child(deciding(pipeline, max(known) + 1))
        first = b"" if attempt % 2 else _line(pipe)  # half of them in full flight
        time.sleep(0.1 * draw.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        promised = {*acknowledged(pipe), *map(int, first.split())}
        audit = AuditTrail(place, KEY)
        audit._store.append(lambda tail: [])  # a server may still be at what it was told last
        found = decided(audit)
        assert found == list(range(len(found)))
        assert promised | known <= set(found)
        assert len(set(found) - known - promised) <= 1  # what was under way
        assert audit.verify().ok
        known = set(found)
        audit.close()
    assert len(known) > KILLS // 2
    pipeline.recommend(USERS[:1])  # who was there before goes on
    assert AuditTrail(place, KEY).verify().ok


def killed(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("what", "recorded"),
    [
        ("suitably.governance.chained_log.AuditRecord.of", 0),  # while nobody else may write
        ("suitably.governance.chained_log.write_head", 1),
        ("suitably.utils.files.os.replace", 1),
        ("suitably.utils.files.os.fsync", 1),
    ],
)
def test_killed_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, recorded: int
) -> None:
    path = tmp_path / "decisions.sqlite"
    pipeline = trail_pipeline(AuditTrail(path, KEY))
    pipeline.recommend(USERS[:1])

    def work(pipe: int) -> None:
        monkeypatch.setattr(what, killed)
        pipeline.recommend(USERS[:2], as_of=FIRST + pd.Timedelta(days=1))

    child, pipe = in_child(work)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert acknowledged(pipe) == []
    beside = read_head(head_path(path))
    assert beside is not None
    assert beside.count == 3
    audit = AuditTrail(path, KEY)
    assert decided(audit) == [0, 1][: 1 + recorded]
    assert audit.verify().ok  # also while the head beside it is a record behind
    pipeline.recommend(USERS[:1], as_of=FIRST + pd.Timedelta(days=2))
    assert audit.verify().ok
    assert read_head(head_path(path)).count == 4 + recorded  # type: ignore[union-attr]


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    draw = Random(7)
    for attempt in range(KILLS):
        path = tmp_path / f"{attempt}.sqlite"
        child, pipe = in_child(lambda pipe, path=path: AuditTrail(path) and killed())  # type: ignore[misc]
        time.sleep(0.03 * draw.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(pipe)
        audit = AuditTrail(path)
        assert (audit.head[0], audit.verify().ok) == (1, True)


def test_killed_after_a_purge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "decisions.sqlite"
    audit = AuditTrail(path, KEY, RetentionClass("house", 1))
    pipeline = trail_pipeline(audit)
    with monkeypatch.context() as patched:
        patched.setattr("suitably.governance.chained_log.time.time_ns", lambda: 10**18)
        pipeline.recommend(USERS[:1])
    for moment, purged in ((("chained_log.AuditRecord.of"), 0), ("sqlite_store._rewritten", 1)):

        def work(pipe: int, moment: str = moment) -> None:
            monkeypatch.setattr(f"suitably.governance.{moment}", killed)
            audit.purge()

        child, pipe = in_child(work)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        os.close(pipe)
        found = AuditTrail(path, KEY).verify()
        assert (found.ok, found.purged) == (True, purged)


def test_file_that_must_not_grow(tmp_path: Path) -> None:
    """What a full disk does: the system itself refuses to write."""
    path = tmp_path / "decisions.sqlite"
    pipeline = trail_pipeline(AuditTrail(path, KEY))
    pipeline.recommend(USERS[:1])

    def work(pipe: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        most = Path(f"{path}-wal").stat().st_size + 300_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        try:
            deciding(pipeline, 1)(pipe)
        except OSError as error:
            told = "nothing was recorded" in str(error)
            os._exit(0 if told and pipeline.audit.verify().ok else 2)

    child, pipe = in_child(work)
    assert os.waitpid(child, 0)[1] == 0
    promised = acknowledged(pipe)
    audit = AuditTrail(path, KEY)
    assert len(promised) > 1
    assert decided(audit) == [0, *promised]
    assert audit.verify().ok
    pipeline.recommend(USERS[:1])
    assert audit.verify().ok


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can read, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_read_only_place(open_folder: Path) -> None:
    path = open_folder / "decisions.sqlite"
    pipeline = trail_pipeline(AuditTrail(path, KEY))
    pipeline.recommend(USERS[:1])
    pipeline.audit.close()
    before = {file.name: file.read_bytes() for file in open_folder.iterdir()}
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(0o555)

    def work(pipe: int) -> None:
        if not os.geteuid():
            os.setuid(65534)  # root may write anywhere
        for attempt in (lambda: AuditTrail(path, KEY).record, lambda: pipeline.recommend(USERS)):
            try:
                attempt()
                pipeline.recommend(USERS)
            except OSError as error:
                os.write(pipe, b"%d\n" % ("nothing was recorded" in str(error)))
        os._exit(0)

    child, pipe = in_child(work)
    assert os.waitpid(child, 0)[1] == 0
    assert acknowledged(pipe) == [1, 1]
    open_folder.chmod(0o755)
    assert {file.name: file.read_bytes() for file in open_folder.iterdir()} == before


def test_locked_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suitably.governance.sqlite_store._WAIT_S", 0.05)
    path = tmp_path / "decisions.sqlite"
    pipeline = trail_pipeline(AuditTrail(path, KEY))
    pipeline.recommend(USERS[:1])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OSError, match="locked; nothing was recorded"):
        pipeline.recommend(USERS[:1])
    other.execute("ROLLBACK")
    pipeline.recommend(USERS[:1])
    assert AuditTrail(path, KEY).verify().count == 4


def test_made_by_several_at_once(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    here, there = os.pipe()  # a gate: closed, it lets all of them go at once

    def work(pipe: int) -> None:
        os.close(there)
        os.read(here, 1)
        audit = AuditTrail(path)
        audit.rotate()  # each by a key of its own, which none must lose
        os.write(pipe, b"1\n")
        os._exit(0)

    children = [in_child(work) for _ in range(4)]
    os.close(there)
    os.close(here)
    for child, pipe in children:
        assert os.waitpid(child, 0)[1] == 0
        assert acknowledged(pipe) == [1]
    audit = AuditTrail(path)
    assert [one.kind for one in audit._store.records()] == ["trail", *["key"] * 4]
    named = {one.facts["key"] for one in audit._store.records()}
    assert all(audit._keys.of(name) is not None for name in named)
    assert audit.verify().ok
