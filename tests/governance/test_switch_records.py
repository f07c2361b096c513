"""Switches on record: under pseudonyms, verified, kept by a purge, and known to a replay."""

from pathlib import Path
from typing import Any

import pytest

import suitably as st
from governance.trails import USERS, recorded, trail_pipeline
from suitably.governance import AuditTrail, RetentionClass
from suitably.governance.subjects import subject_of
from suitably.monitoring import Monitor
from suitably.serving import Switches, SwitchState, switched

KEY = "a key of some length"
WHY = {"reason": "a test", "by": "me"}


def test_what_is_on_record(place: str) -> None:
    audit = AuditTrail(place, KEY)
    switches = Switches(None)
    switches.off("user", USERS[3], audit=audit, **WHY)
    switches.off("product", "fund 2", audit=audit, **WHY)
    switches.off("policy", "levels", audit=audit, **WHY)
    switches.off("everything", audit=audit, **WHY)
    switches.on("user", USERS[3], audit=audit, reason="over", by="you")
    found = audit.switches
    assert [(one.action, one.kind, one.id) for one in found] == [
        ("off", "user", None), ("off", "product", "fund 2"), ("off", "policy", "levels"),
        ("off", "everything", None), ("on", "user", None),
    ]  # fmt: skip
    mine = subject_of(USERS[3], KEY.encode()).hex()
    assert [one.subject for one in found] == [mine, None, None, None, mine]
    assert (found[-1].reason, found[-1].by) == ("over", "you")
    assert found[0].at <= found[-1].at
    assert audit.verify().ok
    bodies = b"".join(record.body or b"" for record in audit._store.records())
    assert USERS[3].encode() not in bodies
    assert found[0].to_dict()["kind"] == "user"


@pytest.mark.parametrize(
    "said",
    [
        ("away", "product", "a", "r", "b"), ("off", "shop", "a", "r", "b"),
        ("off", "product", None, "r", "b"), ("off", "user", None, "r", "b"),
        ("off", "everything", "a", "r", "b"), ("off", "product", "a", " ", "b"),
        ("off", "product", "a", "r", ""), ("off", "product", "a", "r", None),
    ],
)  # fmt: skip
def test_what_is_no_switch_is_not_recorded(tmp_path: Path, said: Any) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite", KEY)
    with pytest.raises(st.DataError, match="switch"):
        audit.switch(*said)
    assert audit.head[0] == 1


def test_a_record_that_says_something_else_is_found(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite", KEY)
    audit._log.append("switch", {"action": "off", "kind": "shop"})
    (problem,) = audit.verify().problems
    assert problem.seq == 1
    assert "cannot be read" in problem.what


def test_a_changed_record_is_found(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    audit = AuditTrail(path, KEY)
    audit.switch("off", "product", "a", "r", "b")
    audit.close()
    whole = path.read_bytes()
    changed = whole.replace(b'"id":"a"', b'"id":"b"')
    assert changed != whole
    path.write_bytes(changed)
    assert not AuditTrail(path, KEY).verify().ok


def test_a_purge_leaves_them_and_a_hold_does_not_mind(tmp_path: Path, monkeypatch: Any) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite", KEY, RetentionClass("house", 1))
    pipeline = trail_pipeline(audit)
    with monkeypatch.context() as patched:
        patched.setattr("suitably.governance.chained_log.time.time_ns", lambda: 10**18)
        audit.switch("off", "user", USERS[0], "r", "b")
        pipeline.recommend(USERS[:2])
    audit.hold("a claim", user_id=USERS[0])
    assert audit.purge().purged == ()
    audit.release(audit.holds[0].id, "done")
    assert len(audit.purge().purged) == 1
    assert [one.kind for one in audit.switches] == ["user"]
    assert audit.verify().ok


def test_a_watch_reads_past_them(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    monitor = Monitor(baseline_days=1)
    first = monitor.observe_audit(audit)
    audit.switch("off", "product", "fund 1", "r", "b")
    assert monitor.observe_audit(audit) == 0
    narrowed = switched(pipeline, SwitchState(products=frozenset({"fund 1"})))
    narrowed.recommend(USERS[:5], k=6, as_of="2024-03-02")
    audit.switch("on", "product", "fund 1", "r", "b")
    assert first > 0
    assert monitor.observe_audit(audit) == 5
    assert monitor.observe_audit(audit) == 0


STATES = [
    SwitchState(),
    SwitchState(users=frozenset({USERS[4], "nobody"})),
    SwitchState(users=frozenset({USERS[1]})),
    SwitchState(products=frozenset({"fund 0", "gone"})),
    SwitchState(policies=frozenset({"levels"})),
    SwitchState(everything=True, products=frozenset({"fund 5"})),
]


@pytest.mark.parametrize("state", STATES, ids=repr)
def test_decisions_are_replayed_as_they_were_made(tmp_path: Path, state: SwitchState) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite", KEY)
    pipeline = trail_pipeline(audit)
    narrowed = switched(pipeline, state)
    narrowed.recommend([USERS[4], "nobody", USERS[0], USERS[1]], k=3)
    narrowed.recommend([USERS[4]], k=6, product_ids=["fund 0", "fund 5"])
    narrowed.recommend([USERS[4], USERS[5]], k=2, stepwise=True)
    assert audit.verify().ok
    other = switched(pipeline, SwitchState(products=frozenset({"fund 3"})))
    for user in (USERS[4], USERS[0], USERS[1], USERS[5], "nobody"):
        for decision in audit.decisions(user):
            for asked in (pipeline, narrowed, other):  # whatever is off by now
                found = audit.replay(decision, asked)
                assert found.same, found
        receipt = audit.receipt(user)
        st.governance.check_receipt(receipt, audit.head[1])
    facts = [record.facts for record in audit._store.records(kinds=("decisions",))]
    assert all(("off" in one) is state.any for one in facts)
    if state.any:
        assert set(facts[0]["off"]) == {"everything", "policies", "products"}


def test_a_list_that_was_kept_empty_says_so(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite", KEY)
    pipeline = trail_pipeline(audit)
    switched(pipeline, SwitchState(users=frozenset({USERS[4]}))).recommend([USERS[4]], k=3)
    receipt = audit.receipt(USERS[4])
    assert receipt["short"] == [["switched-off", 6]]
    assert "0 products could have been listed" in receipt["words"]["en"]


def test_with_nothing_off_a_record_is_what_it_always_was(tmp_path: Path) -> None:
    audit, _ = recorded(tmp_path)
    for record in audit._store.records(kinds=("decisions",)):
        assert "switched-off" not in record.facts["header"]["reasons"]
        assert "off" not in record.facts
