"""A real PostgreSQL server: nothing can be changed unseen, and what fails says why."""

import copy
import pickle
import re

import pytest

import suitably as st
from governance.test_stores import chained, is_chained
from governance.trails import USERS, trail_pipeline
from suitably.governance import AuditTrail
from suitably.governance.audit_trail import open_store
from support.postgres import Cluster

pytestmark = pytest.mark.services
KEY = "a key of some length"


def name_of(address: str) -> str:
    found = re.search(r"/(\w+)\?", address)
    assert found is not None
    return found[1]


def change(cluster: Cluster, address: str, *statements: str) -> None:
    """Change records as somebody with the database in their hands would, leaving no trace."""
    whole = [
        "ALTER TABLE suitably_audit.records DISABLE TRIGGER USER", *statements,
        "ALTER TABLE suitably_audit.records ENABLE TRIGGER USER",
    ]  # fmt: skip
    cluster.sql("; ".join(whole), name_of(address))


def recorded(address: str) -> AuditTrail:
    audit = AuditTrail(address, key=KEY)
    pipeline = trail_pipeline(audit)
    pipeline.recommend(k=3)
    pipeline.recommend([USERS[4], "nobody"], k=2)
    return audit


def test_pipeline_records_and_anybody_verifies(database: str) -> None:
    audit = recorded(database)
    assert audit.head[0] == 4
    assert audit.decisions(USERS[4]) == ["3:0", "2:4"]
    found = audit.verify(audit.head[1])
    assert (found.ok, found.count, found.truncation_checked) == (True, 4, True)
    assert not audit.verify().truncation_checked  # a server has no head beside it
    for other in (copy.deepcopy(audit), pickle.loads(pickle.dumps(audit))):
        assert other.head == audit.head
    with pytest.raises(st.ArtifactError, match="present key is another one"):
        AuditTrail(database, key="another key of some length")
    with pytest.raises(ValueError, match="give one, since there is no file beside"):
        AuditTrail(database)


def test_nothing_shows_the_password(database: str) -> None:
    audit = recorded(database)
    assert "secret" not in repr(audit)
    absent = database.replace(name_of(database), "absent")
    with pytest.raises(OSError, match="absent") as caught:
        AuditTrail(absent, key=KEY)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("seq", range(4))
def test_any_change_of_any_column_is_found(cluster: Cluster, database: str, seq: int) -> None:
    audit = recorded(database)
    audit.close()
    anchor = audit.head[1]
    audit.close()
    name = name_of(database)
    columns = cluster.sql(
        "SELECT table_schema || '.' || table_name, column_name, data_type "
        "FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', "
        "'information_schema')", name,
    )  # fmt: skip
    assert len(columns) == 10
    cluster.sql("CREATE TABLE public.kept AS SELECT * FROM suitably_audit.records", name)
    for table, one, kind in columns:
        values = {
            "bytea": ["''", r"'\x00'", f"overlay({one} placing '\\x7f' from 2)",
                      f"{one} || '\\x00'::bytea"],
            "bigint": [f"{one} + 40", "-1"],
            "text": ["''", "'key'", f"{one} || ' '"],
        }[kind]  # fmt: skip
        for value in values:
            row = f"SELECT md5(r::text) FROM suitably_audit.records r WHERE seq = {seq}"
            before = cluster.sql(row, name)
            change(cluster, database, f"UPDATE {table} SET {one} = {value} WHERE seq = {seq}")
            if cluster.sql(row, name) != before:
                found = open_and_verify(database, anchor)
                assert not found.ok, (table, one, value)
                assert any(p.seq is None or abs(p.seq - seq) <= 1 for p in found.problems)
            change(
                cluster, database, "DELETE FROM suitably_audit.records",
                "INSERT INTO suitably_audit.records SELECT * FROM public.kept",
            )  # fmt: skip
    assert open_and_verify(database, anchor).ok


def open_and_verify(address: str, anchor: str) -> st.governance.Verification:
    from suitably.governance.verification import verify_records

    store = open_store(address, read_only=True)
    try:
        return verify_records(store, None, anchor)
    finally:
        store.close()


def test_lost_records_are_found_by_the_anchor_alone(cluster: Cluster, database: str) -> None:
    audit = recorded(database)
    anchor = audit.head[1]
    audit.close()
    change(cluster, database, "DELETE FROM suitably_audit.records WHERE seq = 3")
    again = AuditTrail(database, key=KEY)
    assert again.verify().ok
    assert not again.verify(anchor).ok


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("CREATE TABLE suitably_audit.other (x int)", "table 'other' is not its own"),
        ("CREATE VIEW suitably_audit.other AS SELECT 1", "view 'other' is not its own"),
        ("ALTER TABLE suitably_audit.records ADD note text", "column 'note' is not its own"),
        ("ALTER TABLE suitably_audit.records ALTER at TYPE int", "column 'at' has been changed"),
        ("ALTER TABLE suitably_audit.records DISABLE TRIGGER keep",
         "trigger 'keep' has been changed"),
        ("DROP TRIGGER keep_all ON suitably_audit.records", "trigger 'keep_all' is gone"),
        ("CREATE RULE r AS ON INSERT TO suitably_audit.records DO INSTEAD NOTHING",
         "rule 'r' is not its own"),
        ("CREATE OR REPLACE FUNCTION suitably_audit.keep() RETURNS trigger LANGUAGE plpgsql AS "
         "'BEGIN RETURN new; END'", "function 'keep' has been changed"),
    ],
)  # fmt: skip
def test_changed_schema_is_found(
    cluster: Cluster, database: str, statement: str, fault: str
) -> None:
    store = open_store(database)
    store.append(chained(1))
    cluster.sql("SET search_path = public; " + statement, name_of(database))
    assert fault in store.faults()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE suitably_audit.records SET at = 0", "DELETE FROM suitably_audit.records",
     "TRUNCATE suitably_audit.records",
     "UPDATE suitably_audit.records SET body = NULL, payload = NULL, at = 0"],
)  # fmt: skip
def test_plain_statements_change_nothing(cluster: Cluster, database: str, statement: str) -> None:
    store = open_store(database)
    made = list(store.append(chained(1)))
    with pytest.raises(Exception, match="audit records are never changed or deleted"):
        cluster.sql(statement, name_of(database))
    assert list(store.records()) == made


def test_something_else_and_other_schemas(cluster: Cluster, database: str) -> None:
    name = name_of(database)
    with pytest.raises(st.ArtifactError, match="there is no audit trail"):
        open_store(database, read_only=True)
    cluster.sql("CREATE SCHEMA suitably_audit", name)
    with pytest.raises(st.ArtifactError, match="holds 'something else'"):
        open_store(database)
    cluster.sql("COMMENT ON SCHEMA suitably_audit IS 'suitably audit trail, schema 9'", name)
    with pytest.raises(st.ArtifactError, match=r"schema 9.*this version reads.*schema 1"):
        open_store(database)
    with pytest.raises(st.DataError, match="only postgresql\\+psycopg is known"):
        open_store("mysql://somewhere/db")
    with pytest.raises(st.DataError, match="cannot be read"):
        open_store("://somewhere")


def test_no_right_to_write(cluster: Cluster, database: str) -> None:
    open_store(database).append(chained(1))
    cluster.sql(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; "
        "GRANT USAGE ON SCHEMA suitably_audit TO reader; "
        "GRANT SELECT ON suitably_audit.records TO reader", name_of(database),
    )  # fmt: skip
    store = open_store(database.replace("//trail:", "//reader:"))
    with pytest.raises(PermissionError, match=r"permission denied.*nothing was recorded"):
        store.append(chained(2))
    assert is_chained(store)
    store.close()
    cluster.sql("DROP OWNED BY reader", name_of(database))


def test_server_that_crashes_keeps_what_was_acknowledged(cluster: Cluster, database: str) -> None:
    store = open_store(database)
    made = list(store.append(chained(1, 2)))
    cluster.stop()
    with pytest.raises(OSError, match="nothing was recorded"):
        store.append(chained(3))
    cluster.start()
    assert list(store.records()) == made
    made += store.append(chained(3))
    assert list(store.records()) == made
    assert is_chained(store)


def test_connection_lost_before_the_commit(cluster: Cluster, database: str) -> None:
    store = open_store(database)
    store.append(chained(1))

    def cut(tail: object) -> list[object]:
        cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name_of(database)}' AND pid <> pg_backend_pid()"
        )
        return chained(2)(tail)  # type: ignore[arg-type, return-value]

    with pytest.raises(OSError, match="nothing was recorded"):
        store.append(cut)  # type: ignore[arg-type]
    store.append(chained(3))
    assert [one.facts["fact"] for one in store.records()] == [1, 3]
    assert is_chained(store)
