"""What is on record, that nothing of it can be changed unseen, and that it names nobody."""

import copy
import os
import pickle
import sqlite3
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import suitably as st
from governance.trails import USERS, recorded, trail_pipeline
from suitably.governance import AuditTrail
from suitably.governance.merkle import leaf_hash, merkle_root

FILE = "decisions.sqlite"


def test_everything_is_on_record_and_nobody_is_named(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    records = list(audit._store.records())
    assert [one.kind for one in records] == ["trail", "catalogue", *["decisions"] * 3]
    header = records[2].facts["header"]
    assert header["policies"] == [["levels", "7", pipeline.policies[0].fingerprint]]
    assert (header["as_of"], header["k"], header["exclude_owned"]) == (
        "2024-02-01T00:00:00",
        3,
        True,
    )
    assert header["inputs"] == [
        ["user.level", "number"], ["user.birth_date", "moment"], ["user.topics", "value"],
        ["user.region", "value"], ["user.careful", "boolean"],
    ]  # fmt: skip
    assert records[2].facts["exclusions"]["level"] > 0
    assert records[3].facts["narrowed"] == ["fund 0", "fund 5"]
    assert records[4].facts["header"]["as_of"] == "2024-03-01T12:30:00"
    whole = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not [name for name in (b"kunde", b"nobody") if name in whole]
    assert audit.decisions(USERS[4]) == ["4:0", "3:0", "2:4"]
    assert audit.decisions("nobody") == ["3:1"]
    assert audit.decisions("somebody else") == []


def test_head_is_the_root_over_the_records(tmp_path: Path) -> None:
    audit, _ = recorded(tmp_path)
    leaves = [leaf_hash(one.hash) for one in audit._store.records()]
    assert audit.head == (5, merkle_root(leaves).hex())
    assert AuditTrail(tmp_path / FILE, key="a key of some length").head == audit.head
    assert (tmp_path / f"{FILE}.head").read_text() == f"5 {audit.head[1]}\n"


def test_whole_trail_verifies_and_every_earlier_head_anchors_it(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    anchor = audit.head[1]
    pipeline.recommend([USERS[1]])
    for asked in (None, anchor, audit.head[1]):
        found = audit.verify(asked)
        assert found.ok, found
        assert (found.count, found.truncation_checked) == (6, True)
    assert str(audit.verify()) == "6 records are whole"
    assert not audit.verify("0" * 64).ok
    (tmp_path / f"{FILE}.head").unlink()
    assert (audit.verify().ok, audit.verify().truncation_checked) == (True, False)
    assert "was not checked" in str(audit.verify())


def _changed(tmp_path: Path, *statements: str) -> Any:
    """Change a trail as somebody with the file in their hands would, and look through it."""
    connection = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    connection.execute("DROP TRIGGER IF EXISTS keep")
    connection.execute("DROP TRIGGER IF EXISTS fixed")
    for statement in statements:
        connection.execute(statement)
    from suitably.governance.sqlite_store import _STATEMENTS

    for statement in _STATEMENTS[1:]:
        connection.execute(statement)
    connection.close()
    from suitably.governance.audit_trail import open_store
    from suitably.governance.head_file import head_path, read_head
    from suitably.governance.verification import verify_records

    return verify_records(
        open_store(tmp_path / FILE, read_only=True), read_head(head_path(tmp_path / FILE)), None
    )


def _columns(tmp_path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(tmp_path / FILE)
    tables = [name for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")]  # fmt: skip
    return [(table, row[1]) for table in tables
            for row in connection.execute(f"PRAGMA table_info({table})")]  # fmt: skip


@pytest.mark.parametrize("seq", range(5))
def test_any_change_of_any_column_of_any_table_is_found(tmp_path: Path, seq: int) -> None:
    audit, _ = recorded(tmp_path)
    audit.close()
    columns = _columns(tmp_path)
    assert ("records", "payload") in columns
    original = (tmp_path / FILE).read_bytes()
    for table, column in columns:
        for value in ("NULL", "x'00'", "'x'", "7", f"CAST({column} AS TEXT) || 'x'",
                      f"CAST(substr({column}, 2) AS BLOB)"):  # fmt: skip
            (tmp_path / FILE).write_bytes(original)
            before = _row(tmp_path, seq)
            try:
                found = _changed(
                    tmp_path, f"UPDATE {table} SET {column} = {value} WHERE seq = {seq}"
                )
            except sqlite3.IntegrityError:
                continue  # the table itself refuses it
            if _row(tmp_path, seq) != before:
                assert not found.ok, (table, column, value)
                assert any(p.seq is None or abs(p.seq - seq) <= 2 for p in found.problems)


def _row(tmp_path: Path, seq: int) -> Any:
    connection = sqlite3.connect(tmp_path / FILE)
    return connection.execute("SELECT * FROM records WHERE seq = ?", (seq,)).fetchone()


@pytest.mark.parametrize("seq", range(5))
def test_any_record_that_is_gone_is_found(tmp_path: Path, seq: int) -> None:
    audit, _ = recorded(tmp_path)
    audit.close()
    found = _changed(tmp_path, f"DELETE FROM records WHERE seq = {seq}")
    assert not found.ok
    if seq < 4:
        assert found.problems[0].seq == seq
    else:
        assert str(found.problems[0]) == "the last 1 records are missing, by the head beside it"


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE records SET seq = 99 WHERE seq = 2", "UPDATE records SET seq = 2 WHERE seq = 3",
         "UPDATE records SET seq = 3 WHERE seq = 99"],
        ["INSERT INTO records SELECT 5, kind, at, body_digest, payload_digest, root, previous, "
         "hash, body, payload FROM records WHERE seq = 4"],
        ["CREATE TABLE other (x)"],
        ["CREATE VIEW other AS SELECT * FROM records"],
        ["DELETE FROM records"],
        ["UPDATE records SET body = NULL, payload = NULL WHERE seq = 3"],
    ],
)  # fmt: skip
def test_moved_added_and_emptied_records_are_found(tmp_path: Path, statements: list[str]) -> None:
    audit, _ = recorded(tmp_path)
    audit.close()
    assert not _changed(tmp_path, *statements).ok


def test_chain_that_is_rewritten_as_a_whole_is_caught_by_the_anchor(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    audit, _ = recorded(tmp_path / "a")
    other, _ = recorded(tmp_path / "b")
    assert other.verify().ok
    assert not other.verify(audit.head[1]).ok
    short = tmp_path / "a" / f"{FILE}.head"
    anchor = audit.head[1]
    audit.close()
    assert not _changed(tmp_path / "a", "DELETE FROM records WHERE seq = 4").ok
    short.unlink()
    again = AuditTrail(tmp_path / "a" / FILE, key="a key of some length")
    assert again.verify().ok
    assert not again.verify(anchor).ok


def test_records_gone_while_it_is_open_stop_the_next(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    _changed(tmp_path, "DELETE FROM records WHERE seq = 4")
    with pytest.raises(st.ArtifactError, match="changed or taken away since; nothing was recorded"):
        pipeline.recommend([USERS[0]])
    assert audit._store.tail().count == 4


def test_rows_are_never_changed_by_plain_statements(tmp_path: Path) -> None:
    audit, _ = recorded(tmp_path)
    audit.close()
    connection = sqlite3.connect(tmp_path / FILE)
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        connection.execute("DELETE FROM records WHERE seq = 4")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("UPDATE records SET at = 0")


def test_threads_and_trails_append_in_turn(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    other = trail_pipeline(AuditTrail(tmp_path / FILE, key="a key of some length"))
    threads = [
        Thread(target=lambda one=one, n=n: [one.recommend([USERS[n]], k=2) for _ in range(5)])
        for n, one in enumerate([pipeline, pipeline, other])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.head[0] == 5 + 1 + 15  # the other has named its catalogue too
    assert audit.verify().ok


def _append(path: str, count: int) -> None:
    pipeline = trail_pipeline(AuditTrail(path, key="a key of some length"))
    for _ in range(count):
        pipeline.recommend([USERS[5]], k=1)


def test_processes_append_in_turn(tmp_path: Path) -> None:
    context = get_context("spawn")
    jobs = [context.Process(target=_append, args=(str(tmp_path / FILE), 6)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    audit = AuditTrail(tmp_path / FILE, key="a key of some length")
    assert audit.head[0] == 1 + 2 + 12
    assert audit.verify().ok


def test_fork_goes_on_recording(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    child = os.fork()
    if not child:
        try:
            pipeline.recommend([USERS[0]], k=1)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    pipeline.recommend([USERS[0]], k=1)
    assert audit.head[0] == 7
    assert audit.verify().ok


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / FILE
    audit = AuditTrail(path)
    kept = tmp_path / f"{FILE}.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    pipeline = trail_pipeline(audit)
    pipeline.recommend([USERS[0]])
    audit.rotate()
    pipeline.recommend([USERS[0]])
    audit.rotate()
    pipeline.recommend([USERS[0]])
    assert audit.decisions(USERS[0]) == ["6:0", "4:0", "2:0"]
    subjects = {one.payload[:16] for one in audit._store.records() if one.kind == "decisions"}  # type: ignore[index]
    assert len(subjects) == 3
    assert AuditTrail(path).decisions(USERS[0]) == ["6:0", "4:0", "2:0"]
    assert copy.deepcopy(audit).head == pickle.loads(pickle.dumps(audit)).head == audit.head
    latest = bytes.fromhex(kept.read_text().split()[-1])
    assert AuditTrail(path, key=latest).decisions(USERS[0]) == ["6:0"]
    with pytest.raises(ValueError, match="give the new one"):
        AuditTrail(path, key=latest).rotate()
    with pytest.raises(ValueError, match="has been used"):
        audit.rotate(latest)
    kept.unlink()
    with pytest.raises(st.ArtifactError, match="present key is another one"):
        AuditTrail(path)
    with pytest.raises(st.ArtifactError, match="present key is another one"):
        AuditTrail(path, key="another key of some length")


def test_another_process_takes_up_a_rotated_key(tmp_path: Path) -> None:
    ours, theirs = AuditTrail(tmp_path / FILE), AuditTrail(tmp_path / FILE)
    pipeline = trail_pipeline(theirs)
    pipeline.recommend([USERS[0]])
    ours.rotate()
    pipeline.recommend([USERS[0]])
    subjects = {one.payload[:16] for one in ours._store.records() if one.kind == "decisions"}  # type: ignore[index]
    assert len(subjects) == 2
    assert theirs.decisions(USERS[0]) == ours.decisions(USERS[0]) == ["4:0", "2:0"]
    (tmp_path / f"{FILE}.key").unlink()
    pipeline.recommend([USERS[0]])  # the key is lost to who opens it next, not to who holds it
    assert theirs.decisions(USERS[0])[0] == "5:0"


def test_threads_name_a_catalogue_once(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / FILE)
    pipeline = trail_pipeline(audit)
    threads = [Thread(target=pipeline.recommend, args=([user],)) for user in USERS[:8]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [one.kind for one in audit._store.records()]
    assert sorted(kinds) == ["catalogue", *["decisions"] * 8, "trail"]


def test_same_pseudonyms_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suitably.governance.subjects.keyed_digest", lambda one, key: bytes(32))
    audit = AuditTrail(tmp_path / FILE)
    pipeline = trail_pipeline(audit)
    with pytest.raises(st.ArtifactError, match="two users have the same pseudonym"):
        pipeline.recommend()
    assert audit.head[0] == 1


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"not a database, but a text that is long enough to be one" * 20, st.ArtifactError,
         "is damaged, or no audit trail"),
        (None, st.ArtifactError, "is a database of something else"),
    ],
)  # fmt: skip
def test_something_else_at_the_path(
    tmp_path: Path, content: bytes | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / FILE
    if content is None:
        sqlite3.connect(path).execute("CREATE TABLE mine (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(error, match=message):
        AuditTrail(path)
    assert path.read_bytes() == before


def test_other_schema_and_other_places(tmp_path: Path) -> None:
    audit, _ = recorded(tmp_path)
    audit.close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(st.ArtifactError, match="of schema 9, and this version reads 1"):
        AuditTrail(tmp_path / FILE, key="a key of some length")
    with pytest.raises(st.DataError, match="no such folder"):
        AuditTrail(tmp_path / "nowhere" / FILE)
    with pytest.raises(ValueError, match="key: has 5 bytes"):
        AuditTrail(tmp_path / "other.sqlite", key="short")


def _refused(pipeline: st.Pipeline) -> str | None:
    try:
        pipeline.recommend()
    except OSError as error:
        return str(error)
    return None


def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    head = audit.head
    pages = audit._store._connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
    audit._store._connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]
    error = None
    while error is None:
        head = audit.head
        error = _refused(pipeline)
    assert "full; nothing was recorded" in error
    assert audit.head == head
    assert audit.verify().ok
    audit._store._connection.execute("PRAGMA max_page_count = 1000000")  # type: ignore[attr-defined]
    pipeline.recommend()
    assert audit.verify().ok


def test_evaluation_records_nothing(tmp_path: Path) -> None:
    bank = st.data.simulate_bank(users=300, products=40, seed=0)
    audit = AuditTrail(tmp_path / FILE)
    arms = [
        st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker, audit=audit)
        for ranker in (st.ranking.Popularity(), st.ranking.ItemKNN())
    ]
    split = st.evaluation.TimeSplit(at="2023-06-01", horizon_days=180)
    st.ABTest(control=arms[0], treatment=arms[1], metrics=["ndcg@5"]).run(bank, split)
    arms[0].fit(bank, as_of="2023-06-01")
    st.ABTest(control=arms[0], treatment=arms[1], metrics=["ndcg@5"]).run(bank, split)
    assert audit.head[0] == 1
    arms[0].with_audit(None).recommend(k=2)
    assert arms[0].with_audit(None).audit is None
    assert audit.head[0] == 1
    arms[0].recommend(k=2)
    assert audit.head[0] == 3
