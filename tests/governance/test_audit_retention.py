"""What is kept for how long, what a hold keeps, and what a purge leaves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from governance.trails import USERS, trail_pipeline
from suitably.governance import RETENTION_CLASSES, AuditTrail, RetentionClass
from suitably.governance.retention import _OF_POLICIES, read_retention

FILE = "decisions.sqlite"
KEY = "a key of some length"
NOW = datetime.now(UTC)


def written(monkeypatch: pytest.MonkeyPatch, years_ago: float) -> None:
    """Let what is recorded next have been written so many years ago."""
    at = int((NOW - timedelta(days=365.25 * years_ago)).timestamp() * 1e9)
    monkeypatch.setattr("suitably.governance.chained_log.time.time_ns", lambda: at)


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditTrail:
    """Records 2 to 5 of 12, 6, 4 and 0 years ago, of users 0–2, 3, 4 and 5; kept for five years."""
    written(monkeypatch, 12)
    audit = AuditTrail(tmp_path / FILE, KEY, RetentionClass("house", 5))
    pipeline = trail_pipeline(audit)
    for years, users in ((12, USERS[:3]), (6, [USERS[3]]), (4, [USERS[4]]), (0, [USERS[5]])):
        written(monkeypatch, years)
        pipeline.recommend(users)
    return audit


def emptied(audit: AuditTrail) -> list[int]:
    return [one.seq for one in audit._store.records() if one.body is None]


def test_purge_takes_what_has_run_out_and_the_trail_still_verifies(
    trail: AuditTrail, tmp_path: Path
) -> None:
    anchor = trail.head[1]
    receipt = trail.receipt(USERS[0])
    held = trail._store.tail().count
    payload = next(trail._store.records(2, 3)).payload
    assert payload is not None
    done = trail.purge()
    assert (done.record, done.purged, done.held) == (held, (2, 3), ())
    assert emptied(trail) == [2, 3]
    found = trail.verify(anchor)
    assert (found.ok, found.purged, found.count) == (True, 2, 7)
    assert str(found) == "7 records are whole, 2 of them purged"
    assert trail.decisions(USERS[0]) == []
    assert trail.decisions(USERS[4]) == ["4:0"]
    assert trail.purge() == type(done)(None, (), ())
    assert trail.head[0] == 7
    st.governance.check_receipt(receipt, anchor)  # what a customer has goes on proving it
    with pytest.raises(st.DataError, match="purged"):
        trail.receipt(USERS[0])
    trail.close()  # nothing of it lingers in the files
    assert not any(payload[:48] in file.read_bytes() for file in tmp_path.iterdir())
    assert AuditTrail(tmp_path / FILE, KEY).verify(anchor).ok


def test_purged_bytes_are_gone_also_where_the_file_is_not_made_anew(
    trail: AuditTrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = next(trail._store.records(2, 3)).payload
    assert payload is not None
    monkeypatch.setattr("suitably.governance.sqlite_store._rewritten", lambda connection: None)
    assert trail.purge().purged == (2, 3)
    trail.close()
    assert not any(payload[:48] in file.read_bytes() for file in tmp_path.iterdir())


def test_earlier_moment_purges_less_and_a_later_one_is_refused(trail: AuditTrail) -> None:
    with pytest.raises(st.DataError, match="still to come"):
        trail.purge(NOW + timedelta(days=1))
    for bad in ("soon", pd.NaT, object()):
        with pytest.raises(st.DataError, match="now"):
            trail.purge(bad)
    assert trail.purge(NOW - timedelta(days=3 * 365)).purged == (2,)


@pytest.mark.parametrize(
    ("years", "purged"), [(12, (2,)), (13, ()), (6, (2, 3)), (4, (2, 3, 4)), (1, (2, 3, 4))]
)
def test_years(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: int, purged: tuple[int, ...]
) -> None:
    written(monkeypatch, 12.01)
    audit = AuditTrail(tmp_path / FILE, KEY, [RetentionClass("house", years)])
    pipeline = trail_pipeline(audit)
    for age in (12.01, 6.01, 4.01, 0):
        written(monkeypatch, age)
        pipeline.recommend(USERS[:1])
    assert audit.purge().purged == purged


def test_all_classes_of_a_record_must_have_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch, 9)
    own = [RetentionClass("house", 5), RetentionClass("court", 10)]
    audit = AuditTrail(tmp_path / FILE, KEY, {"levels": own})
    trail_pipeline(audit).recommend(USERS[:1])
    assert audit.purge().purged == ()
    written(monkeypatch, 11)
    trail_pipeline(audit).recommend(USERS[:1])
    assert audit.purge().purged == (4,)


def test_years_from_the_end_of_the_contract(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / FILE, KEY, "cn-nfra")
    pipeline = trail_pipeline(audit)
    pipeline.recommend(USERS[:2])
    audit.rotate("another key of some length")
    pipeline.recommend(USERS[1:3])
    ends = pd.DataFrame(
        {
            "user_id": USERS[:4],
            "ended_at": [NOW - timedelta(days=365 * years) for years in (6, 7, 4, 9)],
        }
    )
    assert audit.purge().purged == ()  # of nobody it is known that the contract has ended
    assert audit.purge(contracts_ended=ends[:1]).purged == ()  # the other's runs on
    assert audit.purge(contracts_ended=ends).purged == (2,)
    running = ends.assign(ended_at=[None, *ends["ended_at"][1:]])
    assert audit.purge(contracts_ended=running).purged == ()
    ends.loc[2, "ended_at"] = NOW - timedelta(days=365 * 6)
    assert audit.purge(contracts_ended=ends).purged == (4,)
    assert audit.verify().ok


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"user_id": ["x"]}), "no column 'ended_at'"),
        (pd.DataFrame({"ended_at": ["2020-01-01"]}), "no column 'user_id'"),
        (pd.DataFrame({"user_id": [None], "ended_at": ["2020-01-01"]}), "no id"),
        (pd.DataFrame({"user_id": ["x"], "ended_at": ["yesterday"]}), "ended_at"),
        (7, "contracts_ended"),
    ],
)
def test_bad_ends_of_contracts(trail: AuditTrail, frame: Any, message: str) -> None:
    with pytest.raises(st.DataError, match=message):
        trail.purge(contracts_ended=frame)
    assert emptied(trail) == []


def test_without_a_class_it_is_kept_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch, 200)
    audit = AuditTrail(tmp_path / FILE, KEY)
    trail_pipeline(audit).recommend(USERS[:1])
    assert audit.purge().purged == ()


def test_class_stands_in_the_record_whatever_the_trail_is_opened_with(
    trail: AuditTrail, tmp_path: Path
) -> None:
    again = AuditTrail(tmp_path / FILE, KEY, RetentionClass("house", 50))
    assert next(trail._store.records(2, 3)).facts["retention"] == [["house", 5, "decision"]]
    assert again.purge().purged == (2, 3)


def test_hold_keeps_a_user_until_it_is_released(trail: AuditTrail, tmp_path: Path) -> None:
    hold = trail.hold("case 7", user_id=USERS[1])
    (held,) = trail.holds
    assert (held.id, held.reason, held.decision, held.records) == (hold, "case 7", None, (2,))
    assert USERS[1] not in repr(held)
    done = AuditTrail(tmp_path / FILE, KEY).purge()
    assert (done.purged, done.held) == ((3,), (2,))
    trail.release(hold, "settled")
    assert trail.holds == ()
    with pytest.raises(st.DataError, match="no hold 6 is in force"):
        trail.release(hold, "again")
    assert trail.purge().purged == (2,)
    assert trail.verify().ok


def test_hold_keeps_a_decision(trail: AuditTrail) -> None:
    trail.hold("complaint", decision="3:0")
    assert trail.holds[0].records == (3,)
    assert (trail.purge().purged, trail.purge().held) == ((2,), (3,))
    assert trail.verify().ok


def test_hold_keeps_what_is_decided_later_even_under_another_key(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = trail.hold("case 7", user_id=USERS[7])
    pipeline = trail_pipeline(trail)
    written(monkeypatch, 8)
    pipeline.recommend([USERS[7]])
    pipeline.recommend([USERS[8]])
    trail.rotate("another key of some length")
    pipeline.recommend([USERS[7]])
    pipeline.recommend([USERS[8]])  # nobody can tell that this is not theirs
    assert (trail.purge().purged, trail.purge().held) == ((2, 3, 9), (8, 11, 12))
    trail.hold("case 7, under the new key", user_id=USERS[7])
    trail.release(hold, "held anew")
    assert trail.purge().purged == (12,)
    assert trail.verify().ok


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give a user_id or a decision"),
        ({"user_id": "x", "decision": "2:0"}, "give a user_id or a decision"),
        ({"decision": "2:9"}, "is not on record"),
        ({"decision": "0:0"}, "is not on record"),
        ({"decision": "02:0"}, "must be as 12:34"),
        ({"decision": 2}, "must be as 12:34"),
        ({"user_id": "x", "reason": " "}, "say why"),
        ({"user_id": "x", "reason": None}, "say why"),
    ],
)
def test_bad_holds(trail: AuditTrail, given: Any, message: str) -> None:
    with pytest.raises(st.DataError, match=message):
        trail.hold(**{"reason": "case 7", **given})
    assert trail.head[0] == 6
    with pytest.raises(st.DataError, match="no hold"):
        trail.release(0, "why not")


def test_hold_that_comes_while_a_purge_looks_is_kept(
    trail: AuditTrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suitably.governance import purge

    other, looked = AuditTrail(tmp_path / FILE, KEY), purge.purge_body

    def meanwhile(*given: Any) -> dict[str, Any]:
        if other.head[0] == 6:
            other.hold("just in time", user_id=USERS[3])
        return looked(*given)

    monkeypatch.setattr(purge, "purge_body", meanwhile)
    done = trail.purge()
    assert (done.purged, done.held) == ((2,), (3,))
    assert trail.verify().ok


@pytest.mark.parametrize(
    ("purged", "problem"),
    [
        ([2], "record 6: purges record 2, which record 5 holds"),
        ([1], "record 6: purges record 1, which is none of decisions before it"),
        ([9], "record 6: purges record 9, which is none of decisions before it"),
    ],
)
def test_purge_of_anything_else_is_found(tmp_path: Path, purged: list[int], problem: str) -> None:
    audit = AuditTrail(tmp_path / FILE, KEY)
    pipeline = trail_pipeline(audit)
    for n in range(3):
        pipeline.recommend([USERS[n]])
    audit.hold("case 7", user_id=USERS[0])
    body = {"now": NOW.isoformat(), "purged": [{"records": purged, "retention": []}]}
    audit._log.append("purge", body, emptied=purged)  # as somebody with the key might
    assert problem in [str(one) for one in audit.verify().problems]


def test_emptied_without_a_purge_is_found(trail: AuditTrail) -> None:
    trail._log.append("release", {"hold": 0, "reason": "none"}, emptied=[3])
    assert [str(one) for one in trail.verify().problems] == [
        "record 3: is empty, and no record says that it was purged"
    ]


def test_classes_by_the_policies() -> None:
    def names(*policies: str, given: Any = None) -> list[str]:
        return [one.name for one in read_retention(given).of(policies)]

    assert names("cn-nfra-2025", "cn-csrc-amac", "concentration") == ["cn-csrc", "cn-nfra"]
    assert names("mine") == names() == []
    assert names("mine", "eu-mifid", given={"mine": "cn-csrc"}) == ["cn-csrc", "eu-mifid"]
    assert names("eu-mifid", given={"eu-mifid": []}) == []
    assert names("eu-mifid", given="us-sec") == ["us-sec"]
    assert all(one.source for one in RETENTION_CLASSES.values())
    regimes = Path(st.suitability.policy.__file__).parent / "regimes"
    assert set(_OF_POLICIES) <= {path.stem for path in regimes.glob("*.toml")}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RetentionClass("", 5), "name"),
        (lambda: RetentionClass("x", 0), "years=0"),
        (lambda: RetentionClass("x", 2.5), "years=2.5"),  # type: ignore[arg-type]
        (lambda: RetentionClass("x", True), "years=True"),
        (lambda: RetentionClass("x", 5, "birth"), "since='birth'"),  # type: ignore[arg-type]
        (lambda: read_retention("cn-nfr"), "did you mean cn-nfra"),
        (lambda: read_retention({"mine": "cn-nfr"}), "no class of that name"),
    ],
)
def test_bad_classes(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
